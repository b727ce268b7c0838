"""The graph as it should be after this run, as values; and the clocks that say how long something has been waiting."""

from dataclasses import dataclass, field

from ecs_lattice.graph import (
    Action,
    AnyMatch,
    Association,
    Group,
    Listener,
    Rule,
    Service,
    Tags,
    Target,
)
from ecs_lattice.lattice_side.ports import GroupSpec, ServiceSpec
from ecs_lattice.model import ListenerKey
from ecs_lattice.outcome import NotYet


@dataclass(frozen=True, slots=True)
class DesiredGroup:
    """A target group that a claim needs. ``there`` is what was read of it."""

    spec: GroupSpec
    tags: Tags
    there: Group | None
    needed_by: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DesiredRule:
    """A rule; ``there`` is the one that becomes it. Groups are ids, or ``new:<name>`` for what is still to be made."""

    name: str
    priority: int
    match: AnyMatch
    action: Action
    there: Rule | None
    needed_by: tuple[str, ...] = ()
    parks: str | None = None
    """The group that this rule only keeps in use while it waits for the default action; another rule may take it."""


@dataclass(frozen=True, slots=True)
class DesiredListener:
    """A listener; ``dropped`` are rules of it that go."""

    key: ListenerKey
    there: Listener | None
    default: Action
    rules: tuple[DesiredRule, ...] = ()
    dropped: tuple[Rule, ...] = ()
    needed_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DesiredService:
    """The Lattice service itself. ``policy`` is put before IAM is switched on; None: no policy of ours."""

    spec: ServiceSpec
    tags: Tags
    policy: str | None
    there: Service | None
    needed_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Desired:
    """Everything of one Lattice service, as it should be."""

    service: DesiredService | None = None
    groups: tuple[DesiredGroup, ...] = ()
    listeners: tuple[DesiredListener, ...] = ()
    networks: tuple[tuple[str, tuple[str, ...]], ...] = ()
    dropped_listeners: tuple[Listener, ...] = ()
    dropped_associations: tuple[Association, ...] = ()
    dropped_groups: tuple[Group, ...] = ()
    dropped_targets: tuple[tuple[Group, tuple[Target, ...]], ...] = ()
    dropped_service: Service | None = None


@dataclass(slots=True)
class Timers:
    """How long something has been so, by a word for it. A clock that nobody asks for any more is forgotten, so that it
    starts again when the thing is so again.
    """

    started: dict[str, float]
    now: float
    running: dict[str, float] = field(default_factory=dict)
    waits: list[NotYet] = field(default_factory=list)

    def age(self, what: str) -> float:
        """Seconds since ``what`` was first asked for without a pause; 0 the first time."""
        self.running[what] = self.started.get(what, self.now)
        return self.now - self.running[what]

    def has_lasted(self, what: str, seconds: float, why: str) -> bool:
        """Whether ``what`` is ``seconds`` old; if not, the rest of it is waited for."""
        left = seconds - self.age(what)
        if left > 0:
            self.wait(int(-(-left // 1)), why)
        return left <= 0

    def wait(self, seconds: int, why: str) -> None:
        self.waits.append(NotYet(max(1, seconds), why))
