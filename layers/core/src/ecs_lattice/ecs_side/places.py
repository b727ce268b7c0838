"""The places for deployments that attach tasks: one document of the registry, written on condition, and who is called."""

from collections.abc import Callable
from dataclasses import dataclass

from ecs_lattice import codec, ports
from ecs_lattice.ecs_side import turns
from ecs_lattice.ecs_side.turns import Turns
from ecs_lattice.errors import ConflictError
from ecs_lattice.messages.requests import ReconcileRequest
from ecs_lattice.outcome import Problem

KIND, KEY = "stack", "attaching"
_ATTEMPTS = 10
_LAST_TEEN = 13


@dataclass(frozen=True, slots=True)
class AttachPlaces:
    """``limit`` places (MaxAttaching). Whoever gets a place while another service asks, or leaves, is enqueued. Every method
    raises ConflictError if others write the document all the time."""

    registry: ports.Documents
    requests: ports.RequestQueue
    limit: int
    now: ports.Now

    def ask(self, service: str, *, has_failed: bool) -> Problem | None:
        """Take a place for the ECS service with this ARN, or wait for it: why it waits, None if it has a place."""
        found = self._change(
            service,
            lambda known: turns.ask(known, service, has_failed=has_failed, limit=self.limit, now=self.now()),
        )
        return None if found.has_place(service) else _waits(found, service)

    def hold(self, service: str) -> None:
        """Keep the place of a service that is attaching."""
        self._change(service, lambda known: turns.hold(known, service, self.now()))

    def leave(self, service: str) -> None:
        """Give up place and turn."""
        self._change(service, lambda known: turns.leave(known, service, limit=self.limit, now=self.now()))

    def _change(self, service: str, change: Callable[[Turns], Turns]) -> Turns:
        for _ in range(_ATTEMPTS):
            text = self.registry.document(KIND, KEY)
            before = codec.loads(Turns, text) if text else Turns()
            after = change(before)
            if after == before:
                return after
            if self.registry.replace_document(KIND, KEY, text, codec.dumps(after)):
                self._call(before, after, service)
                return after
        raise ConflictError("PutItem", "ConflictException", f"{KIND}#{KEY} is being written by others")

    def _call(self, before: Turns, after: Turns, service: str) -> None:
        """Enqueue the services that now have a place. If that is lost, they ask again by themselves."""
        called = [
            turn.service for turn in after.placed if not before.has_place(turn.service) and turn.service != service
        ]
        if called:
            cause, now = "its turn to be attached", self.now()
            self.requests.enqueue([ReconcileRequest("ecsService", arn, cause, now) for arn in called])


def _waits(found: Turns, service: str) -> Problem:
    order = found.order
    place = (
        f"{_ordinal(order.index(service) + 1)} of {len(order)}" if service in order else f"behind {len(order)} others"
    )
    message = (
        f"The ECS service waits for its turn to be attached: {place}. The stack attaches a limited number of services at a "
        "time (parameter MaxAttaching), in turn by ECS cluster."
    )
    return Problem("WAITING_FOR_TURN", message)


def _ordinal(number: int) -> str:
    """1st, 2nd, 3rd, 4th, ... 11th, ... 21st."""
    is_teen = number % 100 in range(11, _LAST_TEEN + 1)
    return f"{number}{'th' if is_teen else {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th')}"
