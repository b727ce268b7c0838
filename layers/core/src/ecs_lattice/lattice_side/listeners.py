"""The listeners of a Lattice service as they should be: rules, default actions, and where groups wait for them."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from ecs_lattice.graph import Action, AnyMatch, FixedResponse, Listener, Rule, forward, weights
from ecs_lattice.lattice_side.desired_values import DesiredListener, DesiredRule, Timers
from ecs_lattice.lattice_side.forwarding import Content, ForwardPlanner
from ecs_lattice.lattice_side.matches import MatchEntry, RuleAssignment
from ecs_lattice.lattice_side.priorities import specificity, spread
from ecs_lattice.lattice_side.resolve import Resolution, Resolver
from ecs_lattice.lattice_side.seen import ObservedIndex, canonical, foreign_rules, owner_of, parked, rule_names
from ecs_lattice.model import ListenerKey, Match

NOT_FOUND = FixedResponse(404)
_UNSET = 0  # a priority that is still to be found; VPC Lattice's begin at 1


@dataclass(slots=True)
class ListenerBuilder:
    """Builds the desired listeners from the slots."""

    court: Resolver
    assignment: RuleAssignment
    clocks: Timers
    settle_seconds: float
    dropped_listeners: list[Listener] = field(default_factory=list)
    filler: ForwardPlanner = field(init=False)
    _dropped: dict[ListenerKey, list[Rule]] = field(default_factory=dict)
    _referenced: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        fixed = tuple(self.court.in_order("stopped", "paused"))
        used = frozenset(self.seen.reference(s.claim) for s in self.court.in_order("kept"))
        self.filler = ForwardPlanner(self.seen, self.clocks, self.settle_seconds, fixed, used)

    @property
    def seen(self) -> ObservedIndex:
        return self.court.seen

    def listeners(self) -> tuple[DesiredListener, ...]:
        """Every listener as it should be; those without routes answer 404."""
        keys = {slot.listener for slot in self.assignment.slots.values() if slot.kept}
        keys |= {listener.key for listener in self.seen.observed.listeners}
        self._dropped = {key: [] for key in keys}
        defaults = {key: self._default(key) for key in sorted(keys)}
        stay = [key for key in sorted(keys) if defaults[key] is not None]
        for key in stay:
            self._referenced |= set(weights(defaults[key]))
        rules = {key: self._slot_rules(key) for key in stay}
        for key in stay:
            self._refer(rules[key])
            self._refer(self.assignment.frozen[key])
        for key in stay:
            left = self._leftover_rules(key)
            self._refer(left)
            rules[key] += left
        for key in stay:
            rules[key] += self._parking_rules(key)
        return tuple(self._listener(key, defaults[key] or NOT_FOUND, rules[key]) for key in stay)

    def _refer(self, rules: Iterable[DesiredRule | Rule]) -> None:
        self._referenced |= {group for rule in rules for group in weights(rule.action)}

    def is_live(self, slot: MatchEntry, group: str) -> bool:
        """Whether the group gets requests by this slot, as it was read."""
        action, live = self._now(slot)
        return live and weights(action).get(group, 0) > 0

    def _now(self, slot: MatchEntry) -> tuple[Action | None, bool]:
        """What the slot forwards to now, and whether requests may come."""
        if slot.match is not None:
            return (slot.rule.action, slot.rule.is_live) if slot.rule else (None, False)
        listener = self.seen.observed.listener(slot.listener)
        action = listener.default if listener else None
        return action, any(weights(action).values())

    # Default actions

    def _default(self, key: ListenerKey) -> Action | None:
        """The default action; None when the listener goes."""
        listener = self.seen.observed.listener(key)
        slot = self.assignment.slots.get((key, None))
        if slot is None or not slot.claims:
            return self._unclaimed_default(listener)
        if slot.is_frozen:
            return listener.default if listener else NOT_FOUND
        action, live = self._now(slot)
        content = self.filler.fill(slot, action, live=live)
        if key.protocol == "TLS_PASSTHROUGH":
            return self._passthrough(slot, listener, content)
        self._mark_guests(slot, content)
        return forward(content.weights) if content.live else NOT_FOUND

    def _unclaimed_default(self, listener: Listener | None) -> Action | None:
        if listener is None:
            return NOT_FOUND
        owners = self.seen.owners(listener.default, active=False)
        fixed = {owner_of(s.claim) for s in self.court.in_order("stopped", "paused")}
        if owners & fixed or owners - self.seen.claimants:
            return listener.default
        if not weights(listener.default):
            return NOT_FOUND
        if not self._is_replaced(listener.default, listener, "default"):
            return listener.default
        if listener.key.protocol == "TLS_PASSTHROUGH":
            self.dropped_listeners.append(listener)
            return None
        return NOT_FOUND

    def _passthrough(self, slot: MatchEntry, listener: Listener | None, content: Content) -> Action | None:
        """A TLS_PASSTHROUGH listener has nothing but its default action, which must forward."""
        if slot.kept or slot.held:
            if content.live or listener is None:
                return forward(content.weights)
            return forward(weights(listener.default) or content.weights)
        if listener is None:
            return None
        if any(standing.claim.named for standing in slot.leaving):
            return listener.default  # there is no rule to park the group in: it stays until ECS has let go of it
        self.dropped_listeners.append(listener)
        return None

    def _mark_guests(self, slot: MatchEntry, content: Content) -> None:
        """Which groups of the default action must be kept in use elsewhere: while they wait, and until it has settled."""
        for standing in slot.claims:
            group = self.seen.reference(standing.claim)
            waits = not content.live and (
                standing.mode == "kept" or (standing.mode == "leaving" and standing.claim.named)
            )
            if waits or (content.live and self._settles(slot, group)):
                self.filler.guests.add((slot.listener, group))

    def _settles(self, slot: MatchEntry, group: str) -> bool:
        """Whether the default action forwards to a group so newly that its waiting place must stay."""
        listener = self.seen.observed.listener(slot.listener)
        places = [rule for rule in (listener.rules if listener else ()) if group in weights(rule.action)]
        waiting = [rule for rule in places if rule.is_parked or not weights(rule.action)[group]]
        if not waiting:
            return False
        if not self.is_live(slot, group):
            return True
        what = f"default:{slot.listener}:{group}"
        return not self.clocks.has_lasted(
            what, self.settle_seconds, f"{slot.listener} has just begun to forward to {group}"
        )

    # Rules

    def _slot_rules(self, key: ListenerKey) -> list[DesiredRule]:
        slots = [slot for slot in self.assignment.slots.values() if slot.listener == key and slot.match is not None]
        return [rule for slot in slots if (rule := self._slot_rule(slot)) is not None]

    def _slot_rule(self, slot: MatchEntry) -> DesiredRule | None:
        rule = slot.rule
        if slot.is_frozen or (rule is None and not slot.kept):
            if rule is not None:
                self.assignment.frozen[slot.listener].append(rule)
            return None
        content = self.filler.fill(slot, rule.action if rule else None, live=rule.is_live if rule else False)
        if rule is not None and not content.weights:
            self._dropped[slot.listener].append(rule)
            return None
        name = rule.name if rule else self._free_name(slot)
        match = self._match(slot, content, name)
        return DesiredRule(name, _UNSET, match, forward(content.weights), rule, slot.needed_by)

    def _match(self, slot: MatchEntry, content: Content, name: str) -> AnyMatch:
        there = slot.rule.match if slot.rule else None
        if not content.live:
            return there if slot.rule and slot.rule.is_parked and isinstance(there, Match) else parked(name)
        if there is not None and content.waits:
            return there  # what serves now was never declared for the new match
        if isinstance(there, Match) and canonical(there) == slot.match:
            return there  # the same requests: another spelling is no reason to write
        return slot.wish or parked(name)

    def _free_name(self, slot: MatchEntry) -> str:
        listener = self.seen.observed.listener(slot.listener)
        taken = {rule.name for rule in listener.rules} if listener else set()
        names = [name for standing in slot.kept for name in rule_names(standing.claim, slot.listener)]
        return next((name for name in names if name not in taken), names[0])

    def _leftover_rules(self, key: ListenerKey) -> list[DesiredRule]:
        """Rules of ours that no slot has: of a route that moved to another listener or into another rule."""
        listener = self.seen.observed.listener(key)
        waiting = self._waiting_places(key)
        left = [rule for rule in self.assignment.leftover[key] if rule.arn not in waiting]
        return [kept for rule in left if listener and (kept := self._leftover(listener, rule)) is not None]

    def _leftover(self, listener: Listener, rule: Rule) -> DesiredRule | None:
        needed = [group for group in weights(rule.action) if self._must_stay(group)]
        as_it_is = DesiredRule(rule.name, rule.priority, rule.match, rule.action, rule)
        if rule.is_live and not self._is_replaced(rule.action, listener, rule.name):
            return as_it_is
        if not needed:
            self._dropped[listener.key].append(rule)
            return None
        return DesiredRule(rule.name, rule.priority, parked(rule.name), rule.action, rule) if rule.is_live else as_it_is

    def _must_stay(self, group: str) -> bool:
        """Whether a group that nothing else uses still has tasks that ECS hands to it."""
        if group in self._referenced:
            return False
        leaving = [s for s in self.court.in_order("leaving") if self.seen.reference(s.claim) == group]
        return any(s.claim.named for s in leaving) or self.filler.needs_reference(group)

    def _is_replaced(self, action: Action, listener: Listener, what: str) -> bool:
        """Whether every route that this once served is served by another rule, long enough for the data plane."""
        groups = set(weights(action))
        for slot in self.assignment.slots.values():
            for standing in slot.kept:
                group = self.seen.reference(standing.claim)
                concerned = group in groups or what in rule_names(standing.claim, listener.key)
                if concerned and standing.claim.route.weight != 0 and not self.is_live(slot, group):
                    return False
        clock = f"replaced:{listener.key}:{what}"
        return self.clocks.has_lasted(clock, self.settle_seconds, f"{what} on {listener.key} was replaced just now")

    # Waiting places of the default action's groups

    def _default_claims(self, key: ListenerKey) -> list[Resolution]:
        slot = self.assignment.slots.get((key, None))
        return [] if slot is None or key.protocol == "TLS_PASSTHROUGH" or slot.is_frozen else slot.claims

    def _waiting_places(self, key: ListenerKey) -> dict[str, Resolution]:
        """Parked rules of ours, by ARN, that were made for a route of the default action."""
        places: dict[str, Resolution] = {}
        for standing in self._default_claims(key):
            names = rule_names(standing.claim, key)
            for rule in self.assignment.leftover[key]:
                if rule.is_parked and rule.name in names:
                    places.setdefault(rule.arn, standing)
        return places

    def _parking_rules(self, key: ListenerKey) -> list[DesiredRule]:
        wanted: list[DesiredRule] = []
        there = {rule.arn: rule for rule in self.assignment.leftover[key]}
        unused = dict(self._waiting_places(key))
        for standing in self._default_claims(key):
            group = self.seen.reference(standing.claim)
            if (key, group) not in self.filler.guests or group in self._referenced - self._by_default(key, group):
                continue
            place = next((arn for arn, whose in unused.items() if whose is standing), None)
            rule = there[place] if place else None
            if place:
                del unused[place]
            wanted.append(self._parking_rule(key, standing, group, rule))
            self._referenced.add(group)
            self.filler.guests.discard((key, group))
        self._dropped[key] += [there[arn] for arn in unused]
        return wanted

    def _by_default(self, key: ListenerKey, group: str) -> set[str]:
        """The group, when the desired default action names it: then only a place that is there already is kept."""
        holds_slot = any(group in weights(rule.action) for rule in self.assignment.leftover[key] if rule.is_parked)
        return {group} if holds_slot else set()

    def _parking_rule(self, key: ListenerKey, standing: Resolution, group: str, rule: Rule | None) -> DesiredRule:
        listener = self.seen.observed.listener(key)
        taken = {each.name for each in listener.rules} if listener else set()
        names = rule_names(standing.claim, key)
        name = rule.name if rule else next((each for each in names if each not in taken), names[0])
        needed_by = (standing.record.key,) if standing.mode == "kept" else ()
        priority = rule.priority if rule else _UNSET
        return DesiredRule(name, priority, parked(name), forward({group: 1}), rule, needed_by, parks=group)

    # Listeners

    def _listener(self, key: ListenerKey, default: Action, rules: list[DesiredRule]) -> DesiredListener:
        listener = self.seen.observed.listener(key)
        slots = [slot for slot in self.assignment.slots.values() if slot.listener == key]
        needed_by = tuple(sorted({record for slot in slots for record in slot.needed_by}))
        numbered = self._numbered(key, listener, rules)
        return DesiredListener(key, listener, default, tuple(numbered), tuple(self._dropped[key]), needed_by)

    def _numbered(self, key: ListenerKey, listener: Listener | None, rules: list[DesiredRule]) -> Iterable[DesiredRule]:
        """The rules with their priorities: authors' numbers first, the others by specificity around everything else."""
        fixed = {rule.priority for rule in (*foreign_rules(listener), *self.assignment.frozen[key])}
        slots = {slot.kept[0].record.key: slot for slot in self._filled(key)}
        authors: dict[str, int] = {}
        computed: list[DesiredRule] = []
        others: list[DesiredRule] = []
        for rule in rules:
            slot = next((slots[one] for one in rule.needed_by if one in slots and rule.parks is None), None)
            if slot is None:
                others.append(rule)
            elif slot.priority is not None:
                authors[rule.name] = slot.priority
            else:
                computed.append(rule)
        current = {rule.name: rule.there.priority for rule in rules if rule.there}
        taken = fixed | set(authors.values())
        others.sort(key=lambda rule: (current.get(rule.name, 0) == 0, current.get(rule.name, 0), rule.name))
        staying = {current[rule.name] for rule in others if rule.name in current} - taken
        order = sorted(computed, key=lambda rule: self._specificity(slots, rule))
        numbers = authors | spread([rule.name for rule in order], current, taken | staying)
        numbers |= spread([rule.name for rule in others], current, fixed | set(numbers.values()))
        return [_with_priority(rule, numbers[rule.name]) for rule in rules]

    def _filled(self, key: ListenerKey) -> list[MatchEntry]:
        return [slot for slot in self.assignment.slots.values() if slot.listener == key and slot.match and slot.kept]

    def _specificity(self, slots: dict[str, MatchEntry], rule: DesiredRule) -> tuple[object, ...]:
        slot = next(slots[one] for one in rule.needed_by if one in slots)
        return specificity(slot.match or Match())


def _with_priority(rule: DesiredRule, priority: int) -> DesiredRule:
    return DesiredRule(rule.name, priority, rule.match, rule.action, rule.there, rule.needed_by, rule.parks)
