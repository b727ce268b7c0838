"""ECS as frozen values: only what decisions need, with ECS's field names. Times are epoch seconds."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Literal

from ecs_lattice.model import AddressFamily, ServiceId


@dataclass(frozen=True, slots=True)
class LatticeEntry:
    """One of a deployment's ``vpcLatticeConfigurations``. ``advanced`` is advancedConfiguration as sorted pairs."""

    role_arn: str
    group_arn: str
    port_name: str
    advanced: tuple[tuple[str, str], ...] = ()

    @property
    def identity(self) -> tuple[str, str, tuple[tuple[str, str], ...]]:
        """What two entries are compared by: a different role that works is no difference."""
        return self.group_arn, self.port_name, self.advanced


def shifted_groups(entries: Iterable[LatticeEntry]) -> frozenset[str]:
    """The groups of the entries with an ``advancedConfiguration``: ECS shifts traffic between the two of each, whichever
    of them is named as the alternate."""
    shifted = [entry for entry in entries if entry.advanced]
    alternates = (dict(entry.advanced).get("alternateTargetGroupArn", "") for entry in shifted)
    return frozenset(filter(None, [*(entry.group_arn for entry in shifted), *alternates]))


def same_entries(entries: tuple[LatticeEntry, ...], others: tuple[LatticeEntry, ...]) -> bool:
    """Whether two lists name the same; neither their order nor another role is a difference."""
    return {entry.identity for entry in entries} == {entry.identity for entry in others}


@dataclass(frozen=True, slots=True)
class Deployment:
    """A listed deployment of a service. ``rollout`` is None where ECS reports none (not a rolling ECS deployment)."""

    id: str
    status: Literal["PRIMARY", "ACTIVE", "INACTIVE"]
    rollout: Literal["IN_PROGRESS", "COMPLETED", "FAILED"] | None
    task_definition: str
    created_at: float
    desired: int = 0
    running: int = 0
    pending: int = 0
    entries: tuple[LatticeEntry, ...] = ()
    subnets: tuple[str, ...] = ()
    security_groups: tuple[str, ...] = ()

    @property
    def groups(self) -> frozenset[str]:
        """The ARNs of the target groups that its list names."""
        return frozenset(entry.group_arn for entry in self.entries)


@dataclass(frozen=True, slots=True)
class EcsService:
    """An ECS service from DescribeServices with TAGS.

    ``deployments`` newest first; for the CODE_DEPLOY and EXTERNAL controllers they are its task sets (PRIMARY/ACTIVE;
    rollout COMPLETED once PRIMARY is steady). ``grace_period`` is healthCheckGracePeriodSeconds (None: unset).
    ``messages`` are the texts of its newest service events, newest first; ``exec_enabled``: ECS Exec is on.
    ``revisions`` are the ARNs of its current service revisions.
    """

    id: ServiceId
    status: Literal["ACTIVE", "DRAINING", "INACTIVE"]
    created_at: float
    desired: int
    running: int
    controller: Literal["ECS", "CODE_DEPLOY", "EXTERNAL"]
    strategy: str
    deployments: tuple[Deployment, ...]
    tags: tuple[tuple[str, str], ...] = ()
    subnets: tuple[str, ...] = ()
    security_groups: tuple[str, ...] = ()
    grace_period: int | None = None
    minimum_healthy_percent: int = 100
    maximum_percent: int = 200
    scheduling: Literal["REPLICA", "DAEMON"] = "REPLICA"
    launch_type: str = "FARGATE"
    managed_by_ecs: bool = False
    messages: tuple[str, ...] = ()
    exec_enabled: bool = False
    revisions: tuple[str, ...] = ()

    @property
    def primary(self) -> Deployment | None:
        return next((deployment for deployment in self.deployments if deployment.status == "PRIMARY"), None)

    @property
    def is_deleted(self) -> bool:
        return self.status != "ACTIVE"

    @property
    def listed_groups(self) -> frozenset[str]:
        """The ARNs of all target groups that its deployments name."""
        return frozenset(entry.group_arn for deployment in self.deployments for entry in deployment.entries)

    def shifts_traffic(self, groups: Collection[str]) -> bool:
        """Whether ECS changes the weights of the rules that the service's list names, or may at any time: such rules
        are read and never written (Amazon ECS Developer Guide, blue/green deployments with VPC Lattice).

        The strategy does not say so: UpdateService with ``deploymentConfiguration`` starts no deployment (Amazon ECS
        API), so the tasks stay in the group to which ECS has shifted the traffic until a deployment whose list has no
        ``advancedConfiguration`` has completed, and a service without any may have every strategy: ECS shifts nothing.
        ``groups`` are the ARNs of the service's own target groups: a list that names somebody else's governs nothing here.
        """
        return bool(self.governed_groups & set(groups))

    @property
    def governed_groups(self) -> frozenset[str]:
        """The target groups that a listed deployment names with an ``advancedConfiguration``, also as the alternate."""
        return shifted_groups(entry for deployment in self.deployments for entry in deployment.entries)


@dataclass(frozen=True, slots=True)
class PortMapping:
    """A container's port mapping; ``name`` and ``app_protocol`` are empty where it has none."""

    name: str
    container_port: int
    host_port: int | None
    transport: Literal["tcp", "udp"]
    container: str
    app_protocol: str = ""


@dataclass(frozen=True, slots=True)
class ContainerDefinition:
    """A container of a task definition, with all its port mappings. ``memory`` is its hard limit in MiB (None: not given),
    ``health_command`` its own health check, ``log_group`` that of the awslogs driver."""

    name: str
    ports: tuple[PortMapping, ...] = ()
    health_command: tuple[str, ...] = ()
    memory: int | None = None
    log_group: str = ""


@dataclass(frozen=True, slots=True)
class TaskDefinition:
    """A task-definition revision: immutable, cached by ARN. ``ports`` are the port mappings that have a name, ``labels`` are
    (container, key, value), any key; ``memory`` is the task's limit in MiB (None: not given). ``port_ranges`` are the names
    of mappings that have a containerPortRange ("8000-8010") instead of a containerPort, each with that range."""

    arn: str
    network_mode: str
    ports: tuple[PortMapping, ...] = ()
    labels: tuple[tuple[str, str, str], ...] = ()
    containers: tuple[ContainerDefinition, ...] = ()
    memory: int | None = None
    port_ranges: tuple[tuple[str, str], ...] = ()

    @property
    def name(self) -> str:
        """``family:revision``, for people."""
        return self.arn.rsplit("/", 1)[-1]

    @property
    def family(self) -> str:
        """The family, unique in an account and Region."""
        return self.name.rsplit(":", 1)[0]


@dataclass(frozen=True, slots=True)
class ServiceRevision:
    """What a service deployment deployed (DescribeServiceRevisions). ``governed_groups`` are the target groups that it was
    resolved to together with a production rule, whose weights ECS shifts, or that its list names with an
    ``advancedConfiguration``. ``connectors`` are the port names of its gateway connectors."""

    arn: str
    task_definition: str
    created_at: float
    entries: tuple[LatticeEntry, ...] = ()
    governed_groups: frozenset[str] = frozenset()
    connectors: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Container:
    """A container of a task. ``reason`` is ECS's, for one that could not start or was killed."""

    name: str
    exit_code: int | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Task:
    """A task of a service. ``address`` is its private IP (awsvpc), None while it has none; times are 0 until they pass."""

    arn: str
    task_definition: str
    deployment_id: str
    last_status: str
    desired_status: str
    address: str | None = None
    family: AddressFamily = "IPV4"
    started_at: float = 0.0
    stopped_at: float = 0.0
    stop_code: str = ""
    stopped_reason: str = ""
    containers: tuple[Container, ...] = ()

    @property
    def id(self) -> str:
        return self.arn.rsplit("/", 1)[-1]

    @property
    def is_running(self) -> bool:
        return self.last_status == self.desired_status == "RUNNING"

    @property
    def is_stopped(self) -> bool:
        return self.desired_status == "STOPPED"

    @property
    def has_failed(self) -> bool:
        """Whether it stopped by itself with an error, or could not start (Amazon ECS API, Task.stopCode)."""
        if self.stop_code == "EssentialContainerExited":
            return self.is_stopped and any(container.exit_code for container in self.containers)
        return self.is_stopped and self.stop_code == "TaskFailedToStart"


@dataclass(frozen=True, slots=True)
class Subnets:
    """The subnets of a service: their VPC, and the address family with which targets are registered."""

    vpc_id: str
    family: AddressFamily
    subnet_ids: tuple[str, ...] = field(default=())
