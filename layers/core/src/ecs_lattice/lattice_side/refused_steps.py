"""Steps that AWS refuses: the same step is left out of the next runs for as long as its refusals have lasted already, at most
for half of the drift time. So a fix is found in time, and nothing is refused again and again.

A step is the same while it asks for the same: a changed declaration is a new try. A custom domain that another Lattice service
has is a conflict that no waiting ends, so the next try comes with the drift; before that, once the other association is seen
to be gone.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from ecs_lattice.claims import DOMAIN_TAKEN, RefusedStep
from ecs_lattice.errors import DeniedError
from ecs_lattice.graph import id_of
from ecs_lattice.lattice_side import steps as s
from ecs_lattice.lattice_side.ports import Lattice
from ecs_lattice.outcome import Problem

_SHARE = 0.5  # of the drift time: the resync spreads its reads over that time


@dataclass(slots=True)
class RefusedSteps:
    """Sifts the plans of one run. ``before`` are the refused steps that are remembered; :attr:`known` those to remember."""

    lattice: Lattice
    before: tuple[RefusedStep, ...]
    now: float
    drift_seconds: float
    _found: dict[str, RefusedStep] = field(default_factory=dict)

    @property
    def known(self) -> tuple[RefusedStep, ...]:
        """Those that were left out or refused in this run; what no plan has any more is forgotten."""
        return tuple(self._found[identity] for identity in sorted(self._found))

    def sift(self, plan: Sequence[s.Step]) -> tuple[tuple[s.Step, ...], dict[str, Problem]]:
        """The steps of ``plan`` to carry out, and the problems of the others by claim key; "" for those that no claim needs."""
        remembered = {refused.identity: refused for refused in self.before} | self._found
        if not remembered:
            return tuple(plan), {}
        steps: list[s.Step] = []
        problems: dict[str, Problem] = {}
        for step in plan:
            refused = remembered.get(_identity(step))
            if refused and not self._is_due(step, refused):
                self._found[refused.identity] = refused
                for key in step.needed_by or ("",):
                    problems.setdefault(key, Problem(refused.code, refused.message))
            else:
                steps.append(step)
        return tuple(steps), problems

    def note(self, refused: Iterable[tuple[s.Step, Problem]]) -> None:
        """Remember what AWS has refused just now."""
        before = {each.identity: each for each in self.before}
        for step, problem in refused:
            identity = _identity(step)
            since = before[identity].since if identity in before else self.now
            is_seen = problem.code == DOMAIN_TAKEN and self._is_taken(step)
            self._found[identity] = RefusedStep(identity, problem.code, problem.message, since, self.now, is_seen)

    def _is_due(self, step: s.Step, refused: RefusedStep) -> bool:
        longest = self.drift_seconds * _SHARE
        lasted = longest if refused.code == DOMAIN_TAKEN else min(refused.tried_at - refused.since, longest)
        if refused.identity in self._found and refused.tried_at == self.now:
            return False  # refused in this run
        return self.now >= refused.tried_at + lasted or (refused.is_seen and not self._is_taken(step))

    def _is_taken(self, step: s.Step) -> bool:
        """Whether the service network shows another Lattice service with the custom domain; one of another account may not be
        shown."""
        if not isinstance(step, s.Associate) or not step.domain:
            return False
        try:
            found = self.lattice.services_with_domain(step.network_arn, step.domain)
        except DeniedError:
            return False
        return any(id_of(other) != id_of(step.service_arn) for other in found)


def _identity(step: s.Step) -> str:
    """The digest of what the step asks for."""
    asked = replace(step, needed_by=())
    if isinstance(asked, s.CreateStep):
        asked = replace(asked, missing_since=0.0)
    return hashlib.sha256(repr((type(step).__name__, asked)).encode()).hexdigest()[:16]
