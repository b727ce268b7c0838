"""The typed steps of a plan: data that can be printed, each one call of VPC Lattice.

``needed_by`` are the claims (keys of their records) that cannot be served without the step.
"""

from dataclasses import dataclass

from ecs_lattice.graph import Action, AnyMatch, Tags, Target
from ecs_lattice.lattice_side.ports import GroupSpec, ServiceSpec
from ecs_lattice.model import HealthCheck, ListenerKey


@dataclass(frozen=True, slots=True)
class Step:
    """One call."""

    needed_by: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CreateGroup(Step):
    """CreateTargetGroup."""

    spec: GroupSpec
    tags: Tags

    def __str__(self) -> str:
        return f"create target group {self.spec.name} ({self.spec.protocol}:{self.spec.port} in {self.spec.vpc_id})"


@dataclass(frozen=True, slots=True)
class UpdateHealth(Step):
    """UpdateTargetGroup."""

    group: str
    name: str
    health: HealthCheck

    def __str__(self) -> str:
        return f"update the health check of target group {self.name}"


@dataclass(frozen=True, slots=True)
class CreateService(Step):
    """CreateService."""

    spec: ServiceSpec
    tags: Tags

    def __str__(self) -> str:
        return f"create service {self.spec.name}"


@dataclass(frozen=True, slots=True)
class TagService(Step):
    """TagResource on the service."""

    arn: str
    tags: Tags

    def __str__(self) -> str:
        return "tag the service: " + ", ".join(f"{key}={value}" for key, value in self.tags)


@dataclass(frozen=True, slots=True)
class PutPolicy(Step):
    """PutAuthPolicy on the service."""

    policy: str

    def __str__(self) -> str:
        return "put the service's auth policy"


@dataclass(frozen=True, slots=True)
class UpdateService(Step):
    """``spec`` has what changes; None stays."""

    arn: str
    spec: ServiceSpec

    def __str__(self) -> str:
        changes = {"certificate": self.spec.certificate, "auth": self.spec.auth, "idle timeout": self.spec.idle_timeout}
        return "update the service: " + ", ".join(
            f"{key} {value}" for key, value in changes.items() if value is not None
        )


@dataclass(frozen=True, slots=True)
class CreateListener(Step):
    """CreateListener."""

    name: str
    key: ListenerKey
    default: Action

    def __str__(self) -> str:
        return f"create listener {self.key}, by default {self.default}"


@dataclass(frozen=True, slots=True)
class UpdateDefault(Step):
    """UpdateListener."""

    arn: str
    key: ListenerKey
    default: Action

    def __str__(self) -> str:
        return f"let listener {self.key} by default {self.default}"


@dataclass(frozen=True, slots=True)
class UpdateRule(Step):
    """Members that are None stay as they are."""

    arn: str
    name: str
    listener: ListenerKey
    priority: int | None = None
    match: AnyMatch | None = None
    action: Action | None = None

    def __str__(self) -> str:
        parts = [
            f"priority {self.priority}" if self.priority is not None else "",
            f"match {self.match}" if self.match is not None else "",
            str(self.action) if self.action is not None else "",
        ]
        return f"update rule {self.name} on {self.listener}: " + ", ".join(part for part in parts if part)


@dataclass(frozen=True, slots=True)
class UpdateRules(Step):
    """Several rules of a listener in one call (ten at most)."""

    listener_arn: str
    rules: tuple[UpdateRule, ...]

    def __str__(self) -> str:
        return "at once: " + "; ".join(str(rule) for rule in self.rules)


@dataclass(frozen=True, slots=True)
class CreateRule(Step):
    """``instead`` is what to do where the listener has no room for one more rule."""

    name: str
    listener: ListenerKey
    priority: int
    match: AnyMatch
    action: Action
    instead: UpdateRule | None = None

    def __str__(self) -> str:
        return (
            f"create rule {self.name} on {self.listener}: priority {self.priority}, match {self.match}, {self.action}"
        )


@dataclass(frozen=True, slots=True)
class Associate(Step):
    """CreateServiceNetworkServiceAssociation."""

    network_arn: str

    def __str__(self) -> str:
        return f"associate with {self.network_arn}"


@dataclass(frozen=True, slots=True)
class Disassociate(Step):
    """DeleteServiceNetworkServiceAssociation."""

    arn: str
    network_arn: str

    def __str__(self) -> str:
        return f"end the association with {self.network_arn}"


@dataclass(frozen=True, slots=True)
class DeleteRule(Step):
    """DeleteRule."""

    arn: str
    name: str
    listener: ListenerKey

    def __str__(self) -> str:
        return f"delete rule {self.name} on {self.listener}"


@dataclass(frozen=True, slots=True)
class DeleteListener(Step):
    """DeleteListener."""

    arn: str
    key: ListenerKey

    def __str__(self) -> str:
        return f"delete listener {self.key}"


@dataclass(frozen=True, slots=True)
class Deregister(Step):
    """DeregisterTargets."""

    group: str
    name: str
    targets: tuple[Target, ...]

    def __str__(self) -> str:
        return f"deregister {len(self.targets)} targets of target group {self.name}"


@dataclass(frozen=True, slots=True)
class DeleteGroup(Step):
    """DeleteTargetGroup."""

    group: str
    name: str

    def __str__(self) -> str:
        return f"delete target group {self.name}"


@dataclass(frozen=True, slots=True)
class DeleteService(Step):
    """DeleteService."""

    arn: str

    def __str__(self) -> str:
        return f"delete service {self.arn}"
