"""The listeners of a Lattice service as they should be: default actions, rules, and the rules that park groups.

A group that the default action is to forward to needs a rule that keeps it in use until then: a parking rule. So does a
group that leaves the default action while ECS still names it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain

from ecs_lattice.graph import Action, AnyMatch, FixedResponse, Listener, Rule, forward, weights
from ecs_lattice.lattice_side.desired_values import DesiredListener, DesiredRule
from ecs_lattice.lattice_side.forwarding import ForwardPlan, PlanContext, needs_reference, plan_forward
from ecs_lattice.lattice_side.matches import MatchEntry, is_unchangeable
from ecs_lattice.lattice_side.priorities import specificity, spread
from ecs_lattice.lattice_side.resolve import Resolution
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
    existing, assignment = context.index.listeners, context.assignment
    keys = sorted({entry.listener for entry in assignment.entries.values() if entry.active} | set(existing))
    plans = {key: plan for key in keys if (plan := _default(context, key))}
    rules = {key: _entry_rules(context, key, plan.parked) for key, plan in plans.items()}
    frozen = [rule for key in plans for rule in assignment.frozen.get(key, ())]
    referenced = _groups_of(plans.values()) | _groups_of(frozen) | _groups_of(chain(*rules.values()))
    for key in plans:  # in the order of the listeners: the first leftover rule keeps a group in use
        leftover = _leftover_rules(context, key, referenced)
        rules[key] += leftover
        referenced |= _groups_of(leftover)
    for key, plan in plans.items():
        parking = _parking_rules(context, key, plan.parked, referenced)
        rules[key] += parking
        referenced |= _groups_of(parking)
    desired = tuple(_listener(context, key, plan.action, rules[key]) for key, plan in plans.items())
    return desired, tuple(existing[key] for key in keys if key in existing and key not in plans)


def _groups_of(rules: Iterable[DefaultPlan | DesiredRule | Rule]) -> frozenset[str]:
    return frozenset(group for rule in rules for group in weights(rule.action))


# Default actions


def _default(context: PlanContext, key: ListenerKey) -> DefaultPlan | None:
    """The default action; None when the listener is to be deleted."""
    listener = context.index.listeners.get(key)
    entry = context.assignment.entries.get((key, None))
    if entry is None:
        return _unclaimed_default(context, listener) if listener else DefaultPlan(NOT_FOUND)
    if entry.is_frozen:
        return DefaultPlan(listener.default if listener else NOT_FOUND)
    plan = plan_forward(context, entry)
    if key.protocol == "TLS_PASSTHROUGH":
        return _passthrough(entry, listener, plan)
    parked = frozenset(
        resolution.group_ref for resolution in entry.claims if _has_to_be_parked(context, entry, plan, resolution)
    )
    return DefaultPlan(forward(plan.weights) if plan.live else NOT_FOUND, parked)


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


def _has_to_be_parked(context: PlanContext, entry: MatchEntry, plan: ForwardPlan, resolution: Resolution) -> bool:
    """Whether a claim's group needs a rule beside the default action, because that does not forward to it (yet), or has
    begun to so recently that an existing parking rule must stay."""
    if not plan.live:
        return resolution.mode == "active" or (resolution.mode == "removing" and resolution.claim.named)
    group, key = resolution.group_ref, entry.listener
    listener = context.index.listeners.get(key)
    members = [(rule.is_parked, weights(rule.action)) for rule in (listener.rules if listener else ())]
    if not any(group in groups and (is_parked or not groups[group]) for is_parked, groups in members):
        return False
    why = f"{key} has just begun to forward to {group}"
    is_settled = group in entry.receiving and context.timers.has_lasted(
        f"default:{key}:{group}", context.settings.settle_seconds, why
    )
    return not is_settled


# Rules


def _entry_rules(context: PlanContext, key: ListenerKey, parked: frozenset[str]) -> list[DesiredRule]:
    entries = (entry for entry in context.assignment.entries.values() if entry.listener == key and entry.match)
    return [rule for entry in entries if (rule := _entry_rule(context, entry, parked))]


def _entry_rule(context: PlanContext, entry: MatchEntry, parked: frozenset[str]) -> DesiredRule | None:
    """The rule of an entry; None when it is frozen, to be deleted, or not needed."""
    rule = entry.rule
    if entry.is_frozen or (rule is None and not entry.active):
        return None
    plan = plan_forward(context, entry, parked)
    if rule is not None and not plan.weights:
        return None
    name = rule.name if rule else _free_name(context, entry.listener, entry.active)
    match = _rule_match(entry, plan, parking_match(name))
    return DesiredRule(name, _UNSET, match, forward(plan.weights), rule, entry.needed_by)


def _rule_match(entry: MatchEntry, plan: ForwardPlan, parking: Match) -> AnyMatch:
    rule = entry.rule
    if not plan.live:
        return rule.match if rule and rule.is_parked else parking
    # The groups that serve when it falls back were never declared for a new match; another spelling is no change.
    if rule and (plan.falls_back or rule.match.canonical == entry.match):
        return rule.match
    return entry.claims[0].route.match or parking


def _free_name(context: PlanContext, key: ListenerKey, claims: Sequence[Resolution]) -> str:
    """The first name for a rule of these claims that no rule on the listener has."""
    names = [name for resolution in claims for name in rule_names(resolution.claim, key)]
    listener = context.index.listeners.get(key)
    taken = {rule.name for rule in listener.rules} if listener else set()
    return next((name for name in names if name not in taken), names[0])


def _leftover_rules(context: PlanContext, key: ListenerKey, referenced: frozenset[str]) -> list[DesiredRule]:
    """Rules of this stack that no entry has and that stay for now: of a route that moved to another listener or rule."""
    claimed = _parking_claims(context, key)
    kept: list[DesiredRule] = []
    for rule in context.assignment.leftover.get(key, ()):
        if rule.arn in claimed:
            continue
        is_needed = any(_has_to_stay(context, group) for group in weights(rule.action) if group not in referenced)
        if rule.is_live and not _is_replaced(context, rule.action, key, rule.name):
            kept.append(DesiredRule(rule.name, rule.priority, rule.match, rule.action, rule))
        elif is_needed:
            match = parking_match(rule.name) if rule.is_live else rule.match
            kept.append(DesiredRule(rule.name, rule.priority, match, rule.action, rule))
    return kept


def _has_to_stay(context: PlanContext, group: str) -> bool:
    """Whether a group that nothing else uses still has tasks, or is still named by ECS."""
    removing = [r for r in context.assignment.resolutions if r.mode == "removing" and r.group_ref == group]
    return any(resolution.claim.named for resolution in removing) or needs_reference(context, group)


def _is_replaced(context: PlanContext, action: Action, key: ListenerKey, what: str) -> bool:
    """Whether every route that the action once served is served elsewhere, long enough for the data plane."""
    groups = weights(action)
    for entry in context.assignment.entries.values():
        for resolution in entry.active:
            is_served = resolution.route.weight == 0 or resolution.group_ref in entry.receiving
            if not is_served and (resolution.group_ref in groups or what in rule_names(resolution.claim, key)):
                return False
    why = f"{what} on {key} was replaced just now"
    return context.timers.has_lasted(f"replaced:{key}:{what}", context.settings.settle_seconds, why)


# Parking rules of the default action's groups


def _default_claims(context: PlanContext, key: ListenerKey) -> tuple[Resolution, ...]:
    """The claims whose groups may need a parking rule."""
    entry = context.assignment.entries.get((key, None))
    return () if entry is None or key.protocol == "TLS_PASSTHROUGH" or entry.is_frozen else entry.claims


def _parking_claims(context: PlanContext, key: ListenerKey) -> dict[str, str]:
    """The claim keys of the existing parking rules of the default action, by ARN of the rule."""
    parked = [rule for rule in context.assignment.leftover.get(key, ()) if rule.is_parked]
    return {
        rule.arn: resolution.key
        for resolution in reversed(_default_claims(context, key) if parked else ())
        for rule in parked
        if rule.name in rule_names(resolution.claim, key)
    }


def _parking_rules(
    context: PlanContext, key: ListenerKey, parked: frozenset[str], referenced: frozenset[str]
) -> list[DesiredRule]:
    leftover = context.assignment.leftover.get(key, ())
    claims = _parking_claims(context, key)
    is_parked_here = _groups_of(rule for rule in leftover if rule.is_parked)
    wanted: dict[str, DesiredRule] = {}
    for resolution in _default_claims(context, key) if parked else ():
        group = resolution.group_ref
        # A group that something else uses needs none, but what parks it already is kept until all has settled.
        if group not in parked or group in wanted or (group in referenced and group not in is_parked_here):
            continue
        rule = next((rule for rule in leftover if claims.get(rule.arn) == resolution.key), None)
        name = rule.name if rule else _free_name(context, key, (resolution,))
        priority = rule.priority if rule else _UNSET
        needed_by = (resolution.key,) if resolution.mode == "active" else ()
        wanted[group] = DesiredRule(
            name, priority, parking_match(name), forward({group: 1}), rule, needed_by, parks=group
        )
    return list(wanted.values())


# Listeners


def _listener(context: PlanContext, key: ListenerKey, default: Action, rules: list[DesiredRule]) -> DesiredListener:
    """The listener, its rules with their priorities."""
    index, frozen = context.index, context.assignment.frozen.get(key, ())
    entries = [entry for entry in context.assignment.entries.values() if entry.listener == key]
    fixed = {rule.priority for rule in (*index.foreign_rules.get(key, ()), *frozen)}
    priorities = _priorities(rules, {entry.needed_by: entry for entry in entries if entry.active}, fixed)
    staying = {rule.there.arn for rule in rules if rule.there} | {rule.arn for rule in frozen}
    return DesiredListener(
        key,
        index.listeners.get(key),
        default,
        tuple(replace(rule, priority=priorities[rule.name]) for rule in rules),
        tuple(rule for rule in index.own_rules.get(key, ()) if rule.arn not in staying),
        tuple(sorted({claim for entry in entries for claim in entry.needed_by})),
    )


def _priorities(
    rules: list[DesiredRule], by_claims: Mapping[tuple[str, ...], MatchEntry], fixed: set[int]
) -> dict[str, int]:
    """Priorities by rule name: the declared ones first, then those of the matches by specificity, then all others.

    ``by_claims`` are the listener's entries with active claims, by these.
    """
    matched = [
        (rule.name, by_claims[rule.needed_by]) for rule in rules if rule.needed_by in by_claims and not rule.parks
    ]
    current = {rule.name: rule.there.priority for rule in rules if rule.there}
    declared = {name: entry.priority for name, entry in matched if entry.priority is not None}
    by_match = {name: specificity(entry.match or Match()) for name, entry in matched if name not in declared}
    others = sorted(
        {rule.name for rule in rules} - declared.keys() - by_match.keys(),
        key=lambda name: (name not in current, current.get(name, 0), name),
    )
    taken = fixed | set(declared.values())
    staying = {current[name] for name in others if name in current}
    numbers = declared | spread(sorted(by_match, key=lambda name: by_match[name]), current, taken | staying)
    return numbers | spread(others, current, fixed | set(numbers.values()))
