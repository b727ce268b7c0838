"""The life of one task: PROVISIONING, PENDING, RUNNING, DEACTIVATING, STOPPING, DEPROVISIONING, STOPPED.

Source: ECS Developer Guide, "Amazon ECS task lifecycle". ACTIVATING is left out: the local AWS registers targets at
RUNNING (assumption).
"""

from collections.abc import Callable, Mapping
from typing import Any

from local_aws import clock, network
from local_aws.ecs import container
from local_aws.ecs.container import BadBehaviourError
from local_aws.ecs.guard import Guard
from local_aws.ecs.model import ServiceTask, containers
from local_aws.ecs.notices import Notices
from local_aws.ecs.placement import Placement
from local_aws.ecs.registration import Registrar
from local_aws.ecs.settings import Settings

_KILLED = 137
"""128 + SIGKILL, as Docker reports it."""
_DRAIN_CHECK_SECONDS = 5.0


class Lifecycle:
    """Moves tasks through their states on the clock's timers. Every method wants the scheduler's lock held."""

    def __init__(
        self,
        guard: Guard,
        settings: Settings,
        notices: Notices,
        registrar: Registrar,
        placement: Placement,
        changed: Callable[[ServiceTask], None],
        failed: Callable[[ServiceTask], None],
    ) -> None:
        self._guard = guard
        self._settings = settings
        self._notices = notices
        self._registrar = registrar
        self._placement = placement
        self._changed = changed
        self._failed = failed

    def begin(self, task: ServiceTask) -> None:
        """Take a new task through its start."""
        task.updated_at = clock.now()
        self._notices.task(task)
        self._after(task, self._settings.provisioning_seconds, self._pull)

    def stop(self, task: ServiceTask, code: str, reason: str) -> None:
        """Stop a task: out of its target groups, SIGTERM, SIGKILL, gone."""
        if not task.should_run:
            return
        self._doom(task, code, reason)
        if not task.is_running:
            self._deprovision(task)
            return
        task.stopping_at = clock.now()
        self._move(task, "DEACTIVATING")
        self._await_drained(task, clock.current().time() + self._settings.deactivating_seconds)

    def register(self, task: ServiceTask) -> None:
        """Register what could not be registered before."""
        for problem in self._registrar.register(task):
            self._notices.message(task.service, f"was unable to register (task {task.id}) in VPC Lattice: {problem}")

    def _pull(self, task: ServiceTask) -> None:
        task.pull_started_at = clock.now()
        self._move(task, "PENDING")
        try:
            behaviours = [container.behaviour(each) for each in containers(task.task_definition)]
        except BadBehaviourError as error:
            self._fail_to_start(task, f"CannotStartContainerError: {error}")
            return
        given = [each.start_seconds for each in behaviours if each.start_seconds is not None]
        self._after(task, max(given, default=self._settings.start_seconds), self._run)

    def _run(self, task: ServiceTask) -> None:
        task.pull_stopped_at = clock.now()
        crash = _crash_after(task)
        if crash == 0:
            self._fail_to_start(task, "CannotStartContainerError: the container exits as soon as it is started")
            return
        task.started_at = clock.now()
        self._listen(task)
        self._move(task, "RUNNING")
        task.unregistered = list(task.deployment.revision.lattice)
        self.register(task)
        if crash is not None:
            self._after(task, crash, self._crash)
        self._after(task, self._settings.healthy_after_seconds, self._changed)
        self._changed(task)

    def _crash(self, task: ServiceTask) -> None:
        """An essential container exits by itself: the whole task stops (ECS Developer Guide, stopped task errors)."""
        task.exit_code = 1
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
        """DEACTIVATING lasts while targets drain, as it does for load balancers (task lifecycle); bounded."""
        self._registrar.deregister(task)
        if self._registrar.is_listed(task) and clock.current().time() < until:
            self._after(task, _DRAIN_CHECK_SECONDS, lambda each: self._await_drained(each, until))
            return
        self._terminate(task)

    def _terminate(self, task: ServiceTask) -> None:
        """SIGTERM, and SIGKILL after the longest ``stopTimeout`` of its containers (botocore, ContainerDefinition)."""
        self._move(task, "STOPPING")
        definitions = containers(task.task_definition)
        wanted = max(container.behaviour(each).stop_seconds for each in definitions)
        allowed = max(float(each.get("stopTimeout") or self._settings.stop_timeout_seconds) for each in definitions)
        task.exit_code = _KILLED if wanted > allowed else 0
        if not wanted:
            self._close(task)
        self._after(task, max(self._settings.stopping_seconds, min(wanted, allowed)), self._deprovision)

    def _deprovision(self, task: ServiceTask) -> None:
        self._close(task)
        task.execution_stopped_at = clock.now()
        if task.started_at is not None and task.exit_code is None:
            task.exit_code = 0
        self._move(task, "DEPROVISIONING")
        self._after(task, self._settings.deprovisioning_seconds, self._end)

    def _end(self, task: ServiceTask) -> None:
        task.stopped_at = clock.now()
        self._registrar.deregister(task)  # what could not be taken out before
        self._placement.give_back(task)
        self._move(task, "STOPPED")
        self._changed(task)

    def _doom(self, task: ServiceTask, code: str, reason: str) -> None:
        """From now on it should not run: everything that was planned for it is off."""
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
        """Each change that EventBridge hears of raises the version (botocore, Task.version)."""
        task.version += 1
        task.updated_at = clock.now()
        self._notices.task(task)

    def _after(self, task: ServiceTask, seconds: float, step: Callable[[ServiceTask], None]) -> None:
        task.timers.append(self._guard.call_later(seconds, lambda: step(task)))

    def _listen(self, task: ServiceTask) -> None:
        for ip, port, definition, container_port in _sockets(task):
            script = container.behaviour(definition)
            name = f"{task.task_definition.family}:{task.task_definition.revision}"
            answer = container.responder(definition, name, container_port)
            network.current().listen(ip, port, answer, tls=container_port in script.tls_ports)

    def _close(self, task: ServiceTask) -> None:
        if task.started_at is None:
            return
        for ip, port, _, _ in _sockets(task):
            network.current().close(ip, port)


def _sockets(task: ServiceTask) -> list[tuple[str, int, Mapping[str, Any], int]]:
    """Address, port, container definition and container port of everything that a task listens on over TCP."""
    definitions = {each["name"]: each for each in containers(task.task_definition)}
    return [
        (task.ip, each.host_port, definitions[each.container], each.container_port)
        for each in task.bindings
        if task.ip is not None and each.protocol == "tcp"
    ]


def _crash_after(task: ServiceTask) -> float | None:
    """When the first essential container exits by itself."""
    times = [
        container.behaviour(each).crash_after_seconds
        for each in containers(task.task_definition)
        if each.get("essential", True)
    ]
    return min((each for each in times if each is not None), default=None)


__all__ = ["Lifecycle"]
