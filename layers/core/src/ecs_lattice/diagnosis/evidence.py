"""What was read about an unhealthy route, as frozen values. A part that could not be read is None and is listed in
``unread`` with the reason; names are AWS's, times epoch seconds.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from ecs_lattice.diagnosis.subjects import RouteSubject
from ecs_lattice.ecs_side.status import RouteStatus
from ecs_lattice.ecs_side.update_outcome import OwnDeployment
from ecs_lattice.facts import ContainerDefinition, Deployment, EcsService, Task, TaskDefinition
from ecs_lattice.graph import Group, Target
from ecs_lattice.health.impaired import is_within_grace
from ecs_lattice.ingress.group import SecurityGroupRules
from ecs_lattice.ingress.model import IngressRule, PrefixList, SecurityGroup
from ecs_lattice.model import HealthCheck, Route

ANSWERING = frozenset({"HEALTHY", "UNAVAILABLE"})
"""Statuses of targets that can answer; UNAVAILABLE: health checks are off (VPC Lattice User Guide)."""
RECENT_SECONDS = 3600
"""ECS shows stopped tasks for at least an hour (Amazon ECS API, DescribeTasks)."""


@dataclass(frozen=True, slots=True)
class TaskSecurityGroups:
    """The security groups of the service's tasks by id, and the inbound rules of all of them, which add up."""

    ids: tuple[str, ...]
    inbound: SecurityGroupRules

    @classmethod
    def of(
        cls, groups: Iterable[SecurityGroup], rules: tuple[IngressRule, ...], prefix_lists: tuple[PrefixList, ...]
    ) -> "TaskSecurityGroups":
        """A command that adds a rule names the first group: not the VPC's default one where there is another."""
        ids = tuple(group.id for group in sorted(groups, key=lambda group: group.is_default))
        return cls(ids, SecurityGroupRules(next(iter(ids), ""), rules, prefix_lists))


@dataclass(frozen=True, slots=True)
class Unread:
    """A part that could not be read, and why."""

    part: str
    why: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything that was read about one route at ``now``.

    ``vpc_id`` is the VPC of the service's subnets, empty where it has none of its own or it could not be read.
    ``label_prefix`` is the stack's: every label that a message names begins with it. ``own_deployment`` is the PRIMARY
    deployment of the service if the stack has started it.
    """

    subject: RouteSubject
    now: float
    label_prefix: str
    route: Route | None = None
    status: RouteStatus | None = None
    is_live: bool = False
    group_arn: str = ""
    group: Group | None = None
    targets: tuple[Target, ...] | None = None
    service: EcsService | None = None
    own_deployment: OwnDeployment | None = None
    vpc_id: str = ""
    tasks: tuple[Task, ...] | None = None
    task_definition: TaskDefinition | None = None
    security: TaskSecurityGroups | None = None
    unread: tuple[Unread, ...] = ()

    def label(self, key: str) -> str:
        """The label or tag for ``key`` in this stack: ``lattice.health.path``."""
        return f"{self.label_prefix}.{key}"

    @property
    def region(self) -> str:
        return self.subject.service.region

    @property
    def unhealthy(self) -> tuple[Target, ...]:
        return self.in_status("UNHEALTHY")

    @property
    def answering(self) -> tuple[Target, ...]:
        return self.in_status(*ANSWERING)

    def in_status(self, *statuses: str) -> tuple[Target, ...]:
        return tuple(target for target in self.targets or () if target.status in statuses)

    @property
    def primary(self) -> Deployment | None:
        return self.service.primary if self.service else None

    @property
    def is_listed(self) -> bool:
        """Whether the PRIMARY deployment lists the target group."""
        return self.primary is not None and any(entry.group_arn == self.group_arn for entry in self.primary.entries)

    @property
    def running(self) -> tuple[Task, ...]:
        return tuple(task for task in self.tasks or () if task.is_running)

    @property
    def recently_stopped(self) -> tuple[Task, ...]:
        """Tasks that stopped within the last hour or are stopping, newest first."""
        stopped = [task for task in self.tasks or () if task.is_stopped and self.age(task) <= RECENT_SECONDS]
        return tuple(sorted(stopped, key=self.age))

    def age(self, task: Task) -> float:
        """Seconds since ``task`` stopped; 0 while it is stopping."""
        return self.now - (task.stopped_at or self.now)

    @property
    def target_ports(self) -> tuple[int, ...]:
        """The ports that receive requests: those that targets are registered with, else the group's."""
        ports = {target.port for target in self.targets or () if target.status != "DRAINING"}
        return tuple(sorted(ports)) or ((self.group.port,) if self.group and self.group.port else ())

    @property
    def health_check(self) -> HealthCheck | None:
        """The target group's health check; None when it is off or could not be read."""
        return self.group.health if self.group and self.group.health and self.group.health.enabled else None

    @property
    def health_ports(self) -> tuple[int, ...]:
        """The ports that are health-checked; none when health checks are off."""
        if self.health_check is None:
            return ()
        return (self.health_check.port,) if self.health_check.port else self.target_ports

    @property
    def health_port(self) -> int:
        """The first of :attr:`health_ports`; 0 when there is none."""
        return next(iter(self.health_ports), 0)

    @property
    def container(self) -> ContainerDefinition | None:
        """The container that should answer: whose port mapping has the route's port name, or else the target port."""
        name, number = self.route.port_name if self.route else None, next(iter(self.target_ports), 0)
        containers = self.task_definition.containers if self.task_definition else ()
        mappings = [(port, container) for container in containers for port in container.ports]
        named = [container for port, container in mappings if port.name == name]
        numbered = [container for port, container in mappings if port.container_port == number]
        return next(iter(named + numbered), None)

    @property
    def grace_ends_at(self) -> float:
        """When the health-check grace period of the PRIMARY deployment ends; 0 once that deployment has completed or
        failed, or when it could not be read. The longer of ECS's and the route's own counts, as for the metric."""
        health_grace = self.route.health_grace if self.route else 0
        if self.service is None or self.primary is None or not is_within_grace(self.service, health_grace, self.now):
            return 0.0
        return self.primary.created_at + max(self.service.grace_period or 0, health_grace)
