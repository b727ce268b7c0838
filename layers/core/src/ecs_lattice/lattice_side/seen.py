"""What was observed of one Lattice service, indexed once for the questions that a reconcile asks, and the naming rules.

:class:`ClaimFacts` is a claim with everything that follows from it, :class:`ObservedIndex` the graph with its claims,
:class:`Timers` says for how long something has been observed.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from ecs_lattice import naming, ownership
from ecs_lattice.claims import Claim, ClaimRecord, LatticeRecord
from ecs_lattice.graph import PARKED_HEADER, Group, Listener, Observed, Rule, id_of, weights
from ecs_lattice.model import HeaderMatch, ListenerKey, Match, Route, ServiceId
from ecs_lattice.outcome import NotYet
from ecs_lattice.settings import Settings, Sharing

_TAG_VALUE_LIMIT = 256  # VPC Lattice API, TagValue
_SPARE_NAMES = 4  # a renamed route may have left a rule with this route's name to another route
_HEALTHY = frozenset({"HEALTHY", "UNAVAILABLE"})  # UNAVAILABLE: health checks are off (VPC Lattice API, TargetSummary)

type Owner = tuple[str, str]
"""An ECS service by the names of its cluster and of itself, as in the tags of its target groups."""


@dataclass(frozen=True)
class ClaimFacts:
    """A claim and what follows from it, computed once per reconcile.

    ``group_ref`` is the id of its target group, or ``new:<group_name>`` while none is known. ``match`` is canonical.
    ``networks`` are the service networks as declared.
    """

    record: ClaimRecord
    claim: Claim
    route: Route
    key: str
    owner: Owner
    group_name: str
    group_ref: str
    match: Match | None
    networks: tuple[str, ...]


def facts_of(record: ClaimRecord, settings: Settings) -> ClaimFacts:
    """The facts of a claim, before anything has been read."""
    claim, route = record.claim, record.claim.route
    name = naming.target_group_name(claim.service, route.lattice_service, route, claim.placement)
    return ClaimFacts(
        record=record,
        claim=claim,
        route=route,
        key=claim.key,
        owner=(claim.service.cluster, claim.service.name),
        group_name=name,
        group_ref=id_of(claim.own_group) if claim.own_group else f"new:{name}",
        match=route.match.canonical if route.match else None,
        networks=route.networks or settings.default_networks,
    )


@dataclass(frozen=True)
class ObservedIndex:
    """The graph that was read and its claims, by what they are looked up by.

    ``owners`` has the ECS service of each target group where it is known. ``claimants`` are the ECS services with a claim
    here, ``claimed`` the groups that claims call their own. Of the groups, ``referenced`` are named by a rule or default
    action, ``weighted`` have a weight in one, ``receiving_traffic`` have a weight in one that requests can reach.
    """

    observed: Observed
    remembered: LatticeRecord
    claims: tuple[ClaimFacts, ...]
    groups: Mapping[str, Group]
    owners: Mapping[str, Owner]
    claimants: frozenset[Owner]
    claimed: frozenset[str]
    listeners: Mapping[ListenerKey, Listener]
    own_rules: Mapping[ListenerKey, tuple[Rule, ...]]
    foreign_rules: Mapping[ListenerKey, tuple[Rule, ...]]
    referenced: frozenset[str]
    weighted: frozenset[str]
    receiving_traffic: frozenset[str]

    def owners_of(self, groups: Iterable[str]) -> frozenset[Owner]:
        """The ECS services of these groups, as far as they are known."""
        return frozenset(self.owners[group] for group in groups if group in self.owners)

    def serving(self, listener_key: ListenerKey, match: Match | None) -> frozenset[str]:
        """The groups that receive the requests of exactly this match (canonical; None: the default action)."""
        if match is None:
            listener = self.listeners.get(listener_key)
            actions = [listener.default] if listener else []
        else:
            rules = self.own_rules.get(listener_key, ())
            actions = [rule.action for rule in rules if rule.is_live and rule.match.canonical == match]
        return frozenset(group for action in actions for group, weight in weights(action).items() if weight)

    def has_healthy_target(self, group_ref: str) -> bool:
        """Whether a target of the group would answer requests."""
        group = self.groups.get(group_ref)
        return group is not None and any(target.status in _HEALTHY for target in group.targets or ())

    def has_targets(self, group_ref: str) -> bool:
        """Whether targets are registered; unknown counts as yes."""
        group = self.groups.get(group_ref)
        return group is not None and (group.targets is None or bool(group.targets))


def index_of(
    observed: Observed, remembered: LatticeRecord, claims: tuple[ClaimFacts, ...], owner: str
) -> ObservedIndex:
    """The index of what was read; ``owner`` is the stack."""
    ids = {name: id_of(arn) for name, arn in remembered.groups}
    located = tuple(
        claim if claim.claim.own_group else replace(claim, group_ref=ids.get(claim.group_name, claim.group_ref))
        for claim in claims
    )
    tags = {group.id: dict(group.tags or ()) for group in observed.groups}
    tagged = {
        group: (of_group.get(ownership.CLUSTER, ""), of_group[ownership.SERVICE])
        for group, of_group in tags.items()
        if of_group.get(ownership.OWNER) == owner and ownership.SERVICE in of_group
    }
    own = {rule.arn for listener in observed.listeners for rule in listener.rules if naming.is_ours(rule.name)}
    members = [
        (group, weight, is_live)
        for listener in observed.listeners
        for action, is_live in ((listener.default, True), *((rule.action, rule.is_live) for rule in listener.rules))
        for group, weight in weights(action).items()
    ]
    return ObservedIndex(
        observed=observed,
        remembered=remembered,
        claims=located,
        groups={group.id: group for group in observed.groups},
        owners=tagged | {claim.group_ref: claim.owner for claim in located},
        claimants=frozenset(claim.owner for claim in located),
        claimed=frozenset(claim.group_ref for claim in located),
        listeners={listener.key: listener for listener in observed.listeners},
        own_rules={each.key: tuple(rule for rule in each.rules if rule.arn in own) for each in observed.listeners},
        foreign_rules={
            each.key: tuple(rule for rule in each.rules if rule.arn not in own) for each in observed.listeners
        },
        referenced=frozenset(group for group, _, _ in members),
        weighted=frozenset(group for group, weight, _ in members if weight),
        receiving_traffic=frozenset(group for group, weight, is_live in members if weight and is_live),
    )


@dataclass(frozen=True, slots=True)
class Timers:
    """For how long something has been observed, by a name for it, and what a reconcile waits for.

    The one value that a decision writes to while it is made: a timer that is read keeps running, a timer that no decision
    reads any more is forgotten and starts anew the next time. ``started`` are the timers of the last reconcile.
    """

    started: Mapping[str, float]
    now: float
    running: dict[str, float] = field(default_factory=dict)
    waits: list[NotYet] = field(default_factory=list)

    def since(self, timer: str) -> float:
        """The epoch second since which every reconcile has read the timer; now, the first time."""
        self.running[timer] = self.started.get(timer, self.now)
        return self.running[timer]

    def has_lasted(self, timer: str, seconds: float, why: str) -> bool:
        """Whether the timer has reached ``seconds``; the rest is waited for."""
        remaining = self.since(timer) + seconds - self.now
        if remaining > 0:
            self.wait(remaining, why)
        return remaining <= 0

    def wait(self, seconds: float, why: str) -> None:
        """Reconcile again after ``seconds``, rounded up."""
        self.waits.append(NotYet(whole_seconds(seconds), why))


def whole_seconds(seconds: float) -> int:
    """Rounded up, at least 1."""
    return max(1, int(-(-seconds // 1)))


def rule_names(claim: Claim, listener: ListenerKey) -> tuple[str, ...]:
    """The names that a rule of this route on this listener may have; a new rule takes the first that is free."""
    spare = (naming.rule_name(claim.service, f"{claim.route.name}~{n}", listener) for n in range(1, _SPARE_NAMES))
    return naming.rule_name(claim.service, claim.route.name, listener), *spare


def parking_match(rule_name: str) -> Match:
    """The match of a parked rule: a header that no client sends, with a value of its own."""
    value = hashlib.sha256(rule_name.encode()).hexdigest()[:16]
    return Match(headers=(HeaderMatch(PARKED_HEADER, "exact", value),))


def tag_value(text: str) -> str:
    """``text`` as a tag value: as it is, or its hash when it is longer than a tag may be."""
    return text if len(text) <= _TAG_VALUE_LIMIT else "sha256/" + hashlib.sha256(text.encode()).hexdigest()


def holder_tags(service: ServiceId) -> dict[Sharing, str]:
    """The values of the holder tag that let ``service`` claim a Lattice service, by the sharing that sets them."""
    return {
        "none": tag_value(f"service/{service.cluster}/{service.name}"),
        "cluster": tag_value(f"cluster/{service.cluster}"),
        "account": "account",
    }
