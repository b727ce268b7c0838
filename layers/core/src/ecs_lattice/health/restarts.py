"""Which ECS services restart tasks outside deployments (a crash loop): pure, and what the probe remembers of it.

A task that answers for two minutes and then exits is healthy in most minutes, so its targets alone do not show it. They show
where to look: a target that is INITIAL or DRAINING takes part in a replacement. Such a service's tasks are read, and those of
the services that restarted before, at most ``MOST_READ`` services a minute: three calls of ECS each.
"""

from collections.abc import Iterable

from ecs_lattice.facts import EcsService, Task
from ecs_lattice.health.counts import Counts

MOST_READ = 20
_RESTARTS, _WINDOW_SECONDS = 3, 900


def replaces_tasks(counts: Counts) -> bool:
    """Whether targets join or leave the group."""
    return bool(counts.by_status["INITIAL"] or counts.by_status["DRAINING"])


def is_restarting(service: EcsService, tasks: Iterable[Task], now: float) -> bool:
    """Whether tasks of the newest deployment, which has completed, stopped with an error three times within 15 minutes."""
    newest = service.primary
    if newest is None or service.is_deleted or newest.rollout != "COMPLETED" or len(service.deployments) > 1:
        return False
    return sum(_counts(task, newest.id, now) for task in tasks) >= _RESTARTS


def _counts(task: Task, deployment: str, now: float) -> bool:
    return task.has_failed and task.deployment_id == deployment and now - (task.stopped_at or now) < _WINDOW_SECONDS
