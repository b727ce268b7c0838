"""Steps that AWS accepts and then reads back differently: the same step again, though the reading has not changed, is left
out of the next runs together with what depends on it; its neighbours go on. It is tried again after a minute, then more
and more rarely.

Creations and deletions are none of them: what they make or end is found by name, and a list may lag.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace

from ecs_lattice.claims import Answer, LatticeRecord, RepeatedStep
from ecs_lattice.graph import Observed
from ecs_lattice.lattice_side import steps as s
from ecs_lattice.lattice_side.seen import parking_match
from ecs_lattice.model import HealthCheck, ListenerKey
from ecs_lattice.outcome import NotYet

NOT_KEPT = "NOT_KEPT"
_FIRST_SECONDS, _LONGEST_SECONDS, _TOLD_SECONDS = 60, 900, 900


@dataclass(slots=True)
class Repeats:
    """Sifts the plans of one run. ``known`` are the repeated steps that are remembered, afterwards those to remember."""

    known: tuple[RepeatedStep, ...]
    now: float
    _tried: set[str] = field(default_factory=set)

    def sift(self, plan: Iterable[s.Step], observed: Observed) -> tuple[s.Step, ...]:
        """The steps of ``plan`` to carry out now. What the plan has no more is forgotten."""
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
        return tuple(steps)

    def _is_due(self, step: s.Step, before: Mapping[str, RepeatedStep], held: list[s.Step], observed: Observed) -> bool:
        """Whether to carry the step out now; one that repeats too soon is added to ``held``."""
        identity = _identity(step, observed)
        repeated = self._repeated(before.get(identity), identity, step, observed) if identity else None
        self.known += (repeated,) if repeated else ()
        if repeated and (repeated.tried_at != self.now or identity in self._tried):
            held.append(step)
            return False
        if any(_depends(step, on, observed) for on in held):
            return False
        self._tried |= {identity} - {""}
        return True

    def _repeated(
        self, before: RepeatedStep | None, identity: str, step: s.Step, observed: Observed
    ) -> RepeatedStep | None:
        """The step among those that repeat, if it is one; tried now where its time has come."""
        if before is None:
            first = RepeatedStep(
                identity, _name(step, observed), step.needed_by, self.now, 1, self.now, _is_urgent(step)
            )
            return first if identity in self._tried else None
        if identity in self._tried or self.now < _due_at(before):
            return before
        return replace(before, tries=before.tries + 1, tried_at=self.now)

    @property
    def waits(self) -> tuple[NotYet, ...]:
        """Until each is tried again."""
        return tuple(
            NotYet.until(max(1, int(_due_at(each) - self.now)), f"VPC Lattice does not keep {each.what}")
            for each in self.known
        )


def told(answers: Mapping[str, Answer], remembered: LatticeRecord, now: float) -> dict[str, Answer]:
    """The answers, with what has repeated for a quarter of an hour; a step that no claim needs is told to all."""
    found = dict(answers)
    for repeated in remembered.repeated:
        if now - repeated.since < _TOLD_SECONDS:
            continue
        message = (
            f"VPC Lattice accepts {repeated.what} and reads it back differently. It is tried again every "
            f"{_seconds(repeated)} seconds; everything else goes on. Declare the value that is read back, or ask AWS Support."
        )
        for key in repeated.needed_by or tuple(found):
            if key in found and (found[key].is_stage or not found[key].code):
                found[key] = replace(found[key], code=NOT_KEPT, message=message)
    return found


def _seconds(repeated: RepeatedStep) -> int:
    return _FIRST_SECONDS if repeated.is_urgent else min(_FIRST_SECONDS << min(repeated.tries - 1, 4), _LONGEST_SECONDS)


def _due_at(repeated: RepeatedStep) -> float:
    return repeated.tried_at + _seconds(repeated)


def _is_urgent(step: s.Step) -> bool:
    """Whether requests get through that should not: raising auth, and parking."""
    raises_auth = isinstance(step, s.UpdateLatticeService) and step.spec.auth == "AWS_IAM"
    return raises_auth or (isinstance(step, s.UpdateRule) and _parks(step))


def _parks(step: s.UpdateRule) -> bool:
    return step.match == parking_match(step.name)


def _identity(step: s.Step, observed: Observed) -> str:
    """The digest of the step and of the reading of what it changes; empty for a step of another kind."""
    reading = _reading(step, observed)
    text = repr((type(step).__name__, replace(step, needed_by=()), reading))
    return hashlib.sha256(text.encode()).hexdigest()[:16] if reading else ""


def _reading(step: s.Step, observed: Observed) -> tuple[object, ...]:
    """What was read of that which the step changes; empty for a step of another kind."""
    service = observed.service
    match step:
        case s.UpdateHealth():
            return tuple(group.health for group in observed.groups if group.id == step.group)
        case s.PutPolicy() | s.UpdateLatticeService() | s.TagService() if service:
            return ("service", service, observed.policy)
        case s.UpdateDefault():
            return tuple(listener.default for listener in observed.listeners if listener.arn == step.arn)
        case s.UpdateRule():
            return tuple(rule for listener in observed.listeners for rule in listener.rules if rule.arn == step.arn)
    return ()


def _name(step: s.Step, observed: Observed) -> str:
    """What the step sets, for people."""
    match step:
        case s.UpdateHealth():
            return f"{_differing(step, observed)} of the health check of target group {step.name}"
        case s.UpdateLatticeService():
            return f"{_given(step.spec, ('certificate', 'auth', 'idle_timeout'))} of Lattice service {step.spec.name}"
        case s.UpdateRule():
            return f"{_given(step, ('priority', 'match', 'action'))} of rule {step.name} on {step.listener}"
        case s.UpdateDefault():
            return f"the default action of listener {step.key}"
    return "the auth policy" if isinstance(step, s.PutPolicy) else "the tags of the Lattice service"


def _differing(step: s.UpdateHealth, observed: Observed) -> str:
    """The members of the health check that are read back differently."""
    (read,) = _reading(step, observed)
    names = [each.name for each in fields(HealthCheck)]
    return ", ".join(name for name in names if getattr(read, name, None) != getattr(step.health, name))


def _given(what: object, names: tuple[str, ...]) -> str:
    return ", ".join(name.replace("_", " ") for name in names if getattr(what, name) is not None)


def _depends(step: s.Step, on: s.Step, observed: Observed) -> bool:
    """Whether ``step`` may only follow ``on``: a service requires IAM once it has its policy, and a rule stops receiving
    requests once what takes them over receives them."""
    if isinstance(on, s.PutPolicy):
        return isinstance(step, s.UpdateLatticeService) and step.spec.auth == "AWS_IAM"
    is_behind = _moves_back(step) and _listener(on) is not None and _listener(on) == _listener(step)
    if not is_behind or not isinstance(on, s.UpdateRule):
        return is_behind
    rules = {rule.arn: rule for each in observed.listeners for rule in each.rules}
    there, other = rules.get(on.arn), rules.get(getattr(step, "arn", ""))
    if on.priority is not None or there is None or there.is_parked:
        return on.match is not None or on.priority is not None
    return other is not None and on.match == other.match


def _listener(step: s.Step) -> ListenerKey | None:
    """The listener that a change of a rule or default action is about; None for other steps."""
    if isinstance(step, s.UpdateDefault):
        return step.key
    return step.listener if isinstance(step, s.UpdateRule | s.DeleteRule) else None


def _moves_back(step: s.Step) -> bool:
    """Whether requests that came to it may go elsewhere after it."""
    is_changed_rule = isinstance(step, s.UpdateRule) and (_parks(step) or step.priority is not None)
    return is_changed_rule or isinstance(step, s.DeleteRule | s.UpdateDefault)
