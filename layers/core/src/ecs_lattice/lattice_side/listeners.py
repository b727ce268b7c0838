"""The listeners of a Lattice service as they should be: default actions, rules, and the rules that park groups.

A group that the default action is to forward to needs a rule that keeps it in use until then: a parking rule. So does a
group that leaves the default action while ECS still names it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import chain

from ecs_lattice.graph import Action, AnyMatch, FixedResponse, Listener, Rule, forward, weights
from ecs_lattice.lattice_side.desired_values import DesiredListener, DesiredRule
from ecs_lattice.lattice_side.entries import ListenerAssignment, MatchEntry
from ecs_lattice.lattice_side.forwarding import ForwardPlan, PlanContext, needs_reference, plan_forward
from ecs_lattice.lattice_side.matches import is_unchangeable
from ecs_lattice.lattice_side.priorities import rule_priorities
from ecs_lattice.lattice_side.resolutions import Resolution
from ecs_lattice.lattice_side.seen import parking_match, rule_names
from ecs_lattice.model import ListenerKey, Match

NOT_FOUND = FixedResponse(404)
_UNSET = 0  # a priority that is still to be found; VPC Lattice's begin at 1


@dataclass(frozen=True, slots=True)
class DefaultPlan:
    """A default action, and the groups that have to stay in use elsewhere: until it forwards to them and has settled."""

    action: Action
    parked: frozenset[str] = frozenset()


def desired_listeners(context: PlanContext) -> tuple[tuple[DesiredListener, ...], tuple[Listener, ...]]:
    """Every listener as it should be, and those to delete. A listener without routes answers 404."""
    planned = [(listener, _default(context, listener)) for listener in context.assignment.listeners]
    staying: list[tuple[ListenerAssignment, DefaultPlan]] = []
    dropped: list[Listener] = []
    for listener, default in planned:
        if default:
            staying.append((listener, default))
        elif listener.there:
            dropped.append(listener.there)
    rules = {listener.key: _entry_rules(context, listener, default.parked) for listener, default in staying}
    if any(listener.leftover or default.parked for listener, default in staying):
        _keep_in_use(context, staying, rules)
    listeners = tuple(_desired(listener, default.action, rules[listener.key]) for listener, default in staying)
    return listeners, tuple(dropped)


def _keep_in_use(
    context: PlanContext,
    staying: list[tuple[ListenerAssignment, DefaultPlan]],
    rules: dict[ListenerKey, list[DesiredRule]],
) -> None:
    """Add to ``rules`` the leftover rules and the parking rules that keep groups in use which nothing else names."""
    referenced = _groups_of(chain((default for _, default in staying), *rules.values()))
    referenced |= _groups_of(chain(*(listener.frozen for listener, _ in staying)))
    for listener, _ in staying:  # in their order: the first leftover rule keeps a group in use
        rules[listener.key] += (leftover := _leftover_rules(context, listener, referenced))
        referenced |= _groups_of(leftover)
    for listener, default in staying:
        rules[listener.key] += (parking := _parking_rules(listener, default.parked, referenced))
        referenced |= _groups_of(parking)


def _groups_of(rules: Iterable[DefaultPlan | DesiredRule | Rule]) -> frozenset[str]:
    return frozenset(group for rule in rules for group in weights(rule.action))


# Default actions


def _default(context: PlanContext, listener: ListenerAssignment) -> DefaultPlan | None:
    """The default action; None when the listener is to be deleted."""
    entry, there = listener.default, listener.there
    if there and context.index.is_left_alone(listener.key, (r.group_ref for r in entry.claims) if entry else ()):
        return DefaultPlan(there.default)
    if entry is None:
        return _unclaimed_default(context, there) if there else DefaultPlan(NOT_FOUND)
    if entry.is_frozen:
        return DefaultPlan(there.default if there else NOT_FOUND)
    plan = plan_forward(context, entry)
    if listener.key.protocol == "TLS_PASSTHROUGH":
        return _passthrough(entry, there, plan)
    if plan.live:
        return DefaultPlan(forward(plan.weights), _settling(context, entry, there))
    return DefaultPlan(NOT_FOUND, _awaited(entry))


def _awaited(entry: MatchEntry) -> frozenset[str]:
    """The groups that a default action without traffic needs parked: those to come, and those that ECS still names."""
    leaving = (r for r in entry.removing if r.mode == "removing" and r.claim.named)
    return frozenset(resolution.group_ref for resolution in (*entry.active, *leaving))


def _unclaimed_default(context: PlanContext, listener: Listener) -> DefaultPlan | None:
    if is_unchangeable(context.index, listener.default, context.assignment.unchangeable):
        return DefaultPlan(listener.default)
    if not weights(listener.default):
        return DefaultPlan(NOT_FOUND)
    if not _is_replaced(context, listener.default, listener.key, "default"):
        return DefaultPlan(listener.default)
    return None if listener.key.protocol == "TLS_PASSTHROUGH" else DefaultPlan(NOT_FOUND)


def _passthrough(entry: MatchEntry, listener: Listener | None, plan: ForwardPlan) -> DefaultPlan | None:
    """A TLS_PASSTHROUGH listener has nothing but its default action, which must forward."""
    if entry.active or entry.retained:
        existing = weights(listener.default) if listener and not plan.live else {}
        return DefaultPlan(forward(existing or plan.weights))
    if listener and any(resolution.claim.named for resolution in entry.removing):
        return DefaultPlan(listener.default)  # no rule could park the group: it stays until ECS no longer names it
    return None


def _settling(context: PlanContext, entry: MatchEntry, listener: Listener | None) -> frozenset[str]:
    """The groups that a rule still parks, though the default action is to forward to them, or does so only recently."""
    parked: set[str] = set()
    for rule in listener.rules if listener else ():
        members = weights(rule.action)
        parked |= members.keys() if rule.is_parked else {group for group, weight in members.items() if not weight}
    settling: set[str] = set()
    for group in sorted(parked & {resolution.group_ref for resolution in entry.claims}):
        timer, why = f"default:{entry.listener}:{group}", f"{entry.listener} has just begun to forward to {group}"
        receives = group in entry.receiving
        if not receives or not context.timers.has_lasted(timer, context.settings.settle_seconds, why):
            settling.add(group)
    return frozenset(settling)


# Rules


def _entry_rules(context: PlanContext, listener: ListenerAssignment, parked: frozenset[str]) -> list[DesiredRule]:
    """The rules of the entries that are not frozen, and needed."""
    rules: list[DesiredRule] = []
    for entry in listener.matches:
        if entry.is_frozen or not (entry.rule or entry.active):
            continue
        plan = plan_forward(context, entry, parked)
        if plan.weights or not entry.rule:
            name = entry.rule.name if entry.rule else _free_name(listener, entry.active)
            match = _rule_match(entry, plan, parking_match(name))
            rules.append(DesiredRule(name, _UNSET, match, forward(plan.weights), entry.rule, entry.needed_by))
    return rules


def _rule_match(entry: MatchEntry, plan: ForwardPlan, parking: Match) -> AnyMatch:
    rule = entry.rule
    if not plan.live:
        return rule.match if rule and rule.is_parked else parking
    # The groups that serve when it falls back were never declared for a new match; another spelling is no change.
    if rule and (plan.falls_back or rule.match.canonical == entry.match):
        return rule.match
    written = (resolution.route.match for resolution in entry.claims if resolution.match == entry.match)
    return next(written, entry.match) or parking


def _free_name(listener: ListenerAssignment, claims: Sequence[Resolution]) -> str:
    """The first name for a rule of these claims that no rule on the listener has."""
    names = [name for resolution in claims for name in rule_names(resolution.claim, listener.key)]
    taken = {rule.name for rule in listener.there.rules} if listener.there else set()
    return next((name for name in names if name not in taken), names[0])


def _leftover_rules(
    context: PlanContext, listener: ListenerAssignment, referenced: frozenset[str]
) -> list[DesiredRule]:
    """Rules of this stack that no entry has and that stay for now: of a route that moved to another listener or rule."""
    kept: list[DesiredRule] = []
    parking = _parking_claims(listener)
    for rule in (rule for rule in listener.leftover if rule not in parking):
        is_needed = any(_has_to_stay(context, group) for group in weights(rule.action) if group not in referenced)
        as_it_is = DesiredRule(rule.name, rule.priority, rule.match, rule.action, rule)
        if rule.is_live and not _is_replaced(context, rule.action, listener.key, rule.name):
            kept.append(as_it_is)
        elif is_needed:
            kept.append(replace(as_it_is, match=parking_match(rule.name)) if rule.is_live else as_it_is)
    return kept


def _has_to_stay(context: PlanContext, group: str) -> bool:
    """Whether a group that nothing else uses still has tasks, or is still named by ECS."""
    removing = [r for r in context.assignment.resolutions if r.mode == "removing" and r.group_ref == group]
    return any(resolution.claim.named for resolution in removing) or needs_reference(context, group)


def _is_replaced(context: PlanContext, action: Action, key: ListenerKey, what: str) -> bool:
    """Whether every route that the action once served is served elsewhere, long enough for the data plane."""
    groups = weights(action)
    for entry in context.assignment.entries:
        for resolution in () if entry.is_standby else entry.active:
            is_served = resolution.route.weight == 0 or resolution.group_ref in entry.receiving
            if not is_served and (resolution.group_ref in groups or what in rule_names(resolution.claim, key)):
                return False
    why = f"{what} on {key} was replaced just now"
    return context.timers.has_lasted(f"replaced:{key}:{what}", context.settings.settle_seconds, why)


# Parking rules of the default action's groups


def _parking_claims(listener: ListenerAssignment) -> dict[Rule, str]:
    """The existing parking rules of the default action, each with the key of its claim."""
    entry = listener.default
    if entry is None or entry.is_frozen:
        return {}
    return {
        rule: resolution.key
        for rule in listener.leftover
        for resolution in reversed(entry.claims)
        if rule.is_parked and rule.name in rule_names(resolution.claim, listener.key)
    }


def _parking_rules(
    listener: ListenerAssignment, parked: frozenset[str], referenced: frozenset[str]
) -> list[DesiredRule]:
    """The rules that park the groups of the default action. A group that something else uses needs none, but what parks
    it already is kept until all has settled."""
    existing = {key: rule for rule, key in reversed(_parking_claims(listener).items())}
    needed = parked - (referenced - _groups_of(rule for rule in listener.leftover if rule.is_parked))
    wanted: dict[str, DesiredRule] = {}
    for resolution in listener.default.claims if listener.default and needed else ():
        group, rule = resolution.group_ref, existing.get(resolution.key)
        if group in needed and group not in wanted:
            name, priority = (rule.name, rule.priority) if rule else (_free_name(listener, (resolution,)), _UNSET)
            needed_by = (resolution.key,) if resolution.mode == "active" else ()
            action = forward({group: 1})
            wanted[group] = DesiredRule(name, priority, parking_match(name), action, rule, needed_by, parks=group)
    return list(wanted.values())


# Listeners


def _desired(listener: ListenerAssignment, default: Action, rules: list[DesiredRule]) -> DesiredListener:
    """The listener, its rules with their priorities."""
    there = listener.there.rules if listener.there else ()
    staying = {rule.there for rule in rules}.union(listener.frozen, listener.foreign)
    entries = [*listener.matches, *([listener.default] if listener.default else [])]
    priorities = rule_priorities(listener, rules)
    return DesiredListener(
        listener.key,
        listener.there,
        default,
        tuple(replace(rule, priority=priorities[rule.name]) for rule in rules),
        tuple(rule for rule in there if rule not in staying),
        tuple(sorted(chain(*(entry.needed_by for entry in entries)))),
    )
