"""The names of the metrics, dimensions and alarms for the health of routes, and of the members beside the metrics.

CloudWatch bills a metric for each combination of dimensions and each hour in which it has a value. So there is one set of
three dimensions, and a metric is only what an alarm watches (decision 51): everything else is a member of the same log lines, which Logs
Insights finds by its name.
"""

import hashlib

from ecs_lattice.model import ServiceId

NAMESPACE = "EcsLattice"
LATTICE_SERVICE, ECS_SERVICE, ROUTE = "LatticeService", "EcsService", "Route"
"""The dimensions of a route's metrics; EcsService is ``<cluster>/<service>``."""
OWNER = "Owner"
"""The dimension of the metric of the stack itself."""
HEALTHY, UNHEALTHY, INITIAL, DRAINING, UNUSED, UNAVAILABLE = (
    "Healthy", "Unhealthy", "Initial", "Draining", "Unused", "Unavailable",
)  # fmt: skip
"""Members: the targets of a route by status (count), with the names of the statuses."""
BY_STATUS = (HEALTHY, UNHEALTHY, INITIAL, DRAINING, UNUSED, UNAVAILABLE)
IMPAIRED = "Impaired"
"""1 when a route is impaired in that minute, else 0; no value while it is unknown, or while its alarm needs none (decision 55). The
metric of its alarm."""
HEARTBEAT = "Heartbeat"
"""1 for each completed run of the probe. The metric of the alarm about the probe itself."""
UNKNOWN, ROUTES = "Unknown", "Routes"
"""Members beside it: how many routes have a target group, and of how many the health could not be determined (counts); in
the line of a route, Unknown is 1 where that is so."""


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
