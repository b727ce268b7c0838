"""Drafts to routes: the port that each means, the values that were written, and the defaults of those that were not."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, cast

from ecs_lattice.declaration.drafts import Draft
from ecs_lattice.declaration.keys import HEALTH_CHECK_SLOTS
from ecs_lattice.declaration.reading import Bounds
from ecs_lattice.facts import TaskDefinition
from ecs_lattice.model import HeaderMatch, HealthCheck, Match, ProtocolVersion, Route, TargetProtocol
from ecs_lattice.outcome import Problem

_ROUTE_SLOTS = {
    "listeners": "listener",
    "priority": "priority",
    "weight": "weight",
    "networks": "network",
    "domain": "domain",
    "certificate": "certificate",
    "auth": "auth",
    "idle_timeout": "idle-timeout",
    "health_grace": "health.grace",
    "targets": "targets",
    "ingress": "ingress",
    "alarm_minutes": "alarm.minutes",
}
"""Fields of Route that have the value of a slot, or the default of the field."""
_HEADER_KINDS = {"header.<name>": "exact", "header-prefix.<name>": "prefix", "header-contains.<name>": "contains"}
_HEALTH_SLOTS = {slot.removeprefix("health.").replace("-", "_"): slot for slot in HEALTH_CHECK_SLOTS}


def ports_of(drafts: Iterable[Draft], task_definition: TaskDefinition) -> tuple[dict[str, str], list[Problem]]:
    """By route, the name of the port mapping that it means: the one that was written, else the only named TCP port."""
    named = sorted({port.name for port in task_definition.ports if port.transport == "tcp" and port.name})
    ports: dict[str, str] = {}
    problems: list[Problem] = []
    for draft in drafts:
        wanted = draft.value("port")
        if "port" in draft.broken:
            continue
        if wanted in named or (wanted is None and len(named) == 1):
            ports[draft.name] = str(wanted or named[0])
        else:
            problem = _no_port if wanted is None else _unknown_port
            problems.append(problem(draft, named, task_definition))
    return ports, problems


def _unknown_port(draft: Draft, named: list[str], task_definition: TaskDefinition) -> Problem:
    wanted, listed = draft.value("port"), ", ".join(named) or "none"
    if any(port.name == wanted for port in task_definition.ports):
        return draft.problem("PORT_UDP", "port", f"port {wanted} is UDP, and Lattice carries TCP; TCP ports: {listed}.")
    message = f"{task_definition.name} has no port mapping of this name; named TCP ports: {listed}."
    by_number = next((port.name for port in task_definition.ports if str(port.container_port) == wanted), None)
    hint = "" if by_number is None else f" Port {wanted} is called {by_number}."
    return draft.problem("PORT_UNKNOWN", "port", message + hint)


def _no_port(draft: Draft, named: list[str], task_definition: TaskDefinition) -> Problem:
    if named:
        return draft.problem("PORT_MISSING", "port", f"write which port the route means, one of: {', '.join(named)}.")
    udp = sorted({port.name for port in task_definition.ports if port.transport == "udp" and port.name})
    if udp:
        message = f"{task_definition.name} names UDP ports only ({', '.join(udp)}), and Lattice carries TCP."
        return draft.problem("PORT_UDP", "port", message)
    message = f"no TCP port mapping of {task_definition.name} has a name; give it one (portMappings[].name)."
    return draft.problem("PORT_UNNAMED", "port", message)


def build(draft: Draft, port_name: str, bounds: Bounds) -> Route:
    """The route that ``draft`` asks for. What is not allowed in it has its default: nobody uses such a route."""
    written = {name: draft.value(slot) for name, slot in _ROUTE_SLOTS.items() if draft.value(slot) is not None}
    defaults: dict[str, Any] = {"networks": bounds.default_networks}
    if bounds.minimum_auth == "iam":
        defaults["auth"] = "AWS_IAM"
    route = Route(draft.name, "", port_name, **(defaults | written))
    is_tls = any(listener.protocol == "TLS_PASSTHROUGH" for listener in route.listeners)
    protocol = cast(TargetProtocol, draft.value("protocol") or ("TCP" if is_tls else "HTTP"))
    version = None if protocol == "TCP" else cast(ProtocolVersion, draft.value("protocol-version") or "HTTP1")
    return replace(
        route,
        lattice_service=f"{bounds.name_prefix}{draft.value('service') or ''}",
        match=_match(draft),
        protocol=protocol,
        protocol_version=version,
        health=_health(draft, protocol, version),
        alarm=draft.value("alarm") != "off",
        pause=draft.value("pause") is True,
    )


def _match(draft: Draft) -> Match | None:
    path = next((entry for entry in draft.entries("path") if entry.parsed), None)
    sensitive = draft.value("path.case-sensitive") is not False
    headers = [
        HeaderMatch(entry.argument, cast(Any, _HEADER_KINDS[entry.key.name]), str(entry.parsed))
        for entry in draft.entries("header")
        if entry.parsed is not None
    ]
    match = Match(
        path=cast(Any, (path.key.name.removeprefix("path."), path.parsed, sensitive)) if path else None,
        method=cast(str | None, draft.value("method")),
        headers=tuple(sorted(headers)),
    )
    return None if match == Match() else match


def _health(draft: Draft, protocol: TargetProtocol, version: ProtocolVersion | None) -> HealthCheck:
    """Lattice checks HTTP1 groups unless told otherwise, and the others only if told to (User Guide, health checks)."""
    derived = {
        "enabled": version == "HTTP1" or not HEALTH_CHECK_SLOTS.isdisjoint(draft.slots),
        "protocol": "HTTPS" if protocol == "HTTPS" else "HTTP",
        "protocol_version": "HTTP2" if version in {"HTTP2", "GRPC"} else "HTTP1",
    }
    written = {name: draft.value(slot) for name, slot in _HEALTH_SLOTS.items() if draft.value(slot) is not None}
    return HealthCheck(**cast(dict[str, Any], derived | written))
