"""The names under which the health of routes is published: metrics, dimensions, alarms.

One dimension set of three, because CloudWatch bills each combination of dimensions as a metric of its own.
"""

import hashlib

from ecs_lattice.model import ServiceId

NAMESPACE = "EcsLattice"
LATTICE_SERVICE, ECS_SERVICE, ROUTE = "LatticeService", "EcsService", "Route"
"""The dimensions of a route's metrics; EcsService is ``<cluster>/<service>``."""
OWNER = "Owner"
"""The dimension of the metrics of the stack itself."""
HEALTHY, UNHEALTHY, INITIAL, DRAINING, UNUSED, UNAVAILABLE = (
    "Healthy", "Unhealthy", "Initial", "Draining", "Unused", "Unavailable",
)  # fmt: skip
"""Targets by status, a route (count)."""
IMPAIRED = "Impaired"
"""1 when a route is not well in that minute, 0 when it is; no value while nobody can say. What its alarm watches."""
UNKNOWN = "Unknown"
"""A route: 1 when not all could be read that says how it is. The stack: of how many routes."""
ROUTES = "Routes"
"""How many routes of the stack have a target group (count)."""
HEARTBEAT = "Heartbeat"
"""1 for each run of the probe that came to its end."""
SIDE = "Side"
"""The dimension, beside Owner, of the metrics of reconciles: ``ecsService`` or ``latticeService``."""
RECONCILES, REFUSALS, FAILURES, AWS_CALLS = "Reconciles", "Refusals", "Failures", "AwsCalls"
"""1 for each reconcile, 1 when it was refused, 1 when it failed, and how many calls to AWS it made (counts)."""


def dimensions(lattice_service: str, service: ServiceId, route: str) -> dict[str, str]:
    """The dimensions of one route's metrics."""
    return {LATTICE_SERVICE: lattice_service, ECS_SERVICE: str(service), ROUTE: route}


def alarm_prefix(owner: str) -> str:
    """What the names of all alarms of a stack begin with, also those of the stack itself."""
    return f"ecs-lattice/{owner}/"


def alarm_name(owner: str, lattice_service: str, service: ServiceId, route: str) -> str:
    """The name of a route's alarm: readable, and cut with a hash where it would pass CloudWatch's 255 characters."""
    name = f"{alarm_prefix(owner)}{lattice_service}/{service}/{route}"
    if len(name) <= _ALARM_NAME_LIMIT:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:_HASH_CHARACTERS]
    return f"{name[: _ALARM_NAME_LIMIT - _HASH_CHARACTERS - 1]}-{digest}"


_ALARM_NAME_LIMIT, _HASH_CHARACTERS = 255, 12
