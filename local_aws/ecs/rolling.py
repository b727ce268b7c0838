"""One step of a rolling update as a pure decision: how many tasks to start, which to stop.

Sources: botocore's text of ``maximumPercent`` and ``minimumHealthyPercent``; ECS Developer Guide, "Amazon ECS services"
(how the scheduler replaces unhealthy tasks: the replacement first, as far as ``maximumPercent`` allows).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto


class Condition(Enum):
    """The condition of a task that should run."""

    STARTING = auto()
    """Not RUNNING yet."""
    WAITING = auto()
    """RUNNING, but neither proven nor failed: young, in its grace period, or not yet healthy in VPC Lattice."""
    HEALTHY = auto()
    UNHEALTHY = auto()


@dataclass(frozen=True, slots=True)
class Candidate:
    """A task that should run: of the PRIMARY deployment or of an older one. Candidates come oldest first."""

    key: str
    primary: bool
    condition: Condition


@dataclass(frozen=True, slots=True)
class Bounds:
    """The desired, minimum and maximum number of tasks of a service."""

    desired: int
    minimum: int
    maximum: int

    @classmethod
    def of(cls, desired: int, minimum_percent: int, maximum_percent: int) -> "Bounds":
        """The minimum is rounded up, the maximum down (botocore, DeploymentConfiguration)."""
        return cls(desired, math.ceil(desired * minimum_percent / 100), math.floor(desired * maximum_percent / 100))


@dataclass(frozen=True, slots=True)
class Step:
    """The next step. Keys of tasks to stop, by reason."""

    start: int = 0
    stop_replaced: tuple[str, ...] = ()
    stop_unhealthy: tuple[str, ...] = ()
    stop_surplus: tuple[str, ...] = ()

    @property
    def stops(self) -> tuple[str, ...]:
        return (*self.stop_unhealthy, *self.stop_surplus, *self.stop_replaced)


def decide(tasks: Sequence[Candidate], bounds: Bounds, *, may_start: bool = True) -> Step:
    """The next step towards ``desired`` tasks of the PRIMARY deployment and none of other deployments."""
    primary = [task for task in tasks if task.primary]
    usable = [task for task in primary if task.condition is not Condition.UNHEALTHY]
    missing = bounds.desired - len(usable)
    start = max(0, min(missing, bounds.maximum - len(tasks))) if may_start else 0
    return Step(
        start=start,
        stop_replaced=_replaced(tasks, bounds),
        stop_unhealthy=_unhealthy(primary, bounds, start),
        stop_surplus=_surplus(usable, bounds),
    )


def _surplus(usable: Sequence[Candidate], bounds: Bounds) -> tuple[str, ...]:
    """Surplus tasks: those that serve least first, and of these the youngest."""
    too_many = max(0, len(usable) - bounds.desired)
    rank = {Condition.STARTING: 0, Condition.WAITING: 1, Condition.HEALTHY: 2}
    by_age = list(reversed(usable))
    by_use = sorted(by_age, key=lambda task: rank[task.condition])
    return tuple(task.key for task in by_use[:too_many])


def _unhealthy(primary: Sequence[Candidate], bounds: Bounds, start: int) -> tuple[str, ...]:
    """Stop unhealthy tasks once they are replaced; without capacity for replacements, the oldest first."""
    unhealthy = [task.key for task in primary if task.condition is Condition.UNHEALTHY]
    healthy = sum(task.condition is Condition.HEALTHY for task in primary)
    undecided = len(primary) - len(unhealthy) - healthy
    if healthy >= bounds.desired:
        return tuple(unhealthy)
    if start or undecided:
        return ()
    return tuple(unhealthy[: max(1, len(primary) - bounds.desired)])


def _replaced(tasks: Sequence[Candidate], bounds: Bounds) -> tuple[str, ...]:
    """Old tasks that may stop. A waiting task still counts as serving: its deployment may have completed long ago."""
    old = [task for task in tasks if not task.primary]
    serving = [task for task in old if task.condition in (Condition.HEALTHY, Condition.WAITING)]
    idle = [task.key for task in old if task not in serving]
    in_service = len(serving) + sum(task.primary and task.condition is Condition.HEALTHY for task in tasks)
    spare = max(0, in_service - bounds.minimum)
    return (*idle, *(task.key for task in serving[:spare]))


__all__ = ["Bounds", "Candidate", "Condition", "Step", "decide"]
