"""The service scheduler: moves each service towards its desired state whenever something about it changes."""

import uuid
from collections.abc import Callable, Mapping
from typing import Any

from moto.ecs.models import TaskDefinition

from local_aws.ecs import placement, rolling
from local_aws.ecs.addresses import NoPlaceError
from local_aws.ecs.ecs_events import EcsEvents
from local_aws.ecs.health import TOLERANCE, Health
from local_aws.ecs.lifecycle import Lifecycle
from local_aws.ecs.model import Deployment, Service, ServiceTask
from local_aws.ecs.placement import Placement
from local_aws.ecs.registration import Registrar
from local_aws.ecs.rolling import Candidate, Condition, Step
from local_aws.ecs.rollouts import Rollouts
from local_aws.ecs.settings import Settings
from local_aws.ecs.write_guard import WriteGuard
from local_aws.services import clock

_SCHEDULER = "ServiceSchedulerInitiated"


class Scheduler:
    """Runs the tasks of services with the ECS deployment controller. Call with the lock of ``guard`` held.

    ``remember`` and ``forget`` update moto's own state of tasks and services.
    """

    def __init__(
        self,
        guard: WriteGuard,
        settings: Settings,
        events: EcsEvents,
        registrar: Registrar,
        places: Placement,
        definition: Callable[[str], TaskDefinition],
        remember: Callable[[ServiceTask], None],
        forget: Callable[[ServiceTask], None],
        forget_service: Callable[[Service], None],
    ) -> None:
        self.rollouts = Rollouts(settings, events)
        self._health = Health(settings, events, registrar, self.rollouts)
        self._guard = guard
        self._settings = settings
        self._events = events
        self._registrar = registrar
        self._places = places
        self._definition = definition
        self._remember = remember
        self._forget = forget
        self._forget_service = forget_service
        self._lifecycle = Lifecycle(
            guard, settings, events, registrar, places, self._task_changed, self.rollouts.note_failed
        )

    def converge(self, service: Service) -> None:
        """Take every step that is possible now; timers trigger the rest."""
        if service.controller != "ECS" or service.status == "INACTIVE":
            return
        conditions = self._health.conditions(service)
        while self._take(service, self._decide(service, conditions)):
            conditions = self._health.conditions(service)
        self.rollouts.drop_empty(service)
        self._settle(service, conditions)
        self._retire(service)
        self._watch_targets(service)

    def stop(self, task: ServiceTask, code: str, reason: str) -> None:
        """Stop one task; the service replaces it."""
        self._lifecycle.stop(task, code, reason)
        self.converge(task.service)

    def end(self, service: Service) -> None:
        """Stop all tasks of a DRAINING service."""
        for task in [running for running in service.tasks if running.should_run]:
            self._lifecycle.stop(task, _SCHEDULER, f"Service {service.name} was deleted")
        if service.status == "INACTIVE":
            seconds = self._settings.inactive_service_retention_seconds
            self._at(service, "forget", seconds, lambda: self._forget_service(service))
        self.converge(service)

    # ---- steps

    def _decide(self, service: Service, conditions: dict[str, Condition]) -> Step:
        primary = service.primary
        tasks = [
            Candidate(task.task_arn, task.deployment is primary, conditions[task.task_arn])
            for task in service.tasks
            if task.should_run
        ]
        may_start = (
            primary is not None
            and service.status == "ACTIVE"
            and primary.rollout_state != "FAILED"  # "doesn't launch any new tasks" (botocore, rolloutState)
            and clock().time() + TOLERANCE >= primary.paused_until
        )
        return rolling.decide(tasks, service.bounds, may_start=may_start)

    def _take(self, service: Service, step: Step) -> bool:
        """Take a step; whether another may follow immediately."""
        tasks = {task.task_arn: task for task in service.tasks}
        stopped = [tasks[key] for key in dict.fromkeys(step.stops)]
        for task in stopped:
            unhealthy = task.task_arn in step.stop_unhealthy
            self._lifecycle.stop(task, _SCHEDULER, self._why(task, unhealthy=unhealthy))
        if stopped:
            names = " ".join(f"(task {task.id})" for task in stopped)
            self._events.message(service, f"has stopped {len(stopped)} running tasks: {names}.")
        started = self._start(service, step.start)
        self._wake_after_pause(service)
        return bool(stopped) or started

    def _why(self, task: ServiceTask, *, unhealthy: bool) -> str:
        """The stopped reason of a task; for unhealthy targets it follows the text for load balancers."""
        if unhealthy:
            group = self._health.culprit(task, self._registrar.statuses([task]))[0]
            return f"Task failed VPC Lattice health checks in (target-group {group})"
        primary = task.service.primary
        return f"Scaling activity initiated by (deployment {primary.id if primary is not None else task.started_by})"

    def _start(self, service: Service, count: int) -> bool:
        entry = service.primary
        if entry is None:
            return False
        started: list[ServiceTask] = []
        while len(started) < count:
            try:
                started.append(self._launch(service, entry))
            except NoPlaceError as error:
                self._events.message(service, f"was unable to place a task because {error}")
                self._events.action(service, "SERVICE_TASK_PLACEMENT_FAILURE", kind="ERROR", reason=str(error))
                entry.paused_until = clock().time() + self._settings.placement_retry_seconds
                break
        if started:
            names = " ".join(f"(task {task.id})" for task in started)
            self._events.message(service, f"has started {len(started)} tasks: {names}.")
        return bool(started)

    def _launch(self, service: Service, entry: Deployment) -> ServiceTask:
        workload = entry.revision.workload
        definition = self._definition(workload["taskDefinition"])
        launch_type = _launch_type(workload)
        place = self._places.find(service, definition, workload, fargate=launch_type == "FARGATE")
        new = uuid.uuid4().hex
        task = ServiceTask(
            id=new,
            task_arn=f"{service.arn.replace(':service/', ':task/').rpartition('/')[0]}/{new}",
            service=service,
            deployment=entry,
            task_definition=definition,
            created_at=clock().now(),
            launch_type=launch_type,
            tags=_tags(service, definition.tags),
            interface=place.interface,
            instance_ip=place.instance_ip,
            container_instance_arn=place.instance_arn,
            bindings=place.bindings,
            runtime_ids=placement.runtime_ids(definition),
        )
        service.tasks.append(task)
        self._remember(task)
        self._lifecycle.begin(task)
        return task

    # ---- consequences

    def _settle(self, service: Service, conditions: dict[str, Condition]) -> None:
        """COMPLETED and steady once all desired tasks have been healthy, without any other task, for a while."""
        primary = service.primary
        healthy = sum(condition is Condition.HEALTHY for condition in conditions.values())
        whole = (
            service.status == "ACTIVE"
            and primary is not None
            and primary.rollout_state != "FAILED"
            and len(service.deployments) == 1
            and len(service.tasks_of(primary)) == len(conditions) == healthy == service.desired_count
        )
        now = clock().time() + TOLERANCE
        if not whole:
            service.whole_since, service.steady = None, False
        elif service.whole_since is None:
            service.whole_since = clock().time()
            self._at(service, "settle", self._settings.settle_seconds, lambda: self.converge(service))
        elif not service.steady and now - service.whole_since >= self._settings.settle_seconds:
            self._declare_steady(service)

    def _declare_steady(self, service: Service) -> None:
        service.steady = True
        if service.primary is not None and service.primary.rollout_state == "IN_PROGRESS":
            self.rollouts.complete(service)
        self._say_steady(service)

    def _say_steady(self, service: Service) -> None:
        if not service.steady:
            return
        self._events.message(service, "has reached a steady state.")
        self._events.action(service, "SERVICE_STEADY_STATE")
        self._at(service, "steady", self._settings.steady_repeat_seconds, lambda: self._say_steady(service))

    def _retire(self, service: Service) -> None:
        """DRAINING ends when all tasks are STOPPING or STOPPED (botocore, DeleteService)."""
        ending = {"STOPPING", "DEPROVISIONING", "STOPPED"}
        if service.status == "DRAINING" and all(task.last_status in ending for task in service.tasks):
            service.status = "INACTIVE"
            service.deployments = []
            for name in ("poll", "settle", "steady", "pause"):
                self._cancel(service, name)
            seconds = self._settings.inactive_service_retention_seconds
            self._at(service, "forget", seconds, lambda: self._forget_service(service))

    def _watch_targets(self, service: Service) -> None:
        watched = any(task.deployment.revision.lattice and task.should_run for task in service.tasks)
        if watched and "poll" not in service.timers:
            self._at(service, "poll", self._settings.poll_seconds, lambda: self._poll(service))

    def _poll(self, service: Service) -> None:
        for task in service.tasks:
            if task.should_run and task.unregistered and task.is_running:
                self._lifecycle.register(task)
        self.converge(service)

    def _wake_after_pause(self, service: Service) -> None:
        entry, now = service.primary, clock().time()
        if entry is not None and entry.paused_until > now + TOLERANCE:
            self._at(service, "pause", entry.paused_until - now, lambda: self.converge(service))

    def _task_changed(self, task: ServiceTask) -> None:
        if task.is_gone:
            task.timers.append(
                self._guard.call_later(self._settings.stopped_task_retention_seconds, lambda: self._bury(task))
            )
        self.converge(task.service)

    def _bury(self, task: ServiceTask) -> None:
        task.service.tasks.remove(task)
        self._forget(task)

    def _at(self, service: Service, name: str, seconds: float, action: Callable[[], None]) -> None:
        """Run ``action`` later; a service has one timer per name."""

        def fire() -> None:
            service.timers.pop(name, None)
            action()

        self._cancel(service, name)
        service.timers[name] = self._guard.call_later(seconds, fire)

    def _cancel(self, service: Service, name: str) -> None:
        timer = service.timers.pop(name, None)
        if timer is not None:
            timer.cancel()


def _launch_type(workload: Mapping[str, Any]) -> str:
    """The launch type, or that of the first capacity provider."""
    strategy = workload.get("capacityProviderStrategy")
    if strategy:
        return "FARGATE" if strategy[0]["capacityProvider"].startswith("FARGATE") else "EC2"
    return workload.get("launchType") or "EC2"


def _tags(service: Service, of_definition: list[dict[str, str]]) -> list[dict[str, str]]:
    """Tags of a new task (ECS Developer Guide, tagging resources)."""
    tags = {"SERVICE": service.tags, "TASK_DEFINITION": of_definition}.get(service.propagate_tags, [])
    managed = [
        {"key": "aws:ecs:clusterName", "value": service.cluster.name},
        {"key": "aws:ecs:serviceName", "value": service.name},
    ]
    return [*tags, *(managed if service.request.get("enableECSManagedTags") else ())]


__all__ = ["Scheduler"]
