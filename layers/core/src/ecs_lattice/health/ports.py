"""What the health of targets is read from and published to. Errors are :class:`~ecs_lattice.errors.AwsError`s."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:  # the reconcilers publish metrics and have nothing to do with alarms
    from collections.abc import Mapping, Sequence

    from ecs_lattice.facts import EcsService
    from ecs_lattice.health.alarms import Alarm
    from ecs_lattice.model import ServiceId


class MetricsSink(Protocol):
    """Where metrics go, in the namespace of :mod:`ecs_lattice.health.metric_names`."""

    def publish(self, dimensions: Mapping[str, str], values: Mapping[str, float]) -> None:
        """Publish ``values`` by metric name as of now, with ``dimensions`` as their one set of dimensions."""


class TargetStatuses(Protocol):
    """What of a target group's targets is looked at here. Called from several threads at once."""

    def statuses(self, group_arn: str) -> tuple[str, ...]:
        """Lattice's status of each target of the group, draining ones too; none when there is no such group (any more)."""


class EcsServices(Protocol):
    """What of ECS is looked at here."""

    def services(self, services: Sequence[ServiceId]) -> tuple[EcsService, ...]:
        """Those of ``services`` (of one cluster, at most ten) that ECS knows: one DescribeServices."""


class Alarms(Protocol):
    """CloudWatch's metric alarms."""

    def with_prefix(self, prefix: str) -> tuple[Alarm, ...]:
        """All metric alarms whose names begin so, as they are."""

    def put(self, alarm: Alarm) -> None:
        """Make the alarm, or make the one of its name equal to it; a state that it has stays."""

    def delete(self, names: Sequence[str]) -> None:
        """Delete any number of alarms, 100 a call; those that are not there (any more) count as deleted."""
