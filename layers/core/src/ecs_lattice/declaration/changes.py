"""What is wrong not with a declaration by itself but with the step to it: what is live does not end with a new limit."""

import dataclasses
from collections.abc import Collection

from ecs_lattice.declaration.problems import problem
from ecs_lattice.declaration.routes import DEFAULT_ROUTE
from ecs_lattice.model import Declaration, HealthCheck, Route
from ecs_lattice.outcome import Problem

MOST_NETWORKS = 10
"""Service networks that one route may name: each costs an association and the calls that read it."""

_PACE = {"interval", "healthy", "unhealthy"}


def dropped_default_route(
    live_routes: Collection[str], declaration: Declaration, *, label_prefix: str
) -> Problem | None:
    """The unnamed route serves, and the declaration names routes without it: adding a route would remove all traffic.

    ``live_routes`` are the names of the routes that serve now. A declaration that asks for nothing at all is a removal
    as any other, and so is ``routes.default.remove = true``.
    """
    kept = {route.name for route in declaration.routes} | set(declaration.removed)
    if DEFAULT_ROUTE not in live_routes or DEFAULT_ROUTE in kept or not kept:
        return None
    start = f"{label_prefix}.routes.{DEFAULT_ROUTE}."
    message = (
        f"the unnamed route serves, and now only {', '.join(sorted(kept))} would be declared; keep it by writing its keys with "
        f"{start} before them (one is enough: {start}service), or remove it with {start}remove = true."
    )
    return problem(
        "DEFAULT_ROUTE_LOST", message, key=f"{start}service", value="", where="labels and tags of the service"
    )


def rolling_conflicts(effective: Declaration, primary: Declaration, *, label_prefix: str) -> tuple[Problem, ...]:
    """What ``primary`` (the newest deployment's) demands of the tasks of a port unlike ``effective`` (what serves).

    While a deployment rolls, one target group checks old and new tasks, so one of the two fails. One problem for each
    demand that differs.
    """
    before = {(route.port_name, route.lattice_service): route for route in effective.routes}
    after = {(route.port_name, route.lattice_service): route for route in primary.routes}
    found = []
    for pair in sorted(before.keys() & after.keys()):
        route, demands = after[pair], _demands(before[pair])
        for name, new in ({"health.enabled": route.health.enabled} | _demands(route)).items():
            if demands.get(name, new) == new:
                continue
            message = (
                f"it was {_text(demands[name])} and becomes {_text(new)}, but while a deployment rolls, old and new tasks of "
                f"port {route.port_name} on {route.lattice_service} are checked by one target group. {_way_out(name)}"
            )
            where = f"newest deployment, route {route.name}"
            found.append(problem("HOLDS_BACK", message, key=f"{label_prefix}.{name}", value=_text(new), where=where))
    return tuple(found)


def _way_out(name: str) -> str:
    """A port answers two paths at once, but not in plain text and in TLS."""
    if name in {"protocol", "health.protocol"}:
        return "Use a new port name: one port cannot answer two protocols."
    able = {"health.enabled": "pass the check", "health.timeout": "answer within the shorter time"}.get(
        name, "answer both"
    )
    return f"Let the new version {able} for one release, or use a new port name."


def too_many_routes(count: int, most: int, *, label_prefix: str) -> Problem:
    """The declaration has ``count`` routes and may have ``most``."""
    message = (
        f"{count} routes are declared, and an ECS service may have {most} (parameter MaxRoutes). Remove some, or declare "
        "them on other ECS services. Routes that are live stay, and no new ones are created."
    )
    key, where = f"{label_prefix}.routes", "labels and tags of the service"
    return problem("TOO_MANY_ROUTES", message, key=key, value=str(count), where=where)


def too_many_networks(route: Route, defaults: Collection[str], *, label_prefix: str) -> Problem | None:
    """The route names more service networks than it may; the stack's own defaults do not count."""
    count = len(set(route.networks) - set(defaults))
    if count <= MOST_NETWORKS:
        return None
    message = f"route {route.name} names {count} service networks; {MOST_NETWORKS} are allowed. Remove some."
    key, where = f"{label_prefix}.network", "labels and tags of the service"
    return problem("TOO_MANY_NETWORKS", message, key=key, value=str(count), where=where)


def network_missing(route: Route, *, label_prefix: str) -> Problem:
    """The route names no service network and the stack has no default one."""
    key, where = f"{label_prefix}.network", "labels and tags of the service"
    message = (
        f"route {route.name} names no service network, and the stack has no default one (parameters DefaultNetworks and "
        f"CreateNetwork): nobody can reach Lattice service {route.lattice_service}. Write {key} = <name, id or ARN>, or give "
        "the stack a default."
    )
    return problem("NETWORK_MISSING", message, key=key, value="", where=where)


def _demands(route: Route) -> dict[str, object]:
    """What the route's target group demands of a task, by key."""
    return {"protocol": route.protocol, "protocol-version": route.protocol_version, **_asked(route.health)}


def _asked(check: HealthCheck) -> dict[str, object]:
    """What the health check asks of a task; how often, and how many answers decide, is nothing that a task has to meet. A
    check that is off asks nothing."""
    if not check.enabled:
        return {}
    given = dataclasses.asdict(check).items()
    return {f"health.{name.replace('_', '-')}": value for name, value in given if name not in _PACE}


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else "unset" if value is None else str(value)
