"""Drafts to routes: the values that were written, and the defaults of what was not."""

from typing import Any, cast

from ecs_lattice.declaration import keys
from ecs_lattice.declaration.bounds import Bounds
from ecs_lattice.declaration.drafts import Draft, listener_keys
from ecs_lattice.model import HeaderMatch, HealthCheck, ListenerKey, Match, ProtocolVersion, Route, TargetProtocol
from ecs_lattice.naming import service_name

DEFAULT_LISTENERS = (ListenerKey("HTTPS", 443),)
DEFAULT_HEALTH_GRACE = 120
"""Seconds; ECS gives a service without load balancer none, and a slow starter is then replaced for ever."""

DEFAULT_ALARM_MINUTES = 3


def build(draft: Draft, port_name: str, bounds: Bounds) -> Route:
    """The route that ``draft`` asks for. What is not allowed in it has its default: nobody uses such a route."""
    listeners = listener_keys(draft.value("listener")) or DEFAULT_LISTENERS
    protocol = _protocol(draft, listeners)
    version = None if protocol == "TCP" else cast(ProtocolVersion, draft.value("protocol-version") or "HTTP1")
    auth = draft.value("auth") or ("AWS_IAM" if bounds.minimum_auth == "iam" else None)
    return Route(
        name=draft.name,
        lattice_service=service_name(str(draft.value("service") or ""), bounds.name_prefix),
        port_name=port_name,
        match=_match(draft),
        listeners=listeners,
        protocol=protocol,
        protocol_version=version,
        health=_health(draft, protocol, version),
        **cast(
            dict[str, Any],
            {
                "auth": auth,
                "priority": draft.value("priority"),
                "weight": draft.value("weight"),
                "networks": draft.value("network") or bounds.default_networks,
                "domain": draft.value("domain"),
                "certificate": draft.value("certificate"),
                "idle_timeout": draft.value("idle-timeout"),
                "health_grace": _or(draft.value("health.grace"), DEFAULT_HEALTH_GRACE),
                "targets": draft.value("targets"),
                "ingress": draft.value("ingress") or "default",
                "alarm": draft.value("alarm") != "off",
                "alarm_minutes": _or(draft.value("alarm.minutes"), DEFAULT_ALARM_MINUTES),
                "pause": draft.value("pause") is True,
            },
        ),
    )


def _or(value: object, default: object) -> object:
    return default if value is None else value


def _protocol(draft: Draft, listeners: tuple[ListenerKey, ...]) -> TargetProtocol:
    default = "TCP" if any(listener.protocol == "TLS_PASSTHROUGH" for listener in listeners) else "HTTP"
    return cast(TargetProtocol, draft.value("protocol") or default)


def _match(draft: Draft) -> Match | None:
    path = draft.entry("path")
    sensitive = draft.value("path.case-sensitive") is not False
    match = Match(
        path=cast(Any, (path.key.name.removeprefix("path."), path.parsed, sensitive)) if path and path.parsed else None,
        method=cast(str | None, draft.value("method")),
        headers=tuple(
            sorted(
                HeaderMatch(entry.argument, cast(Any, _header_kind(entry.key)), str(entry.parsed))
                for entry in draft.entries("header")
                if entry.parsed is not None
            )
        ),
    )
    return None if match == Match() else match


def _header_kind(key: keys.Key) -> str:
    return key.name.removesuffix(".<name>").removeprefix("header").removeprefix("-") or "exact"


def _health(draft: Draft, protocol: TargetProtocol, version: ProtocolVersion | None) -> HealthCheck:
    """Lattice checks HTTP1 groups unless told otherwise, and the others only if told to (User Guide, health checks)."""
    is_written = any(draft.has(slot) for slot in keys.HEALTH_CHECK_SLOTS)
    written = {
        "protocol": draft.value("health.protocol"),
        "protocol_version": draft.value("health.protocol-version"),
        "port": draft.value("health.port"),
        "path": draft.value("health.path"),
        "code": draft.value("health.code"),
        "interval": draft.value("health.interval"),
        "timeout": draft.value("health.timeout"),
        "healthy": draft.value("health.healthy"),
        "unhealthy": draft.value("health.unhealthy"),
    }
    derived = {
        "enabled": _or(draft.value("health.enabled"), version == "HTTP1" or is_written),
        "protocol": "HTTPS" if protocol == "HTTPS" else "HTTP",
        "protocol_version": "HTTP2" if version in {"HTTP2", "GRPC"} else "HTTP1",
    }
    return HealthCheck(
        **cast(dict[str, Any], derived | {name: value for name, value in written.items() if value is not None})
    )
