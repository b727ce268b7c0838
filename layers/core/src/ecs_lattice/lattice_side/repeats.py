"""Steps that AWS accepts and does not keep (what is read afterwards is as before): the same step again, though the reading
has not changed, is left out of the next runs together with what depends on it; its neighbours go on. It is tried again after
a minute, then more and more rarely. A list that lags ends it as soon as it shows what was written.

So is a creation that ends in CREATE_FAILED: what failed is deleted and made anew, at once the first time, and stays as it is
in between.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ecs_lattice.claims import Answer, LatticeRecord, Notice, RepeatedStep
from ecs_lattice.graph import Observed, Rule, weighted_groups
from ecs_lattice.lattice_side import failed_creations
from ecs_lattice.lattice_side import steps as s
from ecs_lattice.lattice_side.seen import parking_match
from ecs_lattice.lattice_side.step_readings import identity, name_of, rule_of, single
from ecs_lattice.matching import normal
from ecs_lattice.model import ListenerKey, Match
from ecs_lattice.outcome import NOT_KEPT, NotYet, Problem


@dataclass(slots=True)
class Repeats:
    """Sifts the plans of one run. ``known`` are the repeated steps that are remembered, afterwards those to remember."""

    known: tuple[RepeatedStep, ...]
    now: float
    _tried: set[str] = field(default_factory=set)

    def sift(self, plan: Sequence[s.Step], observed: Observed) -> tuple[s.Step, ...]:
        """The steps of ``plan`` to carry out now. What the plan has no more is forgotten, unless it is being made anew."""
        before = {repeated.identity: repeated for repeated in self.known}
        self.known = ()
        held: list[s.Step] = []
        steps: list[s.Step] = []
        for step in plan:
            if isinstance(step, s.UpdateRules):
                rules = tuple(rule for rule in step.rules if self._is_due(rule, before, held, observed))
                steps += [replace(step, rules=rules)] if rules else []
            elif step.awaits or self._is_due(step, before, held, observed):
                steps.append(step)
        if before:
            self._keep(failed_creations.remade(before.values(), plan, observed))
        return tuple(steps)

    def note(self, done: Iterable[s.Step], observed: Observed, *, is_last: bool) -> None:
        """Take note of the steps that were carried out. ``is_last``: nothing is read after them in this run, so that they are
        remembered; the next run finds whether they were kept."""
        for step in single(done):
            key = identity(step, observed)
            self._tried.add(key)
            if is_last and key not in {repeated.identity for repeated in self.known}:
                self.known += (self._first(key, step, observed),)

    def forget(self, refused: Iterable[s.Step], observed: Observed) -> None:
        """Forget steps that AWS does not accept any more: :mod:`.refused_steps` remembers them."""
        keys = {
            key for step in single(refused) for key in (identity(step, observed), failed_creations.creation_of(step))
        }
        self.known = tuple(repeated for repeated in self.known if repeated.identity not in keys)

    def _keep(self, remade: Iterable[RepeatedStep]) -> None:
        noted = {repeated.identity for repeated in self.known}
        self.known += tuple(each for each in remade if each.identity not in noted)

    def _is_due(self, step: s.Step, before: Mapping[str, RepeatedStep], held: list[s.Step], observed: Observed) -> bool:
        """Whether to carry the step out now; one that repeats too soon is added to ``held``, and so is what depends on it."""
        key = identity(step, observed)
        known, is_early = before.get(key), key in self._tried
        if known and not is_early:
            is_early = self.now < known.due_at
            known = known if is_early else known.again(self.now)
        elif is_early or key.startswith(failed_creations.PREFIX):
            known = known or self._first(key, step, observed)
        self.known += (known,) if known else ()
        if is_early or any(_depends(step, on, observed) for on in held):
            held.append(step)
            return False
        return True

    def _first(self, key: str, step: s.Step, observed: Observed) -> RepeatedStep:
        what, is_urgent = name_of(step, observed), _is_urgent(step, observed)
        return RepeatedStep(key, what, step.needed_by, self.now, 1, self.now, is_urgent)

    @property
    def waits(self) -> tuple[NotYet, ...]:
        """Until each is tried again."""
        return tuple(
            NotYet.until(max(1, int(each.due_at - self.now)), f"VPC Lattice does not keep {each.what}")
            for each in self.known
        )


def problems_of(repeated: Sequence[RepeatedStep], now: float) -> tuple[tuple[RepeatedStep, Problem], ...]:
    """What has repeated for a quarter of an hour, with what people are told of it."""
    return tuple((each, Problem(NOT_KEPT, _message(each))) for each in repeated if each.is_told(now))


def told(answers: Mapping[str, Answer], remembered: LatticeRecord, now: float) -> dict[str, Answer]:
    """The answers with what is not kept, as a notice and as the code where nothing else stands in the way; a step that no claim
    needs is told to all."""
    found = dict(answers)
    for repeated, problem in problems_of(remembered.repeated, now):
        for key in repeated.needed_by or tuple(found):
            if key in found and found[key].state != "Removed":
                found[key] = _with(found[key], problem)
    return found


def _with(answer: Answer, problem: Problem) -> Answer:
    told = replace(answer, notices=(Notice(problem.code, problem.message), *answer.notices))
    is_reason = answer.is_stage or not answer.code
    return replace(told, code=problem.code, message=problem.message) if is_reason else told


def _message(repeated: RepeatedStep) -> str:
    return (
        f"VPC Lattice accepts {repeated.what} and does not keep it: what is read back is as before. It is tried again every "
        f"{repeated.wait_seconds} seconds; everything else goes on. Where a value is read back, declare that value; else ask AWS "
        "Support."
    )


def _is_urgent(step: s.Step, observed: Observed) -> bool:
    """Whether requests get through meanwhile that should not: raising auth, and whatever parks. (The policy is none of them:
    a service that requires IAM and has none denies every request.)"""
    match step:
        case s.UpdateLatticeService():
            return step.spec.auth == "AWS_IAM"
        case s.UpdateRule():
            return _parks(step)
        case s.UpdateDefault():
            return not weighted_groups(step.default)
        case s.DeleteListener():
            return any(weighted_groups(each.default) for each in observed.listeners if each.arn == step.arn)
    return False


def _parks(step: s.UpdateRule) -> bool:
    return step.match == parking_match(step.name)


def _depends(step: s.Step, on: s.Step, observed: Observed) -> bool:
    """Whether ``step`` may only follow ``on``: a service requires IAM once it has its policy, a rule needs its listener and
    its priority, and stops receiving requests once what takes them over receives them."""
    match on:
        case s.PutPolicy():
            return isinstance(step, s.UpdateLatticeService) and step.spec.auth == "AWS_IAM"
        case s.CreateListener():
            return isinstance(step, s.CreateRule) and step.listener == on.key
        case s.DeleteRule():
            return _takes_priority(step, on, observed)
        case s.UpdateDefault() | s.UpdateRule():
            is_behind = _moves_back(step) and _listener(on) == _listener(step)
            return is_behind and _takes_over(on, step, observed)
    return False


def _takes_priority(step: s.Step, on: s.DeleteRule, observed: Observed) -> bool:
    """Whether the rule of ``step`` is to have the priority of the one that ``on`` deletes."""
    there = rule_of(observed, on.arn)
    if there is None or not isinstance(step, s.UpdateRule):
        return False
    return (step.listener, step.priority) == (on.listener, there.priority)


def _takes_over(on: s.UpdateDefault | s.UpdateRule, step: s.Step, observed: Observed) -> bool:
    """Whether requests of what ``step`` takes them from may be meant for ``on``."""
    other = rule_of(observed, getattr(step, "arn", ""))
    if isinstance(on, s.UpdateDefault):
        return other is not None and _is_replaced(other, on)
    there = rule_of(observed, on.arn)
    if on.priority is not None or there is None or there.is_parked:
        return on.match is not None or on.priority is not None
    return other is not None and on.match == other.match


def _is_replaced(rule: Rule, by: s.UpdateDefault) -> bool:
    """Whether the default action is to receive what the rule receives: it forwards to one of its groups, or the rule matches
    every request."""
    matches_all = isinstance(rule.match, Match) and normal(rule.match) == normal(None)
    return rule.is_live and (matches_all or bool(weighted_groups(rule.action) & weighted_groups(by.default)))


def _listener(step: s.Step) -> ListenerKey | None:
    """The listener that a change of a rule or default action is about; None for other steps."""
    if isinstance(step, s.UpdateDefault):
        return step.key
    return step.listener if isinstance(step, s.UpdateRule | s.DeleteRule) else None


def _moves_back(step: s.Step) -> bool:
    """Whether requests that came to it may go elsewhere after it."""
    is_changed_rule = isinstance(step, s.UpdateRule) and (_parks(step) or step.priority is not None)
    return is_changed_rule or isinstance(step, s.DeleteRule | s.UpdateDefault)
