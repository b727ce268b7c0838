"""What is wrong not with a declaration but with the step to it."""

import dataclasses
from collections.abc import Collection

from ecs_lattice.declaration.drafts import DEFAULT_ROUTE
from ecs_lattice.declaration.problems import problem
from ecs_lattice.model import Declaration, Route
from ecs_lattice.outcome import Problem


def dropped_default_route(
    live_routes: Collection[str], declaration: Declaration, *, label_prefix: str = "lattice"
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
        f"{start} before them (one is enough: {start}service), or take it away with {start}remove = true."
    )
    return problem(
        "DEFAULT_ROUTE_LOST", message, key=f"{start}service", value="", where="labels and tags of the service"
    )


def rolling_conflicts(
    effective: Declaration, primary: Declaration, *, label_prefix: str = "lattice"
) -> tuple[Problem, ...]:
    """What ``primary`` (the newest deployment's) demands of the tasks of a port unlike ``effective`` (what serves).

    While a deployment rolls, one target group checks old and new tasks, so one of the two fails. One problem for each
    thing that differs.
    """
    before = {(route.port_name, route.lattice_service): route for route in effective.routes}
    after = {(route.port_name, route.lattice_service): route for route in primary.routes}
    return tuple(
        _held_back(after[pair], name, old, new, label_prefix)
        for pair in sorted(before.keys() & after.keys())
        for name, old, new in _differences(before[pair], after[pair])
    )


def _differences(before: Route, after: Route) -> list[tuple[str, object, object]]:
    compared: list[tuple[str, object, object]] = [
        ("protocol", before.protocol, after.protocol),
        ("protocol-version", before.protocol_version, after.protocol_version),
    ]
    for field in dataclasses.fields(before.health):
        name = f"health.{field.name.replace('_', '-')}"
        compared.append((name, getattr(before.health, field.name), getattr(after.health, field.name)))
    return [(name, old, new) for name, old, new in compared if old != new]


def _held_back(route: Route, name: str, old: object, new: object, label_prefix: str) -> Problem:
    message = (
        f"it was {_text(old)} and becomes {_text(new)}, but while a deployment rolls, old and new tasks of port "
        f"{route.port_name} on {route.lattice_service} are checked by one target group. Let the new version answer both "
        f"for one release, or use a new port name."
    )
    return problem(
        "HOLDS_BACK",
        message,
        key=f"{label_prefix}.{name}",
        value=_text(new),
        where=f"newest deployment, route {route.name}",
    )


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else "unset" if value is None else str(value)
