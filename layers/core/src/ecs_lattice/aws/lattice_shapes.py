"""The shapes of the VPC Lattice API (botocore's service model ``vpc-lattice``) from our values and back."""

import json
from collections.abc import Mapping
from typing import Any

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


def health_from(data: Mapping[str, Any]) -> HealthCheck:
    """The health check of a target group's configuration, with VPC Lattice's defaults."""
    return HealthCheck(
        enabled=data.get("enabled", False),
        protocol=data.get("protocol", "HTTP"),
        protocol_version=data.get("protocolVersion", "HTTP1"),
        port=data.get("port") or None,
        path=data.get("path", "/"),
        code=data.get("matcher", {}).get("httpCode", "200"),
        interval=data.get("healthCheckIntervalSeconds", 30),
        timeout=data.get("healthCheckTimeoutSeconds", 5),
        healthy=data.get("healthyThresholdCount", 5),
        unhealthy=data.get("unhealthyThresholdCount", 2),
    )


def group_from(data: Mapping[str, Any]) -> Group:
    """The target group of a GetTargetGroup answer."""
    config = data.get("config", {})
    health = config.get("healthCheck")
    return Group(
        id=data["id"],
        arn=data["arn"],
        name=data["name"],
        status=data["status"],
        kind=data["type"],
        vpc_id=config.get("vpcIdentifier", ""),
        protocol=config.get("protocol", ""),
        health=health_from(health) if health else None,
        service_arns=tuple(data.get("serviceArns", ())),
        port=config.get("port", 0),
        protocol_version=config.get("protocolVersion", ""),
        family="IPV6" if config.get("ipAddressType") == "IPV6" else "IPV4",
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
    )


def listener_key(data: Mapping[str, Any]) -> ListenerKey:
    """Protocol and port of a listener or its summary."""
    return ListenerKey(data["protocol"], data["port"])
