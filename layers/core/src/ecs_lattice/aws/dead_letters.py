"""Messages that no retry can mend go to the dead-letter queue by hand, with their reason: redrive cannot carry one."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ecs_lattice.aws.errors import translated

if TYPE_CHECKING:
    from types_boto3_sqs import SQSClient

_ATTRIBUTE_LENGTH = 1000


class DeadLetters:
    """The queue for what is refused; attributes ``reason``, ``function`` and ``at`` (ISO 8601, UTC)."""

    def __init__(self, client: "SQSClient", queue_url: str, function: str) -> None:
        self._client = client
        self._queue_url = queue_url
        self._function = function

    def put(self, body: str, reason: str, now: float) -> None:
        attributes = {
            "reason": reason[:_ATTRIBUTE_LENGTH],
            "function": self._function,
            "at": datetime.fromtimestamp(now, tz=UTC).isoformat(timespec="seconds"),
        }
        with translated("SendMessage"):
            self._client.send_message(
                QueueUrl=self._queue_url,
                MessageBody=body,
                MessageAttributes={
                    name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()
                },
            )
