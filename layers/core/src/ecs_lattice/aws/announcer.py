"""The adapter that publishes state changes of routes on the account's default event bus."""

import dataclasses
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import batched
from typing import TYPE_CHECKING, Any

from ecs_lattice import bounds
from ecs_lattice.aws.clients import translating
from ecs_lattice.errors import UnavailableError
from ecs_lattice.messages.announcements import DETAIL_TYPE, SOURCE, StateChange
from ecs_lattice.ports import Now

if TYPE_CHECKING:
    from types_boto3_events import EventBridgeClient

_ENTRIES = 10  # Amazon EventBridge API, PutEvents
_MESSAGE = 8000  # an entry may have 1 MB (256 KB in older Regions); ten of these are far below


class EventBridgeAnnouncer:
    """:class:`ecs_lattice.messages.announcements.Announcer` over a boto3 client.

    ``detail`` has ``at`` beside the change: the time in milliseconds, because the event's own ``time`` has whole seconds.
    """

    def __init__(self, client: "EventBridgeClient", owner: str, now: Now) -> None:
        self._client = translating(client)
        self._owner = owner
        self._now = now

    def announce(self, changes: Sequence[StateChange]) -> None:
        for part in batched(changes, _ENTRIES, strict=False):
            entries: list[Any] = [self._entry(change) for change in part]
            answer = self._client.put_events(Entries=entries)
            if answer.get("FailedEntryCount"):
                failed = [entry for entry in answer["Entries"] if entry.get("ErrorCode")]
                reasons = sorted({f"{entry['ErrorCode']}: {entry.get('ErrorMessage')}" for entry in failed})
                raise UnavailableError(
                    "PutEvents",
                    "PartialFailure",
                    f"{answer['FailedEntryCount']} events were not published: {', '.join(reasons)}",
                )

    def _entry(self, change: StateChange) -> dict[str, Any]:
        at = datetime.fromtimestamp(self._now(), tz=UTC)
        members = dataclasses.asdict(dataclasses.replace(change, message=bounds.cut(change.message, _MESSAGE)))
        detail = {_camel(name): value for name, value in members.items()}
        return {
            "Time": at,
            "Source": SOURCE,
            "DetailType": DETAIL_TYPE,
            "Resources": [change.ecs_service],
            "Detail": json.dumps({**detail, "owner": self._owner, "at": at.isoformat(timespec="milliseconds")}),
        }


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(word.capitalize() for word in others)
