"""The status of a route and of an ECS service, as people see it: values."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from ecs_lattice import claims
from ecs_lattice.claims import Notice
from ecs_lattice.outcome import Problem

RouteStateName = Literal[
    "Pending", "Wired", "Attaching", "Live", "Parked", "Removing", "Paused", "Refused", "Conflicted"
]  # fmt: skip

WAITING_FOR_DEPLOYMENT = "WAITING_FOR_DEPLOYMENT"
"""The code of a route whose ECS service has never completed a deployment: nothing is created for it."""
ON_THE_WAY: Mapping[str, Notice] = {
    **claims.ON_THE_WAY,
    "Attaching": Notice("ATTACHING", "A deployment started by the stack registers the tasks with the target group."),
    "Removing": Notice("REMOVING", "What is left of it in VPC Lattice is being deleted."),
}
"""Why a route is not Live, by its state, where nothing stands in its way."""


@dataclass(frozen=True, slots=True)
class RouteStatus:
    """The status of one route. ``code`` and ``message`` give the reason; ``command`` fixes it,
    where there is one; ``at`` is the time of the last change (epoch seconds). ``notices`` change nothing."""

    route: str
    lattice_service: str
    state: RouteStateName
    code: str = ""
    message: str = ""
    at: float = 0.0
    group_arn: str | None = None
    domain_name: str | None = None
    command: str = ""
    notices: tuple[Notice, ...] = ()


@dataclass(frozen=True, slots=True)
class ServiceStatus:
    """All that is known of an ECS service: its effective revision (``family:revision``), its routes and its
    problems."""

    service: str
    effective: str | None = None
    routes: tuple[RouteStatus, ...] = ()
    problems: tuple[Problem, ...] = ()

    def __iter__(self) -> Iterator[RouteStatus]:
        return iter(self.routes)
