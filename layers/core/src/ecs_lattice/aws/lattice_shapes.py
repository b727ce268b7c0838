"""The shapes of the VPC Lattice API (botocore's service model ``vpc-lattice``) from our values and back."""

import json
from collections.abc import Mapping
from typing import Any

from ecs_lattice.errors import failure_from
from ecs_lattice.graph import (
    Action,
    AnyMatch,
    FixedResponse,
    Forward,
    Group,
    OtherMatch,
    Service,
    Target,
    forward,
    id_of,
)
from ecs_lattice.model import HeaderMatch, HealthCheck, ListenerKey, Match, PathMatch

_PORTS = {"HTTP": 80, "HTTPS": 443}
_CHECKED = frozenset({"IP", "INSTANCE"})


def action_from(data: Mapping[str, Any]) -> Action:
    """A RuleAction as an action, target groups by id."""
    if "forward" in data:
        groups = data["forward"]["targetGroups"]
        # A single group may have no weight (WeightedTargetGroup: default 100).
        return forward({id_of(group["targetGroupIdentifier"]): group.get("weight", 100) for group in groups})
    return FixedResponse(data["fixedResponse"]["statusCode"])


def action_to(action: Action) -> dict[str, Any]:
    """The RuleAction of an action."""
    match action:
        case Forward(groups):
            named = [{"targetGroupIdentifier": target.group, "weight": target.weight} for target in groups]
            return {"forward": {"targetGroups": named}}
        case FixedResponse(status):
            return {"fixedResponse": {"statusCode": status}}


def match_from(data: Mapping[str, Any]) -> AnyMatch:
    """A RuleMatch that a route can declare as a Match, any other as text."""
    http = data.get("httpMatch", {})
    headers = http.get("headerMatches") or []
    if not http or any(header.get("caseSensitive") for header in headers):
        return OtherMatch(json.dumps(data, sort_keys=True))
    return Match(
        path=_path_from(http.get("pathMatch")),
        method=http.get("method"),
        headers=tuple(sorted(HeaderMatch(header["name"], *next(iter(header["match"].items()))) for header in headers)),
    )


def _path_from(data: Mapping[str, Any] | None) -> PathMatch | None:
    if not data:
        return None
    kind, value = next(iter(data["match"].items()))
    return PathMatch(kind, value, data.get("caseSensitive", True))


def match_to(match: AnyMatch) -> dict[str, Any]:
    """The RuleMatch of a match."""
    if isinstance(match, OtherMatch):
        return dict(json.loads(match.text))
    http: dict[str, Any] = {}
    if match.method:
        http["method"] = match.method
    if path := match.path:
        http["pathMatch"] = {"match": {path.kind: path.value}, "caseSensitive": path.is_case_sensitive}
    if match.headers:
        http["headerMatches"] = [
            {"name": header.name, "match": {header.kind: header.value}, "caseSensitive": False}
            for header in match.headers
        ]
    return {"httpMatch": http}


def health_to(health: HealthCheck) -> dict[str, Any]:
    """The whole structure, because UpdateTargetGroup replaces it; a port of 0 means the target's own."""
    return {
        "enabled": health.enabled,
        "protocol": health.protocol,
        "protocolVersion": health.protocol_version,
        "port": health.port or 0,
        "path": health.path,
        "healthCheckIntervalSeconds": health.interval,
        "healthCheckTimeoutSeconds": health.timeout,
        "healthyThresholdCount": health.healthy,
        "unhealthyThresholdCount": health.unhealthy,
        "matcher": {"httpCode": health.code},
    }


def health_from(data: Mapping[str, Any], protocol: str, version: str) -> HealthCheck:
    """The health check of a target group of this protocol and version. GetTargetGroup leaves members out that were not set
    (aws-application-networking-k8s, issue 69): they have VPC Lattice's defaults, by which 0 and the empty string mean the
    default, too (VPC Lattice API, HealthCheckConfig; User Guide, "Health checks").

    By default checks are on for HTTP1 groups and off for others, and over HTTP (the API's text; that those of HTTPS groups use
    HTTPS, and those of gRPC groups HTTP2, is an assumption)."""
    default: dict[str, Any] = {
        "enabled": protocol != "TCP" and version == "HTTP1",
        "protocol": "HTTPS" if protocol == "HTTPS" else "HTTP",
        "protocolVersion": "HTTP2" if version in {"HTTP2", "GRPC"} else "HTTP1",
        "path": "/",
        "matcher": {},
        "healthCheckIntervalSeconds": 30,
        "healthCheckTimeoutSeconds": 5,
        "healthyThresholdCount": 5,
        "unhealthyThresholdCount": 2,
    }
    check = default | {name: value for name, value in data.items() if value or value is False}
    return HealthCheck(
        enabled=check["enabled"],
        protocol=check["protocol"],
        protocol_version=check["protocolVersion"],
        port=check.get("port"),
        path=check["path"],
        code=check["matcher"].get("httpCode") or "200",
        interval=check["healthCheckIntervalSeconds"],
        timeout=check["healthCheckTimeoutSeconds"],
        healthy=check["healthyThresholdCount"],
        unhealthy=check["unhealthyThresholdCount"],
    )


def group_from(data: Mapping[str, Any]) -> Group:
    """The target group of a GetTargetGroup answer, what it leaves out with VPC Lattice's defaults: IPv4, HTTP1 unless the
    protocol is TCP, the protocol's own port (VPC Lattice API, TargetGroupConfig), and a health check (types IP and
    INSTANCE alone have one)."""
    config, kind = data.get("config", {}), data["type"]
    protocol = config.get("protocol", "")
    version = config.get("protocolVersion") or ("HTTP1" if protocol in _PORTS else "")
    return Group(
        id=data["id"],
        arn=data["arn"],
        name=data["name"],
        status=data["status"],
        kind=kind,
        vpc_id=config.get("vpcIdentifier", ""),
        protocol=protocol,
        health=health_from(config.get("healthCheck", {}), protocol, version) if kind in _CHECKED else None,
        service_arns=tuple(data.get("serviceArns", ())),
        port=config.get("port") or _PORTS.get(protocol, 0),
        protocol_version=version,
        family="IPV6" if config.get("ipAddressType") == "IPV6" else "IPV4",
        failure=failure_from(data) if "failureCode" in data else "",
    )


def target_from(data: Mapping[str, Any]) -> Target:
    """A target of a ListTargets answer."""
    return Target(data["id"], data.get("port", 0), data["status"], data.get("reasonCode") or "")


def service_from(data: Mapping[str, Any]) -> Service:
    """The service of a GetService answer, without tags."""
    return Service(
        arn=data["arn"],
        name=data["name"],
        status=data["status"],
        domain_name=data.get("dnsEntry", {}).get("domainName"),
        domain=data.get("customDomainName"),
        certificate=data.get("certificateArn"),
        auth=data.get("authType", "NONE"),
        idle_timeout=data.get("idleTimeoutSeconds", 60),
        failure=failure_from(data) if "failureCode" in data else "",
    )


def listener_key(data: Mapping[str, Any]) -> ListenerKey:
    """Protocol and port of a listener or its summary."""
    return ListenerKey(data["protocol"], data["port"])
