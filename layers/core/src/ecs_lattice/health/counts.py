"""The targets of a group, counted by their status in VPC Lattice."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from ecs_lattice.health import metric_names

_NOT_ANSWERING = ("UNHEALTHY", "INITIAL", "DRAINING", "UNUSED")


@dataclass(frozen=True, slots=True)
class Counts:
    """How many targets have each status (VPC Lattice API, TargetSummary)."""

    by_status: Counter[str]

    @property
    def unhealthy(self) -> int:
        """Targets that fail health checks."""
        return self.by_status["UNHEALTHY"]

    @property
    def answering(self) -> int:
        """Targets that receive requests and are not known to fail: UNAVAILABLE is the status of targets without health checks,
        and a target with a status that this version does not know may well answer."""
        return self.by_status.total() - sum(self.by_status[status] for status in _NOT_ANSWERING)

    def by_name(self) -> dict[str, float]:
        """The counts by their names: Healthy always, the others only where they are not zero."""
        values = {name: float(self.by_status[name.upper()]) for name in metric_names.BY_STATUS}
        return {name: value for name, value in values.items() if value or name == metric_names.HEALTHY}


def count(statuses: Iterable[str]) -> Counts:
    """The statuses of a group's targets, counted."""
    return Counts(Counter(statuses))
