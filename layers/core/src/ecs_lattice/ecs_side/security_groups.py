"""Which ports VPC Lattice has to reach on which security groups, for one ECS service: pure.

Ingress is not routing: it follows every listed deployment, not the completed one. A release that moves a port or a group
could never complete otherwise: its tasks would fail the checks of a group that is opened only once they pass them.

Has VPC Lattice let in to the tasks of an ECS service: the first step of a reconcile, before anything is made.
"""

import dataclasses
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from ecs_lattice import ports
from ecs_lattice.declaration import Bounds, declare
from ecs_lattice.ecs_side import claims as claiming
from ecs_lattice.ecs_side import effective_revision
from ecs_lattice.ecs_side.observe import Observation, explained_groups, our_groups
from ecs_lattice.ecs_side.record import EcsRecord, IngressState
from ecs_lattice.errors import DeniedError
from ecs_lattice.facts import Deployment, EcsService, TaskDefinition
from ecs_lattice.ingress import problems
from ecs_lattice.ingress.model import AllowedPorts, IngressRequirement, PortRange
from ecs_lattice.ingress.open import Ingress
from ecs_lattice.ingress.routes import PortRequirement, RouteIngress
from ecs_lattice.model import Declaration, IngressMode, Placement, Route
from ecs_lattice.outcome import Problem
from ecs_lattice.settings import Settings

type RouteKey = tuple[str, str]
"""Lattice service and route name."""


@dataclass(frozen=True, slots=True)
class RequiredIngress:
    """``wants``: what the stack is to open; ``off``: what it is not to. ``primary``: by route, what the tasks of the PRIMARY
    deployment need, which the next deployment's tasks will need as well."""

    wants: tuple[PortRequirement, ...] = ()
    off: tuple[PortRequirement, ...] = ()
    primary: tuple[tuple[RouteKey, PortRequirement], ...] = ()


@dataclass(frozen=True, slots=True)
class Revisions:
    """Revisions by ARN, and the routes that each declares (none where its declaration is refused)."""

    revision: Callable[[str], TaskDefinition]
    routes: Callable[[TaskDefinition, EcsService], tuple[Route, ...]]


def wanted(view: Observation, revisions: Revisions, settings: Settings) -> RequiredIngress | None:
    """What ``view``'s service wants; None when nothing about it may change now, because it is paused, or because ECS does
    not list its deployments any more while something of it still stands."""
    standing = [one.claim.route for one in view.claims if not claiming.is_over(one)]
    if not standing and not view.routes:
        return RequiredIngress()
    is_held = any(route.pause for route in (*standing, *(view.routes or ())))
    service = view.service
    if is_held or service is None or view.presence != "active" or effective_revision.is_governed(service):
        return None
    place = _place(view)
    if place is None:
        return RequiredIngress()
    found: list[_Found] = []
    for deployment in service.deployments:
        if deployment.status == "INACTIVE":
            continue
        revision = revisions.revision(deployment.task_definition)
        declared = revisions.routes(revision, service) if view.revision else ()
        earlier = [dataclasses.replace(route, ingress=_mode(view, route)) for route in standing]
        for route in dict.fromkeys([*declared, *earlier]):
            found += [
                _Found(deployment.status == "PRIMARY", route, want)
                for want in _wants(route, revision, deployment, place)
            ]
    return _sorted(view, found, settings)


@dataclass(frozen=True, slots=True)
class _Found:
    is_primary: bool
    route: Route
    want: PortRequirement


def _sorted(view: Observation, found: list[_Found], settings: Settings) -> RequiredIngress:
    is_ours = settings.ingress == "manage"
    managed = [one.want for one in found if is_ours and one.route.ingress != "off"]
    off = [one.want for one in found if not is_ours or one.route.ingress == "off"]
    if _is_changing(view) and is_ours:
        # What stood attached before is checked until it is detached; what is off by now is not held on to.
        left = {one.ports for one in off}
        managed += [want for want in view.record.ingress.wants if want.ports not in left]
    opened = {_place_of(want): want for want in _merged(managed)}
    return RequiredIngress(
        wants=tuple(sorted(opened.values())),
        off=tuple(want for want in _merged(off) if _place_of(want) not in opened),
        primary=tuple(
            sorted({
                ((one.route.lattice_service, one.route.name), opened[_place_of(one.want)])
                for one in found
                if one.is_primary and _place_of(one.want) in opened
            })
        ),
    )  # fmt: skip


def _place_of(want: PortRequirement) -> tuple[tuple[str, ...], AllowedPorts]:
    return want.group_ids, want.ports


def _mode(view: Observation, route: Route) -> IngressMode:
    """The mode of a route that stands: what is declared of it now, else of its port, else what it was."""
    now = view.routes or ()
    same = [one.ingress for one in now if (one.lattice_service, one.name) == (route.lattice_service, route.name)]
    modes = same or [one.ingress for one in now if one.port_name == route.port_name] or [route.ingress]
    return next((mode for mode in ("manage", "default") if mode in modes), "off")


def _merged(wants: Iterable[PortRequirement]) -> tuple[PortRequirement, ...]:
    """One want for each opening of the same groups: what one route allows holds for all of its port."""
    found: dict[tuple[tuple[str, ...], AllowedPorts], PortRequirement] = {}
    for want in wants:
        before = found.get(_place_of(want), want)
        allowed = want.default_allowed or before.default_allowed
        found[_place_of(want)] = dataclasses.replace(want, default_allowed=allowed)
    return tuple(sorted(found.values()))


def _wants(
    route: Route, revision: TaskDefinition, deployment: Deployment, place: Placement
) -> Iterator[PortRequirement]:
    """The route's target port in this very revision, and its health-check port."""
    target = next((port.container_port for port in revision.ports if port.name == route.port_name), None)
    if target is None:
        return
    checked = route.health.port if route.health.enabled and route.health.port else target
    for port in sorted({target, checked}):
        opening = AllowedPorts(place.family, PortRange(port, port))
        yield PortRequirement(deployment.security_groups, place.vpc_id, opening, route.ingress == "manage")


def _is_changing(view: Observation) -> bool:
    """Whether target groups may still be checked as they were before: the Lattice side has to take a claim in, or AWS has
    refused it what was asked of a group that is there, or a replaced group is still listed."""
    assert view.service is not None  # asked only of services that ECS lists
    leftover = our_groups(view) - explained_groups(view)
    listed = {entry.group_arn for one in view.service.deployments for entry in one.entries}
    is_behind = any(
        one.is_unapplied or (one.answer.state == "Refused" and one.answer.group_arn is not None) for one in view.claims
    )
    return is_behind or bool(leftover & listed)


def _place(view: Observation) -> Placement | None:
    """VPC and address family of the service's targets."""
    if view.record.subnets:
        return Placement(view.record.subnets.vpc_id, view.record.subnets.family, 0)
    return next((one.claim.placement for one in view.claims), None)


@dataclass(frozen=True, slots=True)
class IngressResult:
    """``closed``: by route, why the tasks of PRIMARY cannot be reached for it. ``problems``: all that is closed;
    ``notices`` stop nothing. ``is_verified``: whether EC2 was asked just now."""

    closed: tuple[tuple[RouteKey, Problem], ...] = ()
    problems: tuple[Problem, ...] = ()
    notices: tuple[Problem, ...] = ()
    is_verified: bool = True


@dataclass(frozen=True, slots=True)
class TaskIngress:
    """``save`` stores the record; it is called before needs are written, and with what came of it."""

    settings: Settings
    ecs: ports.Ecs
    ingress: Ingress

    def admit(
        self, view: Observation, save: Callable[[EcsRecord], None], *, verify: bool
    ) -> tuple[Observation, IngressResult]:
        """Open what is wanted and not known to be open, take back what is not wanted any more; the view with what is
        remembered of it. ``verify``: ask EC2 also when nothing has changed."""
        known = view.record.ingress
        asked = wanted(view, self._revisions(view), self.settings)
        if asked is None:
            return view, IngressResult(problems=_distinct(known), notices=known.notices, is_verified=False)
        is_known = (known.wants, known.off) == (asked.wants, asked.off)
        is_quiet = not known.closed and not any(one.code == "INGRESS_OFF" for one in known.notices)
        if is_known and is_quiet and not (verify and (asked.wants or asked.off)):
            return view, IngressResult(notices=known.notices, is_verified=not (asked.wants or asked.off))
        done = self._settled(view, asked, save)
        view = dataclasses.replace(view, record=dataclasses.replace(view.record, ingress=done))
        return view, _admitted(asked, done)

    def preview(self, view: Observation) -> tuple[tuple[IngressRequirement, ...], IngressResult]:
        """The rules that :meth:`admit` would add now, and what is known to be closed; writes nothing."""
        known = view.record.ingress
        asked = wanted(view, self._revisions(view), self.settings)
        if asked is None:
            return (), IngressResult(problems=_distinct(known), notices=known.notices)
        routes = RouteIngress(self.ingress)
        consumer = view.service_id.arn
        try:
            openings = routes.preview(consumer, routes.resolved(asked.wants)) if asked.wants else ()
            notices = routes.closed(consumer, routes.resolved(asked.off)) if asked.off else ()
        except DeniedError as error:
            return (), IngressResult(problems=(problems.denied(_group_ids(asked), error, self.settings.label_prefix),))
        return openings, dataclasses.replace(_admitted(asked, known), notices=notices)

    def _settled(self, view: Observation, asked: RequiredIngress, save: Callable[[EcsRecord], None]) -> IngressState:
        known, consumer = view.record.ingress, view.service_id.arn
        routes, group_ids = RouteIngress(self.ingress), known.group_ids
        try:
            wants, off = routes.resolved(asked.wants), routes.resolved(asked.off)
            group_ids = tuple(sorted({*group_ids, *(one for want in wants for one in want.group_ids)}))
            # A need that a crash leaves behind must be known: nobody else takes it back.
            save(dataclasses.replace(view.record, ingress=dataclasses.replace(known, group_ids=group_ids)))
            answer = routes.open(consumer, wants, group_ids, f"VPC Lattice to ECS service {view.service_id}")
            notices = answer.notices + (routes.closed(consumer, off) if off else ())
        except DeniedError as error:
            problem = problems.denied(_group_ids(asked), error, self.settings.label_prefix)
            return IngressState(asked.wants, asked.off, group_ids, tuple((want, problem) for want in asked.wants))
        shut = dict(answer.closed)
        closed = tuple((want, shut[it]) for want, it in zip(asked.wants, wants, strict=True) if it in shut)
        return IngressState(asked.wants, asked.off, answer.group_ids, closed, notices)

    def _revisions(self, view: Observation) -> Revisions:
        bounds = Bounds.of(self.settings)

        def revision(arn: str) -> TaskDefinition:
            return view.revision if view.revision and view.revision.arn == arn else self.ecs.task_definition(arn)

        def routes(revision: TaskDefinition, service: EcsService) -> tuple[Route, ...]:
            said = declare(revision, service.tags, service.controller, bounds)
            return said.routes if isinstance(said, Declaration) else ()

        return Revisions(revision, routes)


def _admitted(asked: RequiredIngress, known: IngressState) -> IngressResult:
    shut = dict(known.closed)
    closed = {key: shut[want] for key, want in reversed(asked.primary) if want in shut}
    return IngressResult(tuple(sorted(closed.items())), _distinct(known), known.notices)


def _distinct(known: IngressState) -> tuple[Problem, ...]:
    return tuple(dict.fromkeys(problem for _, problem in known.closed))


def _group_ids(asked: RequiredIngress) -> tuple[str, ...]:
    ids = {one for want in (*asked.wants, *asked.off) for one in (want.group_ids or (f"default of {want.vpc_id}",))}
    return tuple(sorted(ids))
