"""The targets of a group, counted by VPC Lattice's status of them."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from ecs_lattice.health import metric_names


@dataclass(frozen=True, slots=True)
class Counts:
    """How many targets have which status (VPC Lattice API, TargetSummary); ``other``: one that this version does not know."""

    healthy: int = 0
    unhealthy: int = 0
    initial: int = 0
    draining: int = 0
    unused: int = 0
    unavailable: int = 0
    other: int = 0

    @property
    def answering(self) -> int:
        """Targets that requests go to and that are not known to fail: UNAVAILABLE is what Lattice says of targets that
        nobody checks, and of a status that is not known here nobody can say that it does not answer."""
        return self.healthy + self.unavailable + self.other

    def metrics(self) -> dict[str, float]:
        """The counts by the names of their metrics: Healthy always, the others only where there is one, because
        CloudWatch bills a metric for each hour in which it has a value."""
        others = {
            metric_names.UNHEALTHY: self.unhealthy,
            metric_names.INITIAL: self.initial,
            metric_names.DRAINING: self.draining,
            metric_names.UNUSED: self.unused,
            metric_names.UNAVAILABLE: self.unavailable,
        }
        return {metric_names.HEALTHY: float(self.healthy)} | {
            name: float(value) for name, value in others.items() if value
        }


def count(statuses: Iterable[str]) -> Counts:
    """The statuses of a group's targets, counted."""
    found = Counter(status.lower() for status in statuses)
    known = {name: found.pop(name, 0) for name in _STATUSES}
    return Counts(**known, other=found.total())


_STATUSES = ("healthy", "unhealthy", "initial", "draining", "unused", "unavailable")
