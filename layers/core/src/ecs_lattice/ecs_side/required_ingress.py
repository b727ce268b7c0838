"""What the tasks of an ECS service require of their security groups: pure.

Ingress is not routing: it follows every listed deployment, not only the completed one. Otherwise a release that changes
a port or a security group could never complete, because its tasks would fail the health checks of a target group that
is opened only once they pass them (decision 14). And it follows what these deployments name, not only what labels and claims
say: ECS registers tasks with a target group of ours for as long as it is listed.
"""

import dataclasses
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from operator import attrgetter

from ecs_lattice.ecs_side.claiming import RouteKey, route_key
from ecs_lattice.ecs_side.observation import Observation, Revision
from ecs_lattice.facts import Deployment, TaskDefinition
from ecs_lattice.ingress.model import AllowedPorts, PortRange, PortRequirement
from ecs_lattice.model import IngressMode, Placement, Route
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


def required_ingress(observed: Observation, settings: Settings) -> RequiredIngress | None:
    """What the service requires now. None when nothing about it may change, because it is paused, ECS shifts its
    traffic, or ECS no longer lists its deployments although something of it still stands."""
    routes = (*observed.standing, *(observed.routes or ()))
    if not _required_routes(observed) | observed.named:
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
    both = off | opened
    reached = {(key, both[place]) for key, place in primary if place in both}
    return RequiredIngress(tuple(opened.values()), tuple(off.values()), tuple(sorted(reached)))


def _required_routes(observed: Observation) -> set[RouteKey]:
    """The routes that may require anything: those of which something stands, and those of a release that has completed. A
    refused declaration requires nothing new, and neither does a route that makes no claim, nor a service of which no release has
    ever completed."""
    has_completed = observed.effective is not None and observed.effective.source != "primary"
    declared = {route_key(route) for route in observed.routes or () if has_completed} - observed.withheld.keys()
    return declared.union(route_key(route) for route in observed.standing)


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
    attached = _attached_ports(observed)
    for deployment in service.deployments:
        if deployment.status == "INACTIVE":
            continue
        revision = observed.revisions[deployment.task_definition]
        for route in dict.fromkeys([*_declared(observed, revision), *standing]):
            is_attached = not attached.isdisjoint({(name, route.port_name) for name in ("", route.lattice_service)})
            required = _requirements(route, revision.task_definition, deployment, placement, is_attached=is_attached)
            (left if route.ingress == "off" else managed).extend(required)
            if deployment.status == "PRIMARY":
                primary += [(route_key(route), _place(requirement)) for requirement in required]
        managed += _unexplained(observed, deployment, standing, placement)
    return managed, left, primary


def _unexplained(
    observed: Observation, deployment: Deployment, standing: Iterable[Route], placement: Placement
) -> list[PortRequirement]:
    """What the ports need that a deployment names with a group of ours though no route explains it any more: ECS registers its
    tasks there, and replaces them if VPC Lattice cannot reach them."""
    revision = observed.revisions[deployment.task_definition]
    explained = {route.port_name for route in (*_declared(observed, revision), *standing)}
    names = {entry.port_name for entry in deployment.entries if entry.group_arn in observed.ours}
    return [
        requirement
        for name in sorted(names - explained)
        for requirement in _requirements(
            Route("", "", name), revision.task_definition, deployment, placement, is_attached=True
        )
    ]


def _declared(observed: Observation, revision: Revision) -> tuple[Route, ...]:
    """The routes of the revision of a deployment that may require anything."""
    if observed.effective is None or observed.routes is None:
        return ()
    keys = _required_routes(observed)
    return tuple(route for route in revision.declaration.routes if route_key(route) in keys)


def _attached_ports(observed: Observation) -> set[tuple[str, str]]:
    """The Lattice services and port names whose target group a listed deployment names, or has targets of the controller.
    After a lost table no claim explains a listed group of ours: then the Lattice service is empty."""
    groups = observed.listed | observed.record.registered.keys()
    claimed = {
        (record.claim.route.lattice_service, record.claim.route.port_name)
        for record in observed.claims.values()
        if (record.claim.own_group or record.answer.group_arn) in groups
    }
    deployments = observed.service.deployments if observed.service else ()
    entries = (entry for deployment in deployments for entry in deployment.entries)
    return claimed | {("", entry.port_name) for entry in entries if entry.group_arn in observed.ours - observed.claimed}


def _requirements(
    route: Route, revision: TaskDefinition, deployment: Deployment, placement: Placement, *, is_attached: bool
) -> list[PortRequirement]:
    """The route's target port in this revision, and its health-check port."""
    target = next((port.container_port for port in revision.ports if port.name == route.port_name), None)
    if target is None:
        return []
    checked = route.health.port if route.health.enabled and route.health.port else target
    allowed = [AllowedPorts(placement.family, PortRange(port, port)) for port in sorted({target, checked})]
    groups, vpc, may_open_default = deployment.security_groups, placement.vpc_id, route.ingress == "manage"
    mapped = _mapped_ports(revision)
    return [
        PortRequirement(groups, vpc, ports, may_open_default, ports.ports.first in mapped, is_attached)
        for ports in allowed
    ]


def _mapped_ports(revision: TaskDefinition) -> set[int]:
    containers = (port for container in revision.containers for port in container.ports)
    return {port.container_port for port in (*revision.ports, *containers)}


def _by_place(requirements: Iterable[PortRequirement]) -> dict[_Place, PortRequirement]:
    """One requirement for each place, sorted: what holds for one route holds for all of its port."""
    found: dict[_Place, PortRequirement] = {}
    for requirement in sorted(requirements):
        same = found.get(_place(requirement), requirement)
        found[_place(requirement)] = dataclasses.replace(
            requirement,
            default_allowed=requirement.default_allowed or same.default_allowed,
            is_mapped=requirement.is_mapped or same.is_mapped,
            is_attached=requirement.is_attached or same.is_attached,
        )
    return found


def _mode(observed: Observation, route: Route) -> IngressMode:
    """The ingress mode of a standing route: what its declaration says now, else that of its port, else its own."""
    declared = observed.routes or ()
    by_key = [r.ingress for r in declared if route_key(r) == route_key(route)]
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
    is_attached = bool(_attached_ports(observed))
    return [
        dataclasses.replace(required, is_attached=is_attached)
        for required in observed.record.ingress.required
        if required.ports not in off_ports
    ]


def _placement(observed: Observation) -> Placement | None:
    """VPC and address family of the service's targets."""
    if subnets := observed.record.subnets:
        return Placement(subnets.vpc_id, subnets.family, 0)
    return next((record.claim.placement for record in observed.claims.values()), None)
