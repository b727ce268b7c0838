"""The order in which rules and default actions change, so that no request is misrouted between two calls.

A rule's place is its priority while it is live, and behind everything while it is parked or not there. Every request goes
to the first matching place. First all that come forward, in ascending order of their new places; then all that go back,
in descending order of their old places: then at each moment the first match is the one from before or the one after.
(Coming forward: had the new first match not moved yet, it would have been in front already. Going back is the same seen
backwards.) A rule whose match changes both goes and comes in one call; when other places change with it, all rules of the
listener change in one BatchUpdateRule.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import batched

from ecs_lattice.graph import PARKED_HEADER, Action, Rule, forward, weights
from ecs_lattice.lattice_side.desired_values import DesiredListener, DesiredRule
from ecs_lattice.lattice_side.priorities import HIGHEST, LOWEST
from ecs_lattice.lattice_side.steps import DeleteRule, Step, UpdateDefault, UpdateRule, UpdateRules
from ecs_lattice.model import Match

_DEFAULT_PLACE, _NOWHERE = HIGHEST + 1, HIGHEST + 2
_RULES_A_BATCH = 10  # VPC Lattice API, BatchUpdateRule


@dataclass(frozen=True, slots=True)
class Move:
    """A step, and the place of what it changes before and after; ``turns``: its match changes while it is live."""

    step: Step
    before: int
    after: int
    turns: bool = False

    @property
    def is_neutral(self) -> bool:
        return self.before == self.after and not self.turns


def moves(listener: DesiredListener) -> tuple[Step, ...]:
    """The changes of a listener that is there: its default action and its rules, in a safe order."""
    assert listener.there is not None
    wanted = [move for rule in listener.rules if rule.there and (move := _rule(listener, rule, rule.there))]
    wanted += [_dropped(listener, rule) for rule in listener.dropped]
    wanted += list(_default(listener))
    neutral = [move for move in wanted if move.is_neutral]
    rest = [move for move in wanted if not move.is_neutral]
    occupied = {rule.arn: rule.priority for rule in listener.there.rules}
    if any(move.turns for move in rest) and len(rest) > 1:
        others = [move for move in wanted if not isinstance(move.step, UpdateRule)]
        updates = [move.step for move in wanted if isinstance(move.step, UpdateRule)]
        return _with_batch(listener, list(updates), _ordered(others))
    return tuple(_onto_free_numbers(listener, [*neutral, *_ordered(rest)], occupied))


def with_guest(action: Action, group: str) -> Action:
    """The action with one more group, at weight 0."""
    return forward({**weights(action), group: 0})


def _ordered(wanted: Iterable[Move]) -> list[Move]:
    forwards = [move for move in wanted if move.turns or move.after <= move.before]
    backwards = [move for move in wanted if not move.turns and move.after > move.before]
    return sorted(forwards, key=lambda move: move.after) + sorted(backwards, key=lambda move: -move.before)


def _rule(listener: DesiredListener, rule: DesiredRule, there: Rule) -> Move | None:
    step = UpdateRule(
        rule.needed_by,
        there.arn,
        rule.name,
        listener.key,
        priority=rule.priority if rule.priority != there.priority else None,
        match=rule.match if rule.match != there.match else None,
        action=rule.action if rule.action != there.action else None,
    )
    if step.priority is None and step.match is None and step.action is None:
        return None
    live = isinstance(rule.match, Match) and not any(h.name == PARKED_HEADER for h in rule.match.headers)
    before = there.priority if there.is_live else _NOWHERE
    after = rule.priority if live else _NOWHERE
    return Move(step, before, after, turns=there.is_live and live and step.match is not None)


def _dropped(listener: DesiredListener, rule: Rule) -> Move:
    return Move(
        DeleteRule((), rule.arn, rule.name, listener.key), rule.priority if rule.is_live else _NOWHERE, _NOWHERE
    )


def _default(listener: DesiredListener) -> Iterator[Move]:
    assert listener.there is not None
    if listener.default == listener.there.default:
        return
    step = UpdateDefault(listener.needed_by, listener.there.arn, listener.key, listener.default)
    had, has = any(weights(listener.there.default).values()), any(weights(listener.default).values())
    before, after = _DEFAULT_PLACE if had else _NOWHERE, _DEFAULT_PLACE if has else _NOWHERE
    yield Move(step, before, after)


def _with_batch(listener: DesiredListener, updates: list[Step], ordered: list[Move]) -> tuple[Step, ...]:
    """The rules in one call; before it what comes forward (the default action), after it what goes back."""
    assert listener.there is not None
    rules = _off_others(listener, [step for step in updates if isinstance(step, UpdateRule)])
    needed_by = tuple(sorted({key for step in rules for key in step.needed_by}))
    batches = [
        UpdateRules(needed_by, listener.there.arn, part) for part in batched(rules, _RULES_A_BATCH, strict=False)
    ]
    first = [move.step for move in ordered if move.after <= move.before]
    last = [move.step for move in ordered if move.after > move.before]
    return (*first, *batches, *last)


def _onto_free_numbers(listener: DesiredListener, wanted: list[Move], occupied: dict[str, int]) -> Iterator[Step]:
    """The steps with numbers that are free when their turn comes. A number that another rule leaves only later is
    approached: the rule goes to the free number before it that is in the same place, and the next run finishes that.
    """
    assert listener.there is not None
    steps = [move.step for move in wanted]
    placed: list[Step] = []
    for step in steps:
        if isinstance(step, DeleteRule):
            occupied.pop(step.arn, None)
        if isinstance(step, UpdateRule) and step.priority is not None:
            others = {number for arn, number in occupied.items() if arn != step.arn}
            number = step.priority if step.priority not in others else _beside(step.priority, others)
            if number is None:
                updates = [each for each in steps if isinstance(each, UpdateRule)]
                yield from _with_batch(
                    listener, list(updates), [m for m in wanted if not isinstance(m.step, UpdateRule)]
                )
                return
            occupied[step.arn] = number
            placed.append(replace(step, priority=number))
        else:
            placed.append(step)
    yield from placed


def _off_others(listener: DesiredListener, rules: list[UpdateRule]) -> list[UpdateRule]:
    """The rules of a batch, none on the number of a rule that is deleted only afterwards: the next run finishes that."""
    assert listener.there is not None
    named = {step.arn for step in rules}
    others = {rule.priority for rule in listener.there.rules if rule.arn not in named}
    used = others | {step.priority for step in rules if step.priority is not None}
    placed: list[UpdateRule] = []
    for step in rules:
        number = step.priority
        if number is not None and number in others:
            number = next(free for free in (*range(number, 0, -1), *range(number, HIGHEST + 1)) if free not in used)
            used.add(number)
        placed.append(replace(step, priority=number))
    return placed


def _beside(number: int, others: set[int]) -> int | None:
    """A free number in front of ``number`` with no other rule between; None where there is none."""
    candidate = number - 1
    return candidate if candidate >= LOWEST and candidate not in others else None
