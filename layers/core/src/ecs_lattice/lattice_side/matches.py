"""Which claims share a match on a listener, and which rule becomes that of the match.

A match belongs to the ECS service that its live rule forwards to; without a live rule, to the one that served it last, else
to the one that has claimed it for longer. Claims of one match that all have a weight share the entry.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import chain

from ecs_lattice.graph import Action, Listener, Rule, weighted_groups, weights
from ecs_lattice.lattice_side.claim_facts import Owner
from ecs_lattice.lattice_side.entries import (
    EntryKey,
    ListenerAssignment,
    MatchEntry,
    RuleAssignment,
    candidates_by_entry,
)
from ecs_lattice.lattice_side.resolutions import UNCHANGED, Mode, Resolution, Resolutions, replaced
from ecs_lattice.lattice_side.seen import ObservedIndex
from ecs_lattice.lattice_side.succession import MATCH_TAKEN, released, standby_entries, with_successor, without_match
from ecs_lattice.matching import normal
from ecs_lattice.model import ListenerKey, Match
from ecs_lattice.settings import Settings


def match_rules(index: ObservedIndex, resolutions: Resolutions, settings: Settings) -> RuleAssignment:
    """The entries and their rules, once no further claim is rejected for its match, priority or weight."""
    while True:
        entries, remaining = _entries(index, resolutions, settings)
        assignment = _assign(index, remaining, entries)
        remaining = replaced(remaining, _conflicts(assignment, settings))
        if remaining == resolutions:
            break
        resolutions = remaining
    # A vanished route needs no grace time where routes of its own ECS service have taken over on all its listeners.
    taken_over = Counter(resolution.key for entry in entries.values() for resolution in entry.removing)
    superseded = [
        replace(resolution, mode="removing", holds_match=False, code="", message="", wait=None)
        for resolution in resolutions
        if resolution.mode == "retained" and taken_over[resolution.key] == len(resolution.route.listeners)
    ]
    if not superseded:
        return assignment
    for key, entry in entries.items():
        removing, claims = replaced(entry.removing, superseded), replaced(entry.claims, superseded)
        entries[key] = replace(entry, removing=removing, claims=claims)
    return _assign(index, replaced(resolutions, superseded), entries)


def _entries(
    index: ObservedIndex, resolutions: Resolutions, settings: Settings
) -> tuple[dict[EntryKey, MatchEntry], Resolutions]:
    """The entries in a fixed order, and the resolutions with those that are rejected on the way."""
    candidates = candidates_by_entry(index, resolutions)
    entries: dict[EntryKey, MatchEntry] = {}
    for at in sorted(candidates, key=lambda at: (str(at[0]), repr(at[1]))):
        receiving: frozenset[str] = frozenset()
        owners: frozenset[Owner] = frozenset()
        blocked: list[Resolution] = []
        if listener := index.listeners.get(at[0]):
            receiving = index.serving(listener, at[1])
            owners = index.owners_of(receiving)
            unchangeable = {resolution.owner for resolution in resolutions if resolution.mode in UNCHANGED}
            blocked = _blocked(index, at, candidates[at], owners, unchangeable)
        if len(blocked) < len(candidates[at]):
            succeeded = with_successor(index, candidates[at], owners)
            entries[at], rejected = _entry(at, succeeded, receiving, owners, settings)
            blocked += [*rejected, *released(succeeded)]
        resolutions = replaced(resolutions, blocked)
    return entries | standby_entries(resolutions), resolutions


def _blocked(
    index: ObservedIndex, at: EntryKey, candidates: list[Resolution], owners: frozenset[Owner], unchangeable: set[Owner]
) -> list[Resolution]:
    """The active candidates, rejected, where a rule has the match that others made, or that may not be changed. ``owners``
    receive the requests of the match."""
    foreign = [rule for rule in index.foreign_rules[at[0]] if rule.match.canonical == at[1]]
    others = owners - {candidate.owner for candidate in candidates}
    # Who serves the match as well goes on: what the others receive stays as it is beside that.
    kept = unchangeable if others == owners else set()
    blocking = sorted(others & kept | others - index.claimants)
    if foreign:
        code = "FOREIGN_RULE"
        message = f"Rule {foreign[0].name} on {at[0]} has this match, and this stack did not create it."
    elif blocking:
        code = MATCH_TAKEN
        message = f"{at[1] or 'Everything else'} on {at[0]} still goes to {'/'.join(blocking[0])}, whose rule stays."
    else:
        return []
    return [candidate.reject("Conflicted", code, message) for candidate in candidates if candidate.mode == "active"]


def _entry(
    at: EntryKey, candidates: list[Resolution], receiving: frozenset[str], owners: frozenset[Owner], settings: Settings
) -> tuple[MatchEntry, list[Resolution]]:
    """The entry of a match whose requests the groups ``receiving`` of the ECS services ``owners`` receive, and the
    candidates that are rejected because others have it."""
    going = {"retained", "removing"}
    ordered = sorted(candidates, key=lambda r: (r.mode in going, r.group_ref not in receiving, r.route.name))
    # Stable, so that the second sort decides first: who serves the match (of several, who still shares it), who once did,
    # and since when, then who claimed it first.
    is_shared, requests = len(owners) > 1, normal(at[1])
    ordered.sort(
        key=lambda r: (
            not r.succeeds,
            r.owner not in owners,
            is_shared and r.route.weight is None,
            *_seniority(r, requests),
        )
    )
    holding = [resolution for resolution in ordered if resolution.holds_match]
    sharing = [r for r in holding if r is holding[0] or None not in {holding[0].route.weight, r.route.weight}]
    by_role: dict[Mode | None, Resolutions] = defaultdict(tuple)
    for resolution in ordered:
        by_role[_role(resolution, sharing)] += (resolution,)
    roles = by_role.keys() - {"rejected", None}
    active, retained, removing, paused = by_role["active"], by_role["retained"], by_role["removing"], by_role["paused"]
    claims, is_frozen = (*active, *paused, *retained, *removing), "paused" in roles or roles == {"retained"}
    entry = MatchEntry(*at, active, retained, removing, paused, claims, is_frozen, is_ending=roles <= {"removing"})
    return entry, [without_match(loser, sharing[0], at, settings.label_prefix) for loser in by_role["rejected"]]


def _seniority(resolution: Resolution, requests: Match) -> tuple[bool, float, float, str]:
    """Since when the route was live with these requests, else since when it has claimed them."""
    claimed_at, service, _route = resolution.claimed
    was_live = resolution.was_live_as(requests)
    return not was_live, (resolution.record.answer.live_since or 0.0) if was_live else 0.0, claimed_at, service


def _role(resolution: Resolution, sharing: list[Resolution]) -> Mode | None:
    """What a candidate comes to in the entry that ``sharing`` have; None: it has no part in it."""
    active = [sharer for sharer in sharing if sharer.mode == "active"]
    is_renamed = resolution.mode == "retained" and resolution.group_ref in {sharer.group_ref for sharer in active}
    if resolution.mode == "removing" or (resolution in sharing and not is_renamed):
        return resolution.mode
    # A route that one of the same ECS service has taken over, renamed or not, has no grace time to wait for.
    is_taken_over = resolution.owner in {sharer.owner for sharer in active}
    roles: dict[Mode, Mode | None] = {"active": "rejected", "retained": "removing" if is_taken_over else None}
    return roles.get(resolution.mode)


def _assign(index: ObservedIndex, resolutions: Resolutions, entries: Mapping[EntryKey, MatchEntry]) -> RuleAssignment:
    """Give each entry its rule."""
    unchangeable = frozenset(resolution.owner for resolution in resolutions if resolution.mode in UNCHANGED)
    keys = {entry.listener for entry in entries.values() if entry.active} | index.listeners.keys()
    listeners = []
    for key in sorted(keys):
        mine = {entry.match: entry for entry in entries.values() if entry.listener == key}
        listeners.append(_assign_listener(index, key, mine, unchangeable))
    defaults = (listener.default for listener in listeners)
    entries_in_order = (*filter(None, defaults), *chain(*(listener.matches for listener in listeners)))
    return RuleAssignment(resolutions, tuple(listeners), entries_in_order, unchangeable)


def _assign_listener(
    index: ObservedIndex, key: ListenerKey, entries: Mapping[Match | None, MatchEntry], unchangeable: frozenset[Owner]
) -> ListenerAssignment:
    """By equal match first, by name second, so that a renamed route changes nothing."""
    there = index.listeners.get(key)
    own, foreign = (index.own_rules[key], index.foreign_rules[key]) if there else ((), ())
    rules = _rules_of(index, entries, own) if own else {}
    observed = {match: _observed(index, entry, rules.get(match), there) for match, entry in entries.items()}
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


def _observed(index: ObservedIndex, entry: MatchEntry, rule: Rule | None, listener: Listener | None) -> MatchEntry:
    """The entry with its rule, what it forwards to now, and what its active claims declare together."""
    action = rule.action if rule else None
    in_use = frozenset(weights(action))
    if entry.match is None and listener:
        action, in_use = listener.default, index.referenced
    members = weighted_groups(action)
    live = rule.is_live if rule else bool(members)
    return replace(
        entry,
        needed_by=tuple(resolution.key for resolution in entry.active),
        priority=entry.declared_priority,
        rule=rule,
        action=action,
        live=live,
        in_use=in_use,
        receiving=members if live else frozenset(),
    )


def _conflicts(assignment: RuleAssignment, settings: Settings) -> Iterator[Resolution]:
    """The claims, rejected, whose declared priority is taken, or whose match no claim gives a weight above 0."""
    for listener in assignment.listeners:
        if declared := [entry for entry in listener.matches if entry.priority is not None]:
            yield from _priority_conflicts(listener, declared, settings)
    message = (
        f"Every {settings.label_prefix}.weight of this match is 0, so no route would receive its requests. Give at least one "
        "route a weight above 0."
    )
    for entry in assignment.entries:
        if entry.is_weightless:
            yield from (resolution.reject("Refused", "WEIGHTS_ZERO", message) for resolution in entry.active)


def _priority_conflicts(
    listener: ListenerAssignment, declared: list[MatchEntry], settings: Settings
) -> Iterator[Resolution]:
    """Of equal declared priorities the later is in conflict; so is one that a rule has which stays as it is."""
    taken: dict[int | None, str] = {
        rule.priority: f"rule {rule.name}" for rule in (*listener.foreign, *listener.frozen)
    }
    for entry in sorted(declared, key=lambda entry: (not entry.has_its_priority, entry.active[0].order)):
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
