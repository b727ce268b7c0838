"""Causes in the tasks themselves: they run out of memory, end, cannot start, or are not there."""

from ecs_lattice.diagnosis.causes import commands
from ecs_lattice.diagnosis.causes.reason_hints import failed_lattice_checks
from ecs_lattice.diagnosis.evidence import Evidence, TaskSeen
from ecs_lattice.diagnosis.findings import Finding, Likelihood

_LATELY_SECONDS = 900
_KILLED = 137  # 128 + SIGKILL: out of memory, or no end within stopTimeout
_CRASHES = 2
# Amazon ECS API, Task.stopCode; ServiceSchedulerInitiated is ECS's own doing and explains nothing.
_BY_OTHERS = {
    "TaskFailedToStart": "could not start",
    "UserInitiated": "was stopped by somebody",
    "SpotInterruption": "lost its Spot capacity",
    "TerminationNotice": "lost its instance",
    "InfrastructureHealth": "ran on infrastructure that failed",
}


def out_of_memory(evidence: Evidence) -> Finding | None:
    """A container was killed because it used more memory than it may."""
    tasks = tuple(task for task in evidence.lately_stopped if _is_out_of_memory(task))
    killed = tuple(task for task in evidence.lately_stopped if _is_crash(task) and _exits(task) == {_KILLED})
    if not tasks and not killed:
        return None
    shown = tasks or killed
    container = evidence.container
    limit = (container.memory if container else None) or (evidence.definition.memory if evidence.definition else None)
    likelihood = _likelihood(evidence, shown) if tasks else "possible"
    return Finding(
        "OUT_OF_MEMORY",
        likelihood,
        "the container runs out of memory" if tasks else "the container was killed, perhaps for its memory",
        f"{_told(evidence, shown)} {'' if limit is None else f'Its limit is {limit} MiB.'}".rstrip(),
        "Give the container (memory) or the task (memory) more, or find the leak.",
        (*commands.into_tasks(evidence, shown), *commands.into_logs(evidence)),
    )


def task_restarting(evidence: Evidence) -> Finding | None:
    """Tasks end by themselves, one after the other."""
    crashed = _crashed(evidence)
    if len(crashed) < _CRASHES:
        return None
    return Finding(
        "TASK_RESTARTING",
        _likelihood(evidence, crashed),
        f"the tasks end again and again ({len(crashed)} in the last hour)",
        _told(evidence, crashed),
        "The container's log says why it ends.",
        (*commands.into_logs(evidence), *commands.into_tasks(evidence, crashed)),
    )


def task_stopped(evidence: Evidence) -> Finding | None:
    """A task ended once, could not start, or was stopped by somebody or something."""
    stopped = tuple(task for task in evidence.lately_stopped if task.stop_code in _BY_OTHERS)
    crashed = _crashed(evidence)
    if len(crashed) < _CRASHES:
        stopped += crashed
    if not stopped:
        return None
    words = {_BY_OTHERS.get(task.stop_code, "ended by itself") for task in stopped}
    return Finding(
        "TASK_STOPPED",
        _likelihood(evidence, stopped),
        f"a task {' or '.join(sorted(words))}",
        _told(evidence, stopped),
        commands=(*commands.into_tasks(evidence, stopped), *commands.into_logs(evidence)),
    )


def no_tasks(evidence: Evidence) -> Finding | None:
    """No task of the service runs."""
    if evidence.service is None or evidence.service.service.running > 0 or evidence.running:
        return None
    service = evidence.service.service
    said = next((event.message for event in evidence.service.events if "unable to" in event.message), "")
    if service.is_deleted:
        title, seen = "the ECS service is deleted", f"ECS says the service is {service.status}."
    elif service.desired == 0:
        title, seen = "the ECS service is scaled to zero", "Its desired count is 0."
    else:
        title, seen = "no task of the ECS service runs", f"{service.desired} tasks are wanted, none runs."
    return Finding(
        "NO_TASKS",
        "certain" if said or service.desired == 0 or service.is_deleted else "likely",
        title,
        f"{seen} {f'ECS says: {said}' if said else ''}".rstrip(),
        commands=(commands.into_service(evidence),),
    )


def _crashed(evidence: Evidence) -> tuple[TaskSeen, ...]:
    """Tasks that ended by themselves or failed their own container health check, except for memory."""
    return tuple(task for task in evidence.lately_stopped if _is_crash(task) and not _is_out_of_memory(task))


def _is_crash(task: TaskSeen) -> bool:
    by_itself = task.stop_code == "EssentialContainerExited"
    return (by_itself or "container health" in task.stopped_reason.lower()) and not failed_lattice_checks(task)


def _is_out_of_memory(task: TaskSeen) -> bool:
    """ECS says OutOfMemoryError (Amazon ECS Developer Guide, stopped task error messages)."""
    return any("outofmemory" in text.lower() for text in (task.stopped_reason, *(c.reason for c in task.containers)))


def _exits(task: TaskSeen) -> set[int]:
    return {container.exit_code for container in task.containers if container.exit_code}


def _likelihood(evidence: Evidence, tasks: tuple[TaskSeen, ...]) -> Likelihood:
    """Certain when it happened lately and nothing answers, likely when it happened lately."""
    if evidence.now - max(task.stopped_at or evidence.now for task in tasks) > _LATELY_SECONDS:
        return "possible"
    return "likely" if evidence.answering or evidence.targets is None else "certain"


def _told(evidence: Evidence, tasks: tuple[TaskSeen, ...]) -> str:
    """The newest of the tasks in a sentence or two."""
    newest = tasks[0]
    ended = [
        f"container {container.name} exited with {container.exit_code}{f' ({container.reason})' if container.reason else ''}"
        for container in newest.containers
        if container.exit_code is not None
    ] or [f"container {container.name}: {container.reason}" for container in newest.containers if container.reason]
    minutes = int((evidence.now - (newest.stopped_at or evidence.now)) // 60)
    when = "just now" if minutes < 1 else f"{minutes} minute{'s' if minutes > 1 else ''} ago"
    reason = f": {newest.stopped_reason.rstrip('.')}" if newest.stopped_reason else ""
    count = f"{len(tasks)} tasks stopped; the newest, " if len(tasks) > 1 else "Task "
    return f"{count}{newest.id}, stopped {when}{reason}.{f' In it, {"; ".join(ended)}.' if ended else ''}"
