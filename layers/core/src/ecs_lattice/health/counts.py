"""The targets of a group, counted by their status in VPC Lattice."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from ecs_lattice.health import metric_names

_METRICS = {
    "healthy": metric_names.HEALTHY,
    "unhealthy": metric_names.UNHEALTHY,
    "initial": metric_names.INITIAL,
    "draining": metric_names.DRAINING,
    "unused": metric_names.UNUSED,
    "unavailable": metric_names.UNAVAILABLE,
}
"""The metric of each status."""


@dataclass(frozen=True, slots=True)
class Counts:
    """How many targets have each status (VPC Lattice API, TargetSummary); ``other``: a status that this version does not know."""

    healthy: int = 0
    unhealthy: int = 0
    initial: int = 0
    draining: int = 0
    unused: int = 0
    unavailable: int = 0
    other: int = 0

    @property
    def answering(self) -> int:
        """Targets that receive requests and are not known to fail: UNAVAILABLE is the status of targets without health checks,
        and a target with an unknown status may well answer."""
        return self.healthy + self.unavailable + self.other

    def metrics(self) -> dict[str, float]:
        """The counts by the names of their metrics: Healthy always, the others only where they are not zero, because
        CloudWatch bills a metric for each hour in which it has a value."""
        values = {name: float(getattr(self, status)) for status, name in _METRICS.items()}
        return {name: value for name, value in values.items() if value or name == metric_names.HEALTHY}


def count(statuses: Iterable[str]) -> Counts:
    """The statuses of a group's targets, counted."""
    found = Counter(status.lower() for status in statuses)
    known = {status: found.pop(status, 0) for status in _METRICS}
    return Counts(**known, other=found.total())
