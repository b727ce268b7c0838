"""The configuration of the data plane as frozen values, and the pure decision which rule matches a request.

Sources: VPC Lattice User Guide, "Listener rules"; botocore's service model (HttpMatch, PathMatch, HeaderMatch).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from local_aws.network import Request

View = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class RuleRoute:
    """A rule; the default rule has no match."""

    id: str
    match: View | None
    groups: tuple[tuple[str, int], ...]
    """Target group ids with their weights; empty for a fixed response."""
    fixed_status: int | None


@dataclass(frozen=True, slots=True)
class ListenerRoutes:
    """A listener; its rules in evaluation order, the default rule last."""

    id: str
    protocol: str
    port: int
    rules: tuple[RuleRoute, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """All listeners by service id and port, and the targets that receive traffic by target group id."""

    listeners: Mapping[tuple[str, int], ListenerRoutes]
    targets: Mapping[str, tuple[tuple[str, int | None], ...]]


def rule_of(action: View, rule_id: str, match: View | None) -> RuleRoute:
    """A rule from its API form."""
    fixed = action.get("fixedResponse")
    groups = action.get("forward", {}).get("targetGroups", ())
    return RuleRoute(
        rule_id,
        match,
        tuple((group["targetGroupIdentifier"], group["weight"]) for group in groups),
        fixed["statusCode"] if fixed else None,
    )


def choose(listener: ListenerRoutes, request: Request) -> RuleRoute:
    """The first rule that matches; the default rule matches everything."""
    return next(rule for rule in listener.rules if rule.match is None or matches(rule.match, request))


def matches(match: View, request: Request) -> bool:
    """Whether all conditions of the match hold."""
    http = match["httpMatch"]
    method = http.get("method")
    if method and request.method != method:
        return False
    path = http.get("pathMatch")
    if path and not _path_matches(path, request.path):
        return False
    headers = {name.lower(): value for name, value in request.headers.items()}
    return all(_header_matches(wanted, headers) for wanted in http.get("headerMatches", ()))


def _path_matches(wanted: View, target: str) -> bool:
    """Whether the path without its query matches, exactly or by prefix.

    Case-sensitive unless the rule says otherwise (service model). A prefix is plain text: ``/foo`` matches ``/foobar``
    (assumption: the guide only says prefix).
    """
    path = target.partition("?")[0]
    kind, text = next(iter(wanted["match"].items()))
    if not wanted.get("caseSensitive", True):
        path, text = path.lower(), text.lower()
    return path == text if kind == "exact" else path.startswith(text)


def _header_matches(wanted: View, headers: Mapping[str, str]) -> bool:
    """Whether a header's value matches, exactly, by prefix or by part; case-insensitive by default (service model)."""
    value = headers.get(wanted["name"].lower())
    if value is None:
        return False
    kind, text = next(iter(wanted["match"].items()))
    if not wanted.get("caseSensitive", False):
        value, text = value.lower(), text.lower()
    if kind == "exact":
        return value == text
    return value.startswith(text) if kind == "prefix" else text in value


def covers(domain: str, host: str) -> bool:
    """Whether a custom domain name, which may begin with ``*.``, covers the host."""
    domain = domain.lower()
    if domain.startswith("*."):
        return host.endswith(domain[1:]) and "." not in host[: -len(domain) + 1]
    return domain == host


def versions_fit(asked: str, spoken: str, method: str) -> bool:
    """Whether a target group's protocol version can serve the request (User Guide, "Target groups", protocol version)."""
    if asked == "HTTP2" and spoken == "GRPC":
        return method == "POST"
    return spoken in {"HTTP1": {"HTTP1"}, "HTTP2": {"HTTP1", "HTTP2"}, "GRPC": {"HTTP2", "GRPC"}}[asked]


class SmoothWeights:
    """Smooth weighted round robin: evenly distributed and deterministic."""

    def __init__(self) -> None:
        self._current: dict[tuple[str, tuple[tuple[str, int], ...]], dict[str, int]] = {}

    def next(self, owner: str, weights: tuple[tuple[str, int], ...]) -> str | None:
        """The next choice of ``owner``; None if all weights are 0. Changed weights start over."""
        total = sum(weight for _, weight in weights)
        if total == 0:
            return None
        current = self._current.setdefault((owner, weights), dict.fromkeys((name for name, _ in weights), 0))
        for name, weight in weights:
            current[name] += weight
        chosen = max((name for name, weight in weights if weight), key=lambda name: current[name])
        current[chosen] -= total
        return chosen
