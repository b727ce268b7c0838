"""The state of all ECS services and Lattice services of the stack, as data. Pure.

The members of an answer are part of the interface of the command: within a schema none is renamed.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ecs_lattice import codec
from ecs_lattice.claims import (
    ASSOCIATION_MISSING,
    AUTH_ALLOWS_NOBODY,
    VANISHED,
    WAITING_FOR_TARGETS,
    ClaimRecord,
    LatticeRecord,
)
from ecs_lattice.ecs_side.record import EcsRecord
from ecs_lattice.ecs_side.status import ON_THE_WAY, WAITING_FOR_DEPLOYMENT, RouteStatus
from ecs_lattice.model import ListenerKey, Match, Route, ServiceId
from ecs_lattice.outcome import Problem

SCHEMA = 1
"""Of the answers of ``query``. It rises when a member is renamed or means something else."""

type Targets = Mapping[str, Mapping[str, int]]
"""How many targets of a group have each status of VPC Lattice, by the ARN of the group. A group that could not be read is
missing."""

_STAGES = {*(stage.code for stage in ON_THE_WAY.values()), WAITING_FOR_TARGETS.code, VANISHED.code, WAITING_FOR_DEPLOYMENT} | {
    "DEPLOYMENT_ROLLS", "ROUTE_PENDING", "WAITING_FOR_TURN", "GRACE",
}  # fmt: skip
"""The codes of a route that only waits for its turn or for something that goes on."""
_SCHEMES = {"HTTP": ("http", 80), "HTTPS": ("https", 443), "TLS_PASSTHROUGH": ("https", 443)}


@dataclass(frozen=True, slots=True)
class Stored:
    """What the registry holds: ECS services, the claims of their routes, and Lattice services."""

    records: tuple[EcsRecord, ...]
    claims: tuple[ClaimRecord, ...]
    lattice_services: tuple[LatticeRecord, ...] = ()

    @property
    def target_groups(self) -> tuple[str, ...]:
        """The ARNs of the target groups of all routes."""
        groups = {status.group_arn for record in self.records for status in record.statuses}
        return tuple(sorted(filter(None, groups)))


def is_told(record: EcsRecord) -> bool:
    """Whether there is anything to say of the ECS service: one that never asked for anything is not listed."""
    return bool(record.statuses or record.problems)


def ecs_services(stored: Stored, targets: Targets) -> list[dict[str, Any]]:
    """The ECS services with their routes, by ARN."""
    claims: dict[tuple[str, str, str], ClaimRecord] = {}
    for claim in stored.claims:
        claims[claim.claim.service.arn, claim.lattice_service, claim.claim.route.name] = claim
    return [_ecs_service(record, claims, targets) for record in sorted(stored.records, key=lambda each: each.service)]


def lattice_services(stored: Stored) -> list[dict[str, Any]]:
    """The Lattice services by name, with how many claims each has."""
    counts: dict[str, int] = defaultdict(int)
    for claim in stored.claims:
        counts[claim.lattice_service] += 1
    return [
        {
            "name": record.name,
            "arn": record.service_arn,
            "holder": record.holder,
            "networks": [name for name, _ in record.networks],
            "claims": counts[record.name],
            "readAt": record.read_at,
            "dueAt": record.due_at,
            "notKept": [step.what for step in record.repeated],
        }
        for record in sorted(stored.lattice_services, key=lambda each: each.name)
    ]


def _ecs_service(
    record: EcsRecord, claims: Mapping[tuple[str, str, str], ClaimRecord], targets: Targets
) -> dict[str, Any]:
    service = ServiceId(record.service)
    routes = [
        _route(status, claims.get((record.service, status.lattice_service, status.route)), targets)
        for status in record.statuses
    ]
    return {
        "arn": service.arn,
        "cluster": service.cluster,
        "service": service.name,
        "revision": record.effective.name if record.effective else None,
        "problems": [_problem(problem) for problem in record.problems],
        "routes": routes,
    }


def _route(status: RouteStatus, record: ClaimRecord | None, targets: Targets) -> dict[str, Any]:
    route = record.claim.route if record else None
    group = status.group_arn
    return {
        "latticeService": status.lattice_service,
        "route": status.route,
        "state": status.state,
        "code": status.code,
        "message": status.message,
        "command": status.command,
        "isProblem": _is_problem(status, targets.get(group or "", {})),
        "since": status.at,
        "isDeclared": record is not None and record.claim.phase == "declared",
        "match": str(route.match or Match()) if route else None,
        "listeners": [str(listener) for listener in route.listeners] if route else [],
        "url": _url(route, status.domain_name) if route else None,
        "domainName": status.domain_name,
        "port": record.claim.placement.port if record else None,
        "targetGroupArn": group,
        "targets": dict(targets[group]) if group and group in targets else None,
        "notices": [codec.to_data(notice) for notice in status.notices],
    }


def _is_problem(status: RouteStatus, targets: Mapping[str, int]) -> bool:
    """Whether somebody has to do something, or requests fail: not while the route only is on its way."""
    if status.state in {"Refused", "Conflicted"} or (status.code and status.code not in _STAGES):
        return True
    if any(notice.code in {ASSOCIATION_MISSING, AUTH_ALLOWS_NOBODY} for notice in status.notices):
        return True
    return status.state == "Live" and targets.get("UNHEALTHY", 0) > 0 and not targets.get("HEALTHY")


def _problem(problem: Problem) -> dict[str, Any]:
    return {**codec.to_data(problem), "isProblem": problem.code not in _STAGES}


def _url(route: Route, domain_name: str | None) -> str | None:
    """Where a client sends requests for the route; None while its Lattice service has no domain name."""
    host = route.domain or domain_name
    if not host or not route.listeners:
        return None
    listener: ListenerKey = route.listeners[0]
    scheme, usual = _SCHEMES[listener.protocol]
    port = "" if listener.port == usual else f":{listener.port}"
    path = route.match.path.value if route.match and route.match.path else "/"
    return f"{scheme}://{host}{port}{path}"
