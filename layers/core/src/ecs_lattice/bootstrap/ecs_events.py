"""What ``ecs_events`` runs."""

from functools import cache
from typing import TYPE_CHECKING

from ecs_lattice.bootstrap.common import Wiring
from ecs_lattice.consumers.ecs_events import EventRouter

if TYPE_CHECKING:
    from ecs_lattice.consumers.drift import DriftRequests


def event_router(wiring: Wiring) -> EventRouter:
    """The consumer of the events queue."""

    @cache
    def drift() -> "DriftRequests":
        from ecs_lattice.consumers.drift import DriftRequests  # noqa: PLC0415  only calls to VPC Lattice need it

        return DriftRequests(wiring.registry, wiring.requests, wiring.now)

    return EventRouter(wiring.registry, wiring.requests, wiring.dead_letters("ecs_events"), wiring.now, drift)
