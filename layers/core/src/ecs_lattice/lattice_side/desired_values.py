"""The graph of a Lattice service as it should be after this run, as values."""

from dataclasses import dataclass

from ecs_lattice.graph import Action, AnyMatch, Association, Group, Listener, Rule, Service, Tags, Target
from ecs_lattice.lattice_side.ports import GroupSpec, ServiceSpec
from ecs_lattice.model import ListenerKey


@dataclass(frozen=True, slots=True)
class DesiredGroup:
    """A target group that a claim needs. ``there`` is the existing one."""

    spec: GroupSpec
    tags: Tags
    there: Group | None
    needed_by: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DesiredRule:
    """A rule; ``there`` is the existing one that becomes it. Groups are ids, or ``new:<name>`` until they are created.

    ``parks`` is the group that the rule only keeps in use until the default action forwards to it; another rule may do so.
    """

    name: str
    priority: int
    match: AnyMatch
    action: Action
    there: Rule | None
    needed_by: tuple[str, ...] = ()
    parks: str | None = None


@dataclass(frozen=True, slots=True)
class DesiredListener:
    """A listener; ``dropped`` are its rules to delete."""

    key: ListenerKey
    there: Listener | None
    default: Action
    rules: tuple[DesiredRule, ...] = ()
    dropped: tuple[Rule, ...] = ()
    needed_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DesiredService:
    """The Lattice service itself. ``policy`` is put before IAM is switched on; None: no policy of this stack."""

    spec: ServiceSpec
    tags: Tags
    policy: str | None
    there: Service | None
    needed_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Desired:
    """Everything of one Lattice service, as it should be. ``networks`` are ARNs, each with the claims that need it."""

    service: DesiredService | None = None
    groups: tuple[DesiredGroup, ...] = ()
    listeners: tuple[DesiredListener, ...] = ()
    networks: tuple[tuple[str, tuple[str, ...]], ...] = ()
    dropped_listeners: tuple[Listener, ...] = ()
    dropped_associations: tuple[Association, ...] = ()
    dropped_groups: tuple[Group, ...] = ()
    dropped_targets: tuple[tuple[Group, tuple[Target, ...]], ...] = ()
    dropped_service: Service | None = None
