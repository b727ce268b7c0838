"""What people are told of each route: the Lattice side's answer and the ECS side's own business as one word."""

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from ecs_lattice.claims import Answer, Claim
from ecs_lattice.outcome import Problem

RouteStateName = Literal[
    "Pending", "Wired", "Attaching", "Live", "Parked", "Removing", "Paused", "Refused", "Conflicted"
]  # fmt: skip

VANISHED = "VANISHED"
"""The code of a route that still serves though nobody declares it any more."""


@dataclass(frozen=True, slots=True)
class RouteStatus:
    """A route as people see it; ``code`` and ``message`` say why it is so, ``at`` since when (epoch seconds)."""

    route: str
    lattice_service: str
    state: RouteStateName
    code: str = ""
    message: str = ""
    at: float = 0.0
    group_arn: str | None = None
    domain_name: str | None = None


@dataclass(frozen=True, slots=True)
class ServiceStatus:
    """All that is known of an ECS service: the revision that routing follows, its routes, and what is wrong."""

    service: str
    effective: str | None = None
    routes: tuple[RouteStatus, ...] = ()
    problems: tuple[Problem, ...] = ()

    def __iter__(self) -> Iterator[RouteStatus]:
        return iter(self.routes)


def of_route(
    claim: Claim, answer: Answer, *, attaching: bool, note: Problem | None, notice: Problem | None = None
) -> RouteStatus:
    """The status of one route. ``attaching``: a deployment of ours hands its tasks over; ``note``: what holds it up;
    ``notice``: what is to be known of it, and holds nothing up."""
    state, code, message = _state(claim, answer, attaching=attaching), answer.code, answer.message
    if claim.phase != "declared" and state == "Live" and not code:
        code, message = VANISHED, "Nobody declares this route any more; it is taken away after the grace time."
    elif note is not None and not code:
        code, message = note.code, note.message
        state = "Refused" if state == "Wired" and not attaching else state
    elif notice is not None and not code:
        code, message = notice.code, notice.message
    return RouteStatus(
        route=claim.route.name,
        lattice_service=claim.route.lattice_service,
        state=state,
        code=code,
        message=message,
        group_arn=claim.own_group or answer.group_arn,
        domain_name=answer.domain_name,
    )


def dated(fresh: Sequence[RouteStatus], known: Sequence[RouteStatus], now: float) -> tuple[RouteStatus, ...]:
    """``fresh`` with the time since which each is so: that of the equal one that is known, or ``now``."""
    since = {dataclasses.replace(one, at=0.0): one.at for one in known}
    return tuple(dataclasses.replace(one, at=since.get(dataclasses.replace(one, at=0.0), now)) for one in fresh)


def _state(claim: Claim, answer: Answer, *, attaching: bool) -> RouteStateName:
    match answer.state:
        case "Wired":
            return "Attaching" if attaching and claim.phase == "declared" else "Wired"
        case "Removed":
            return "Pending" if claim.phase == "declared" else "Removing"
        case "Parked" if claim.phase == "declared":
            return "Pending"
        case "Parked" if claim.named:
            return "Parked"
        case "Parked":
            return "Removing"
        case state:
            return state
