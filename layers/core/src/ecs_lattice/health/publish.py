"""What is published of a route and of the stack in one minute. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from ecs_lattice.claims import ClaimRecord
from ecs_lattice.health import metric_names
from ecs_lattice.health.counts import Counts


@dataclass(frozen=True, slots=True)
class Reading:
    """The health of a route in this minute. ``counts`` is None when its targets could not be read, ``impaired`` when it is too
    early to tell; ``is_unknown``: its health could not be determined, because something could not be read."""

    record: ClaimRecord
    counts: Counts | None
    impaired: bool | None
    is_unknown: bool = False

    @property
    def dimensions(self) -> dict[str, str]:
        """The only set of dimensions of the route's metrics."""
        return metric_names.dimensions(
            self.record.lattice_service, self.record.claim.service, self.record.claim.route.name
        )

    @property
    def is_broken(self) -> bool:
        """Whether VPC Lattice may have been changed: the route is impaired, or is Live and nothing forwards to its group."""
        is_unused = self.counts is not None and self.counts.by_status["UNUSED"] > 0
        return self.impaired is True or (is_unused and self.record.answer.state == "Live")

    def metrics(self) -> dict[str, float]:
        """The value of this minute. What is not known has none (never zero), so that an alarm keeps its state."""
        return {} if self.impaired is None else {metric_names.IMPAIRED: float(self.impaired)}

    def members(self) -> dict[str, float]:
        """What stands beside the metric: the targets by status, and that something could not be read."""
        unknown = {metric_names.UNKNOWN: 1.0} if self.is_unknown else {}
        return unknown | (self.counts.by_name() if self.counts is not None else {})


def stack_members(readings: Sequence[Reading]) -> dict[str, float]:
    """What stands beside the heartbeat, the metric of the stack itself, whose dimension is the owner."""
    return {
        metric_names.ROUTES: float(len(readings)),
        metric_names.UNKNOWN: float(sum(reading.is_unknown for reading in readings)),
    }
