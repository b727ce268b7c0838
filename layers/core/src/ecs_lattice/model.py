"""The words of a declaration as frozen values: what a user asks for, parsed and complete.

Everything here is what :mod:`ecs_lattice.declaration` returns and both reconcilers read. Names are AWS's.
"""

import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, NamedTuple

ListenerProtocol = Literal["HTTP", "HTTPS", "TLS_PASSTHROUGH"]
TargetProtocol = Literal["HTTP", "HTTPS", "TCP"]
ProtocolVersion = Literal["HTTP1", "HTTP2", "GRPC"]
AddressFamily = Literal["IPV4", "IPV6"]
AuthType = Literal["NONE", "AWS_IAM"]
TargetsMode = Literal["ecs", "controller"]
IngressMode = Literal["default", "manage", "off"]


REGION = r"[a-z]{2,4}(?:-[a-z]+)+-[0-9]{1,2}"
"""The pattern of the name of a Region (AWS General Reference), which is part of ARNs and of printed commands."""
_LONG_ARN = re.compile(rf"arn:aws[a-z-]*:ecs:{REGION}:[0-9]+:service/[A-Za-z0-9_-]{{1,255}}/[A-Za-z0-9_-]{{1,255}}")


@dataclass(frozen=True, slots=True, order=True)
class ServiceId:
    """An ECS service, by its long ARN."""

    arn: str

    @property
    def partition(self) -> str:
        return self.arn.split(":")[1]

    @property
    def region(self) -> str:
        return self.arn.split(":")[3]

    @property
    def account(self) -> str:
        return self.arn.split(":")[4]

    @property
    def cluster(self) -> str:
        """The cluster's name."""
        return self.arn.split("/")[-2]

    @property
    def name(self) -> str:
        return self.arn.split("/")[-1]

    @property
    def is_long(self) -> bool:
        """Whether it is an ARN that names its cluster (``service/<cluster>/<name>``); the short form cannot be looked up."""
        return _LONG_ARN.fullmatch(self.arn) is not None

    def in_cluster(self, cluster_arn: str) -> "ServiceId":
        """The long form of a short ARN, completed with its cluster's; itself where it is long already or that is unknown."""
        head, found, cluster = cluster_arn.partition(":cluster/")
        return ServiceId(f"{head}:service/{cluster}/{self.name}") if found and not self.is_long else self

    def __str__(self) -> str:
        return f"{self.cluster}/{self.name}"


@dataclass(frozen=True, slots=True, order=True)
class ListenerKey:
    """A listener within a Lattice service: protocol and port (1-65535)."""

    protocol: ListenerProtocol
    port: int

    def __str__(self) -> str:
        return f"{self.protocol}:{self.port}"


@dataclass(frozen=True, slots=True, order=True)
class HeaderMatch:
    """One header that a request must carry; names and values compare without case, as Lattice does by default."""

    name: str
    kind: Literal["exact", "prefix", "contains"]
    value: str


class PathMatch(NamedTuple):
    """The path that a request must have, or begin with."""

    kind: Literal["exact", "prefix"]
    value: str
    is_case_sensitive: bool


@dataclass(frozen=True, order=True)
class Match:
    """The conditions a request has to meet, all of them. ``headers`` are sorted, at most 5."""

    path: PathMatch | None = None
    method: str | None = None
    headers: tuple[HeaderMatch, ...] = ()

    @cached_property
    def canonical(self) -> "Match":
        """Equal for matches of the same requests: in lower case where Lattice compares without case."""
        path = self.path
        if path and not path.is_case_sensitive:
            path = path._replace(value=path.value.lower())
        headers = {HeaderMatch(header.name.lower(), header.kind, header.value.lower()) for header in self.headers}
        return Match(path, self.method, tuple(sorted(headers)))

    def __str__(self) -> str:
        parts = [self.method or ""]
        if path := self.path:
            case = "" if path.is_case_sensitive else " (any case)"
            parts.append(f"{path.value}{'*' if path.kind == 'prefix' else ''}{case}")
        parts += [
            f"{h.name}{ {'exact': '=', 'prefix': '^=', 'contains': '*='}[h.kind] }{h.value}" for h in self.headers
        ]
        return " ".join(part for part in parts if part) or "everything"


@dataclass(frozen=True, slots=True)
class HealthCheck:
    """A Lattice target group's health check, complete: every field has the value that is sent.

    Seconds for interval (5-300) and timeout (1-120); counts 2-10; ``code`` as Lattice's matcher takes it
    ("200", "200-299", "200,302"); ``port`` None is the target's traffic port. Disabled: Lattice answers UNAVAILABLE
    for the targets, which counts as able to answer.
    """

    enabled: bool
    protocol: Literal["HTTP", "HTTPS"] = "HTTP"
    protocol_version: Literal["HTTP1", "HTTP2"] = "HTTP1"
    port: int | None = None
    path: str = "/"
    code: str = "200"
    interval: int = 30
    timeout: int = 5
    healthy: int = 5
    unhealthy: int = 2


@dataclass(frozen=True, slots=True)
class Route:
    """One named entry of a declaration: one port of an ECS service, behind one match on listeners of a Lattice service.

    ``match`` None is the listener's default action. ``priority`` and ``weight`` are None when the author gave none.
    ``idle_timeout`` in seconds; None leaves it to what others declare, or to Lattice (60). ``auth`` None likewise.
    ``networks`` are service networks by name, id or ARN. ``health_grace`` (seconds) is the least
    healthCheckGracePeriodSeconds the ECS service gets. ``targets`` None: not written out, the default applies. ``alarm``:
    whether a CloudWatch alarm watches the route; it fires after ``alarm_minutes`` impaired minutes.
    """

    name: str
    lattice_service: str
    port_name: str
    match: Match | None = None
    priority: int | None = None
    weight: int | None = None
    listeners: tuple[ListenerKey, ...] = (ListenerKey("HTTPS", 443),)
    networks: tuple[str, ...] = ()
    domain: str | None = None
    certificate: str | None = None
    auth: AuthType | None = None
    idle_timeout: int | None = None
    protocol: TargetProtocol = "HTTP"
    protocol_version: ProtocolVersion | None = "HTTP1"
    health: HealthCheck = field(default_factory=lambda: HealthCheck(enabled=True))
    health_grace: int = 120
    targets: TargetsMode | None = None
    ingress: IngressMode = "default"
    alarm: bool = True
    alarm_minutes: int = 3
    pause: bool = False


@dataclass(frozen=True, slots=True)
class Declaration:
    """All routes of one ECS service, ordered by name. Without routes: the service does not ask for Lattice.

    ``removed`` are the names of routes that the author takes away on purpose (``routes.<name>.remove = true``).
    """

    routes: tuple[Route, ...] = ()
    removed: tuple[str, ...] = ()

    def route(self, name: str) -> Route | None:
        return next((route for route in self.routes if route.name == name), None)


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a route's targets are: VPC, address family, and the port its tasks listen on (the group's default)."""

    vpc_id: str
    family: AddressFamily
    port: int
