"""The entries of a Lattice service: one for each distinct match on each listener, with the claims that it serves.

A match belongs to the ECS service that its live rule forwards to; without a live rule, to the older ECS service. Claims
of one match that all have a weight share the entry.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from ecs_lattice.graph import Action, Rule, weights
from ecs_lattice.lattice_side.resolve import UNCHANGED, Mode, Resolution, Resolutions, replaced
from ecs_lattice.lattice_side.seen import ObservedIndex, Owner, rule_names
from ecs_lattice.model import ListenerKey, Match
from ecs_lattice.settings import Settings

type EntryKey = tuple[ListenerKey, Match | None]


@dataclass(frozen=True)
class MatchEntry:
    """One match (canonical; None: the default action) on one listener, with its claims by what they come to here.

    ``active`` claims share the entry, ``retained`` ones stay as they are, ``removing`` ones leave, ``paused`` ones freeze
    it. ``rule`` is the existing rule that becomes this one, ``action`` what it forwards to now, ``live`` whether requests
    can reach it now, ``receiving`` the groups that receive them.
    """

    listener: ListenerKey
    match: Match | None
    active: Resolutions = ()
    retained: Resolutions = ()
    removing: Resolutions = ()
    paused: Resolutions = ()
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

    @cached_property
    def priority(self) -> int | None:
        """The declared priority, if a claim declares one."""
        return next((r.route.priority for r in self.active if r.route.priority is not None), None)

    @cached_property
    def needed_by(self) -> tuple[str, ...]:
        return tuple(resolution.key for resolution in self.active)

    @cached_property
    def rule_names(self) -> tuple[str, ...]:
        """The names that its rule may have, by claim."""
        return tuple(name for resolution in self.claims for name in rule_names(resolution.claim, self.listener))


@dataclass(frozen=True, slots=True)
class RuleAssignment:
    """The entries with their rules, and the stack's rules on each listener that no entry may change or has.

    ``frozen`` rules stay as they are; ``leftover`` ones are to be parked or deleted. ``unchangeable`` are the ECS services
    with a claim that is paused or rejected.
    """

    resolutions: Resolutions
    entries: Mapping[EntryKey, MatchEntry]
    frozen: Mapping[ListenerKey, tuple[Rule, ...]]
    leftover: Mapping[ListenerKey, tuple[Rule, ...]]
    unchangeable: frozenset[Owner]


def match_rules(index: ObservedIndex, resolutions: Resolutions, settings: Settings, now: float) -> RuleAssignment:
    """The entries and their rules, once no further claim is rejected for its match, priority or weight."""
    while True:
        before = sum(resolution.mode == "rejected" for resolution in resolutions)
        entries, resolutions = _entries(index, resolutions, settings, now)
        assignment = _assign(index, resolutions, entries)
        resolutions = replaced(resolutions, _priority_conflicts(index, assignment, settings))
        resolutions = replaced(resolutions, _zero_weights(assignment, settings))
        if sum(resolution.mode == "rejected" for resolution in resolutions) == before:
            return _superseded(assignment)


def _entries(
    index: ObservedIndex, resolutions: Resolutions, settings: Settings, now: float
) -> tuple[dict[EntryKey, MatchEntry], Resolutions]:
    """The entries in a fixed order, and the resolutions with those that are rejected on the way."""
    candidates: dict[EntryKey, list[Resolution]] = defaultdict(list)
    for resolution in resolutions:
        for listener in resolution.route.listeners if resolution.mode != "rejected" else ():
            candidates[listener, resolution.match].append(resolution)
    entries: dict[EntryKey, MatchEntry] = {}
    for key in sorted(candidates, key=lambda key: (str(key[0]), repr(key[1]))):
        if rejected := _blocked(index, key, candidates[key], _owners_of_unchanged(resolutions)):
            resolutions = replaced(resolutions, rejected)
            if len(rejected) == len(candidates[key]):
                continue
        entries[key], rejected = _entry(index, key, candidates[key], settings, now)
        resolutions = replaced(resolutions, rejected)
    return entries, resolutions


def _owners_of_unchanged(resolutions: Resolutions) -> frozenset[Owner]:
    return frozenset(resolution.owner for resolution in resolutions if resolution.mode in UNCHANGED)


def _blocked(
    index: ObservedIndex,
    key: EntryKey,
    candidates: list[Resolution],
    unchangeable: frozenset[Owner],
) -> list[Resolution]:
    """The candidates that cannot have the match: a rule has it that others made, or that may not be changed."""
    listener, match = key
    foreign = [rule for rule in index.foreign_rules.get(listener, ()) if match and rule.match.canonical == match]
    others = index.owners_of(index.serving(*key)) - {candidate.owner for candidate in candidates}
    blocking = [owner for owner in others if owner in unchangeable or owner not in index.claimants]
    if foreign:
        code, message = (
            "FOREIGN_RULE",
            f"Rule {foreign[0].name} on {listener}, which this stack did not create, has this match.",
        )
    elif blocking:
        code = "MATCH_TAKEN"
        message = f"{match or 'Everything else'} on {listener} still goes to {'/'.join(min(blocking))}, whose rule stays as it is."
    else:
        return []
    return [candidate.reject("Conflicted", code, message) for candidate in candidates if candidate.mode == "active"]


def _entry(
    index: ObservedIndex, key: EntryKey, candidates: list[Resolution], settings: Settings, now: float
) -> tuple[MatchEntry, list[Resolution]]:
    """The entry of a match, and the candidates that are rejected because others have it."""
    receiving = index.serving(*key)
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
    # A claim keeps its match from others as long as it is declared, and for the grace time after.
    holding = [r for r in ordered if r.mode != "removing" or now < r.claim.since + settings.grace_seconds]
    sharing = [r for r in holding if r is holding[0] or None not in {holding[0].route.weight, r.route.weight}]
    roles = [(resolution, _role(resolution, sharing)) for resolution in ordered]
    active, retained, removing, paused, rejected = (
        tuple(resolution for resolution, role in roles if role == mode)
        for mode in ("active", "retained", "removing", "paused", "rejected")
    )
    message = ""
    if rejected:
        message = (
            f"{key[1] or 'Everything else'} on {key[0]} belongs to route {sharing[0].route.name} of "
            f"{sharing[0].claim.service}. Give every route of this match a {settings.label_prefix}.weight to share it, or "
            "use another match."
        )
    return MatchEntry(*key, active, retained, removing, paused), [
        loser.reject("Conflicted", "MATCH_TAKEN", message) for loser in rejected
    ]


def _role(resolution: Resolution, sharing: list[Resolution]) -> Mode | None:
    """What a candidate comes to in the entry that ``sharing`` have; None: it has no part in it."""
    shares = any(resolution is sharer for sharer in sharing)
    if resolution.mode == "retained":
        active = [sharer for sharer in sharing if sharer.mode == "active"]
        if not shares or any(sharer.group_ref == resolution.group_ref for sharer in active):
            # Taken over by a route of the same ECS service, renamed or not: there is no grace time to wait for.
            return "removing" if any(sharer.owner == resolution.owner for sharer in active) else None
    if shares or resolution.mode == "removing":
        return resolution.mode
    return "rejected" if resolution.mode == "active" else None


def _assign(index: ObservedIndex, resolutions: Resolutions, entries: Mapping[EntryKey, MatchEntry]) -> RuleAssignment:
    """Give each entry its rule: by equal match first, by name second, so that a renamed route changes nothing."""
    unchangeable = _owners_of_unchanged(resolutions)
    assigned = dict(entries)
    frozen: dict[ListenerKey, tuple[Rule, ...]] = {}
    leftover: dict[ListenerKey, tuple[Rule, ...]] = {}
    for key, listener in index.listeners.items():
        if default := entries.get((key, None)):
            assigned[key, None] = _with_action(
                default, None, listener.default, live=any(weights(listener.default).values())
            )
        mine = [entry for entry in entries.values() if entry.listener == key and entry.match]
        rules = _rules_of(index, mine, index.own_rules[key])
        for entry in mine:
            if rule := rules.get(entry.match):
                assigned[key, entry.match] = _with_action(entry, rule, rule.action, live=rule.is_live)
        kept = {rule.arn for match, rule in rules.items() if not entries[key, match].is_frozen}
        free = [rule for rule in index.own_rules[key] if rule.arn not in kept]
        frozen_arns = {rule.arn for rule in rules.values()} | {
            rule.arn for rule in free if is_unchangeable(index, rule.action, unchangeable)
        }
        frozen[key] = tuple(rule for rule in free if rule.arn in frozen_arns)
        leftover[key] = tuple(rule for rule in free if rule.arn not in frozen_arns)
    return RuleAssignment(resolutions, assigned, frozen, leftover, unchangeable)


def is_unchangeable(index: ObservedIndex, action: Action, unchangeable: frozenset[Owner]) -> bool:
    """Whether an action serves a claim that is rejected or paused, or an ECS service without any claim here: the registry
    may have been lost, and what cannot be explained is left alone.
    """
    owners = index.owners_of(weights(action))
    return bool(owners & unchangeable or owners - index.claimants)


def _rules_of(index: ObservedIndex, entries: list[MatchEntry], rules: tuple[Rule, ...]) -> dict[Match | None, Rule]:
    """The rules of the entries of one listener, by match: the best fit first, each rule once."""
    fits = [(entry, rule, _fit(index, entry, rule)) for entry in entries for rule in rules]
    found: dict[Match | None, Rule] = {}
    for criterion in range(3):
        for entry, rule, fit in fits:
            if fit[criterion] and entry.match not in found and rule not in found.values():
                found[entry.match] = rule
    return found


def _fit(index: ObservedIndex, entry: MatchEntry, rule: Rule) -> tuple[bool, bool, bool]:
    """Whether the rule fits the entry, from strong to weak: by match and owner, by name, by match alone."""
    owners = index.owners_of(weights(rule.action))
    is_same = rule.match.canonical == entry.match
    is_named = rule.name in entry.rule_names
    is_related = any(resolution.owner in owners for resolution in entry.claims)
    return is_same and (is_related or is_named), is_named, is_same and not owners


def _with_action(entry: MatchEntry, rule: Rule | None, action: Action, *, live: bool) -> MatchEntry:
    receiving = frozenset(group for group, weight in weights(action).items() if weight and live)
    return replace(entry, rule=rule, action=action, live=live, receiving=receiving)


def _priority_conflicts(index: ObservedIndex, assignment: RuleAssignment, settings: Settings) -> Iterator[Resolution]:
    """Of equal declared priorities the later is in conflict; so is one that a rule has which stays as it is."""
    taken = {
        (key, rule.priority): f"rule {rule.name}"
        for key in index.listeners
        for rule in (*index.foreign_rules[key], *assignment.frozen[key])
    }
    rank = {resolution.key: place for place, resolution in enumerate(assignment.resolutions)}
    entries = [entry for entry in assignment.entries.values() if entry.active and entry.match]

    def order(entry: MatchEntry) -> tuple[bool, int]:
        has_it = entry.rule is not None and entry.live and entry.rule.priority == entry.priority
        return not has_it, rank[entry.active[0].key]

    for entry in sorted(entries, key=order):
        first = entry.active[0]
        for resolution in entry.active:
            wanted = resolution.route.priority
            if wanted is None:
                continue
            holder = taken.get((entry.listener, wanted))
            if holder is None and wanted != entry.priority:
                holder = f"another route: this match has {entry.priority}, declared by {first.claim.service}"
            if holder is not None:
                message = f"Priority {wanted} on {entry.listener} belongs to {holder}. Use another {settings.label_prefix}.priority."
                yield resolution.reject("Conflicted", "PRIORITY_TAKEN", message)
        if entry.priority is not None:
            taken.setdefault((entry.listener, entry.priority), f"route {first.route.name} of {first.claim.service}")


def _zero_weights(assignment: RuleAssignment, settings: Settings) -> Iterator[Resolution]:
    for entry in assignment.entries.values():
        if not entry.retained and all(resolution.route.weight == 0 for resolution in entry.active):
            for resolution in entry.active:
                message = (
                    f"Every {settings.label_prefix}.weight of this match is 0, so no route would receive its requests. Give "
                    "at least one route a weight above 0."
                )
                yield resolution.reject("Refused", "WEIGHTS_ZERO", message)


def _superseded(assignment: RuleAssignment) -> RuleAssignment:
    """Without the grace time of vanished routes that routes of their own ECS service have taken over everywhere."""
    taken_over = {
        resolution.key: replace(resolution, mode="removing", code="", message="", wait=None)
        for resolution in assignment.resolutions
        if resolution.mode == "retained"
        and all(_is_taken_over(assignment, resolution, listener) for listener in resolution.route.listeners)
    }
    if not taken_over:
        return assignment
    entries = {
        key: replace(entry, removing=replaced(entry.removing, taken_over.values()))
        for key, entry in assignment.entries.items()
    }
    return replace(assignment, resolutions=replaced(assignment.resolutions, taken_over.values()), entries=entries)


def _is_taken_over(assignment: RuleAssignment, resolution: Resolution, listener: ListenerKey) -> bool:
    entry = assignment.entries.get((listener, resolution.match))
    return entry is not None and any(leaving.key == resolution.key for leaving in entry.removing)
