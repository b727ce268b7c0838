"""Opens the tasks' security groups for VPC Lattice: the first step of a reconcile, before anything is created."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from ecs_lattice.ecs_side.claiming import RouteKey
from ecs_lattice.ecs_side.observation import Observation
from ecs_lattice.ecs_side.record import EcsRecord, IngressState
from ecs_lattice.ecs_side.required_ingress import RequiredIngress, required_ingress
from ecs_lattice.errors import DeniedError
from ecs_lattice.ingress import problems
from ecs_lattice.ingress.model import IngressRequirement, PortRequirement
from ecs_lattice.ingress.open import Ingress
from ecs_lattice.ingress.routes import RouteIngress
from ecs_lattice.outcome import Problem
from ecs_lattice.settings import Settings

_NONE: tuple[tuple[Problem, ...], dict[PortRequirement, Problem]] = ((), {})


@dataclass(frozen=True, slots=True)
class IngressResult:
    """``closed``: by route, why VPC Lattice cannot reach the tasks of PRIMARY. ``is_verified``: whether EC2 has just
    been read."""

    state: IngressState
    closed: Mapping[RouteKey, Problem] = field(default_factory=dict)
    is_verified: bool = True


@dataclass(frozen=True, slots=True)
class TaskIngress:
    """Ingress for the tasks of one ECS service."""

    settings: Settings
    ingress: Ingress

    def ensure_ingress(
        self, observed: Observation, save: Callable[[EcsRecord], None], *, verify: bool
    ) -> tuple[Observation, IngressResult]:
        """Open what is required and not known to be open, and withdraw what is no longer required; ``observed`` with
        the new record. ``verify``: read EC2 even if nothing has changed. ``save`` stores the record before
        requirements are stored."""
        known, required = observed.record.ingress, required_ingress(observed, self.settings)
        if required is None:
            return observed, IngressResult(known, is_verified=False)
        is_known = (known.required, known.off) == (required.required, required.off)
        is_open = is_known and not (known.closed or known.left_closed or known.is_incomplete)
        is_empty = not (required.required or required.off)
        if is_open and (is_empty or not verify):
            return observed, IngressResult(known, is_verified=is_empty)
        state = self._open(observed, required, save)
        observed = dataclasses.replace(observed, record=dataclasses.replace(observed.record, ingress=state))
        return observed, IngressResult(state, _closed(required, state))

    def preview(self, observed: Observation) -> tuple[tuple[IngressRequirement, ...], IngressResult]:
        """The rules that :meth:`ensure_ingress` would add now, and what is known to be closed; writes nothing."""
        known, required = observed.record.ingress, required_ingress(observed, self.settings)
        if required is None:
            return (), IngressResult(known)
        routes, consumer = RouteIngress(self.ingress), observed.service_id.arn
        try:
            openings = routes.preview(consumer, routes.resolved(required.required)) if required.required else ()
            off = routes.resolved(required.off)
            left_closed, certain = routes.closed(consumer, off) if off else _NONE
        except DeniedError as error:
            return (), IngressResult(self._denied(required, (), known, error))
        state = dataclasses.replace(
            known, warnings=(), left_closed=left_closed, off_closed=_off_closed(required, off, certain)
        )
        return openings, IngressResult(state, _closed(required, state))

    def _open(
        self, observed: Observation, required: RequiredIngress, save: Callable[[EcsRecord], None]
    ) -> IngressState:
        known, consumer = observed.record.ingress, observed.service_id.arn
        routes, group_ids = RouteIngress(self.ingress), known.group_ids
        try:
            resolved, off = routes.resolved(required.required), routes.resolved(required.off)
            group_ids = tuple(
                sorted({*group_ids, *(group_id for requirement in resolved for group_id in requirement.group_ids)})
            )
            # A requirement that a crash leaves behind must be known: nobody else withdraws it.
            save(dataclasses.replace(observed.record, ingress=dataclasses.replace(known, group_ids=group_ids)))
            answer = routes.open(consumer, resolved, group_ids, f"VPC Lattice to ECS service {observed.service_id}")
            left_closed, certain = routes.closed(consumer, off) if off else _NONE
        except DeniedError as error:
            return self._denied(required, group_ids, known, error)
        reasons = dict(answer.closed)
        both = zip(required.required, resolved, strict=True)
        closed = tuple((requirement, reasons[found]) for requirement, found in both if found in reasons)
        off_closed = _off_closed(required, off, certain)
        return IngressState(
            required.required, required.off, answer.group_ids, closed, answer.notices, left_closed, off_closed
        )

    def _denied(
        self,
        required: RequiredIngress,
        group_ids: tuple[str, ...],
        known: IngressState,
        error: DeniedError,
    ) -> IngressState:
        # What could not be read is not known to have been opened.
        problem = problems.denied(required.group_ids, error, self.settings.label_prefix)
        closed = tuple((requirement, problem) for requirement in required.required)
        # Of what is left open there is no route left to tell it of.
        warnings = () if closed else (problem,)
        return dataclasses.replace(
            known, required=required.required, off=required.off, group_ids=group_ids, closed=closed, warnings=warnings,
            is_incomplete=True,
        )  # fmt: skip


def _closed(required: RequiredIngress, state: IngressState) -> dict[RouteKey, Problem]:
    """By route, why VPC Lattice cannot reach the tasks of PRIMARY."""
    reasons = {**dict(state.closed), **dict(state.off_closed)}
    return {key: reasons[requirement] for key, requirement in reversed(required.primary) if requirement in reasons}


def _off_closed(
    required: RequiredIngress, resolved: Sequence[PortRequirement], certain: Mapping[PortRequirement, Problem]
) -> tuple[tuple[PortRequirement, Problem], ...]:
    """The requirements of ``required.off``, ``resolved`` in the same order, that are certainly not met."""
    both = zip(required.off, resolved, strict=True)
    return tuple((requirement, certain[found]) for requirement, found in both if found in certain)
