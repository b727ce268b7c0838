"""Causes why a task that VPC Lattice can reach fails its health check: nobody listens, another answer, another protocol."""

from ecs_lattice.diagnosis.causes import commands, container_check
from ecs_lattice.diagnosis.causes.reason_hints import checks_fail, hints, reasons
from ecs_lattice.diagnosis.evidence import Evidence, GroupSeen
from ecs_lattice.diagnosis.findings import Command, Finding, Likelihood, aws
from ecs_lattice.model import HealthCheck

_TLS_PORTS = frozenset({443, 8443, 9443})
# What a target group may speak to a container whose port mapping declares an appProtocol (Amazon ECS API, PortMapping).
_VERSIONS = {"grpc": {"GRPC"}, "http2": {"HTTP2", "GRPC"}, "http": {"HTTP1"}}


def not_listening(evidence: Evidence) -> Finding | None:
    """Nothing answers at the port: the container is not ready, listens elsewhere, or only on its loopback address."""
    checked = hints(evidence)
    if not checks_fail(evidence) or checked == {"code"}:
        return None
    elsewhere = _elsewhere(evidence)
    likelihood: Likelihood = "likely" if elsewhere or checked & {"connection", "timeout"} else "possible"
    port = _check_port(evidence)
    return Finding(
        "NOT_LISTENING",
        likelihood,
        f"nothing answers at port {port} of the tasks",
        f"The tasks run and VPC Lattice is let in, but its health checks at port {port} fail.{reasons(evidence)}"
        f"{f' {elsewhere}' if elsewhere else ''}",
        f"Let the container listen on 0.0.0.0 (not on 127.0.0.1) at port {port}, or name the port it listens on "
        "in the port mapping and in the labels.",
        (
            *commands.into_container(evidence, "ss -ltn"),
            *commands.into_logs(evidence),
            commands.into_targets(evidence),
        ),
    )


def _elsewhere(evidence: Evidence) -> str:
    """A sentence when the task definition says that the container listens elsewhere."""
    port, container = _check_port(evidence), evidence.container
    own = container_check.of(container)
    if own is not None and own.port != port:
        return f"The container's own health check asks {own}, another port."
    made = {p.container_port for c in evidence.definition.containers for p in c.ports} if evidence.definition else set()
    if evidence.definition and made and port not in made:
        return f"{evidence.definition.name} has no container port {port}; it has {', '.join(map(str, sorted(made)))}."
    return ""


def health_code(evidence: Evidence) -> Finding | None:
    """The container answers the health check with a status that the target group does not take."""
    checked, health = hints(evidence), _health(evidence)
    if not checks_fail(evidence) or health is None:
        return None
    own = container_check.of(evidence.container)
    other_path = own is not None and own.port == _check_port(evidence) and own.path != health.path
    if checked and "code" not in checked and not other_path:
        return None
    likelihood: Likelihood = "likely" if "code" in checked or (other_path and not checked) else "possible"
    hint = f" The container's own health check asks {own}." if own else ""
    return Finding(
        "HEALTH_CODE",
        likelihood,
        f"{health.path} does not answer with {health.code}",
        f"The target group asks {health.path} at port {_check_port(evidence)} and takes status {health.code}."
        f"{reasons(evidence)}{hint}",
        "Let the path answer, or name the right one: "
        f"{evidence.label_prefix}.health.path and {evidence.label_prefix}.health.code, as docker labels or service tags.",
        (
            *(_right_path(evidence, own.path) if own and other_path else ()),
            *commands.into_container(evidence, f"curl -si {_url(health, _check_port(evidence))}"),
            *commands.into_logs(evidence),
            commands.into_targets(evidence),
        ),
    )


def wrong_protocol(evidence: Evidence) -> Finding | None:
    """The target group speaks another protocol than the container."""
    if not checks_fail(evidence) or evidence.group is None:
        return None
    checked, group = hints(evidence), evidence.group
    if checked == {"code"}:
        return None  # something answered, so the protocol is right
    said = _said_otherwise(evidence, group)
    guessed = _guessed(evidence, group)
    if not said and not guessed and "tls" not in checked:
        return None
    prefix = evidence.label_prefix
    return Finding(
        "WRONG_PROTOCOL",
        "likely" if said or checked & {"tls", "connection"} else "possible",
        f"the target group speaks {_spoken(group)}, the container something else",
        f"The target group {group.name} asks by {_spoken(group)}.{reasons(evidence)} {said or guessed}".rstrip(),
        f"{prefix}.protocol (HTTP, HTTPS, TCP), {prefix}.protocol-version (HTTP1, HTTP2, GRPC) and {prefix}.health.protocol "
        "say what the container speaks. A target group cannot change its protocol: use a new port name for it.",
        (*commands.into_logs(evidence), commands.into_targets(evidence)),
    )


def _said_otherwise(evidence: Evidence, group: GroupSeen) -> str:
    """A sentence when the task definition names another protocol."""
    container, health = evidence.container, _health(evidence)
    own = container_check.of(container)
    if own and health and own.port == _check_port(evidence) and own.scheme != health.protocol.lower():
        return f"The container's own health check asks {own}; the target group checks by {health.protocol}."
    for port in container.ports if container else ():
        if port.container_port in evidence.target_ports and group.version not in _VERSIONS.get(
            port.app_protocol, {group.version}
        ):
            return f"The port mapping {port.name or port.container_port} has appProtocol {port.app_protocol}."
    return ""


def _guessed(evidence: Evidence, group: GroupSeen) -> str:
    """A sentence when the number of the port speaks for TLS."""
    port = _check_port(evidence)
    health = _health(evidence)
    if port in _TLS_PORTS and "HTTPS" not in {group.protocol, health.protocol if health else ""}:
        return f"Port {port} is usually one for TLS."
    return ""


def _health(evidence: Evidence) -> HealthCheck | None:
    return evidence.group.health if evidence.group else None


def _check_port(evidence: Evidence) -> int:
    return next(iter(evidence.health_ports), 0)


def _url(health: HealthCheck, port: int) -> str:
    return f"{health.protocol.lower()}://localhost:{port}{health.path}"


def _spoken(group: GroupSeen) -> str:
    """Protocol and version, without naming the plain version twice."""
    return group.protocol if group.version in {"", "HTTP1"} else f"{group.protocol} ({group.version})"


def _right_path(evidence: Evidence, path: str) -> tuple[Command, ...]:
    """A service tag stands above the label and needs no deployment; only where the route has no name, because routes of
    one port share their health check."""
    if evidence.subject.route != "default":
        return ()
    return (
        aws("mends it, if that is the right path", evidence.region, "ecs", "tag-resource",
            "--resource-arn", evidence.subject.service.arn,
            "--tags", f"key={evidence.label_prefix}.health.path,value={path}"),
    )  # fmt: skip
