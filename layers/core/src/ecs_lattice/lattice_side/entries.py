"""The entries of a Lattice service and the rules assigned to them, as values.

An entry is one distinct match on one listener, with the claims that it serves.
"""

from dataclasses import dataclass
from functools import cached_property

from ecs_lattice.graph import Action, Listener, Rule
from ecs_lattice.lattice_side.resolutions import Resolutions
from ecs_lattice.lattice_side.seen import Owner, rule_names
from ecs_lattice.model import ListenerKey, Match

type EntryKey = tuple[ListenerKey, Match | None]


@dataclass(frozen=True)
class MatchEntry:
    """One match (canonical; None: the default action) on one listener, with its claims by what they come to here.

    ``active`` claims share the entry, ``retained`` ones stay as they are, ``removing`` ones leave, ``paused`` ones freeze
    it; ``claims`` are the active, the paused, the retained and the removing ones. ``is_frozen``: nothing of it may change,
    because a claim is paused or all claims are retained. ``is_ending``: no claim stays in it.

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
    needed_by: tuple[str, ...] = ()
    priority: int | None = None
    rule: Rule | None = None
    action: Action | None = None
    live: bool = False
    in_use: frozenset[str] = frozenset()
    receiving: frozenset[str] = frozenset()

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
