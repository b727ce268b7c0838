"""The entries of a Lattice service: one for each distinct match on each listener, with the claims that it serves.

A match belongs to the ECS service that its live rule forwards to; without a live rule, to the older ECS service. Claims
of one match that all have a weight share the entry.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from ecs_lattice.graph import Action, Listener, Rule, weighted_groups, weights
from ecs_lattice.lattice_side.resolve import UNCHANGED, Mode, Resolution, Resolutions, replaced
from ecs_lattice.lattice_side.seen import ObservedIndex, Owner, rule_names
from ecs_lattice.model import ListenerKey, Match
from ecs_lattice.settings import Settings

type EntryKey = tuple[ListenerKey, Match | None]


@dataclass(frozen=True)
class MatchEntry:
    """One match (canonical; None: the default action) on one listener, with its claims by what they come to here.

    ``active`` claims share the entry, ``retained`` ones stay as they are, ``removing`` ones leave, ``paused`` ones freeze
    it. ``needed_by`` are the keys of the active ones, ``priority`` is the first that they declare. ``rule`` is the
    existing rule that becomes this one, ``action`` what it forwards to now, ``live`` whether requests can reach it now,
    ``receiving`` the groups that receive them.
    """

    listener: ListenerKey
    match: Match | None
    active: Resolutions = ()
    retained: Resolutions = ()
    removing: Resolutions = ()
    paused: Resolutions = ()
    needed_by: tuple[str, ...] = ()
    priority: int | None = None
    rule: Rule | None = None
    action: Action | None = None
    live: bool = False
    receiving: frozenset[str] = frozenset()

    @cached_property
    def claims(self) -> Resolutions:
        return (*self.active, *self.paused, *self.retained, *self.removing)

    @cached_property
    def is_frozen(self) -> bool:
        """Whether nothing of it may change: a claim is paused, or all claims are retained."""
        return bool(self.paused) or (bool(self.retained) and not self.active and not self.removing)

    @cached_property
    def is_ending(self) -> bool:
        """Whether no claim stays in it."""
        return not (self.active or self.retained or self.paused)

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


@dataclass(frozen=True)
class RuleAssignment:
    """The listeners, existing or needed, in their order. ``unchangeable`` are the ECS services with a claim that is paused
    or rejected."""

    resolutions: Resolutions
    listeners: tuple[ListenerAssignment, ...]
    unchangeable: frozenset[Owner]

    @cached_property
    def entries(self) -> tuple[MatchEntry, ...]:
        defaults = (listener.default for listener in self.listeners)
        return (*filter(None, defaults), *(entry for listener in self.listeners for entry in listener.matches))


def match_rules(index: ObservedIndex, resolutions: Resolutions, settings: Settings) -> RuleAssignment:
    """The entries and their rules, once no further claim is rejected for its match, priority or weight."""
    while True:
        entries, remaining = _entries(index, resolutions, settings)
        assignment = _assign(index, remaining, entries)
        for listener in assignment.listeners:
            remaining = replaced(remaining, _priority_conflicts(listener, settings))
        remaining = replaced(remaining, _zero_weights(assignment, settings))
        if remaining == resolutions:
            break
        resolutions = remaining
    if superseded := _superseded(remaining, entries):
        entries = {key: replace(entry, removing=replaced(entry.removing, superseded)) for key, entry in entries.items()}
        return _assign(index, replaced(remaining, superseded), entries)
    return assignment


def _superseded(resolutions: Resolutions, entries: Mapping[EntryKey, MatchEntry]) -> list[Resolution]:
    """The vanished routes that need no grace time, because routes of their own ECS service have taken over everywhere."""
    taken_over = Counter(resolution.key for entry in entries.values() for resolution in entry.removing)
    return [
        replace(resolution, mode="removing", code="", message="", wait=None)
        for resolution in resolutions
        if resolution.mode == "retained" and taken_over[resolution.key] == len(resolution.route.listeners)
    ]


def _entries(
    index: ObservedIndex, resolutions: Resolutions, settings: Settings
) -> tuple[dict[EntryKey, MatchEntry], Resolutions]:
    """The entries in a fixed order, and the resolutions with those that are rejected on the way."""
    candidates: dict[EntryKey, list[Resolution]] = defaultdict(list)
    for resolution in resolutions:
        for listener in resolution.route.listeners if resolution.mode != "rejected" else ():
            candidates[listener, resolution.match].append(resolution)
    entries: dict[EntryKey, MatchEntry] = {}
    for key in sorted(candidates, key=lambda key: (str(key[0]), repr(key[1]))):
        blocked = _blocked(index, key, candidates[key], resolutions)
        resolutions = replaced(resolutions, blocked)
        if len(blocked) < len(candidates[key]):
            entries[key], rejected = _entry(index, key, candidates[key], settings)
            resolutions = replaced(resolutions, rejected)
    return entries, resolutions


def _blocked(
    index: ObservedIndex, key: EntryKey, candidates: list[Resolution], resolutions: Resolutions
) -> list[Resolution]:
    """The active candidates, rejected, where a rule has the match that others made, or that may not be changed."""
    listener, match = index.listeners.get(key[0]), key[1]
    rules = index.foreign_rules[key[0]] if listener else ()
    foreign = [rule for rule in rules if rule.match.canonical == match]
    others = index.owners_of(index.serving(listener, match)) - {candidate.owner for candidate in candidates}
    unchangeable = {resolution.owner for resolution in resolutions if resolution.mode in UNCHANGED}
    blocking = sorted(others & unchangeable | others - index.claimants)
    if foreign:
        code = "FOREIGN_RULE"
        message = f"Rule {foreign[0].name} on {key[0]} has this match, and this stack did not create it."
    elif blocking:
        code = "MATCH_TAKEN"
        message = f"{match or 'Everything else'} on {key[0]} still goes to {'/'.join(blocking[0])}, whose rule stays."
    else:
        return []
    return [candidate.reject("Conflicted", code, message) for candidate in candidates if candidate.mode == "active"]


def _entry(
    index: ObservedIndex, key: EntryKey, candidates: list[Resolution], settings: Settings
) -> tuple[MatchEntry, list[Resolution]]:
    """The entry of a match, and the candidates that are rejected because others have it."""
    receiving = index.serving(index.listeners.get(key[0]), key[1])
    owners = index.owners_of(receiving)
    ordered = sorted(
        candidates,
        key=lambda r: (
            r.owner not in owners,
            r.claim.created_at,
            r.claim.service.arn,
            r.mode in {"retained", "removing"},
            r.group_ref not in receiving,
            r.route.name,
        ),
    )
    holding = [resolution for resolution in ordered if resolution.holds_match]
    sharing = [r for r in holding if r is holding[0] or None not in {holding[0].route.weight, r.route.weight}]
    by_role: dict[Mode | None, list[Resolution]] = defaultdict(list)
    for resolution in ordered:
        by_role[_role(resolution, sharing)].append(resolution)
    entry = MatchEntry(
        *key,
        active=tuple(by_role["active"]),
        retained=tuple(by_role["retained"]),
        removing=tuple(by_role["removing"]),
        paused=tuple(by_role["paused"]),
    )
    if not by_role["rejected"]:
        return entry, []
    message = (
        f"{key[1] or 'Everything else'} on {key[0]} belongs to route {sharing[0].route.name} of {sharing[0].claim.service}. "
        f"Give every route of this match a {settings.label_prefix}.weight to share it, or use another match."
    )
    return entry, [loser.reject("Conflicted", "MATCH_TAKEN", message) for loser in by_role["rejected"]]


def _role(resolution: Resolution, sharing: list[Resolution]) -> Mode | None:
    """What a candidate comes to in the entry that ``sharing`` have; None: it has no part in it."""
    shares = resolution in sharing
    active = [sharer for sharer in sharing if sharer.mode == "active"]
    is_renamed = resolution.group_ref in {sharer.group_ref for sharer in active}
    if resolution.mode == "retained" and (is_renamed or not shares):
        # Taken over by a route of the same ECS service, renamed or not: there is no grace time to wait for.
        return "removing" if resolution.owner in {sharer.owner for sharer in active} else None
    if shares or resolution.mode == "removing":
        return resolution.mode
    return "rejected" if resolution.mode == "active" else None


def _assign(index: ObservedIndex, resolutions: Resolutions, entries: Mapping[EntryKey, MatchEntry]) -> RuleAssignment:
    """Give each entry its rule."""
    unchangeable = frozenset(resolution.owner for resolution in resolutions if resolution.mode in UNCHANGED)
    keys = {entry.listener for entry in entries.values() if entry.active} | index.listeners.keys()
    listeners = []
    for key in sorted(keys):
        mine = {entry.match: entry for entry in entries.values() if entry.listener == key}
        listeners.append(_assign_listener(index, key, mine, unchangeable))
    return RuleAssignment(resolutions, tuple(listeners), unchangeable)


def _assign_listener(
    index: ObservedIndex, key: ListenerKey, entries: Mapping[Match | None, MatchEntry], unchangeable: frozenset[Owner]
) -> ListenerAssignment:
    """By equal match first, by name second, so that a renamed route changes nothing."""
    there = index.listeners.get(key)
    own, foreign = (index.own_rules[key], index.foreign_rules[key]) if there else ((), ())
    rules = _rules_of(index, entries, own) if own else {}
    observed = {match: _observed(entry, rules.get(match), there) for match, entry in entries.items()}
    taken = {rule: observed[match].is_frozen for match, rule in rules.items()}
    frozen = tuple(rule for rule in own if taken.get(rule, is_unchangeable(index, rule.action, unchangeable)))
    leftover = tuple(rule for rule in own if rule not in taken and rule not in frozen)
    default = observed.pop(None, None)
    return ListenerAssignment(key, there, default, tuple(observed.values()), frozen, leftover, foreign)


def is_unchangeable(index: ObservedIndex, action: Action, unchangeable: frozenset[Owner]) -> bool:
    """Whether an action serves a claim that is rejected or paused, or an ECS service without any claim here: the registry
    may have been lost, and what cannot be explained is left alone.
    """
    owners = index.owners_of(weights(action))
    return bool(owners & unchangeable or owners - index.claimants)


def _rules_of(
    index: ObservedIndex, entries: Mapping[Match | None, MatchEntry], rules: tuple[Rule, ...]
) -> dict[Match | None, Rule]:
    """The rules of the entries of one listener, by match: the best fit first, each rule once."""
    fits = [
        (entry.match, rule, _fit(index, entry, rule)) for rule in rules for entry in entries.values() if entry.match
    ]
    found: dict[Match | None, Rule] = {}
    for criterion in range(3):
        for match, rule, fit in fits:
            if fit[criterion] and match not in found and rule not in found.values():
                found[match] = rule
    return found


def _fit(index: ObservedIndex, entry: MatchEntry, rule: Rule) -> tuple[bool, bool, bool]:
    """Whether the rule fits the entry, from strong to weak: by match and owner, by name, by match alone."""
    owners = index.owners_of(weights(rule.action))
    is_same, is_named = rule.match.canonical == entry.match, rule.name in entry.rule_names
    is_related = any(resolution.owner in owners for resolution in entry.claims)
    return is_same and (is_related or is_named), is_named, is_same and not owners


def _observed(entry: MatchEntry, rule: Rule | None, listener: Listener | None) -> MatchEntry:
    """The entry with its rule, what it forwards to now, and what its active claims declare together."""
    existing = rule.action if rule else None
    action = existing if entry.match else listener.default if listener else None
    members = weighted_groups(action)
    live = rule.is_live if rule else bool(members)
    return replace(
        entry,
        needed_by=tuple(resolution.key for resolution in entry.active),
        priority=next((p for r in entry.active if (p := r.route.priority) is not None), None),
        rule=rule,
        action=action,
        live=live,
        receiving=members if live else frozenset(),
    )


def _priority_conflicts(listener: ListenerAssignment, settings: Settings) -> Iterator[Resolution]:
    """Of equal declared priorities the later is in conflict; so is one that a rule has which stays as it is."""
    taken: dict[int | None, str] = {
        rule.priority: f"rule {rule.name}" for rule in (*listener.foreign, *listener.frozen)
    }
    entries = [entry for entry in listener.matches if entry.priority is not None]
    for entry in sorted(entries, key=lambda entry: (not entry.has_its_priority, entry.active[0].order)):
        first, own = entry.active[0], entry.priority
        for resolution in entry.active:
            wanted = resolution.route.priority
            if wanted in taken:
                message = (
                    f"Priority {wanted} on {listener.key} belongs to {taken[wanted]}. "
                    f"Use another {settings.label_prefix}.priority."
                )
            elif wanted not in {None, own}:
                message = (
                    f"{settings.label_prefix}.priority of this match is {own} on {listener.key}, declared by "
                    f"{first.claim.service}; {wanted} differs."
                )
            else:
                continue
            yield resolution.reject("Conflicted", "PRIORITY_TAKEN", message)
        taken.setdefault(own, f"route {first.route.name} of {first.claim.service}")


def _zero_weights(assignment: RuleAssignment, settings: Settings) -> Iterator[Resolution]:
    message = (
        f"Every {settings.label_prefix}.weight of this match is 0, so no route would receive its requests. Give at least one "
        "route a weight above 0."
    )
    for entry in assignment.entries:
        if not entry.retained and all(resolution.route.weight == 0 for resolution in entry.active):
            yield from (resolution.reject("Refused", "WEIGHTS_ZERO", message) for resolution in entry.active)
