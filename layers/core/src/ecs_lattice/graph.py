"""The graph of one Lattice service as it was read: frozen values, AWS's names. Nothing here decides anything.

Rules and default actions refer to target groups by id (``tg-...``), because VPC Lattice returns ids for whatever
identifier it was given.
"""

from dataclasses import dataclass

from ecs_lattice.model import AddressFamily, HealthCheck, ListenerKey, Match

PARKED_HEADER = "ecs-lattice-parked"
"""The header that a parked rule matches. No client sends it, so a parked rule receives no traffic, but its groups count
as in use."""

type Tags = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, order=True)
class Weighted:
    """A target group in a forward action, with its weight (0-999)."""

    group: str
    weight: int

    def __str__(self) -> str:
        return f"{self.group}@{self.weight}"


@dataclass(frozen=True, slots=True)
class Forward:
    """A forward action. Groups are sorted by id, because their order means nothing."""

    groups: tuple[Weighted, ...]

    def __str__(self) -> str:
        return "forward to " + ", ".join(str(group) for group in self.groups)


@dataclass(frozen=True, slots=True)
class FixedResponse:
    """A fixed response; VPC Lattice takes 404 and 500."""

    status: int

    def __str__(self) -> str:
        return f"answer {self.status}"


type Action = Forward | FixedResponse


@dataclass(frozen=True, slots=True)
class OtherMatch:
    """A match that no route can declare (for example a case-sensitive header), as text."""

    text: str

    @property
    def canonical(self) -> "OtherMatch":
        """Itself: it equals no match of a route."""
        return self

    def __str__(self) -> str:
        return self.text


type AnyMatch = Match | OtherMatch


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule of a listener; the default rule is the listener's ``default``."""

    arn: str
    name: str
    priority: int
    match: AnyMatch
    action: Action

    @property
    def is_parked(self) -> bool:
        return isinstance(self.match, Match) and any(header.name == PARKED_HEADER for header in self.match.headers)

    @property
    def is_live(self) -> bool:
        """Whether requests can reach it."""
        return not self.is_parked


@dataclass(frozen=True, slots=True)
class Listener:
    """A listener with its default action and its other rules."""

    arn: str
    name: str
    key: ListenerKey
    default: Action
    rules: tuple[Rule, ...] = ()


@dataclass(frozen=True, slots=True)
class Target:
    """A registered target; ``id`` is its IP address. ``status`` is VPC Lattice's (HEALTHY, UNHEALTHY, INITIAL, DRAINING,
    UNUSED, UNAVAILABLE), ``reason`` its reasonCode: a free string whose values no page of AWS lists."""

    id: str
    port: int
    status: str
    reason: str = ""

    def __str__(self) -> str:
        return f"[{self.id}]:{self.port}" if ":" in self.id else f"{self.id}:{self.port}"


@dataclass(frozen=True, slots=True)
class Group:
    """A target group. ``port`` is its default port; targets may have others. ``targets`` and ``tags`` are None where they
    were not read. ``failure``: code and message of one in CREATE_FAILED."""

    id: str
    arn: str
    name: str
    status: str
    kind: str
    vpc_id: str
    protocol: str
    health: HealthCheck | None
    service_arns: tuple[str, ...] = ()
    targets: tuple[Target, ...] | None = None
    tags: Tags | None = None
    port: int = 0
    protocol_version: str = ""
    family: AddressFamily = "IPV4"
    failure: str = ""


@dataclass(frozen=True, slots=True)
class Service:
    """A Lattice service. ``domain_name`` is its DNS name, ``domain`` the custom one. ``failure``: code and message of one in
    CREATE_FAILED."""

    arn: str
    name: str
    status: str
    domain_name: str | None
    domain: str | None
    certificate: str | None
    auth: str
    idle_timeout: int
    tags: Tags = ()
    failure: str = ""

    @property
    def account(self) -> str:
        return self.arn.split(":")[4]


@dataclass(frozen=True, slots=True)
class Association:
    """A service's association with a service network. ``ours`` is None where its tags were not read. ``failure``: code and
    message of one in CREATE_FAILED."""

    arn: str
    network_arn: str
    status: str
    ours: bool | None = None
    failure: str = ""


@dataclass(frozen=True, slots=True)
class Network:
    """A service network."""

    arn: str
    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Observed:
    """Everything of one Lattice service that was read.

    ``networks`` maps service networks as declared (name, id or ARN) to ARNs: exactly one, several where the name is
    ambiguous, none where it is unknown. ``policy`` is the auth policy, read only where IAM is required.
    """

    service: Service | None = None
    listeners: tuple[Listener, ...] = ()
    groups: tuple[Group, ...] = ()
    associations: tuple[Association, ...] = ()
    networks: tuple[tuple[str, tuple[str, ...]], ...] = ()
    policy: str | None = None


def weights(action: Action | None) -> dict[str, int]:
    """The weights of an action's target groups by id; empty when it does not forward."""
    return {member.group: member.weight for member in action.groups} if isinstance(action, Forward) else {}


def weighted_groups(action: Action | None) -> frozenset[str]:
    """The groups that have a weight above 0 in an action."""
    return frozenset(group for group, weight in weights(action).items() if weight)


def groups_in_use(listeners: tuple[Listener, ...]) -> tuple[frozenset[str], frozenset[str]]:
    """The groups that rules or default actions name, at whatever weight, and of them those with a weight in an action that
    requests can reach."""
    referenced: set[str] = set()
    receiving: set[str] = set()
    for listener in listeners:
        live = (listener.default, *(rule.action for rule in listener.rules if rule.is_live))
        parked = (rule.action for rule in listener.rules if rule.is_parked)
        referenced.update(*(weights(action) for action in (*live, *parked)))
        receiving.update(*(weighted_groups(action) for action in live))
    return frozenset(referenced), frozenset(receiving)


def forward(groups: dict[str, int]) -> Forward:
    """A forward action with these weights by group id."""
    return Forward(tuple(Weighted(group, weight) for group, weight in sorted(groups.items())))


def id_of(arn: str) -> str:
    """The id at the end of an ARN (ids are their own)."""
    return arn.rsplit("/", 1)[-1]
