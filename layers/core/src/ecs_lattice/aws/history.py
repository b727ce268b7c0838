"""The history of changes in the registry's table: one item an entry, by day, with a time to live.

pk                    sk                              what
history#<UTC date>    <epoch seconds>#<kind>#<key>    an :class:`~ecs_lattice.history.Entry`
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from ecs_lattice import codec
from ecs_lattice.aws.clients import translating
from ecs_lattice.history import KEPT_SECONDS, Entry

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

    from ecs_lattice.ports import Now


class DynamoHistory:
    """:class:`ecs_lattice.history.History` in the table named ``table``."""

    def __init__(self, client: "DynamoDBClient", table: str, now: "Now") -> None:
        self._client = translating(client, of_stack=True)
        self._table = table
        self._now = now

    def add(self, entry: Entry) -> None:
        item = {
            "pk": {"S": _partition(_date(entry.at))},
            "sk": {"S": f"{_sorted(entry.at)}#{entry.kind}#{entry.key}"},
            "text": {"S": codec.dumps(entry)},
            "expiresAt": {"N": str(int(entry.at + KEPT_SECONDS))},
        }
        self._client.put_item(TableName=self._table, Item=item)

    def since(self, at: float) -> Iterator[Entry]:
        first, last = _date(max(at, self._now() - KEPT_SECONDS)), _date(self._now())
        for days in range((last - first).days + 1):
            pages = self._client.get_paginator("query").paginate(
                TableName=self._table,
                KeyConditionExpression="pk = :pk AND sk >= :since",
                ExpressionAttributeValues={
                    ":pk": {"S": _partition(first + timedelta(days))},
                    ":since": {"S": _sorted(at)},
                },
                ConsistentRead=True,
            )
            for page in pages:
                yield from (codec.loads(Entry, item["text"]["S"]) for item in page["Items"])


def _date(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def _partition(date: datetime) -> str:
    return f"history#{date:%Y-%m-%d}"


def _sorted(at: float) -> str:
    """Texts in the order of the times, to the millisecond."""
    return f"{max(at, 0):014.3f}"
