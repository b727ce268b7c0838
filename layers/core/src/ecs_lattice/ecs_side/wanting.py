"""Which ports VPC Lattice has to reach on which security groups, for one ECS service: pure.

Ingress is not routing: it follows every listed deployment, not the completed one. A release that moves a port or a group
could never complete otherwise: its tasks would fail the checks of a group that is opened only once they pass them.
"""

import dataclasses
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from ecs_lattice.ecs_side import claims as claiming
from ecs_lattice.ecs_side import eligible
from ecs_lattice.ecs_side.look import View, explained_groups, our_groups
from ecs_lattice.facts import Deployment, EcsService, TaskDefinition
from ecs_lattice.ingress.model import Opening, PortRange
from ecs_lattice.ingress.routes import Want
from ecs_lattice.model import IngressMode, Placement, Route
from ecs_lattice.settings import Settings

type RouteKey = tuple[str, str]
"""Lattice service and route name."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """``wants``: what the stack is to open; ``off``: what it is not to. ``primary``: by route, what the tasks of the PRIMARY
    deployment need, which the next deployment's tasks will need as well."""

    wants: tuple[Want, ...] = ()
    off: tuple[Want, ...] = ()
    primary: tuple[tuple[RouteKey, Want], ...] = ()


@dataclass(frozen=True, slots=True)
class Revisions:
    """Revisions by ARN, and the routes that each declares (none where its declaration is refused)."""

    revision: Callable[[str], TaskDefinition]
    routes: Callable[[TaskDefinition, EcsService], tuple[Route, ...]]


def wanted(view: View, revisions: Revisions, settings: Settings) -> Wanted | None:
    """What ``view``'s service wants; None when nothing about it may change now, because it is paused, or because ECS does
    not list its deployments any more while something of it still stands."""
    standing = [one.claim.route for one in view.claims if not claiming.is_over(one)]
    if not standing and not view.routes:
        return Wanted()
    is_held = any(route.pause for route in (*standing, *(view.routes or ())))
    service = view.service
    if is_held or service is None or view.presence != "there" or eligible.is_governed(service):
        return None
    place = _place(view)
    if place is None:
        return Wanted()
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
    want: Want


def _sorted(view: View, found: list[_Found], settings: Settings) -> Wanted:
    is_ours = settings.ingress == "manage"
    managed = [one.want for one in found if is_ours and one.route.ingress != "off"]
    off = [one.want for one in found if not is_ours or one.route.ingress == "off"]
    if _is_changing(view) and is_ours:
        # What stood attached before is checked until it is detached; what is off by now is not held on to.
        left = {one.opening for one in off}
        managed += [want for want in view.record.ingress.wants if want.opening not in left]
    opened = {_place_of(want): want for want in _merged(managed)}
    return Wanted(
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


def _place_of(want: Want) -> tuple[tuple[str, ...], Opening]:
    return want.group_ids, want.opening


def _mode(view: View, route: Route) -> IngressMode:
    """The mode of a route that stands: what is declared of it now, else of its port, else what it was."""
    now = view.routes or ()
    same = [one.ingress for one in now if (one.lattice_service, one.name) == (route.lattice_service, route.name)]
    modes = same or [one.ingress for one in now if one.port_name == route.port_name] or [route.ingress]
    return next((mode for mode in ("manage", "default") if mode in modes), "off")


def _merged(wants: Iterable[Want]) -> tuple[Want, ...]:
    """One want for each opening of the same groups: what one route allows holds for all of its port."""
    found: dict[tuple[tuple[str, ...], Opening], Want] = {}
    for want in wants:
        before = found.get(_place_of(want), want)
        allowed = want.default_allowed or before.default_allowed
        found[_place_of(want)] = dataclasses.replace(want, default_allowed=allowed)
    return tuple(sorted(found.values()))


def _wants(route: Route, revision: TaskDefinition, deployment: Deployment, place: Placement) -> Iterator[Want]:
    """The route's target port in this very revision, and its health-check port."""
    target = next((port.container_port for port in revision.ports if port.name == route.port_name), None)
    if target is None:
        return
    checked = route.health.port if route.health.enabled and route.health.port else target
    for port in sorted({target, checked}):
        opening = Opening(place.family, PortRange(port, port))
        yield Want(deployment.security_groups, place.vpc_id, opening, route.ingress == "manage")


def _is_changing(view: View) -> bool:
    """Whether target groups may still be checked as they were before: the Lattice side has to take a claim in, or AWS has
    refused it what was asked of a group that is there, or a replaced group is still listed."""
    assert view.service is not None  # asked only of services that ECS lists
    leftover = our_groups(view) - explained_groups(view)
    listed = {entry.group_arn for one in view.service.deployments for entry in one.entries}
    is_behind = any(
        one.is_unapplied or (one.answer.state == "Refused" and one.answer.group_arn is not None) for one in view.claims
    )
    return is_behind or bool(leftover & listed)


def _place(view: View) -> Placement | None:
    """VPC and address family of the service's targets."""
    if view.record.subnets:
        return Placement(view.record.subnets.vpc_id, view.record.subnets.family, 0)
    return next((one.claim.placement for one in view.claims), None)
