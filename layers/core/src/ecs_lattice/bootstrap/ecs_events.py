"""What ``ecs_events`` runs."""

from ecs_lattice.bootstrap.common import Wiring
from ecs_lattice.consumers.ecs_events import EventRouter


def event_router(wiring: Wiring) -> EventRouter:
    """The consumer of the events queue."""
    return EventRouter(wiring.registry, wiring.requests, wiring.dead_letters("ecs_events"), wiring.now)
