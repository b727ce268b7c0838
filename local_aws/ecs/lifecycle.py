"""The lifecycle of one task: PROVISIONING, PENDING, RUNNING, DEACTIVATING, STOPPING, DEPROVISIONING, STOPPED.

Source: ECS Developer Guide, "Amazon ECS task lifecycle". ACTIVATING does not exist here: the local AWS registers
targets at RUNNING (assumption).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from local_aws.ecs import container
from local_aws.ecs.container import BadBehaviorError
from local_aws.ecs.ecs_events import EcsEvents
from local_aws.ecs.model import ServiceTask, containers
from local_aws.ecs.placement import Placement
from local_aws.ecs.registration import Registrar
from local_aws.ecs.settings import Settings
from local_aws.ecs.write_guard import WriteGuard
from local_aws.services import clock, network

_KILLED = 137
"""128 + SIGKILL, as Docker reports it."""
_OUT_OF_MEMORY = "OutOfMemoryError: Container killed due to memory usage"
"""The reason of a container that exceeded its memory limit (ECS Developer Guide, "Stopped tasks error messages")."""
_DRAIN_CHECK_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class _Ending:
    """How an essential container exits by itself."""

    after_seconds: float
    exit_code: int = 1
    reason: str | None = None


class Lifecycle:
    """Moves tasks through their states on the clock's timers. Call every method with the scheduler's lock held."""

    def __init__(
        self,
        guard: WriteGuard,
        settings: Settings,
        events: EcsEvents,
        registrar: Registrar,
        placement: Placement,
        changed: Callable[[ServiceTask], None],
        failed: Callable[[ServiceTask], None],
    ) -> None:
        self._guard = guard
        self._settings = settings
        self._events = events
        self._registrar = registrar
        self._placement = placement
        self._changed = changed
        self._failed = failed

    def begin(self, task: ServiceTask) -> None:
        """Start a new task."""
        task.updated_at = clock().now()
        self._events.task(task)
        self._after(task, self._settings.provisioning_seconds, self._pull)

    def stop(self, task: ServiceTask, code: str, reason: str) -> None:
        """Stop a task: deregister its targets, SIGTERM, SIGKILL, deprovision."""
        if not task.should_run:
            return
        self._doom(task, code, reason)
        if not task.is_running:
            self._deprovision(task)
            return
        task.stopping_at = clock().now()
        self._move(task, "DEACTIVATING")
        self._await_drained(task, clock().time() + self._settings.deactivating_seconds)

    def register(self, task: ServiceTask) -> None:
        """Register the targets whose registration failed before."""
        for problem in self._registrar.register(task):
            self._events.message(task.service, f"was unable to register (task {task.id}) in VPC Lattice: {problem}")

    def _pull(self, task: ServiceTask) -> None:
        task.pull_started_at = clock().now()
        self._move(task, "PENDING")
        try:
            behaviors = [container.behavior(definition) for definition in containers(task.task_definition)]
        except BadBehaviorError as error:
            self._fail_to_start(task, f"CannotStartContainerError: {error}")
            return
        given = [script.start_seconds for script in behaviors if script.start_seconds is not None]
        self._after(task, max(given, default=self._settings.start_seconds), self._run)

    def _run(self, task: ServiceTask) -> None:
        task.pull_stopped_at = clock().now()
        ending = _ending(task)
        if ending is not None and ending.after_seconds == 0:
            self._fail_to_start(task, "CannotStartContainerError: the container exits as soon as it is started")
            return
        task.started_at = clock().now()
        self._listen(task)
        self._move(task, "RUNNING")
        task.unregistered = list(task.deployment.revision.lattice)
        self.register(task)
        if ending is not None:
            self._after(task, ending.after_seconds, lambda crashed: self._crash(crashed, ending))
        self._after(task, self._settings.healthy_after_seconds, self._changed)
        self._changed(task)

    def _crash(self, task: ServiceTask, ending: "_Ending") -> None:
        """An essential container exits by itself, so the whole task stops (ECS Developer Guide, stopped task errors)."""
        task.exit_code, task.exit_reason = ending.exit_code, ending.reason
        self._close(task)
        self._doom(task, "EssentialContainerExited", "Essential container in task exited")
        self._registrar.deregister(task)
        if not task.proven:
            self._failed(task)
        self._deprovision(task)
        self._changed(task)

    def _fail_to_start(self, task: ServiceTask, reason: str) -> None:
        task.exit_reason = reason
        self._doom(task, "TaskFailedToStart", reason)
        self._failed(task)
        self._deprovision(task)
        self._changed(task)

    def _await_drained(self, task: ServiceTask, until: float) -> None:
        """DEACTIVATING lasts while targets drain, as for load balancers (task lifecycle), up to a limit."""
        self._registrar.deregister(task)
        if self._registrar.is_listed(task) and clock().time() < until:
            self._after(task, _DRAIN_CHECK_SECONDS, lambda drained: self._await_drained(drained, until))
            return
        self._terminate(task)

    def _terminate(self, task: ServiceTask) -> None:
        """SIGTERM, and SIGKILL after the longest ``stopTimeout`` of its containers (botocore, ContainerDefinition)."""
        self._move(task, "STOPPING")
        definitions = containers(task.task_definition)
        wanted = max(container.behavior(definition).stop_seconds for definition in definitions)
        allowed = max(
            float(definition.get("stopTimeout") or self._settings.stop_timeout_seconds) for definition in definitions
        )
        task.exit_code = _KILLED if wanted > allowed else 0
        if not wanted:
            self._close(task)
        self._after(task, max(self._settings.stopping_seconds, min(wanted, allowed)), self._deprovision)

    def _deprovision(self, task: ServiceTask) -> None:
        self._close(task)
        task.execution_stopped_at = clock().now()
        if task.started_at is not None and task.exit_code is None:
            task.exit_code = 0
        self._move(task, "DEPROVISIONING")
        self._after(task, self._settings.deprovisioning_seconds, self._end)

    def _end(self, task: ServiceTask) -> None:
        task.stopped_at = clock().now()
        self._registrar.deregister(task)  # targets whose deregistration failed before
        self._placement.give_back(task)
        self._move(task, "STOPPED")
        self._changed(task)

    def _doom(self, task: ServiceTask, code: str, reason: str) -> None:
        """Mark it to stop, and cancel its timers."""
        for timer in task.timers:
            timer.cancel()
        task.timers.clear()
        task.desired_status = "STOPPED"
        task.stop_code = code
        task.stopped_reason = reason
        self._note(task)

    def _move(self, task: ServiceTask, status: str) -> None:
        task.last_status = status
        self._note(task)

    def _note(self, task: ServiceTask) -> None:
        """Each change that EventBridge receives increments the version (botocore, Task.version)."""
        task.version += 1
        task.updated_at = clock().now()
        self._events.task(task)

    def _after(self, task: ServiceTask, seconds: float, step: Callable[[ServiceTask], None]) -> None:
        task.timers.append(self._guard.call_later(seconds, lambda: step(task)))

    def _listen(self, task: ServiceTask) -> None:
        for ip, port, definition, container_port in _sockets(task):
            script = container.behavior(definition)
            name = f"{task.task_definition.family}:{task.task_definition.revision}"
            answer = container.responder(definition, name, container_port)
            network().listen(ip, port, answer, tls=container_port in script.tls_ports)

    def _close(self, task: ServiceTask) -> None:
        if task.started_at is None:
            return
        for ip, port, _, _ in _sockets(task):
            network().close(ip, port)


def _sockets(task: ServiceTask) -> list[tuple[str, int, Mapping[str, Any], int]]:
    """Address, port, container definition and container port of each TCP listener of a task.

    A port without a mapping is reachable where the task has its own address (awsvpc).
    """
    if task.ip is None:
        return []
    found: list[tuple[str, int, Mapping[str, Any], int]] = []
    for definition in containers(task.task_definition):
        bound = {b.container_port: b.host_port for b in task.bindings if b.container == definition["name"]}
        mapped = {b.container_port for b in task.bindings if b.container == definition["name"] and b.protocol == "tcp"}
        ports = sorted(container.behavior(definition).ports(mapped))
        reached = (port for port in ports if port in bound or task.interface is not None)
        found += [(task.ip, bound.get(port, port), definition, port) for port in reached]
    return found


def _ending(task: ServiceTask) -> _Ending | None:
    """The first essential container that exits by itself."""
    endings = []
    for definition in containers(task.task_definition):
        script = container.behavior(definition)
        if not definition.get("essential", True):
            continue
        if script.crash_after_seconds is not None:
            endings.append(_Ending(script.crash_after_seconds))
        if script.out_of_memory_after_seconds is not None:
            endings.append(_Ending(script.out_of_memory_after_seconds, _KILLED, _OUT_OF_MEMORY))
    return min(endings, key=lambda ending: ending.after_seconds, default=None)


__all__ = ["Lifecycle"]
