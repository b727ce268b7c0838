"""Which declared routes make a claim, which do not and why, and since when a route claims its match: pure.

A limit applies to new claims only: what is live is never taken away by it.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

from ecs_lattice.claims import ClaimRecord
from ecs_lattice.declaration import changes
from ecs_lattice.ecs_side.owners import foreign_entry
from ecs_lattice.ecs_side.record import OURS, Owner
from ecs_lattice.facts import Deployment
from ecs_lattice.matching import normal
from ecs_lattice.model import Route
from ecs_lattice.outcome import Problem
from ecs_lattice.settings import Settings

type RouteKey = tuple[str, str]
"""Lattice service and route name: unique among the claims of one ECS service."""


def route_key(route: Route) -> RouteKey:
    """The key of the route's claim."""
    return route.lattice_service, route.name


def limited(
    routes: tuple[Route, ...], claims: Mapping[RouteKey, ClaimRecord], settings: Settings
) -> tuple[tuple[Route, ...], Problem | None]:
    """The routes with which a declaration goes on, and the problem if it has more than MaxRoutes.

    A declaration that has more goes on with the routes that are or were live, then with others whose claims stand, up to
    MaxRoutes. Without any live route it does not go on at all.
    """
    most = settings.max_routes
    if len(routes) <= most:
        return routes, None
    problem = changes.too_many_routes(len(routes), most, label_prefix=settings.label_prefix)
    standing = [route for route in routes if route_key(route) in claims]
    live = sum(claims[route_key(route)].answer.was_live for route in standing)
    live_first = sorted(standing, key=lambda route: not claims[route_key(route)].answer.was_live)
    kept = live_first[: max(most, live)] if live else []
    return tuple(route for route in routes if route in kept), problem


def is_over(record: ClaimRecord) -> bool:
    """Whether the Lattice side has answered this very claim that nothing of it is left."""
    return record.claim.phase != "declared" and record.answer.state == "Removed" and not record.is_unapplied


def listed_by_port(source: Deployment | None, owners: Mapping[str, Owner]) -> dict[str, tuple[str, Owner]]:
    """By port name, the first group that ``source`` lists and that ``owners`` has (no claim explains it), with its owner:
    none of ours, and none whose traffic ECS shifts."""
    by_port: dict[str, tuple[str, Owner]] = {}
    for entry in source.entries if source else ():
        owner = owners.get(entry.group_arn, OURS)
        if owner != OURS and not entry.advanced:
            by_port.setdefault(entry.port_name, (entry.group_arn, owner))
    return by_port


def withheld(
    routes: Iterable[Route], listed: Mapping[str, tuple[str, Owner]], settings: Settings
) -> dict[RouteKey, Problem]:
    """The routes that make no claim, and why. ``listed``: :func:`listed_by_port` of the ECS service."""
    found: dict[RouteKey, Problem] = {}
    for route in routes:
        problem = None
        if entry := listed.get(route.port_name):
            problem = foreign_entry(route.port_name, *entry, settings.label_prefix)
        if len(route.networks) > changes.MOST_NETWORKS:
            problem = problem or changes.too_many_networks(
                route, settings.default_networks, label_prefix=settings.label_prefix
            )
        if problem:
            found[route_key(route)] = problem
    return found


def without_network(
    routes: Sequence[Route], claims_on: Callable[[str], Iterable[ClaimRecord]], settings: Settings
) -> dict[RouteKey, Problem]:
    """The routes that nobody could reach, for lack of a service network, and why; ``claims_on`` reads the claims on a Lattice
    service. An association belongs to the whole Lattice service: another route's network counts, and where a route is live
    only the Lattice side knows what is associated."""
    named = {route.lattice_service for route in routes if route.networks or settings.default_networks}
    missing = {route.lattice_service for route in routes} - named
    missing -= {name for name in missing if any(map(_may_be_reached, claims_on(name)))}
    prefix, without = settings.label_prefix, (route for route in routes if route.lattice_service in missing)
    return {route_key(route): changes.network_missing(route, label_prefix=prefix) for route in without}


def _may_be_reached(record: ClaimRecord) -> bool:
    is_rejected = record.answer.state in {"Refused", "Conflicted"}
    asks = record.claim.phase == "declared" and bool(record.claim.route.networks) and not is_rejected
    return asks or record.answer.was_live


def claimed_since(
    route: Route, records: Sequence[ClaimRecord], created_at: float, now: float, grace_seconds: float
) -> float | None:
    """The time of the route's claim, by what stands in the registry for the same ECS service (``records``): that of the
    same requests on the same Lattice service, whatever the route was called. None: the claim begins anew.

    A claim that vanished counts for the grace time; that of a predecessor (``created_at`` is the ECS service's) does not.
    """
    wanted = route.lattice_service, normal(route.match)
    times = [
        record.claim.claimed_at
        for record in records
        if record.claim.created_at == created_at
        and (record.claim.route.lattice_service, normal(record.claim.route.match)) == wanted
        and (record.claim.phase == "declared" or now - record.claim.since < grace_seconds)
    ]
    return min(times, default=None)
