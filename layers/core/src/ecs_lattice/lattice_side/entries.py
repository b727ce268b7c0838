"""The entries of a Lattice service and the rules assigned to them, as values.

An entry is one distinct match on one listener, with the claims that it serves.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from ecs_lattice.graph import Action, Listener, Rule
from ecs_lattice.lattice_side.claim_facts import Owner
from ecs_lattice.lattice_side.resolutions import Resolution, Resolutions
from ecs_lattice.lattice_side.seen import ObservedIndex, rule_names
from ecs_lattice.matching import normal
from ecs_lattice.model import ListenerKey, Match

type EntryKey = tuple[ListenerKey, Match | None]


@dataclass(frozen=True)
class MatchEntry:
    """One match (canonical; None: the default action) on one listener, with its claims by what they come to here.

    ``active`` claims share the entry, ``retained`` ones stay as they are, ``removing`` ones leave, ``paused`` ones freeze
    it; ``claims`` are the active, the paused, the retained and the removing ones. ``is_frozen``: nothing of it may change,
    because a claim is paused or all claims are retained. ``is_ending``: no claim stays in it. ``is_standby``: it is parked
    whatever its groups can answer, for a claim that stands by.

    ``needed_by`` are the keys of the active ones, ``priority`` is the first that they declare. ``rule`` is the existing
    rule that becomes this one, ``action`` what it forwards to now, ``live`` whether requests can reach it now,
    ``receiving`` the groups that receive them. ``in_use`` are the groups that count as in use by it; those of a default
    action may be in use by any rule until it forwards to them.
    """

    listener: ListenerKey
    match: Match | None
    active: Resolutions = ()
    retained: Resolutions = ()
    removing: Resolutions = ()
    paused: Resolutions = ()
    claims: Resolutions = ()
    is_frozen: bool = False
    is_ending: bool = False
    is_standby: bool = False
    needed_by: tuple[str, ...] = ()
    priority: int | None = None
    rule: Rule | None = None
    action: Action | None = None
    live: bool = False
    in_use: frozenset[str] = frozenset()
    receiving: frozenset[str] = frozenset()

    @property
    def claims_match(self) -> bool:
        """Whether active claims have the match, rather than stand by for it."""
        return bool(self.active) and not self.is_standby

    @property
    def declared_priority(self) -> int | None:
        """The first priority that an active claim declares."""
        found = (resolution.route.priority for resolution in (self.active if self.claims_match else ()))
        return next((priority for priority in found if priority is not None), None)

    @property
    def is_weightless(self) -> bool:
        """Whether the claims of the match give no route a weight above 0."""
        is_declared = not (self.retained or self.is_standby)
        return is_declared and all(resolution.route.weight == 0 for resolution in self.active)

    @property
    def has_its_priority(self) -> bool:
        """Whether its rule has the declared priority already, and requests can reach it."""
        return self.live and self.rule is not None and self.rule.priority == self.priority

    @cached_property
    def rule_names(self) -> frozenset[str]:
        """The names that its rule may have."""
        return frozenset(name for resolution in self.claims for name in rule_names(resolution.claim, self.listener))


@dataclass(frozen=True, slots=True)
class ListenerAssignment:
    """The entries of one listener with their rules, and its other rules.

    Of the rules of this stack, ``frozen`` ones stay as they are, ``leftover`` ones belong to no entry and are to be parked
    or deleted; ``foreign`` are the rules of others.
    """

    key: ListenerKey
    there: Listener | None
    default: MatchEntry | None
    matches: tuple[MatchEntry, ...]
    frozen: tuple[Rule, ...]
    leftover: tuple[Rule, ...]
    foreign: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class RuleAssignment:
    """The listeners, existing or needed, in their order. ``entries`` are all of theirs, those of default actions first.
    ``unchangeable`` are the ECS services with a claim that is paused or rejected."""

    resolutions: Resolutions
    listeners: tuple[ListenerAssignment, ...]
    entries: tuple[MatchEntry, ...]
    unchangeable: frozenset[Owner]


def candidates_by_entry(index: ObservedIndex, resolutions: Resolutions) -> Mapping[EntryKey, list[Resolution]]:
    """The resolutions that are not rejected, in their order, by the entries that they are candidates for.

    Claims of the same requests are candidates for one entry, whatever they wrote (``path.prefix=/`` or no match at all).
    """
    same: dict[tuple[ListenerKey, Match], list[Resolution]] = defaultdict(list)
    for resolution in resolutions:
        for key in resolution.route.listeners if resolution.has_part else ():
            same[key, resolution.requests].append(resolution)
    candidates: dict[EntryKey, list[Resolution]] = defaultdict(list)
    for (key, _), claims in same.items():
        homes = [_home(index, key, resolution) for resolution in claims]
        first = min(homes, key=lambda home: home.rank)
        for resolution, home in zip(claims, homes, strict=True):
            match = home.match if home.is_settled else _foreign(index, key, resolution) or first.match
            candidates[key, match].append(resolution)
    return candidates


class _Home(NamedTuple):
    """How a claim has the match written, and whether it stays there or joins the first by ``rank``."""

    match: Match | None
    rank: int
    is_settled: bool


def _home(index: ObservedIndex, key: ListenerKey, claim: Resolution) -> _Home:
    """Who is served stays where it is served: no rule becomes a default action or the reverse because of its spelling, and
    what was live when two spellings were two matches stays so. Only for a priority does a default action become a rule.
    """
    served = index.served.get((key, claim.requests), {})
    owners = {match: index.owners_of(groups) for match, groups in served.items()}
    mine = [match for match in owners if claim.owner in owners[match]]
    if mine:
        needs_rule = mine == [None] and claim.route.priority is not None and owners[None] == {claim.owner}
        return _Home(claim.match if claim.match in mine or needs_rule else mine[0], 0, is_settled=True)
    if claim.mode == "removing":  # what is left of it goes from where it is
        return _Home(claim.match, 1 if claim.holds_match else 3, is_settled=True)
    return _Home(claim.match, 2, is_settled=False)


def _foreign(index: ObservedIndex, key: ListenerKey, claim: Resolution) -> Match | None:
    """How a rule is written that others created for these requests."""
    rules = index.foreign_rules[key] if key in index.listeners else ()
    matches = (rule.match.canonical for rule in rules if isinstance(rule.match, Match))
    return next((match for match in matches if normal(match) == claim.requests), None)
