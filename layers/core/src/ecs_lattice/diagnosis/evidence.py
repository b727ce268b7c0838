"""What was seen of a route that is not well, as frozen values. A part that could not be read is None and stands in
``unread`` with the reason; names are AWS's, times epoch seconds.
"""

from dataclasses import dataclass

from ecs_lattice.diagnosis.subjects import RouteSubject
from ecs_lattice.ecs_side.status import RouteStatus
from ecs_lattice.facts import EcsService, Task
from ecs_lattice.health.impaired import is_within_grace
from ecs_lattice.ingress.model import IngressRule, PrefixList, SecurityGroup
from ecs_lattice.model import AddressFamily, HealthCheck, Route

ANSWERING = frozenset({"HEALTHY", "UNAVAILABLE"})
"""Target statuses of those that can answer; UNAVAILABLE: health checks are off (VPC Lattice User Guide)."""
RECENT_SECONDS = 3600
"""ECS shows stopped tasks for at least an hour (Amazon ECS API, DescribeTasks)."""


@dataclass(frozen=True, slots=True)
class TargetSeen:
    """A registered target. ``reason`` is VPC Lattice's reasonCode: a free string that no page lists."""

    address: str
    port: int
    status: str
    reason: str = ""

    def __str__(self) -> str:
        return f"[{self.address}]:{self.port}" if ":" in self.address else f"{self.address}:{self.port}"


@dataclass(frozen=True, slots=True)
class GroupSeen:
    """A target group (GetTargetGroup). ``port`` is its default port; targets may have others."""

    arn: str
    name: str
    port: int
    protocol: str
    version: str
    family: AddressFamily
    vpc_id: str
    health: HealthCheck | None
    service_arns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ContainerSeen:
    """A container of a task."""

    name: str
    status: str = ""
    exit_code: int | None = None
    reason: str = ""
    health: str = "UNKNOWN"


@dataclass(frozen=True, slots=True)
class TaskSeen:
    """A task, running or recently stopped."""

    task: Task
    created_at: float = 0.0
    started_at: float = 0.0
    stopped_at: float = 0.0
    stop_code: str = ""
    stopped_reason: str = ""
    containers: tuple[ContainerSeen, ...] = ()

    @property
    def id(self) -> str:
        return self.task.arn.rsplit("/", 1)[-1]

    @property
    def is_running(self) -> bool:
        return self.task.last_status == "RUNNING" and self.task.desired_status == "RUNNING"

    @property
    def is_stopped(self) -> bool:
        return self.task.desired_status == "STOPPED"


@dataclass(frozen=True, slots=True)
class PortMade:
    """A port mapping of a task definition."""

    name: str
    container_port: int
    app_protocol: str = ""


@dataclass(frozen=True, slots=True)
class ContainerMade:
    """A container of a task definition. ``memory`` in MiB, ``stop_timeout`` in seconds, both None where not given;
    ``log_group`` is that of the awslogs driver."""

    name: str
    ports: tuple[PortMade, ...] = ()
    health_command: tuple[str, ...] = ()
    memory: int | None = None
    stop_timeout: int | None = None
    log_group: str = ""


@dataclass(frozen=True, slots=True)
class DefinitionSeen:
    """The task definition of the PRIMARY deployment; ``memory`` is the task's, in MiB."""

    arn: str
    network_mode: str
    containers: tuple[ContainerMade, ...] = ()
    memory: int | None = None

    @property
    def name(self) -> str:
        return self.arn.rsplit("/", 1)[-1]

    def container_of(self, port_name: str, port: int) -> ContainerMade | None:
        """The container whose port mapping has the name, or else the port."""
        named = [c for c in self.containers if port_name and any(p.name == port_name for p in c.ports)]
        by_port = [c for c in self.containers if any(p.container_port == port for p in c.ports)]
        return next(iter(named or by_port), None)


@dataclass(frozen=True, slots=True)
class EventSeen:
    """One of the messages that ECS shows with a service."""

    at: float
    message: str


@dataclass(frozen=True, slots=True)
class ServiceSeen:
    """The ECS service with its newest messages. ``vpc_id`` is that of its subnets, empty where it has none of its own."""

    service: EcsService
    events: tuple[EventSeen, ...] = ()
    vpc_id: str = ""
    exec_enabled: bool = False


@dataclass(frozen=True, slots=True)
class SecuritySeen:
    """The security groups of the service's tasks, their inbound rules, and VPC Lattice's prefix lists."""

    groups: tuple[SecurityGroup, ...]
    rules: tuple[IngressRule, ...]
    prefix_lists: tuple[PrefixList, ...]

    def prefix_list(self, family: AddressFamily) -> PrefixList | None:
        return next((one for one in self.prefix_lists if one.family == family), None)


@dataclass(frozen=True, slots=True)
class Unread:
    """A part that could not be read, and why."""

    part: str
    why: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything that was seen of one route at ``now``."""

    subject: RouteSubject
    now: float
    route: Route | None = None
    status: RouteStatus | None = None
    is_live: bool = False
    label_prefix: str = "lattice"
    group_arn: str = ""
    group: GroupSeen | None = None
    targets: tuple[TargetSeen, ...] | None = None
    service: ServiceSeen | None = None
    tasks: tuple[TaskSeen, ...] | None = None
    definition: DefinitionSeen | None = None
    security: SecuritySeen | None = None
    unread: tuple[Unread, ...] = ()

    @property
    def region(self) -> str:
        return self.subject.service.region

    @property
    def unhealthy(self) -> tuple[TargetSeen, ...]:
        return self.in_status("UNHEALTHY")

    @property
    def answering(self) -> tuple[TargetSeen, ...]:
        return tuple(target for target in self.targets or () if target.status in ANSWERING)

    def in_status(self, *statuses: str) -> tuple[TargetSeen, ...]:
        return tuple(target for target in self.targets or () if target.status in statuses)

    @property
    def running(self) -> tuple[TaskSeen, ...]:
        return tuple(task for task in self.tasks or () if task.is_running)

    @property
    def lately_stopped(self) -> tuple[TaskSeen, ...]:
        """Tasks that were stopped within the last hour, newest first."""
        stopped = (task for task in self.tasks or () if task.is_stopped)
        recent = [task for task in stopped if self.now - (task.stopped_at or self.now) <= RECENT_SECONDS]
        return tuple(sorted(recent, key=lambda task: task.stopped_at or self.now, reverse=True))

    @property
    def target_ports(self) -> tuple[int, ...]:
        """The ports at which targets are asked: those they are registered with, else the group's."""
        asked = {target.port for target in self.targets or () if target.status != "DRAINING"}
        return tuple(sorted(asked)) or ((self.group.port,) if self.group and self.group.port else ())

    @property
    def health_ports(self) -> tuple[int, ...]:
        """The ports at which targets are checked; none when checks are off."""
        if self.group is None or self.group.health is None or not self.group.health.enabled:
            return ()
        return (self.group.health.port,) if self.group.health.port else self.target_ports

    @property
    def container(self) -> ContainerMade | None:
        """The container that should answer."""
        port = next(iter(self.target_ports), 0)
        return (
            self.definition.container_of(self.route.port_name if self.route else "", port) if self.definition else None
        )

    @property
    def grace_ends_at(self) -> float:
        """When the health-check grace of the PRIMARY deployment ends; 0 once that deployment has completed or failed, or
        when it could not be read. The longer of ECS's and the route's own counts, as it does for the metric."""
        service = self.service.service if self.service else None
        health_grace = self.route.health_grace if self.route else 0
        if service is None or service.primary is None or not is_within_grace(service, health_grace, self.now):
            return 0.0
        return service.primary.created_at + max(service.grace_period or 0, health_grace)
