"""The health check of a target group: its defaults, its limits, and which status codes pass.

Ranges and defaults: botocore's service model (HealthCheckConfig) and VPC Lattice User Guide, "Health checks".
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from local_aws.lattice import errors
from local_aws.lattice.state import View


@dataclass(frozen=True, slots=True)
class _Number:
    name: str
    low: int
    default: int


_NUMBERS = (
    _Number("healthCheckIntervalSeconds", 5, 30),
    _Number("healthCheckTimeoutSeconds", 1, 5),
    _Number("healthyThresholdCount", 2, 5),
    _Number("unhealthyThresholdCount", 2, 2),
)
_LEFT_OUT = ("port", "protocolVersion")


def completed(config: View, target_protocol: str, target_version: str | None) -> View:
    """The health check with explicit defaults; 0 and the empty string mean the default (service model).

    Checks are on for HTTP1 groups and by default off for HTTP2, GRPC and TCP groups (User Guide). The protocol is that
    of the targets, HTTP for TCP (the service model says HTTP, examples of HTTPS groups show HTTPS). Port and protocol version
    are left out where they were not set (aws-application-networking-k8s, issue 69); that the other members are never left
    out, and these never where they were set, is an assumption.
    Raises ValidationException for what is outside the limits.
    """
    problems = list(_problems(config))
    if problems:
        raise errors.invalid(errors.summary(problems), *problems)
    check: View = {
        "enabled": config.get("enabled", target_protocol != "TCP" and target_version == "HTTP1"),
        "protocol": config.get("protocol", target_protocol if target_protocol != "TCP" else "HTTP"),
        "path": config.get("path") or "/",
        "matcher": {"httpCode": (config.get("matcher") or {}).get("httpCode") or "200"},
    }
    for number in _NUMBERS:
        check[number.name] = config.get(number.name) or number.default
    return check | {name: config[name] for name in _LEFT_OUT if config.get(name)}


def _problems(config: View) -> Iterator[tuple[str, str]]:
    for number in _NUMBERS:
        given = config.get(number.name)
        if given and given < number.low:
            yield f"healthCheck.{number.name}", f"must be 0 or at least {number.low}, is {given}"
    if config.get("protocol") == "TCP":
        yield "healthCheck.protocol", "must be HTTP or HTTPS"
    code = (config.get("matcher") or {}).get("httpCode")
    if code and not all(200 <= low <= high <= 499 for low, high in _ranges(code)):
        yield "healthCheck.matcher.httpCode", f"must be codes or ranges between 200 and 499, is {code!r}"


def _ranges(codes: str) -> Iterator[tuple[int, int]]:
    """The ranges in ``200,202-299``; an impossible range for what is not a number."""
    for part in codes.split(","):
        low, dash, high = part.partition("-")
        if low.isdigit() and (high.isdigit() if dash else True):
            yield int(low), int(high) if dash else int(low)
        else:
            yield 1, 0


def passes(check: View, status: int) -> bool:
    """Whether the status code means healthy."""
    codes: Any = check["matcher"]["httpCode"]
    return any(low <= status <= high for low, high in _ranges(codes))
