"""Deployments of a service: starting one, superseding, completing, failing, rolling back.

Sources: botocore (Deployment, ServiceDeployment, DeploymentCircuitBreaker); ECS Developer Guide, "How the Amazon ECS
deployment circuit breaker detects failures"; kayac/ecspresso #899 for the effect of superseding on a service deployment.
"""

import random
import secrets

from local_aws.ecs import breaker
from local_aws.ecs.ecs_events import EcsEvents
from local_aws.ecs.model import Deployment, Revision, Rollback, Service, ServiceDeployment, ServiceTask
from local_aws.ecs.settings import Settings
from local_aws.services import clock

WORKLOAD = (
    "taskDefinition", "capacityProviderStrategy", "launchType", "platformVersion", "loadBalancers",
    "serviceRegistries", "networkConfiguration", "serviceConnectConfiguration", "volumeConfigurations",
    "vpcLatticeConfigurations", "gatewayConnectors",
)  # fmt: skip
"""The members of a service revision (botocore, ServiceRevision)."""

_FAILED = "ECS deployment circuit breaker: tasks failed to start."
_SUPERSEDED = "A newer service deployment replaced this one."


class Rollouts:
    """Keeps ``deployments``, ``history`` and ``revisions`` of services. Call with the scheduler's lock held."""

    def __init__(self, settings: Settings, events: EcsEvents) -> None:
        self._settings = settings
        self._events = events

    def start(self, service: Service) -> None:
        """Deploy the service's current request."""
        revision = self._revision(service)
        self._supersede(service)
        sources = tuple({entry.revision.arn: entry.revision for entry in service.deployments}.values())
        self._demote(service)
        entry = self._entry(service, revision)
        self._in_progress(service, entry, f"ECS deployment {entry.id} in progress.")
        service.history.append(self._record(service, revision, sources))

    def complete(self, service: Service) -> None:
        """The PRIMARY deployment reached a steady state."""
        entry, record = _primary(service), service.rollout
        entry.rollout_state = "COMPLETED"
        entry.rollout_reason = f"ECS deployment {entry.id} completed."
        entry.failed_tasks = 0
        entry.updated_at = clock().now()
        self._events.message(service, f"(deployment {entry.id}) deployment completed.")
        self._events.deployment(service, entry, "SERVICE_DEPLOYMENT_COMPLETED")
        if record is None:
            return
        rolled_back = record.status == "ROLLBACK_IN_PROGRESS"
        if not rolled_back and record.breaker_status == "MONITORING":
            record.breaker_status = "MONITORING_COMPLETE"
        _finish(record, "ROLLBACK_SUCCESSFUL" if rolled_back else "SUCCESSFUL")

    def note_healthy(self, task: ServiceTask) -> None:
        """A healthy task resets the failure count (botocore, resetOnHealthyTask; on by default)."""
        task.proven = True
        entry, record = task.deployment, task.service.rollout
        entry.failures_in_a_row = 0
        entry.paused_until = 0.0
        if task.service.configuration["deploymentCircuitBreaker"].get("resetOnHealthyTask", True):
            entry.failed_tasks = 0
            if record is not None and record.target is entry.revision and record.breaker_status == "MONITORING":
                record.breaker_failures = 0

    def note_failed(self, task: ServiceTask) -> None:
        """A task failed to start, or ended before it was ever healthy.

        The circuit breaker ignores VPC Lattice health checks (ECS Developer Guide), so tasks that ECS replaces for
        them do not get here.
        """
        service, entry = task.service, task.deployment
        entry.failures_in_a_row += 1
        entry.paused_until = clock().time() + breaker.pause(entry.failures_in_a_row, self._settings)
        if breaker.is_impaired(entry.failures_in_a_row):
            self._events.message(service, "is unable to consistently start tasks successfully.")
            self._events.action(service, "SERVICE_TASK_START_IMPAIRED", kind="WARN")
        if entry.status != "PRIMARY" or entry.rollout_state != "IN_PROGRESS":
            return
        entry.failed_tasks += 1
        record = service.rollout
        if record is None or record.status != "IN_PROGRESS" or record.breaker_status != "MONITORING":
            return
        record.breaker_failures = entry.failed_tasks
        record.breaker_threshold = breaker.threshold(
            service.configuration["deploymentCircuitBreaker"], service.desired_count
        )
        if record.breaker_failures >= record.breaker_threshold:
            self._fail(service, entry, record)

    def drop_empty(self, service: Service) -> None:
        """Replaced deployments without tasks are no longer listed."""
        service.deployments = [
            entry for entry in service.deployments if entry.status == "PRIMARY" or service.tasks_of(entry)
        ]

    def _fail(self, service: Service, entry: Deployment, record: ServiceDeployment) -> None:
        entry.rollout_state = "FAILED"
        entry.rollout_reason = _FAILED
        entry.updated_at = clock().now()
        record.breaker_status = "TRIGGERED"
        self._events.message(service, f"(deployment {entry.id}) deployment failed: tasks failed to start.")
        self._events.deployment(service, entry, "SERVICE_DEPLOYMENT_FAILED", kind="ERROR")
        target = _last_completed(service)
        if service.configuration["deploymentCircuitBreaker"].get("rollback") and target is not None:
            self._roll_back(service, record, target)
            return
        # Without a rollback the service deployment stops (botocore, ServiceDeployment.stoppedAt). That it does too
        # without a revision to roll back to is an assumption: the guide only says that the deployment is stalled.
        record.stopped_at = clock().now()
        _finish(record, "STOPPED", _FAILED)

    def _roll_back(self, service: Service, record: ServiceDeployment, target: Revision) -> None:
        """Deploy the last completed revision again, its list of target groups included.

        A listed entry of that revision becomes PRIMARY again and keeps its tasks; otherwise a new entry is created
        (assumption; the reason names the id of the PRIMARY deployment in published outputs).
        """
        for name in WORKLOAD:
            service.request.pop(name, None)
        service.request.update(target.workload)
        adopt(service)
        self._demote(service)
        entry = next((deployment for deployment in service.deployments if deployment.revision is target), None)
        if entry is None:
            entry = self._entry(service, target)
        else:
            service.deployments.remove(entry)
            service.deployments.insert(0, entry)
            entry.status, entry.rollout_state = "PRIMARY", "IN_PROGRESS"
        reason = f"ECS deployment circuit breaker: rolling back to deploymentId {entry.id}."
        self._events.message(service, f"rolling back to deployment {entry.id}.")
        self._in_progress(service, entry, reason)
        record.status = "ROLLBACK_IN_PROGRESS"
        record.status_reason = _FAILED
        record.updated_at = clock().now()
        record.rollback = Rollback(_FAILED, clock().now(), target)

    def _supersede(self, service: Service) -> None:
        """A rollout in progress ends STOPPED, whatever starts the next one (kayac/ecspresso #899)."""
        record = service.rollout
        if record is not None:
            record.stopped_at = clock().now()
            if record.breaker_status == "MONITORING":
                record.breaker_status = "MONITORING_COMPLETE"
            _finish(record, "STOPPED", _SUPERSEDED)

    def _demote(self, service: Service) -> None:
        for entry in service.deployments:
            if entry.status == "PRIMARY":
                entry.status = "ACTIVE"
                entry.updated_at = clock().now()

    def _in_progress(self, service: Service, entry: Deployment, reason: str) -> None:
        entry.rollout_reason = reason
        entry.updated_at = clock().now()
        service.whole_since, service.steady = None, False
        self._events.deployment(service, entry, "SERVICE_DEPLOYMENT_IN_PROGRESS")

    def _entry(self, service: Service, revision: Revision) -> Deployment:
        entry = Deployment(f"ecs-svc/{_number()}", revision, clock().now(), clock().now())
        service.deployments.insert(0, entry)
        return entry

    def _revision(self, service: Service) -> Revision:
        workload = {name: service.request[name] for name in WORKLOAD if name in service.request}
        arn = f"{_sibling(service, 'service-revision')}/{_number()}"
        revision = Revision(arn, clock().now(), workload)
        service.revisions[arn] = revision
        return revision

    def _record(self, service: Service, target: Revision, sources: tuple[Revision, ...]) -> ServiceDeployment:
        configuration = service.configuration
        enabled = configuration["deploymentCircuitBreaker"]["enable"]
        return ServiceDeployment(
            arn=f"{_sibling(service, 'service-deployment')}/{secrets.token_urlsafe(15)}",
            target=target,
            sources=sources,
            created_at=clock().now(),
            updated_at=clock().now(),
            configuration=configuration,
            breaker_status="MONITORING" if enabled else "DISABLED",
            breaker_threshold=breaker.threshold(configuration["deploymentCircuitBreaker"], service.desired_count),
        )


def adopt(service: Service) -> None:
    """Copy the request to the attributes that moto reads."""
    service.task_definition = service.request.get("taskDefinition")
    service.launch_type = service.request.get("launchType")
    service.load_balancers = list(service.request.get("loadBalancers") or ())
    service.propagate_tags = service.request.get("propagateTags") or "NONE"


def _last_completed(service: Service) -> Revision | None:
    done = (record.target for record in reversed(service.history) if record.status == "SUCCESSFUL")
    return next(done, None)


def _finish(record: ServiceDeployment, status: str, reason: str | None = None) -> None:
    record.status = status
    record.status_reason = reason or record.status_reason
    record.finished_at = record.updated_at = clock().now()


def _primary(service: Service) -> Deployment:
    entry = service.primary
    if entry is None:
        raise ValueError(f"{service.arn} has no PRIMARY deployment")
    return entry


def _sibling(service: Service, kind: str) -> str:
    """An ARN derived from the service's, for its deployments and revisions (ECS Developer Guide, view service history)."""
    return service.arn.replace(":service/", f":{kind}/")


def _number() -> int:
    return random.randrange(10**18, 10**19)


__all__ = ["WORKLOAD", "Rollouts", "adopt"]
