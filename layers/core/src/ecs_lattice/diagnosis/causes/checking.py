"""Causes for which a task that VPC Lattice can reach fails its health check: nothing answers, a wrong status, a wrong protocol."""

import shlex

from ecs_lattice.diagnosis.causes import commands
from ecs_lattice.diagnosis.causes.container_check import ContainerHealthCheck, container_health_check
from ecs_lattice.diagnosis.causes.reason_hints import failing_check, hints, reported_by_lattice
from ecs_lattice.diagnosis.evidence import Evidence
from ecs_lattice.diagnosis.findings import Command, Finding, sentences
from ecs_lattice.graph import Group
from ecs_lattice.model import HealthCheck

_TLS_PORTS = frozenset({443, 8443, 9443})
# What a target group may use towards a container whose port mapping has an appProtocol (Amazon ECS API, PortMapping).
_VERSIONS = {"grpc": {"GRPC"}, "http2": {"HTTP2", "GRPC"}, "http": {"HTTP1"}}


def not_listening(evidence: Evidence) -> Finding | None:
    """Nothing answers on the port: the container is not ready, or listens elsewhere or on its loopback address only."""
    found = hints(evidence)
    if failing_check(evidence) is None or found == {"code"}:
        return None
    port, elsewhere = evidence.health_port, _elsewhere(evidence)
    return Finding(
        "NOT_LISTENING",
        "likely" if elsewhere or found & {"connection", "timeout"} else "possible",
        f"nothing answers on port {port} of the tasks",
        sentences(
            f"The tasks are running and the security group allows VPC Lattice, but health checks on port {port} fail.",
            reported_by_lattice(evidence),
            elsewhere,
        ),
        f"Make the container listen on port {port} of all addresses (0.0.0.0, not 127.0.0.1), or set the port that it listens "
        "on in the port mapping and the labels.",
        (
            *commands.in_container(evidence, "To inspect the listening ports in a task", "ss -ltn"),
            *commands.log(evidence),
            commands.targets(evidence),
        ),
    )


def _elsewhere(evidence: Evidence) -> str:
    """A sentence when the task definition shows that the container listens elsewhere."""
    port, definition, check = evidence.health_port, evidence.task_definition, container_health_check(evidence.container)
    if check is not None and check.port != port:
        return f"The container's own health check uses {check}, a different port."
    ports = sorted({p.container_port for c in definition.containers for p in c.ports}) if definition else []
    if definition and ports and port not in ports:
        return f"{definition.name} has no container port {port}; it has {', '.join(map(str, ports))}."
    return ""


def health_code(evidence: Evidence) -> Finding | None:
    """The container answers the health check with a status that the target group does not expect."""
    found, health = hints(evidence), failing_check(evidence)
    if health is None:
        return None
    check = container_health_check(evidence.container)
    other_path = _other_path(evidence, health, check)
    if found and "code" not in found and not other_path:
        return None
    port = evidence.health_port
    request = shlex.join(("curl", "-si", f"{health.protocol.lower()}://localhost:{port}{health.path}"))
    return Finding(
        "HEALTH_CODE",
        "likely" if "code" in found or (other_path and not found) else "possible",
        f"{health.path} does not return {health.code}",
        sentences(
            f"The target group checks {health.path} on port {port} and expects status {health.code}.",
            reported_by_lattice(evidence),
            f"The container's own health check uses {check}." if check else "",
        ),
        f"Make the path return that status, or set {evidence.label('health.path')} and {evidence.label('health.code')} to the "
        "right ones, as docker labels or service tags.",
        (
            *_set_path(evidence, other_path),
            *commands.in_container(evidence, "To run the health check in a task", request),
            *commands.log(evidence),
            commands.targets(evidence),
        ),
    )


def _other_path(evidence: Evidence, health: HealthCheck, check: ContainerHealthCheck | None) -> str:
    """The path that the container's own health check uses on the same port, where it is another one."""
    return check.path if check and check.port == evidence.health_port and check.path != health.path else ""


def _set_path(evidence: Evidence, path: str) -> tuple[Command, ...]:
    """Only for a route without a name, because named routes of one port share their health check."""
    if not path or evidence.subject.route != "default":
        return ()
    return (commands.tag_service(evidence, f"To fix, if {path} is the right path", "health.path", path),)


def wrong_protocol(evidence: Evidence) -> Finding | None:
    """The target group uses another protocol than the container."""
    found, group = hints(evidence), evidence.group
    if group is None or failing_check(evidence) is None or found == {"code"}:
        return None  # with a status code something answered, so the protocol is right
    stated = _stated_otherwise(evidence, group)
    why = stated or _guessed(evidence, group)
    if not why and "tls" not in found:
        return None
    protocol = _protocol(group)
    return Finding(
        "WRONG_PROTOCOL",
        "likely" if stated or found & {"tls", "connection"} else "possible",
        f"the target group uses {protocol}, the container another protocol",
        sentences(f"Target group {group.name} uses {protocol}.", reported_by_lattice(evidence), why),
        f"Set {evidence.label('protocol')} (HTTP, HTTPS, TCP), {evidence.label('protocol-version')} (HTTP1, HTTP2, GRPC) and "
        f"{evidence.label('health.protocol')} to what the container uses. The protocol of a target group cannot change: use a "
        "new port name for it.",
        (*commands.log(evidence), commands.targets(evidence)),
    )


def _protocol(group: Group) -> str:
    return group.protocol if group.protocol_version in {"", "HTTP1"} else f"{group.protocol} ({group.protocol_version})"


def _stated_otherwise(evidence: Evidence, group: Group) -> str:
    """A sentence when the task definition states another protocol."""
    health, check = evidence.health_check, container_health_check(evidence.container)
    if health and check and check.port == evidence.health_port and check.scheme != health.protocol.lower():
        return f"The container's own health check uses {check}, the target group's uses {health.protocol}."
    for port in evidence.container.ports if evidence.container else ():
        is_target = port.container_port in evidence.target_ports
        if is_target and group.protocol_version not in _VERSIONS.get(port.app_protocol, {group.protocol_version}):
            return f"The port mapping for port {port.container_port} has appProtocol {port.app_protocol}."
    return ""


def _guessed(evidence: Evidence, group: Group) -> str:
    """A sentence when the port number suggests TLS and the group does not use it, or the other way round, and the container's
    own health check does not say that the group is right."""
    health, check = evidence.health_check, container_health_check(evidence.container)
    uses_tls = "HTTPS" in {group.protocol, health.protocol if health else ""}
    is_usual = evidence.health_port in _TLS_PORTS
    if is_usual == uses_tls or not evidence.health_port or (check and check.port == evidence.health_port):
        return ""
    return f"Port {evidence.health_port} is {'usually' if is_usual else 'not usually'} used for TLS."
