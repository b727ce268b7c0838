"""The typed steps of a plan: data that can be printed, each one call of VPC Lattice."""

from dataclasses import dataclass, field
from typing import Any, ClassVar

from ecs_lattice.codec import to_data
from ecs_lattice.graph import Action, AnyMatch, Tags, Target
from ecs_lattice.lattice_side.ports import GroupSpec, ServiceSpec
from ecs_lattice.model import HealthCheck, ListenerKey


@dataclass(frozen=True, slots=True)
class Step:
    """One call. ``needed_by`` are the keys of the claims that cannot be served without it.

    ``awaits`` is what has to exist first and does not yet; such a step is not carried out, a later plan has it again.
    ``TEXT`` says what it does, as a format string over the step. ``ACTION`` is the name of its member that is an action.
    """

    TEXT: ClassVar[str] = ""
    ACTION: ClassVar[str] = ""

    needed_by: tuple[str, ...]
    awaits: str = field(default="", kw_only=True)

    def __str__(self) -> str:
        return self.TEXT.format(self)


@dataclass(frozen=True, slots=True)
class CreateStep(Step):
    """A call that creates something. ``missing_since`` is the epoch second at which it was first found missing: part of
    the client token, so that a retry gets what a lost answer created, and a new one never the deleted one. ``TIMER`` is
    the timer of what is missing, as a format string over the step."""

    TIMER: ClassVar[str] = ""

    missing_since: float = field(default=0.0, kw_only=True)


@dataclass(frozen=True, slots=True)
class CreateGroup(CreateStep):
    """CreateTargetGroup."""

    spec: GroupSpec
    tags: Tags
    TEXT: ClassVar[str] = "create target group {0.spec.name} ({0.spec.protocol}:{0.spec.port} in {0.spec.vpc_id})"
    TIMER: ClassVar[str] = "make:group:{0.spec.name}"


@dataclass(frozen=True, slots=True)
class UpdateHealth(Step):
    """UpdateTargetGroup."""

    group: str
    name: str
    health: HealthCheck
    TEXT: ClassVar[str] = "update the health check of target group {0.name}"


@dataclass(frozen=True, slots=True)
class CreateLatticeService(CreateStep):
    """CreateService."""

    spec: ServiceSpec
    tags: Tags
    TEXT: ClassVar[str] = "create service {0.spec.name}"
    TIMER: ClassVar[str] = "make:service"


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

    arn: str
    policy: str
    TEXT: ClassVar[str] = "put the service's auth policy"


@dataclass(frozen=True, slots=True)
class UpdateLatticeService(Step):
    """UpdateService. ``spec`` has what changes; None stays."""

    arn: str
    spec: ServiceSpec

    def __str__(self) -> str:
        spec = self.spec
        changes = {"certificate": spec.certificate, "auth": spec.auth, "idle timeout": spec.idle_timeout}
        return "update the service: " + ", ".join(f"{key} {to}" for key, to in changes.items() if to is not None)


@dataclass(frozen=True, slots=True)
class CreateListener(CreateStep):
    """CreateListener."""

    service_arn: str
    name: str
    key: ListenerKey
    default: Action
    TEXT: ClassVar[str] = "create listener {0.key} with default action: {0.default}"
    TIMER: ClassVar[str] = "make:listener:{0.key}"
    ACTION: ClassVar[str] = "default"


@dataclass(frozen=True, slots=True)
class UpdateDefault(Step):
    """UpdateListener."""

    arn: str
    key: ListenerKey
    default: Action
    TEXT: ClassVar[str] = "set the default action of listener {0.key}: {0.default}"
    ACTION: ClassVar[str] = "default"


@dataclass(frozen=True, slots=True)
class UpdateRule(Step):
    """UpdateRule. Members that are None stay as they are."""

    arn: str
    name: str
    listener: ListenerKey
    priority: int | None = None
    match: AnyMatch | None = None
    action: Action | None = None
    ACTION: ClassVar[str] = "action"

    def __str__(self) -> str:
        changes = {"priority ": self.priority, "match ": self.match, "": self.action}
        parts = (f"{what}{to}" for what, to in changes.items() if to is not None)
        return f"update rule {self.name} on {self.listener}: " + ", ".join(parts)


@dataclass(frozen=True, slots=True)
class UpdateRules(Step):
    """BatchUpdateRule: several rules of a listener in one call (ten at most)."""

    listener_arn: str
    rules: tuple[UpdateRule, ...]

    def __str__(self) -> str:
        return "in one call: " + "; ".join(str(rule) for rule in self.rules)


@dataclass(frozen=True, slots=True)
class CreateRule(CreateStep):
    """CreateRule. ``listener_arn`` is empty where the listener is created earlier in the same plan. ``instead`` is what to
    do where the quota allows no further rule on the listener."""

    listener_arn: str
    name: str
    listener: ListenerKey
    priority: int
    match: AnyMatch
    action: Action
    instead: UpdateRule | None = None
    TEXT: ClassVar[str] = "create rule {0.name} on {0.listener}: priority {0.priority}, match {0.match}, {0.action}"
    TIMER: ClassVar[str] = "make:rule:{0.listener}:{0.name}"
    ACTION: ClassVar[str] = "action"


@dataclass(frozen=True, slots=True)
class Associate(CreateStep):
    """CreateServiceNetworkServiceAssociation. ``domain`` is the custom domain of the service."""

    service_arn: str
    network_arn: str
    domain: str | None = None
    TEXT: ClassVar[str] = "associate with {0.network_arn}"
    TIMER: ClassVar[str] = "make:association:{0.network_arn}"


@dataclass(frozen=True, slots=True)
class Disassociate(Step):
    """DeleteServiceNetworkServiceAssociation."""

    arn: str
    network_arn: str
    TEXT: ClassVar[str] = "delete the association with {0.network_arn}"


@dataclass(frozen=True, slots=True)
class DeleteRule(Step):
    """DeleteRule."""

    arn: str
    name: str
    listener: ListenerKey
    TEXT: ClassVar[str] = "delete rule {0.name} on {0.listener}"


@dataclass(frozen=True, slots=True)
class DeleteListener(Step):
    """DeleteListener."""

    arn: str
    key: ListenerKey
    TEXT: ClassVar[str] = "delete listener {0.key}"


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
    TEXT: ClassVar[str] = "delete target group {0.name}"


@dataclass(frozen=True, slots=True)
class DeleteLatticeService(Step):
    """DeleteService."""

    arn: str
    TEXT: ClassVar[str] = "delete service {0.arn}"


def describe(step: Step) -> dict[str, Any]:
    """A step as data: its kind, what it does in words, and its members."""
    text = f"{step} (waits for {step.awaits})" if step.awaits else str(step)
    return {"step": type(step).__name__, "text": text, **to_data(step)}
