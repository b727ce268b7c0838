"""Where the health of targets is read from and published to. Errors are :class:`~ecs_lattice.errors.AwsError`s."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ecs_lattice.health.alarms import Alarm


class MetricsSink(Protocol):
    """Metrics in the namespace of :mod:`ecs_lattice.health.metric_names`."""

    def publish(
        self,
        dimensions: Mapping[str, str],
        values: Mapping[str, float],
        members: Mapping[str, float] | None = None,
        at: float | None = None,
    ) -> None:
        """Publish ``values`` (by metric name) as of now, or of ``at`` (epoch seconds), with ``dimensions`` as their only set of dimensions, in a line of
        the log that has ``members`` beside them."""


class TargetStatuses(Protocol):
    """The targets of target groups. Called from several threads at once."""

    def statuses(self, group_arn: str) -> tuple[str, ...]:
        """The VPC Lattice status of each target of the group, draining ones included; none when the group does not exist."""


class Alarms(Protocol):
    """CloudWatch's metric alarms."""

    def with_prefix(self, prefix: str) -> tuple[Alarm, ...]:
        """All metric alarms whose names begin with ``prefix``."""

    def put(self, alarm: Alarm) -> None:
        """Create the alarm, or update the one with its name; an existing state is kept."""

    def delete(self, names: Sequence[str]) -> None:
        """Delete any number of alarms, 100 per call; alarms that do not exist count as deleted."""
