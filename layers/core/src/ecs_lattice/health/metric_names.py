"""The names of the metrics, dimensions and alarms for the health of routes.

There is one set of three dimensions, because CloudWatch bills each combination of dimensions as a separate metric.
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
"""The targets of a route by status (count), with the names of the statuses."""
BY_STATUS = (HEALTHY, UNHEALTHY, INITIAL, DRAINING, UNUSED, UNAVAILABLE)
IMPAIRED = "Impaired"
"""1 when a route is impaired in that minute, else 0; no value while it is unknown. The metric of its alarm."""
UNKNOWN = "Unknown"
"""For a route: 1 when its health could not be determined. For the stack: the number of such routes."""
ROUTES = "Routes"
"""How many routes of the stack have a target group (count)."""
HEARTBEAT = "Heartbeat"
"""1 for each completed run of the probe."""
SIDE = "Side"
"""The dimension, beside Owner, of the metrics of reconciles: ``ecsService`` or ``latticeService``."""
RECONCILES, REFUSALS, FAILURES, AWS_CALLS = "Reconciles", "Refusals", "Failures", "AwsCalls"
"""1 for each reconcile, 1 when it was refused, 1 when it failed, and the number of its AWS API calls (counts)."""


def dimensions(lattice_service: str, service: ServiceId, route: str) -> dict[str, str]:
    """The dimensions of one route's metrics."""
    return {LATTICE_SERVICE: lattice_service, ECS_SERVICE: str(service), ROUTE: route}


def alarm_prefix(owner: str) -> str:
    """The prefix of the names of all alarms of a stack, those of the stack itself included."""
    return f"ecs-lattice/{owner}/"


STACK_ALARMS = frozenset(
    (
        "probe-silent",
        "dead-letters",
        *(f"{name}-{kind}" for kind in ("errors", "throttles") for name in (
            "ecs-events", "ecs-service", "lattice-service", "resync", "lattice-ingress", "target-health", "alarm",
        )),
        *(f"{queue}-{kind}" for kind in ("dead-letters", "age") for queue in (
            "ecs-events", "ecs-services", "lattice-services", "alarms",
        )),
    )
)  # fmt: skip
"""The alarms of the stack itself: ``<prefix>stack/<name>`` in the template."""


def alarm_name(owner: str, lattice_service: str, service: ServiceId, route: str) -> str:
    """The name of a route's alarm: readable, and shortened with a hash where it would exceed CloudWatch's 255 characters."""
    name = f"{alarm_prefix(owner)}{lattice_service}/{service}/{route}"
    if len(name) <= _ALARM_NAME_LIMIT:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:_HASH_CHARACTERS]
    return f"{name[: _ALARM_NAME_LIMIT - _HASH_CHARACTERS - 1]}-{digest}"


_ALARM_NAME_LIMIT, _HASH_CHARACTERS = 255, 12
