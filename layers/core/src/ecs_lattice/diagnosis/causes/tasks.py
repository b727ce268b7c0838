"""Causes in the tasks themselves: they run out of memory, exit, fail to start, or do not exist."""

from collections.abc import Sequence

from ecs_lattice.diagnosis.causes import commands
from ecs_lattice.diagnosis.causes.reason_hints import failed_lattice_checks, reported_by_ecs
from ecs_lattice.diagnosis.evidence import Evidence
from ecs_lattice.diagnosis.findings import Finding, Likelihood, duration, sentences
from ecs_lattice.facts import Task

_LATELY_SECONDS = 900
_A_MINUTE = 60
_KILLED = 137  # 128 + SIGKILL: out of memory, or still running after stopTimeout
_CRASHES = 2
# Amazon ECS API, Task.stopCode; ServiceSchedulerInitiated is ECS's own decision and explains nothing.
_STOP_CODES = {
    "TaskFailedToStart": "failed to start",
    "UserInitiated": "was stopped by a user",
    "SpotInterruption": "lost its Spot capacity",
    "TerminationNotice": "lost its instance",
    "InfrastructureHealth": "ran on infrastructure that failed",
}


def out_of_memory(evidence: Evidence) -> Finding | None:
    """A container was killed because it used more memory than it may."""
    reported = [task for task in evidence.recently_stopped if _is_out_of_memory(task)]
    killed = [task for task in _crashed(evidence) if _exit_codes(task) == {_KILLED}]
    stopped = reported or killed
    if not stopped:
        return None
    return Finding(
        "OUT_OF_MEMORY",
        _likelihood(evidence, stopped) if reported else "possible",
        "the container ran out of memory" if reported else "the container was killed, possibly for its memory",
        sentences(_summary(evidence, stopped), _memory_limit(evidence)),
        "Raise the memory limit of the container or the task, or find the leak.",
        (commands.stopped_tasks(evidence, stopped), *commands.log(evidence)),
    )


def task_restarting(evidence: Evidence) -> Finding | None:
    """Tasks stop by themselves, one after the other."""
    crashed = _crashed(evidence)
    if len(crashed) < _CRASHES:
        return None
    return Finding(
        "TASK_RESTARTING",
        _likelihood(evidence, crashed),
        f"tasks keep stopping ({len(crashed)} in the last hour)",
        _summary(evidence, crashed),
        "The container's log should say why.",
        (*commands.log(evidence), commands.stopped_tasks(evidence, crashed)),
    )


def task_stopped(evidence: Evidence) -> Finding | None:
    """A task stopped once by itself, failed to start, or was stopped by a user or with its infrastructure."""
    stopped = [task for task in evidence.recently_stopped if task.stop_code in _STOP_CODES]
    crashed = _crashed(evidence)
    if len(crashed) < _CRASHES:
        stopped += crashed
    if not stopped:
        return None
    causes = sorted({_STOP_CODES.get(task.stop_code, "stopped by itself") for task in stopped})
    return Finding(
        "TASK_STOPPED",
        _likelihood(evidence, stopped),
        f"a task {' or '.join(causes)}",
        _summary(evidence, stopped),
        commands=(commands.stopped_tasks(evidence, stopped), *commands.log(evidence)),
    )


def no_tasks(evidence: Evidence) -> Finding | None:
    """No task of the service is running."""
    service = evidence.service
    if service is None or service.running > 0 or evidence.running:
        return None
    reported, is_meant = reported_by_ecs(evidence, "unable to"), service.is_deleted or service.desired == 0
    if service.is_deleted:
        title, seen = "the ECS service was deleted", f"Its status is {service.status}."
    elif service.desired == 0:
        title, seen = "the ECS service is scaled to zero", "Its desired count is 0."
    else:
        title, seen = "no task is running", f"{service.desired} tasks are desired, none is running."
    return Finding(
        "NO_TASKS",
        "certain" if reported or is_meant else "likely",
        title,
        sentences(seen, reported),
        commands=(commands.service(evidence),),
    )


def _crashed(evidence: Evidence) -> list[Task]:
    """Tasks that stopped by themselves or failed their own container health check, except for memory."""
    return [task for task in evidence.recently_stopped if _is_crash(task) and not _is_out_of_memory(task)]


def _is_crash(task: Task) -> bool:
    by_itself = task.stop_code == "EssentialContainerExited"
    return (by_itself or "container health" in task.stopped_reason.lower()) and not failed_lattice_checks(task)


def _is_out_of_memory(task: Task) -> bool:
    """Whether ECS reports OutOfMemoryError (Amazon ECS Developer Guide, stopped task error messages)."""
    reasons = (task.stopped_reason, *(container.reason for container in task.containers))
    return any("outofmemory" in reason.lower() for reason in reasons)


def _exit_codes(task: Task) -> set[int]:
    return {container.exit_code for container in task.containers if container.exit_code}


def _memory_limit(evidence: Evidence) -> str:
    """A sentence with the limit that applies: the container's, else the task's."""
    limits = (evidence.container, evidence.task_definition)
    limit = next((holder.memory for holder in limits if holder and holder.memory), None)
    return f"Its memory limit is {limit} MiB." if limit else ""


def _likelihood(evidence: Evidence, tasks: Sequence[Task]) -> Likelihood:
    """Certain when it happened lately and no target answers, likely when it happened lately."""
    if min(evidence.age(task) for task in tasks) > _LATELY_SECONDS:
        return "possible"
    return "likely" if evidence.answering or evidence.targets is None else "certain"


def _summary(evidence: Evidence, tasks: Sequence[Task]) -> str:
    """The newest of the tasks, and how its containers ended."""
    newest, age = tasks[0], evidence.age(tasks[0])
    when = f"{duration(age)} ago" if age >= _A_MINUTE else "just now"
    reason = f": {newest.stopped_reason.rstrip('.')}" if newest.stopped_reason else ""
    subject = f"{len(tasks)} tasks stopped, the newest" if len(tasks) > 1 else "Task"
    return sentences(f"{subject} {newest.id} stopped {when}{reason}.", *_container_ends(newest))


def _container_ends(task: Task) -> list[str]:
    """A sentence for each container that exited; where none did, for each that has a reason."""
    exited = [
        f"Container {container.name} exited with code {container.exit_code}"
        f"{f' ({container.reason})' if container.reason else ''}."
        for container in task.containers
        if container.exit_code is not None
    ]
    return exited or [f"Container {c.name}: {c.reason.rstrip('.')}." for c in task.containers if c.reason]
