"""Small questions about one claim: its group's name, its networks, who may hold the Lattice service it is on.

What follows from a reading: whose a group is, which groups take traffic, which rules are whose.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from ecs_lattice import naming, ownership
from ecs_lattice.claims import Claim, ClaimRecord, LatticeRecord
from ecs_lattice.graph import PARKED_HEADER, Action, Group, Listener, Observed, Rule, id_of, weights
from ecs_lattice.model import HeaderMatch, ListenerKey, Match, ServiceId
from ecs_lattice.settings import Settings, Sharing

_TAG_VALUE_LIMIT = 256  # VPC Lattice API, TagValue
_SPARE_NAMES = 4  # a route may find its rule's name taken by a rule that a renamed route left with another


def group_name(claim: Claim) -> str:
    """The name of the target group of the claim's port."""
    return naming.target_group_name(claim.service, claim.route.lattice_service, claim.route, claim.placement)


def networks_of(claim: Claim, settings: Settings) -> tuple[str, ...]:
    """The service networks that the claim asks for, as written."""
    return claim.route.networks or settings.default_networks


def rule_names(claim: Claim, listener: ListenerKey) -> tuple[str, ...]:
    """The names a rule made for this route on this listener may have; the first that is free is taken."""
    spare = (naming.rule_name(claim.service, f"{claim.route.name}~{n}", listener) for n in range(1, _SPARE_NAMES))
    return naming.rule_name(claim.service, claim.route.name, listener), *spare


def parked(rule_name: str) -> Match:
    """The match of a parked rule: a header that nobody sends, with a value of its own."""
    value = hashlib.sha256(rule_name.encode()).hexdigest()[:16]
    return Match(headers=(HeaderMatch(PARKED_HEADER, "exact", value),))


def canonical(match: Match) -> Match:
    """Equal for matches that take the same requests: what compares without case is in lower case."""
    path = match.path
    if path and not path[2]:
        path = (path[0], path[1].lower(), False)
    headers = {HeaderMatch(each.name.lower(), each.kind, each.value.lower()) for each in match.headers}
    return Match(path, match.method, tuple(sorted(headers)))


def tag_value(text: str) -> str:
    """``text`` as a tag value: as it is, or its hash when it is longer than a tag may be."""
    return text if len(text) <= _TAG_VALUE_LIMIT else "sha256/" + hashlib.sha256(text.encode()).hexdigest()


def holder(sharing: Sharing, service: ServiceId) -> str:
    """The value of the holder tag when ``service`` is the first to claim a Lattice service."""
    values = {
        "none": f"service/{service.cluster}/{service.name}",
        "cluster": f"cluster/{service.cluster}",
        "account": "account",
    }
    return tag_value(values[sharing])


def may_claim(holder_tag: str, service: ServiceId) -> bool:
    """Whether the holder tag lets ``service`` claim: the tag decides, whatever the policy is now."""
    return holder_tag in {holder("none", service), holder("cluster", service), holder("account", service)}


type Owner = tuple[str, str]
"""An ECS service by its cluster's and its own name, as the tags of its target groups have it."""

_ABLE = frozenset({"HEALTHY", "UNAVAILABLE"})  # UNAVAILABLE: health checks are off (VPC Lattice API, TargetSummary)


def owner_of(claim: Claim) -> Owner:
    """The ECS service of a claim."""
    return claim.service.cluster, claim.service.name


@dataclass(frozen=True)
class ObservedIndex:
    """A reading, the claims, and what is remembered, with the questions that are asked of them."""

    observed: Observed
    records: tuple[ClaimRecord, ...]
    remembered: LatticeRecord
    owner: str

    def reference(self, claim: Claim) -> str:
        """The claim's target group: its id, or ``new:<name>`` while there is none."""
        if claim.own_group:
            return id_of(claim.own_group)
        name = group_name(claim)
        arn = dict(self.remembered.groups).get(name)
        return id_of(arn) if arn else f"new:{name}"

    def group(self, reference: str) -> Group | None:
        return self._groups.get(reference)

    def is_ours(self, group: Group) -> bool:
        return (group.name, group.arn) in self.remembered.groups

    def owner_of_group(self, reference: str) -> Owner | None:
        """Whose tasks are in the group; None when nobody knows."""
        return self._owners.get(reference)

    def owners(self, action: Action, *, active: bool) -> frozenset[Owner]:
        """Whose groups an action names; with ``active`` only those that get requests by it."""
        named = [group for group, weight in weights(action).items() if weight or not active]
        return frozenset(owner for group in named if (owner := self.owner_of_group(group)))

    def can_answer(self, reference: str) -> bool:
        """Whether a target of the group would answer requests."""
        group = self.group(reference)
        return group is not None and any(target.status in _ABLE for target in group.targets or ())

    def has_targets(self, reference: str) -> bool:
        """Whether targets are listed; unknown counts as yes."""
        group = self.group(reference)
        return group is not None and (group.targets is None or bool(group.targets))

    @cached_property
    def _groups(self) -> dict[str, Group]:
        return {group.id: group for group in self.observed.groups}

    @cached_property
    def _owners(self) -> dict[str, Owner]:
        owners: dict[str, Owner] = {}
        for group in self.observed.groups:
            tags = dict(group.tags or ())
            if tags.get(ownership.OWNER) == self.owner and ownership.SERVICE in tags:
                owners[group.id] = tags.get(ownership.CLUSTER, ""), tags[ownership.SERVICE]
        for record in self.records:
            owners[self.reference(record.claim)] = owner_of(record.claim)
        return owners

    @cached_property
    def claimants(self) -> frozenset[Owner]:
        return frozenset(owner_of(record.claim) for record in self.records)

    @cached_property
    def taking(self) -> frozenset[str]:
        """The groups that get requests, by some rule or default action of this Lattice service."""
        return frozenset(
            group for action in self._live_actions() for group, weight in weights(action).items() if weight
        )

    def _live_actions(self) -> Iterable[Action]:
        for listener in self.observed.listeners:
            yield listener.default
            yield from (rule.action for rule in listener.rules if rule.is_live)

    @cached_property
    def referenced(self) -> frozenset[str]:
        """The groups that some rule or default action names, at whatever weight."""
        return frozenset(
            group
            for listener in self.observed.listeners
            for action in (listener.default, *(rule.action for rule in listener.rules))
            for group in weights(action)
        )

    @cached_property
    def weighted(self) -> frozenset[str]:
        """The groups that some rule, parked or not, or default action names with a weight: not those that only leave."""
        return frozenset(
            group
            for listener in self.observed.listeners
            for action in (listener.default, *(rule.action for rule in listener.rules))
            for group, weight in weights(action).items()
            if weight
        )

    def holders(self, listener: Listener | None, match: Match) -> frozenset[Owner]:
        """Whose groups get the requests of exactly this match; ``match`` is canonical."""
        live = [rule for rule in rules_of_ours(listener) if rule.is_live and same(rule, match)]
        return frozenset(owner for rule in live for owner in self.owners(rule.action, active=True))


def same(rule: Rule, match: Match) -> bool:
    """Whether a rule's match takes the same requests as ``match``, which is canonical."""
    return isinstance(rule.match, Match) and canonical(rule.match) == match


def rules_of_ours(listener: Listener | None) -> tuple[Rule, ...]:
    """The rules that were made here, by name."""
    return tuple(rule for rule in listener.rules if naming.is_ours(rule.name)) if listener else ()


def foreign_rules(listener: Listener | None) -> tuple[Rule, ...]:
    """The rules that somebody else made on a listener of ours."""
    return tuple(rule for rule in listener.rules if not naming.is_ours(rule.name)) if listener else ()
