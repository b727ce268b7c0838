"""The order in which rules and default actions change, so that no request is misrouted between two calls (decision 7).

A rule's precedence is its priority while it is live, and behind everything while it is parked or does not exist. Every
request goes to the first matching precedence. First everything that moves forward, in ascending order of the new
precedence; then everything that moves back, in descending order of the old one: then at each moment the first match is
the old one or the new one. (Forward: had the new first match not moved yet, it would have been in front already. Back
is the same in reverse.) A rule whose match changes moves in both directions in one call; when other precedences change
with it, all rules of the listener change in one BatchUpdateRule.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import batched, chain

from ecs_lattice.graph import Action, Rule, forward, weights
from ecs_lattice.lattice_side.desired_values import DesiredListener, DesiredRule
from ecs_lattice.lattice_side.priorities import HIGHEST, LOWEST
from ecs_lattice.lattice_side.steps import DeleteRule, Step, UpdateDefault, UpdateRule, UpdateRules
from ecs_lattice.model import Match

_DEFAULT_PRECEDENCE, _NO_PRECEDENCE = HIGHEST + 1, HIGHEST + 2
_RULES_PER_BATCH = 10  # VPC Lattice API, BatchUpdateRule


@dataclass(frozen=True, slots=True)
class Change:
    """A step, and the precedence of what it changes before and after; ``rematches``: its match changes while it is live."""

    step: Step
    before: int
    after: int
    rematches: bool = False

    @property
    def is_neutral(self) -> bool:
        return self.before == self.after and not self.rematches


def changes(listener: DesiredListener) -> tuple[Step, ...]:
    """The changes of an existing listener: its default action and its rules, in a safe order."""
    updates = [change for rule in listener.rules if rule.there and (change := _update(listener, rule, rule.there))]
    others = [*(_delete(listener, rule) for rule in listener.dropped), *_default(listener)]
    moving = [change for change in (*updates, *others) if not change.is_neutral]
    if len(moving) > 1 and any(change.rematches for change in moving):
        return _in_one_call(listener, updates, _ordered(others))
    neutral = filter(lambda change: change.is_neutral, (*updates, *others))
    return _one_by_one(listener, [*neutral, *_ordered(moving)])


def with_member(action: Action, group: str) -> Action:
    """The action with one more group, at weight 0."""
    return forward({**weights(action), group: 0})


def _ordered(moving: Iterable[Change]) -> list[Change]:
    forwards = [change for change in moving if change.rematches or change.after <= change.before]
    backwards = [change for change in moving if not change.rematches and change.after > change.before]
    return sorted(forwards, key=lambda change: change.after) + sorted(backwards, key=lambda change: -change.before)


def _update(listener: DesiredListener, rule: DesiredRule, there: Rule) -> Change | None:
    """The change of an existing rule; None when it is as it should be."""
    step = UpdateRule(
        rule.needed_by,
        there.arn,
        rule.name,
        listener.key,
        priority=rule.priority if rule.priority != there.priority else None,
        match=rule.match if rule.match != there.match else None,
        action=rule.action if rule.action != there.action else None,
    )
    if (step.priority, step.match, step.action) == (None, None, None):
        return None
    becomes_live = isinstance(rule.match, Match) and replace(there, match=rule.match).is_live
    before = there.priority if there.is_live else _NO_PRECEDENCE
    after = rule.priority if becomes_live else _NO_PRECEDENCE
    return Change(step, before, after, rematches=there.is_live and becomes_live and step.match is not None)


def _delete(listener: DesiredListener, rule: Rule) -> Change:
    step = DeleteRule((), rule.arn, rule.name, listener.key)
    return Change(step, rule.priority if rule.is_live else _NO_PRECEDENCE, _NO_PRECEDENCE)


def _default(listener: DesiredListener) -> list[Change]:
    if listener.there is None or listener.default == listener.there.default:
        return []
    step = UpdateDefault(listener.needed_by, listener.there.arn, listener.key, listener.default)
    before, after = (
        _DEFAULT_PRECEDENCE if any(weights(action).values()) else _NO_PRECEDENCE
        for action in (listener.there.default, listener.default)
    )
    return [Change(step, before, after)]


def _in_one_call(listener: DesiredListener, updates: list[Change], others: list[Change]) -> tuple[Step, ...]:
    """The rules in one call; before it what moves forward (the default action), after it what moves back."""
    steps = [change.step for change in updates if isinstance(change.step, UpdateRule)]
    rules = _off_deleted_priorities(listener, steps)
    needed_by = tuple(sorted(set(chain(*(step.needed_by for step in rules)))))
    arn = listener.there.arn if listener.there else ""
    batches = [UpdateRules(needed_by, arn, part) for part in batched(rules, _RULES_PER_BATCH, strict=False)]
    first = [change.step for change in others if change.after <= change.before]
    last = [change.step for change in others if change.after > change.before]
    return (*first, *batches, *last)


def _priorities_of(listener: DesiredListener) -> dict[str, int]:
    """The priorities of the existing rules by ARN."""
    return {rule.arn: rule.priority for rule in listener.there.rules} if listener.there else {}


def _one_by_one(listener: DesiredListener, ordered: list[Change]) -> tuple[Step, ...]:
    """The steps with priorities that are free when their turn comes; in one call where there is none.

    A priority that another rule leaves only later is approached: the rule goes to the free one before it, with no other
    rule between, and the next run finishes that.
    """
    occupied = _priorities_of(listener)
    placed: list[Step] = []
    for step in (change.step for change in ordered):
        if isinstance(step, DeleteRule):
            occupied.pop(step.arn, None)
        if isinstance(step, UpdateRule) and step.priority is not None:
            occupied.pop(step.arn, None)
            free = max({step.priority, step.priority - 1}.difference(occupied.values()), default=0)
            if free < LOWEST:
                return _in_one_call(listener, ordered, [c for c in ordered if not isinstance(c.step, UpdateRule)])
            occupied[step.arn] = free
            placed.append(replace(step, priority=free))
        else:
            placed.append(step)
    return tuple(placed)


def _off_deleted_priorities(listener: DesiredListener, rules: list[UpdateRule]) -> list[UpdateRule]:
    """The rules of a batch, none on the priority of a rule that is deleted only afterwards: the next run finishes that."""
    named = {step.arn for step in rules}
    others = {priority for arn, priority in _priorities_of(listener).items() if arn not in named}
    used = others.union(step.priority for step in rules if step.priority)
    placed: list[UpdateRule] = []
    for step in rules:
        priority = step.priority
        if priority in others:
            candidates = (*range(priority, 0, -1), *range(priority, HIGHEST + 1))
            priority = next(candidate for candidate in candidates if candidate not in used)
            used.add(priority)
        placed.append(replace(step, priority=priority))
    return placed
