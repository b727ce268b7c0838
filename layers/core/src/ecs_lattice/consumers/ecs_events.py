"""From the events queue to the reconcilers' queues: parse each message, coalesce, enqueue.

A message that no retry can fix goes to the dead-letter queue with its reason.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ecs_lattice.errors import UnknownEventError
from ecs_lattice.messages.ecs import ParsedEvent, parse_event
from ecs_lattice.messages.recognise import parse_body
from ecs_lattice.messages.requests import ReconcileRequest
from ecs_lattice.ports import DeadLetters, Documents, Now, RequestQueue
from ecs_lattice.telemetry import logger

if TYPE_CHECKING:
    from ecs_lattice.consumers.drift import DriftRequests


@dataclass(frozen=True, slots=True)
class EventRouter:
    """The consumer of the events queue."""

    documents: Documents
    requests: RequestQueue
    dead_letters: DeadLetters
    now: Now
    drift: "Callable[[], DriftRequests]"
    """What takes calls to VPC Lattice by others; most starts do not load it."""

    def work(self, event: Mapping[str, Any]) -> dict[str, list[dict[str, str]]]:
        """Handle an SQS batch, or a single message, for which the answer names what it enqueued.

        No message of a batch fails alone: either all of its requests are enqueued or SQS delivers the batch again. Raises
        UnknownEventError for a single message that is unknown: the caller gets it, not the dead-letter queue.
        """
        if "Records" in event:
            self._enqueue([self._parse(record["body"]) for record in event["Records"]])
            return {"batchItemFailures": []}
        requests = self._enqueue([parse_event(event, self.now())])
        return {"enqueued": [{"kind": request.kind, "key": request.key} for request in requests]}

    def _parse(self, body: str) -> ParsedEvent:
        try:
            return parse_event(parse_body(body), self.now())
        except UnknownEventError as error:
            logger.error("An event was rejected and moved to the dead-letter queue", reason=str(error))
            self.dead_letters.put(body, str(error), self.now())
            return ParsedEvent()

    def _enqueue(self, parsed: list[ParsedEvent]) -> list[ReconcileRequest]:
        """Enqueue one request per key, the oldest, and those for calls to VPC Lattice."""
        requests = self._coalesced(parsed)
        self._enqueue_drifted(parsed)
        self.requests.enqueue(requests)
        logger.info("Enqueued", messages=len(parsed), keys=[request.key for request in requests])
        return requests

    def _enqueue_drifted(self, parsed: list[ParsedEvent]) -> None:
        """Calls count only for what the registry knows."""
        if calls := {lattice_id: event.call for event in parsed for lattice_id in event.lattice_ids}:
            self.drift().enqueue(calls)

    def _coalesced(self, parsed: list[ParsedEvent]) -> list[ReconcileRequest]:
        """One request per key, the oldest. Task events count only for services whose targets we register."""
        of_tasks = {request.key for event in parsed if event.is_task_event for request in event.requests}
        registering = self._registering(of_tasks) if of_tasks else frozenset()
        requests: dict[tuple[str, str], ReconcileRequest] = {}
        for event in parsed:
            for request in event.requests:
                if not event.is_task_event or request.key in registering:
                    first = requests.setdefault((request.kind, request.key), request)
                    requests[request.kind, request.key] = min(first, request, key=lambda request: request.requested_at)
        return list(requests.values())

    def _registering(self, arns: Collection[str]) -> Collection[str]:
        """Those of the services whose targets this application registers itself."""
        # Only task events need what the ECS side remembers: other starts do not load it.
        from ecs_lattice.ecs_side.record import registers_targets  # noqa: PLC0415

        return {arn for arn, text in self.documents.documents_of("ecs", arns).items() if registers_targets(text)}
