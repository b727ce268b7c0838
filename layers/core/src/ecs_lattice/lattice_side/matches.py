"""The slots of a Lattice service: one for each distinct match on each listener, with the claims that fill it.

Who holds a match is who its live rule forwards to; where no rule is live, the older ECS service. Claims of one match that
all have a weight share the slot.
"""

from collections import defaultdict
from dataclasses import dataclass, field

from ecs_lattice.graph import Rule, weights
from ecs_lattice.lattice_side.resolve import Mode, Resolution, Resolver, services_of
from ecs_lattice.lattice_side.seen import Owner, canonical, foreign_rules, owner_of, rule_names, rules_of_ours, same
from ecs_lattice.model import ListenerKey, Match

type SlotKey = tuple[ListenerKey, Match | None]

_HOLDING: tuple[Mode, ...] = ("kept", "paused", "held", "leaving")


@dataclass(slots=True)
class MatchEntry:
    """One match (canonical; None: the default action) on one listener. ``kept`` are the claims that fill it, ``held``
    those that stay as they are, ``leaving`` those that go; ``paused`` ones freeze it.
    """

    listener: ListenerKey
    match: Match | None
    kept: list[Resolution] = field(default_factory=list)
    held: list[Resolution] = field(default_factory=list)
    leaving: list[Resolution] = field(default_factory=list)
    paused: list[Resolution] = field(default_factory=list)
    rule: Rule | None = None

    @property
    def claims(self) -> list[Resolution]:
        return [*self.kept, *self.paused, *self.held, *self.leaving]

    @property
    def is_frozen(self) -> bool:
        """Whether nothing of it may change: a pause, or only claims that wait."""
        return bool(self.paused) or (bool(self.held) and not self.kept and not self.leaving)

    @property
    def wish(self) -> Match | None:
        """The match as its first claim wrote it."""
        first = next(iter(self.claims), None)
        return first.claim.route.match if first else None

    @property
    def priority(self) -> int | None:
        """The author's priority, if one wrote any."""
        return next((s.claim.route.priority for s in self.kept if s.claim.route.priority is not None), None)

    @property
    def needed_by(self) -> tuple[str, ...]:
        return tuple(standing.record.key for standing in self.kept)


@dataclass(slots=True)
class RuleAssignment:
    """Slots by key, and the rules of ours on each listener that no slot has: frozen ones and leftovers."""

    slots: dict[SlotKey, MatchEntry]
    frozen: dict[ListenerKey, list[Rule]]
    leftover: dict[ListenerKey, list[Rule]]


def assign(court: Resolver) -> RuleAssignment:
    """Slots and rules, with every conflict found on the way written into the court's standings."""
    while True:
        stopped = len(court.in_order("stopped"))
        slots = _fill(court)
        assignment = _with_rules(court, slots)
        _priorities(court, assignment)
        _weights(court, assignment)
        if len(court.in_order("stopped")) == stopped:
            _supersede(court, assignment)
            return assignment


def _supersede(court: Resolver, assignment: RuleAssignment) -> None:
    """A vanished route whose every place another route of its ECS service has taken over need not wait any longer."""
    for standing in court.in_order("held"):
        mine = [slot for slot in assignment.slots.values() if standing in slot.claims]
        taken = len(standing.claim.route.listeners)
        if len(mine) == taken and all(standing in slot.leaving for slot in mine):
            gone = Resolution(standing.record, "leaving")
            court.standings[standing.record.key] = gone
            for slot in mine:
                slot.leaving = [gone if each is standing else each for each in slot.leaving]


def _fill(court: Resolver) -> dict[SlotKey, MatchEntry]:
    candidates: dict[SlotKey, list[Resolution]] = defaultdict(list)
    for standing in court.in_order(*_HOLDING):
        match = standing.claim.route.match
        for listener in standing.claim.route.listeners:
            candidates[listener, canonical(match) if match else None].append(standing)
    return {key: _slot(court, key, standings) for key, standings in sorted(candidates.items(), key=_readable)}


def _readable(item: tuple[SlotKey, object]) -> tuple[str, str]:
    return str(item[0][0]), repr(item[0][1])


def _slot(court: Resolver, key: SlotKey, candidates: list[Resolution]) -> MatchEntry:
    slot = MatchEntry(*key)
    live = _owners_now(court, key)
    groups = _groups_now(court, key)
    if _blocked(court, key, candidates, live):
        return slot

    def rank(standing: Resolution) -> tuple[bool, float, str, bool, bool, str]:
        claim = standing.claim
        waits = standing.mode in {"held", "leaving"}
        serves = court.seen.reference(claim) in groups
        return owner_of(claim) not in live, claim.created_at, claim.service.arn, waits, not serves, claim.route.name

    holding = sorted((s for s in candidates if _holds(court, s)), key=rank)
    leader = next(iter(holding), None)
    sharers = [s for s in holding if leader and (s is leader or _share(leader, s))]
    for standing in sorted(candidates, key=rank):
        _place(court, slot, standing, sharers)
    return slot


def _place(court: Resolver, slot: MatchEntry, standing: Resolution, sharers: list[Resolution]) -> None:
    if standing.mode == "leaving":
        slot.leaving.append(standing)
    elif standing.mode == "held" and (standing not in sharers or _is_superseded(court, standing, sharers)):
        if any(owner_of(other.claim) == owner_of(standing.claim) for other in sharers if other.mode == "kept"):
            slot.leaving.append(standing)  # taken over by a route of the same ECS service: no grace to wait for
    elif standing in sharers:
        {"kept": slot.kept, "held": slot.held, "paused": slot.paused}[standing.mode].append(standing)
    elif standing.mode == "kept":
        holder = sharers[0].claim
        message = f"{slot.match or 'Everything else'} on {slot.listener} belongs to route {holder.route.name} of "
        message += (
            f"{holder.service}. Give every route of this match a lattice.weight to share it, or use another match."
        )
        court.conflict(standing, "MATCH_TAKEN", message)


def _is_superseded(court: Resolver, standing: Resolution, sharers: list[Resolution]) -> bool:
    """Whether a declared route of the same port has come in the place of a vanished one (it was renamed)."""
    group = court.seen.reference(standing.claim)
    return any(other.mode == "kept" and court.seen.reference(other.claim) == group for other in sharers)


def _share(leader: Resolution, other: Resolution) -> bool:
    return leader.claim.route.weight is not None and other.claim.route.weight is not None


def _holds(court: Resolver, standing: Resolution) -> bool:
    """Whether a claim keeps its match from others: as long as it is declared, and for the grace time after."""
    if standing.mode != "leaving":
        return True
    return court.now < standing.claim.since + court.settings.grace_seconds


def _owners_now(court: Resolver, key: SlotKey) -> frozenset[Owner]:
    listener = court.seen.observed.listener(key[0])
    if listener is None:
        return frozenset()
    if key[1] is None:
        return court.seen.owners(listener.default, active=True)
    return court.seen.holders(listener, key[1])


def _groups_now(court: Resolver, key: SlotKey) -> frozenset[str]:
    """The groups that get the requests of a slot now."""
    listener = court.seen.observed.listener(key[0])
    actions = [listener.default] if listener and key[1] is None else []
    if listener and key[1] is not None:
        actions = [rule.action for rule in rules_of_ours(listener) if rule.is_live and same(rule, key[1])]
    return frozenset(group for action in actions for group, weight in weights(action).items() if weight)


def _blocked(court: Resolver, key: SlotKey, candidates: list[Resolution], live: frozenset[Owner]) -> bool:
    """Whether somebody who is no candidate has the match: a rule made by others, or a rule that may not be changed."""
    foreign = [rule for rule in foreign_rules(court.seen.observed.listener(key[0])) if key[1] and same(rule, key[1])]
    fixed = services_of(court.in_order("stopped", "paused"))
    elsewhere = live - services_of(candidates)
    blocking = [owner for owner in elsewhere if owner in fixed or owner not in court.seen.claimants]
    for standing in candidates:
        if standing.mode != "kept":
            continue
        if foreign:
            message = f"Rule {foreign[0].name} on {key[0]}, which is not ours, has this match already."
            court.conflict(standing, "FOREIGN_RULE", message)
        elif blocking:
            holder = "/".join(min(blocking))
            message = f"{key[1] or 'Everything else'} on {key[0]} still goes to {holder}, whose rule stays as it is."
            court.conflict(standing, "MATCH_TAKEN", message)
    return bool(foreign or blocking) and not any(s.mode in {"held", "leaving", "paused"} for s in candidates)


def _with_rules(court: Resolver, slots: dict[SlotKey, MatchEntry]) -> RuleAssignment:
    """Give each slot its rule: by equal match first, by name second, so that a renamed route changes nothing."""
    assignment = RuleAssignment(slots, defaultdict(list), defaultdict(list))
    for listener in court.seen.observed.listeners:
        mine = [slot for slot in slots.values() if slot.listener == listener.key and slot.match and slot.claims]
        free = list(rules_of_ours(listener))
        for choose in (_equal_and_theirs, _by_name, _equal):
            for slot in mine:
                rule = None if slot.rule else next((each for each in free if choose(court, slot, each)), None)
                if rule:
                    slot.rule = rule
                    free.remove(rule)
        for rule in free:
            kind = assignment.frozen if _may_not_change(court, rule) else assignment.leftover
            kind[listener.key].append(rule)
    return assignment


def _equal_and_theirs(court: Resolver, slot: MatchEntry, rule: Rule) -> bool:
    theirs = services_of(slot.claims) & court.seen.owners(rule.action, active=False)
    return slot.match is not None and same(rule, slot.match) and (bool(theirs) or _by_name(court, slot, rule))


def _by_name(_: Resolver, slot: MatchEntry, rule: Rule) -> bool:
    return any(rule.name in rule_names(standing.claim, slot.listener) for standing in slot.claims)


def _equal(court: Resolver, slot: MatchEntry, rule: Rule) -> bool:
    return slot.match is not None and same(rule, slot.match) and not court.seen.owners(rule.action, active=False)


def _may_not_change(court: Resolver, rule: Rule) -> bool:
    """Whether the rule serves a claim that is stopped or paused, or an ECS service that has no claim here at all: the
    registry may have been lost, and what nobody explains is left alone.
    """
    owners = court.seen.owners(rule.action, active=False)
    fixed = services_of(court.in_order("stopped", "paused"))
    return bool(owners & fixed) or bool(owners - court.seen.claimants)


def _taken(court: Resolver, assignment: RuleAssignment) -> dict[tuple[ListenerKey, int], str]:
    """The priorities, by listener, of rules that stay as they are, and whose they are."""
    taken: dict[tuple[ListenerKey, int], str] = {}
    for listener in court.seen.observed.listeners:
        for rule in (*foreign_rules(listener), *assignment.frozen[listener.key]):
            taken[listener.key, rule.priority] = f"rule {rule.name}"
    for slot in assignment.slots.values():
        if slot.is_frozen and slot.rule:
            taken[slot.listener, slot.rule.priority] = f"rule {slot.rule.name}"
    return taken


def _priorities(court: Resolver, assignment: RuleAssignment) -> None:
    """Equal priorities of two authors: the later is in conflict; so is one that a rule has which stays as it is."""
    taken = _taken(court, assignment)
    slots = [slot for slot in assignment.slots.values() if slot.kept and slot.match]

    def rank(slot: MatchEntry) -> tuple[object, ...]:
        has_it = slot.rule is not None and slot.rule.priority == slot.priority and slot.rule.is_live
        return not has_it, *court.rank(slot.kept[0].claim)

    for slot in sorted(slots, key=rank):
        first = slot.kept[0].claim
        for standing in slot.kept:
            wanted = standing.claim.route.priority
            if wanted is None:
                continue
            holder = taken.get((slot.listener, wanted))
            if holder is None and wanted != slot.priority:
                holder = f"not the one of this match, which is {slot.priority} by {first.service}; it"
            if holder is not None:
                message = f"Priority {wanted} on {slot.listener} belongs to {holder}. Use another lattice.priority."
                court.conflict(standing, "PRIORITY_TAKEN", message)
        if slot.priority is not None:
            taken.setdefault((slot.listener, slot.priority), f"route {first.route.name} of {first.service}")


def _weights(court: Resolver, assignment: RuleAssignment) -> None:
    for slot in assignment.slots.values():
        if slot.kept and not slot.held and all(s.claim.route.weight == 0 for s in slot.kept):
            for standing in slot.kept:
                message = (
                    "Every lattice.weight of this match is 0, so no route would get its requests. Give one more than 0."
                )
                court.refuse(standing, "WEIGHTS_ZERO", message)
