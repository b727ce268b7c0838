"""From the events queue to the reconcilers' queues: hear what each message says, fold, ring once.

What no retry can mend (an unknown shape) goes to the dead-letter queue with its reason and is done.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from ecs_lattice.errors import UnknownEventError
from ecs_lattice.messages.ecs import ParsedEvent, parse_event
from ecs_lattice.messages.requests import ReconcileRequest
from ecs_lattice.ports import Now, Registry, RequestQueue
from ecs_lattice.telemetry import logger


class DeadLetters(Protocol):
    """Where a message goes that no retry can mend."""

    def put(self, body: str, reason: str, now: float) -> None: ...


@dataclass(frozen=True, slots=True)
class EventRouter:
    """The consumer of the events queue."""

    registry: Registry
    requests: RequestQueue
    dead_letters: DeadLetters
    now: Now

    def work(self, event: Mapping[str, Any]) -> dict[str, list[dict[str, str]]]:
        """Handle an SQS batch, or one message by itself, for which the answer says what it rang.

        Nothing of a batch fails alone: either all of its bells are rung or the batch comes again. UnknownEventError for a
        message by itself that says nothing: whoever invoked the function hears it, no dead-letter queue has to.
        """
        if "Records" not in event:
            return {
                "enqueued": [
                    {"kind": request.kind, "key": request.key}
                    for request in self._enqueue([parse_event(event, self.now())])
                ]
            }
        self._enqueue([self._parse_event(record["body"]) for record in event["Records"]])
        return {"batchItemFailures": []}

    def _enqueue(self, parsed: list[ParsedEvent]) -> list[ReconcileRequest]:
        requests = self._coalesce(parsed)
        self.requests.enqueue(requests)
        logger.info("Heard", messages=len(parsed), enqueued=[request.key for request in requests])
        return requests

    def _parse_event(self, body: str) -> ParsedEvent:
        try:
            return parse_event(_object(body), self.now())
        except UnknownEventError as error:
            logger.error("An event was refused and put into the dead-letter queue", reason=str(error))
            self.dead_letters.put(body, str(error), self.now())
            return ParsedEvent()

    def _coalesce(self, parsed: list[ParsedEvent]) -> list[ReconcileRequest]:
        """One bell a key, the one that has rung longest. Tasks ring only for services whose targets we register."""
        in_controller_mode = self._registering(
            {request.key for h in parsed if h.is_task_event for request in h.requests}
        )
        requests: dict[tuple[str, str], ReconcileRequest] = {}
        for request in (b for h in parsed for b in h.requests if not h.is_task_event or b.key in in_controller_mode):
            first = requests.get((request.kind, request.key))
            requests[request.kind, request.key] = (
                request if first is None or request.requested_at < first.requested_at else first
            )
        return list(requests.values())

    def _registering(self, arns: set[str]) -> set[str]:
        if not arns:
            return set()
        # Only events of tasks need what the ECS side remembers: the others start without it.
        from ecs_lattice.ecs_side.record import registers_targets  # noqa: PLC0415

        return {arn for arn, text in self.registry.documents_of("ecs", arns).items() if registers_targets(text)}


def _object(body: str) -> Mapping[str, Any]:
    try:
        message = json.loads(body)
    except ValueError as error:
        raise UnknownEventError(f"A message that is not JSON: {error}.") from error
    if not isinstance(message, dict):
        raise UnknownEventError(f"A message that is a JSON {type(message).__name__}, not an object.")
    return message
