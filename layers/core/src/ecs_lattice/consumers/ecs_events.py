"""From the events queue to the reconcilers' queues: hear what each message says, fold, ring once.

What no retry can mend (an unknown shape) goes to the dead-letter queue with its reason and is done.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from ecs_lattice.errors import UnknownEventError
from ecs_lattice.messages.ecs import Heard, hear
from ecs_lattice.messages.requests import Bell
from ecs_lattice.ports import Bells, Now, Registry
from ecs_lattice.telemetry import logger


class DeadLetters(Protocol):
    """Where a message goes that no retry can mend."""

    def put(self, body: str, reason: str, now: float) -> None: ...


@dataclass(frozen=True, slots=True)
class Intake:
    """The consumer of the events queue."""

    registry: Registry
    bells: Bells
    dead_letters: DeadLetters
    now: Now

    def work(self, event: Mapping[str, Any]) -> dict[str, list[dict[str, str]]]:
        """Handle an SQS batch, or one message by itself, for which the answer says what it rang.

        Nothing of a batch fails alone: either all of its bells are rung or the batch comes again. UnknownEventError for a
        message by itself that says nothing: whoever invoked the function hears it, no dead-letter queue has to.
        """
        if "Records" not in event:
            return {"rung": [{"kind": bell.kind, "key": bell.key} for bell in self._ring([hear(event, self.now())])]}
        self._ring([self._hear(record["body"]) for record in event["Records"]])
        return {"batchItemFailures": []}

    def _ring(self, heard: list[Heard]) -> list[Bell]:
        bells = self._fold(heard)
        self.bells.ring(bells)
        logger.info("Heard", messages=len(heard), rung=[bell.key for bell in bells])
        return bells

    def _hear(self, body: str) -> Heard:
        try:
            return hear(_object(body), self.now())
        except UnknownEventError as error:
            logger.error("An event was refused and put into the dead-letter queue", reason=str(error))
            self.dead_letters.put(body, str(error), self.now())
            return Heard()

    def _fold(self, heard: list[Heard]) -> list[Bell]:
        """One bell a key, the one that has rung longest. Tasks ring only for services whose targets we register."""
        in_controller_mode = self._registering({bell.key for h in heard if h.about_a_task for bell in h.bells})
        bells: dict[tuple[str, str], Bell] = {}
        for bell in (b for h in heard for b in h.bells if not h.about_a_task or b.key in in_controller_mode):
            first = bells.get((bell.kind, bell.key))
            bells[bell.kind, bell.key] = bell if first is None or bell.rang_at < first.rang_at else first
        return list(bells.values())

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
