"""What was observed of one Lattice service, indexed once for the questions that a reconcile asks, and the names of rules.

:class:`ObservedIndex` is the graph with its claims, :class:`Timers` says for how long something has been observed.
"""

import hashlib
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import chain

from ecs_lattice import naming, ownership
from ecs_lattice.claims import Claim, LatticeRecord
from ecs_lattice.graph import (
    PARKED_HEADER,
    Group,
    Listener,
    Observed,
    Rule,
    groups_in_use,
    id_of,
    weighted_groups,
    weights,
)
from ecs_lattice.lattice_side.claim_facts import ClaimFacts, Owner, may_speak
from ecs_lattice.matching import normal
from ecs_lattice.model import HeaderMatch, ListenerKey, Match
from ecs_lattice.outcome import NotYet

_SPARE_NAMES = 4  # a renamed route may have left a rule with this route's name to another route
_HEALTHY = frozenset({"HEALTHY", "UNAVAILABLE"})  # UNAVAILABLE: health checks are off (VPC Lattice API, TargetSummary)


@dataclass(frozen=True)
class ObservedIndex:
    """The graph that was read and its claims, by what they are looked up by.

    ``owners`` has the ECS service of each target group where it is known; ``claimants`` are the ECS services with a claim
    here. ``networks`` has the ARNs of the service networks as declared, ``associated`` the ARNs of those whose association
    is active. ``is_complete``: the registry has seen a whole resync, so that a claim that it lacks does not exist. Of the groups, ``referenced`` are named by a rule or default action, ``receiving_traffic`` have a weight in one
    that requests can reach.
    """

    observed: Observed
    remembered: LatticeRecord
    claims: tuple[ClaimFacts, ...]
    groups: Mapping[str, Group]
    owners: Mapping[str, Owner]
    claimants: frozenset[Owner]
    listeners: Mapping[ListenerKey, Listener]
    networks: Mapping[str, tuple[str, ...]]
    associated: frozenset[str]
    referenced: frozenset[str]
    receiving_traffic: frozenset[str]
    is_complete: bool

    @cached_property
    def own_rules(self) -> Mapping[ListenerKey, tuple[Rule, ...]]:
        """The rules that this stack created, by name."""
        listeners = self.listeners.items()
        return {key: tuple(rule for rule in there.rules if naming.is_ours(rule.name)) for key, there in listeners}

    @cached_property
    def foreign_rules(self) -> Mapping[ListenerKey, tuple[Rule, ...]]:
        """The rules that others created."""
        listeners = self.listeners.items()
        return {key: tuple(rule for rule in there.rules if not naming.is_ours(rule.name)) for key, there in listeners}

    @cached_property
    def foreign_listeners(self) -> frozenset[ListenerKey]:
        """The listeners that others created."""
        return frozenset(key for key, there in self.listeners.items() if not naming.is_ours(there.name))

    def is_left_alone(self, key: ListenerKey, groups: Iterable[str]) -> bool:
        """Whether others made the listener, and its default action forwards to none of these groups."""
        return key in self.foreign_listeners and not weights(self.listeners[key].default).keys() & set(groups)

    @cached_property
    def weighted(self) -> frozenset[str]:
        """The groups that have a weight in a rule, parked or not, or in a default action."""
        rules = chain(*(listener.rules for listener in self.observed.listeners))
        actions = (*(rule.action for rule in rules), *(listener.default for listener in self.observed.listeners))
        return frozenset(chain(*(weighted_groups(action) for action in actions)))

    @cached_property
    def declared_groups(self) -> frozenset[str]:
        """The groups of claims that are declared."""
        return frozenset(claim.group_ref for claim in self.claims if claim.claim.phase == "declared")

    def owners_of(self, groups: Iterable[str]) -> frozenset[Owner]:
        """The ECS services of these groups, as far as they are known."""
        return frozenset(self.owners[group] for group in groups if group in self.owners)

    @cached_property
    def served(self) -> Mapping[tuple[ListenerKey, Match], Mapping[Match | None, frozenset[str]]]:
        """By listener and requests (normal), the groups that receive them from each rule of this stack that matches these
        requests, by how it is written (canonical; None: the default action)."""
        served: dict[tuple[ListenerKey, Match], dict[Match | None, frozenset[str]]] = defaultdict(dict)
        for key, listener in self.listeners.items():
            for rule in self.own_rules[key]:
                if rule.is_live and isinstance(rule.match, Match):
                    groups = served[key, normal(rule.match)]
                    match = rule.match.canonical
                    groups[match] = groups.get(match, frozenset()) | weighted_groups(rule.action)
            served[key, normal(None)][None] = weighted_groups(listener.default)
        return dict(served)

    def serving(self, listener: Listener, match: Match | None) -> frozenset[str]:
        """The groups that receive the requests of this match: of exactly this spelling, else of any of the same requests."""
        served = self.served.get((listener.key, normal(match)), {})
        return served.get(match) or frozenset(chain.from_iterable(served.values()))

    def has_healthy_target(self, group_ref: str) -> bool:
        """Whether a target of the group would answer requests."""
        group = self.groups.get(group_ref)
        return group is not None and any(target.status in _HEALTHY for target in group.targets or ())

    def has_targets(self, group_ref: str) -> bool:
        """Whether targets are registered; unknown counts as yes."""
        group = self.groups.get(group_ref)
        return group is not None and (group.targets is None or bool(group.targets))


def index_of(
    observed: Observed, remembered: LatticeRecord, claims: tuple[ClaimFacts, ...], owner: str, *, is_complete: bool
) -> ObservedIndex:
    """The index of what was read; ``owner`` is the stack."""
    referenced, receiving = groups_in_use(observed.listeners)
    owners = owners_of_groups(observed.groups, claims, remembered, owner)
    ids = {name: id_of(arn) for name, arn in remembered.groups}
    located = tuple(_located(facts, ids, owners, receiving, remembered.holder) for facts in claims)
    return ObservedIndex(
        observed=observed,
        remembered=remembered,
        claims=located,
        groups={group.id: group for group in observed.groups},
        owners=owners | {facts.group_ref: facts.owner for facts in located},
        claimants=frozenset(facts.owner for facts in located),
        listeners={listener.key: listener for listener in observed.listeners},
        networks=dict(observed.networks),
        associated=frozenset(known.network_arn for known in observed.associations if known.status == "ACTIVE"),
        referenced=referenced,
        receiving_traffic=receiving,
        is_complete=is_complete,
    )


def owners_of_groups(
    groups: Iterable[Group], claims: Sequence[ClaimFacts], remembered: LatticeRecord, owner: str
) -> dict[str, Owner]:
    """The ECS services of the target groups by group id, as far as they are known. What this stack has created stands above
    what a claim says: a group of this stack is that of the claim for which it was created, else of the ECS service in its
    tags. Only a group without an owner is that of a claim that names it as its own."""
    created, ours = {facts.group_name: facts.owner for facts in claims}, {arn for _, arn in remembered.groups}
    named = _named(claims, remembered.holder)
    found = {
        group.id: (created.get(group.name) if group.arn in ours else None) or _tagged(group, owner, named.get(group.id))
        for group in groups
    }
    return {group: found_owner for group, found_owner in found.items() if found_owner}


def _named(claims: Iterable[ClaimFacts], holder: str) -> dict[str, Owner]:
    """The ECS services of the groups that claims name as their own: of one group the ECS service that was live with it, then
    the first to have claimed. Claims that may not speak do not count; nor, before anybody holds the Lattice service, those
    that were never live, or the name of a group would make its holder."""
    naming_one = [facts for facts in claims if facts.claim.own_group and may_speak(facts, holder)]
    live = {(facts.owner, facts.claim.own_group) for facts in naming_one if facts.was_live}
    counting = [facts for facts in naming_one if holder or (facts.owner, facts.claim.own_group) in live]
    counting.sort(key=lambda facts: ((facts.owner, facts.claim.own_group) not in live, facts.claimed), reverse=True)
    return {id_of(facts.claim.own_group or ""): facts.owner for facts in counting}


def _tagged(group: Group, stack: str, named: Owner | None) -> Owner | None:
    """The ECS service in the tags of a group of this stack; that of a group without an owner is the one that names it."""
    tags = dict(group.tags or ())
    if tags.get(ownership.OWNER) == stack and ownership.SERVICE in tags:
        return tags.get(ownership.CLUSTER, ""), tags[ownership.SERVICE]
    return None if ownership.OWNER in tags else named


def _located(
    facts: ClaimFacts, ids: Mapping[str, str], owners: Mapping[str, Owner], receiving: frozenset[str], holder: str
) -> ClaimFacts:
    """The claim with its target group, whether it may speak, and whether its group receives requests."""
    own = facts.claim.own_group
    group = facts.group_ref if own else ids.get(facts.group_name, facts.group_ref)
    if own and owners.get(group, facts.owner) != facts.owner:
        group = f"foreign:{group}"
    return replace(facts, group_ref=group, speaks=may_speak(facts, holder), receives=group in receiving)


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
            self.wait_until(remaining, why)
        return remaining <= 0

    def wait(self, seconds: float, why: str, needed_by: tuple[str, ...] = ()) -> None:
        """Reconcile again after ``seconds``, rounded up; later where the same reason lasts. ``needed_by``: the claims that
        wait."""
        self.waits.append(NotYet(max(1, math.ceil(seconds)), why, needed_by=needed_by))

    def wait_until(self, seconds: float, why: str) -> None:
        """Reconcile again after ``seconds``, rounded up: when the end of the wait is known."""
        self.waits.append(NotYet.until(max(1, math.ceil(seconds)), why))


def rule_names(claim: Claim, listener: ListenerKey) -> tuple[str, ...]:
    """The names that a rule of this route on this listener may have; a new rule takes the first that is free."""
    spare = (naming.rule_name(claim.service, f"{claim.route.name}~{n}", listener) for n in range(1, _SPARE_NAMES))
    return naming.rule_name(claim.service, claim.route.name, listener), *spare


def parking_match(rule_name: str) -> Match:
    """The match of a parked rule (decision 1): a header that no client sends, with a value of its own."""
    value = hashlib.sha256(rule_name.encode()).hexdigest()[:16]
    return Match(headers=(HeaderMatch(PARKED_HEADER, "exact", value),))
