"""What is said of an ECS service of which no deployment has completed yet: that its routes wait, how many of its tasks have
failed, and with which reason. Pure."""

from collections.abc import Iterable

from ecs_lattice.claims import Notice
from ecs_lattice.ecs_side.status import WAITING_FOR_DEPLOYMENT
from ecs_lattice.facts import EcsService, Task
from ecs_lattice.outcome import Problem

_TELL_SECONDS = 900
_REASON = 300  # characters of ECS's own text
_WAITING = (
    "No deployment of this ECS service has completed yet. Its declaration has been checked; nothing is created for it "
    "before a deployment completes."
)


def waiting(service: EcsService, tasks: Iterable[Task]) -> Problem:
    """Why the routes wait. ``tasks`` are those that ECS lists, the stopped ones among them for about an hour (Amazon ECS API,
    ListTasks)."""
    failed = sorted((task for task in tasks if task.has_failed), key=lambda task: task.stopped_at)
    if not failed:
        return Problem(WAITING_FOR_DEPLOYMENT, _WAITING)
    count = f"{len(failed)} tasks have" if len(failed) > 1 else "1 task has"
    return Problem(
        WAITING_FOR_DEPLOYMENT,
        f"{_WAITING} {count} failed within the last hour, the newest with: {_reason(failed[-1])} "
        f"See the events of ECS service {service.id} and the logs of its containers.",
    )


def failing(service: EcsService, tasks: Iterable[Task], problem: Problem, now: float) -> Notice | None:
    """The notice about a first deployment that has failed, or is older than a quarter of an hour and has failed tasks."""
    newest = service.primary
    if newest is None:
        return None
    is_late = now - newest.created_at >= _TELL_SECONDS and any(task.has_failed for task in tasks)
    if newest.rollout == "FAILED" or is_late:
        return Notice("FIRST_DEPLOYMENT_FAILING", problem.message)
    return None


def _reason(task: Task) -> str:
    """ECS's reason with the exit codes, as one sentence."""
    ends = [f"container {each.name} exited with code {each.exit_code}" for each in task.containers if each.exit_code]
    causes = [each.reason for each in task.containers if each.reason]
    return "; ".join([task.stopped_reason.rstrip(".") or "no reason given", *ends, *causes])[:_REASON].rstrip(".") + "."
