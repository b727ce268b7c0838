"""Opens the tasks' security groups for VPC Lattice: the first step of a reconcile, before anything is created.

Ingress is not routing: it follows every listed deployment, not only the completed one. Otherwise a release that changes
a port or a security group could never complete, because its tasks would fail the health checks of a target group that
is opened only once they pass them (decision 14).
"""

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from operator import attrgetter

from ecs_lattice.ecs_side.observe import Observation, RouteKey
from ecs_lattice.ecs_side.record import EcsRecord, IngressState
from ecs_lattice.errors import DeniedError
from ecs_lattice.facts import Deployment, TaskDefinition
from ecs_lattice.ingress import problems
from ecs_lattice.ingress.model import AllowedPorts, IngressRequirement, PortRange
from ecs_lattice.ingress.open import Ingress
from ecs_lattice.ingress.routes import PortRequirement, RouteIngress
from ecs_lattice.model import IngressMode, Placement, Route
from ecs_lattice.outcome import Problem
from ecs_lattice.settings import Settings

type _Place = tuple[tuple[str, ...], str, AllowedPorts]
"""Security groups, VPC and ports."""

_place: Callable[[PortRequirement], _Place] = attrgetter("group_ids", "vpc_id", "ports")


@dataclass(frozen=True, slots=True)
class RequiredIngress:
    """``required``: what the stack has to open; ``off``: what it has to leave alone. ``primary``: what the tasks of
    the PRIMARY deployment, and so those of the next one, need for each route."""

    required: tuple[PortRequirement, ...] = ()
    off: tuple[PortRequirement, ...] = ()
    primary: tuple[tuple[RouteKey, PortRequirement], ...] = ()

    @property
    def group_ids(self) -> tuple[str, ...]:
        """All security groups, for people."""
        named = (
            requirement.group_ids or (f"default of {requirement.vpc_id}",)
            for requirement in (*self.required, *self.off)
        )
        return tuple(sorted({group_id for group_ids in named for group_id in group_ids}))


@dataclass(frozen=True, slots=True)
class IngressResult:
    """``closed``: by route, why VPC Lattice cannot reach the tasks of PRIMARY. ``is_verified``: whether EC2 has just
    been read."""

    state: IngressState
    closed: Mapping[RouteKey, Problem] = field(default_factory=dict)
    is_verified: bool = True


def required_ingress(observed: Observation, settings: Settings) -> RequiredIngress | None:
    """What the service requires now. None when nothing about it may change, because it is paused, ECS shifts its
    traffic, or ECS no longer lists its deployments although something of it still stands."""
    routes = (*observed.standing, *(observed.routes or ()))
    if not routes:
        return RequiredIngress()
    if not _may_change(observed, routes):
        return None
    managed, left, primary = _needs(observed)
    if settings.ingress != "manage":
        managed, left = [], left + managed
    off = _by_place(left)
    if settings.ingress == "manage" and observed.record.ingress.required:
        managed += _still_checked(observed, off)
    opened = _by_place(managed)
    for place in opened:
        off.pop(place, None)
    reached = {(key, opened[place]) for key, place in primary if place in opened}
    return RequiredIngress(tuple(opened.values()), tuple(off.values()), tuple(sorted(reached)))


def _may_change(observed: Observation, routes: Iterable[Route]) -> bool:
    is_steered = observed.presence == "active" and not observed.shifts_traffic
    return is_steered and not any(route.pause for route in routes)


def _needs(
    observed: Observation,
) -> tuple[list[PortRequirement], list[PortRequirement], list[tuple[RouteKey, _Place]]]:
    """What the routes need on the tasks of each deployment: what is to be opened, what their authors want left alone,
    and by route the places on the tasks of PRIMARY."""
    managed: list[PortRequirement] = []
    left: list[PortRequirement] = []
    primary: list[tuple[RouteKey, _Place]] = []
    placement, service = _placement(observed), observed.service
    assert service is not None  # presence is "active"
    if placement is None:
        return managed, left, primary
    standing = [dataclasses.replace(route, ingress=_mode(observed, route)) for route in observed.standing]
    for deployment in service.deployments:
        if deployment.status == "INACTIVE":
            continue
        revision = observed.revisions[deployment.task_definition]
        declared = revision.declaration.routes if observed.effective else ()
        for route in dict.fromkeys([*declared, *standing]):
            required = _requirements(route, revision.task_definition, deployment, placement)
            (left if route.ingress == "off" else managed).extend(required)
            if deployment.status == "PRIMARY":
                key = route.lattice_service, route.name
                primary += [(key, _place(requirement)) for requirement in required]
    return managed, left, primary


def _requirements(
    route: Route, revision: TaskDefinition, deployment: Deployment, placement: Placement
) -> list[PortRequirement]:
    """The route's target port in this revision, and its health-check port."""
    target = next((port.container_port for port in revision.ports if port.name == route.port_name), None)
    if target is None:
        return []
    checked = route.health.port if route.health.enabled and route.health.port else target
    allowed = [AllowedPorts(placement.family, PortRange(port, port)) for port in sorted({target, checked})]
    groups, vpc, may_open_default = deployment.security_groups, placement.vpc_id, route.ingress == "manage"
    return [PortRequirement(groups, vpc, ports, may_open_default) for ports in allowed]


def _by_place(requirements: Iterable[PortRequirement]) -> dict[_Place, PortRequirement]:
    """One requirement for each place, sorted: what one route allows (sorted last) holds for all of its port."""
    return {_place(requirement): requirement for requirement in sorted(requirements)}


def _mode(observed: Observation, route: Route) -> IngressMode:
    """The ingress mode of a standing route: what its declaration says now, else that of its port, else its own."""
    declared = observed.routes or ()
    by_key = [r.ingress for r in declared if (r.lattice_service, r.name) == (route.lattice_service, route.name)]
    modes = by_key or [r.ingress for r in declared if r.port_name == route.port_name] or [route.ingress]
    return next((mode for mode in ("manage", "default") if mode in modes), "off")


def _still_checked(observed: Observation, off: Iterable[_Place]) -> list[PortRequirement]:
    """What was required before and is not off now, while target groups may still be checked as before: the Lattice
    side has yet to apply a claim, AWS has refused a change of a group that exists, or a replaced group is still
    listed."""
    is_behind = any(
        record.is_unapplied or (record.answer.state == "Refused" and record.answer.group_arn is not None)
        for record in observed.claims.values()
    )
    is_replaced = bool((observed.ours - observed.claimed) & observed.listed)
    if not (is_behind or is_replaced):
        return []
    off_ports = {ports for _, _, ports in off}
    return [required for required in observed.record.ingress.required if required.ports not in off_ports]


def _placement(observed: Observation) -> Placement | None:
    """VPC and address family of the service's targets."""
    if subnets := observed.record.subnets:
        return Placement(subnets.vpc_id, subnets.family, 0)
    return next((record.claim.placement for record in observed.claims.values()), None)


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
        is_open = is_known and not (known.closed or known.left_closed)
        is_empty = not (required.required or required.off)
        if is_open and (is_empty or not verify):
            return observed, IngressResult(known, is_verified=is_empty)
        state = self._open(observed, required, save)
        observed = dataclasses.replace(observed, record=dataclasses.replace(observed.record, ingress=state))
        return observed, IngressResult(state, _closed(required, state) if state.closed else {})

    def preview(self, observed: Observation) -> tuple[tuple[IngressRequirement, ...], IngressResult]:
        """The rules that :meth:`ensure_ingress` would add now, and what is known to be closed; writes nothing."""
        known, required = observed.record.ingress, required_ingress(observed, self.settings)
        if required is None:
            return (), IngressResult(known)
        routes, consumer = RouteIngress(self.ingress), observed.service_id.arn
        try:
            openings = routes.preview(consumer, routes.resolved(required.required)) if required.required else ()
            left_closed = routes.closed(consumer, routes.resolved(required.off)) if required.off else ()
        except DeniedError as error:
            return (), IngressResult(self._denied(required, (), error))
        state = dataclasses.replace(known, warnings=(), left_closed=left_closed)
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
            left_closed = routes.closed(consumer, off) if off else ()
        except DeniedError as error:
            return self._denied(required, group_ids, error)
        reasons = dict(answer.closed)
        both = zip(required.required, resolved, strict=True)
        closed = tuple((requirement, reasons[found]) for requirement, found in both if found in reasons)
        return IngressState(required.required, required.off, answer.group_ids, closed, answer.notices, left_closed)

    def _denied(self, required: RequiredIngress, group_ids: tuple[str, ...], error: DeniedError) -> IngressState:
        problem = problems.denied(required.group_ids, error, self.settings.label_prefix)
        closed = tuple((requirement, problem) for requirement in required.required)
        return IngressState(required.required, required.off, group_ids, closed)


def _closed(required: RequiredIngress, state: IngressState) -> dict[RouteKey, Problem]:
    """By route, why VPC Lattice cannot reach the tasks of PRIMARY."""
    reasons = dict(state.closed)
    return {key: reasons[requirement] for key, requirement in reversed(required.primary) if requirement in reasons}
