"""The scheduler's assessment of tasks: by age, health of targets and grace period."""

from local_aws.ecs.ecs_events import EcsEvents
from local_aws.ecs.model import Service, ServiceTask
from local_aws.ecs.registration import Registrar, Target
from local_aws.ecs.rolling import Condition
from local_aws.ecs.rollouts import Rollouts
from local_aws.ecs.settings import Settings
from local_aws.services import clock

TOLERANCE = 0.01
"""Seconds by which a timer may be early: times since 1970 are floats and lose precision."""


class Health:
    """Assesses the tasks of services. Call with the scheduler's lock held."""

    def __init__(self, settings: Settings, events: EcsEvents, registrar: Registrar, rollouts: Rollouts) -> None:
        self._settings = settings
        self._events = events
        self._registrar = registrar
        self._rollouts = rollouts

    def conditions(self, service: Service) -> dict[str, Condition]:
        """The condition of each task that should run, by ARN; reports the first time that a task is healthy or unhealthy."""
        alive = [task for task in service.tasks if task.should_run]
        statuses = self._registrar.statuses(alive)
        conditions = {task.task_arn: self._condition(task, statuses) for task in alive}
        for task in alive:
            match conditions[task.task_arn]:
                case Condition.HEALTHY if not task.proven:
                    self._rollouts.note_healthy(task)
                case Condition.UNHEALTHY if not task.reported_unhealthy:
                    self._report_unhealthy(task, statuses)
        return conditions

    def _condition(self, task: ServiceTask, statuses: dict[Target, str]) -> Condition:
        """A task in VPC Lattice target groups has the health of its targets; any other is healthy after its first 40 s."""
        if not task.is_running or task.started_at is None:
            return Condition.STARTING
        age = clock().time() - task.started_at.timestamp() + TOLERANCE
        if not task.deployment.revision.lattice:
            return Condition.HEALTHY if age >= self._settings.healthy_after_seconds else Condition.WAITING
        said = {statuses.get(target, "MISSING") for target in task.registered}
        if said & self._unhealthy_statuses:
            # botocore, healthCheckGracePeriodSeconds: unhealthy VPC Lattice health checks are ignored that long
            return Condition.UNHEALTHY if age >= task.service.grace_seconds else Condition.WAITING
        # A deployment waits for INITIAL and UNUSED, and accepts UNAVAILABLE (no health checks): assumption
        good = said <= {"HEALTHY", "UNAVAILABLE"} and not task.unregistered
        return Condition.HEALTHY if good else Condition.WAITING

    @property
    def _unhealthy_statuses(self) -> set[str]:
        return {"UNHEALTHY", "UNUSED"} if self._settings.unused_is_unhealthy else {"UNHEALTHY"}

    def _report_unhealthy(self, task: ServiceTask, statuses: dict[Target, str]) -> None:
        task.reported_unhealthy = True
        group, ip, port = self.culprit(task, statuses)
        self._events.message(
            task.service, f"(task {task.id}) (port {port}) is unhealthy in (target-group {group}) at {ip}."
        )
        self._events.action(task.service, "VPC_LATTICE_TARGET_UNHEALTHY", kind="WARN")

    def culprit(self, task: ServiceTask, statuses: dict[Target, str]) -> Target:
        """The first unhealthy target of a task."""
        return next(target for target in sorted(task.registered) if statuses.get(target) in self._unhealthy_statuses)


__all__ = ["TOLERANCE", "Health"]
