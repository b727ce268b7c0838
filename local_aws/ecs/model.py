"""The scheduler's state: services, their revisions, deployments and tasks.

The terms are ECS's. A *deployment* is an entry of a service's ``deployments`` list; a *service deployment* is the
record of one rollout in the service's history; a *service revision* is the workload configuration that both refer to.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast

from moto.ecs.models import Cluster, TaskDefinition, TaskSet

from local_aws.clock import Timer
from local_aws.ecs.addresses import Binding, Interface
from local_aws.ecs.rolling import Bounds

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Revision:
    """An immutable workload configuration; ``workload`` holds the members that a service revision shows."""

    arn: str
    created_at: datetime
    workload: Mapping[str, Any]

    @property
    def lattice(self) -> tuple[Mapping[str, Any], ...]:
        return tuple(self.workload.get("vpcLatticeConfigurations") or ())


@dataclass(slots=True, eq=False)
class Deployment:
    """An entry of ``deployments``: PRIMARY is the newest, ACTIVE ones are being replaced."""

    id: str
    revision: Revision
    created_at: datetime
    updated_at: datetime
    status: str = "PRIMARY"
    rollout_state: str = "IN_PROGRESS"
    rollout_reason: str = ""
    failed_tasks: int = 0
    failures_in_a_row: int = 0
    paused_until: float = 0.0


@dataclass(frozen=True, slots=True)
class Rollback:
    reason: str
    started_at: datetime
    revision: Revision


@dataclass(slots=True, eq=False)
class ServiceDeployment:
    """One rollout in the history of a service."""

    arn: str
    target: Revision
    sources: tuple[Revision, ...]
    created_at: datetime
    updated_at: datetime
    configuration: Document
    breaker_status: str
    breaker_threshold: int
    breaker_failures: int = 0
    status: str = "IN_PROGRESS"
    status_reason: str | None = None
    finished_at: datetime | None = None
    stopped_at: datetime | None = None
    rollback: Rollback | None = None

    @property
    def is_running(self) -> bool:
        return self.status in {"PENDING", "IN_PROGRESS", "ROLLBACK_REQUESTED", "ROLLBACK_IN_PROGRESS"}


@dataclass(slots=True, eq=False)
class ServiceTask:
    """A task of a service. The attributes that moto reads have moto's names."""

    id: str
    task_arn: str
    service: "Service"
    deployment: Deployment
    task_definition: TaskDefinition
    created_at: datetime
    launch_type: str
    tags: list[dict[str, str]]
    interface: Interface | None = None
    instance_ip: str | None = None
    container_instance_arn: str | None = None
    bindings: tuple[Binding, ...] = ()
    runtime_ids: dict[str, str] = field(default_factory=dict)
    last_status: str = "PROVISIONING"
    desired_status: str = "RUNNING"
    version: int = 1
    updated_at: datetime | None = None
    pull_started_at: datetime | None = None
    pull_stopped_at: datetime | None = None
    started_at: datetime | None = None
    stopping_at: datetime | None = None
    execution_stopped_at: datetime | None = None
    stopped_at: datetime | None = None
    stop_code: str | None = None
    stopped_reason: str | None = None
    exit_code: int | None = None
    exit_reason: str | None = None
    registered: set[tuple[str, str, int]] = field(default_factory=set)
    """Targets that ECS has registered for this task: target group ARN, address, port."""
    unregistered: list[Mapping[str, Any]] = field(default_factory=list)
    """Configurations whose target has not been registered yet."""
    proven: bool = False
    """Whether the task has ever been healthy: its end is then no failed start."""
    reported_unhealthy: bool = False
    timers: list[Timer] = field(default_factory=list)

    @property
    def ip(self) -> str | None:
        return self.interface.ip if self.interface is not None else self.instance_ip

    @property
    def cluster_arn(self) -> str:
        return self.service.cluster.arn

    @property
    def task_definition_arn(self) -> str:
        return self.task_definition.arn

    @property
    def started_by(self) -> str:
        return self.deployment.id

    @property
    def should_run(self) -> bool:
        return self.desired_status == "RUNNING"

    @property
    def is_running(self) -> bool:
        return self.last_status == "RUNNING"

    @property
    def is_gone(self) -> bool:
        return self.last_status == "STOPPED"

    @property
    def is_pending(self) -> bool:
        return self.last_status in {"PROVISIONING", "PENDING", "ACTIVATING"}


@dataclass(slots=True, eq=False)
class Service:
    """A service. ``request`` holds what clients requested; everything else is the scheduler's.

    moto reads the attributes in its spelling: tags, task sets and CloudFormation.
    """

    cluster: Cluster
    name: str
    arn: str
    created_at: datetime
    created_by: str
    desired_count: int
    request: Document
    task_definition: str | None
    launch_type: str | None
    scheduling_strategy: str = "REPLICA"
    status: str = "ACTIVE"
    tags: list[dict[str, str]] = field(default_factory=list)
    task_sets: list[TaskSet] = field(default_factory=list)
    load_balancers: list[Document] = field(default_factory=list)
    propagate_tags: str = "NONE"
    deployments: list[Deployment] = field(default_factory=list)
    revisions: dict[str, Revision] = field(default_factory=dict)
    history: list[ServiceDeployment] = field(default_factory=list)
    tasks: list[ServiceTask] = field(default_factory=list)
    events: list[Document] = field(default_factory=list)
    whole_since: float | None = None
    """Since when the service has been steady; None if it is not."""
    steady: bool = False
    timers: dict[str, Timer] = field(default_factory=dict)
    inactive_at: float | None = None
    cf_resource_type: str | None = None
    logical_resource_id: str | None = None
    stack_lattice: list[Document] | None = None
    """The list in the template that a stack last created or updated the service from; None without a stack."""

    @property
    def cluster_name(self) -> str:
        return self.cluster.name

    @property
    def physical_resource_id(self) -> str:
        return self.arn

    @property
    def controller(self) -> str:
        return (self.request.get("deploymentController") or {}).get("type", "ECS")

    @property
    def primary(self) -> Deployment | None:
        return next((deployment for deployment in self.deployments if deployment.status == "PRIMARY"), None)

    @property
    def rollout(self) -> ServiceDeployment | None:
        """The service deployment in progress."""
        return self.history[-1] if self.history and self.history[-1].is_running else None

    @property
    def configuration(self) -> Document:
        """The deployment configuration with ECS's defaults (botocore, DeploymentConfiguration)."""
        daemon = self.scheduling_strategy == "DAEMON"
        return {
            "deploymentCircuitBreaker": {"enable": False, "rollback": False},
            "maximumPercent": 100 if daemon else 200,
            "minimumHealthyPercent": 0 if daemon else 100,
            "strategy": "ROLLING",
            "bakeTimeInMinutes": 0,
            **(self.request.get("deploymentConfiguration") or {}),
        }

    @property
    def bounds(self) -> Bounds:
        configuration = self.configuration
        return Bounds.of(self.desired_count, configuration["minimumHealthyPercent"], configuration["maximumPercent"])

    @property
    def grace_seconds(self) -> float:
        return float(self.request.get("healthCheckGracePeriodSeconds") or 0)

    def tasks_of(self, deployment: Deployment) -> list[ServiceTask]:
        """Its tasks that are not STOPPED, oldest first."""
        return [task for task in self.tasks if task.deployment is deployment and not task.is_gone]

    def is_created(self) -> bool:
        """Always: CloudFormation waits for a steady state, but moto would not check again."""
        return True

    def has_cfn_attr(self, attribute: str) -> bool:
        return attribute in {"Name", "ServiceArn"}

    def get_cfn_attribute(self, attribute: str) -> str:
        """The attributes of AWS::ECS::Service for ``Fn::GetAtt``."""
        return {"Name": self.name, "ServiceArn": self.arn}[attribute]


def containers(definition: TaskDefinition) -> list[Document]:
    """The container definitions as registered."""
    return cast("list[Document]", definition.container_definitions)


__all__ = [
    "Deployment",
    "Document",
    "Revision",
    "Rollback",
    "Service",
    "ServiceDeployment",
    "ServiceTask",
    "containers",
]
