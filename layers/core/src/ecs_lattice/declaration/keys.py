"""The table of keys. Parsing, validation, suggestions and the reference page are all generated from it.

One row per key. The module is long because it is the whole label language.
"""

from dataclasses import dataclass
from typing import Literal

from ecs_lattice.declaration import values
from ecs_lattice.declaration.values import Parser

Shared = Literal["route", "port", "service"]

PATH_IN_TAG = "without `~ % &`"
HEALTH_PATH_IN_TAG = "without `~ % # ? &`"
LETTERS_IN_TAG = "letters, digits, spaces and `_ . : / = + - @` only"
"""What ECS accepts in a tag (Amazon ECS API Reference, Tag)."""


@dataclass(frozen=True, slots=True)
class Key:
    """One row. ``name`` is what follows the prefix (and ``routes.<name>.``); ``<name>`` in it is the header's name.

    ``slot``: keys of one slot replace each other (``path.exact`` on a route replaces an inherited ``path.prefix``).
    ``shared``: the scope of the value. All routes of a ``port`` or a ``service`` share it: a route without it takes it from
    another, and two different values are a problem. ``http_only``: a TLS_PASSTHROUGH route cannot have it and does not
    inherit it. ``named_only``: allowed on a named route only. ``in_tag``: which values a tag can hold (empty: all).
    """

    name: str
    group: str
    parse: Parser
    allowed: str
    default: str
    description: str
    example: str
    slot: str
    shared: Shared = "route"
    http_only: bool = False
    named_only: bool = False
    in_tag: str = ""


def _key(
    name: str,
    group: str,
    parse: Parser,
    allowed: str,
    default: str,
    description: str,
    example: str,
    *,
    slot: str = "",
    shared: Shared = "route",
    http_only: bool = False,
    named_only: bool = False,
    in_tag: str = "",
) -> Key:
    return Key(
        name, group, parse, allowed, default, description, example, slot or name, shared, http_only, named_only, in_tag
    )


GROUPS = {
    "Where": "The Lattice service, the networks that reach it, and the port of the tasks.",
    "Match": "The requests that the route matches. All conditions must hold. Without any, the route is the default: it receives what no other route matches.",
    "Lattice service": "Settings of the Lattice service itself. All its routes share one value.",
    "Targets": "How Lattice connects to the tasks. All routes of one port on one Lattice service share one value.",
    "Health": "How Lattice checks the tasks. All routes of one port on one Lattice service share one value.",
    "Operation": "How the stack operates the route.",
}

KEYS: tuple[Key, ...] = (
    _key(
        "service",
        "Where",
        values.text,
        "3 to 40 lowercase letters, digits and single hyphens, none at an end, not beginning with `svc-`; the stack's "
        "name prefix counts",
        "none: required",
        "The Lattice service. This key opts the ECS service in.",
        "orders",
    ),
    _key(
        "port",
        "Where",
        values.text,
        "the name of a TCP port mapping of the task definition (`portMappings[].name`)",
        "the only named TCP port",
        "The port of the tasks. To rename an attached port, add the new name first.",
        "web",
    ),
    _key(
        "listener",
        "Where",
        values.listeners,
        "`HTTP:<port>`, `HTTPS:<port>` or `TLS_PASSTHROUGH:<port>`, several separated by spaces",
        "HTTPS:443",
        "The ports and protocols that clients connect to. By quota a Lattice service has two listeners by default.",
        "HTTP:80 HTTPS:443",
    ),
    _key(
        "network",
        "Where",
        values.networks,
        "up to 10 service networks by name, id or ARN, separated by spaces, within the stack's parameter AllowedNetworks",
        "the stack's default networks",
        "The service networks from which the Lattice service can be reached.",
        "platform",
    ),
    _key(
        "path.prefix",
        "Match",
        values.Path(200),
        "`/`, then letters, digits and `@ : % _ + . ~ & / = -`; up to 200 characters; no wildcard, no query (`?`) or fragment "
        "(`#`)",
        "every path",
        "The beginning of the path. It is not stripped: the task receives the full path.",
        "/orders",
        slot="path",
        http_only=True,
        in_tag=PATH_IN_TAG,
    ),
    _key(
        "path.exact",
        "Match",
        values.Path(200),
        "as `path.prefix`; a route has one of the two",
        "every path",
        "The whole path.",
        "/orders/export",
        slot="path",
        http_only=True,
        in_tag=PATH_IN_TAG,
    ),
    _key(
        "path.case-sensitive",
        "Match",
        values.boolean,
        "`true` or `false`",
        "true",
        "Whether `/Orders` and `/orders` are different paths.",
        "false",
        http_only=True,
    ),
    _key(
        "method",
        "Match",
        values.method,
        "one HTTP method, up to 16 characters",
        "every method",
        "The HTTP method of the request.",
        "GET",
        http_only=True,
    ),
    _key(
        "header.<name>",
        "Match",
        values.header_value,
        "1 to 200 printable characters; a route has up to 5 headers",
        "no header",
        "A header with exactly this value, case-insensitive.",
        "blue",
        slot="header",
        http_only=True,
        in_tag=LETTERS_IN_TAG,
    ),
    _key(
        "header-prefix.<name>",
        "Match",
        values.header_value,
        "as `header.<name>`",
        "no header",
        "A header that begins with this value, case-insensitive.",
        "Mozilla/5.0",
        slot="header",
        http_only=True,
        in_tag=LETTERS_IN_TAG,
    ),
    _key(
        "header-contains.<name>",
        "Match",
        values.header_value,
        "as `header.<name>`",
        "no header",
        "A header that contains this value, case-insensitive.",
        "beta",
        slot="header",
        http_only=True,
        in_tag=LETTERS_IN_TAG,
    ),
    _key(
        "priority",
        "Match",
        values.Integer(1, 2000),
        "a number from 1 to 2000",
        "by specificity: exact before prefix, longer before shorter",
        "The order in which Lattice evaluates the rules of a listener, lowest first.",
        "10",
        http_only=True,
    ),
    _key(
        "weight",
        "Match",
        values.Integer(0, 999),
        "a number from 0 to 999",
        "none: the match belongs to this route alone",
        "The route's share of a match that several routes have in common. Each of them needs a weight.",
        "90",
        http_only=True,
    ),
    _key(
        "domain",
        "Lattice service",
        values.domain,
        "a domain name without wildcard, up to 255 characters, within the stack's parameter AllowedDomains",
        "only the domain name that Lattice generates",
        "A custom domain name. It cannot be changed later. You create the DNS record.",
        "orders.example.com",
        shared="service",
    ),
    _key(
        "certificate",
        "Lattice service",
        values.certificate,
        "the ARN of an ACM certificate in the same Region",
        "none",
        "The certificate of the custom domain. Required by an HTTPS listener with a custom domain.",
        "arn:aws:acm:us-east-1:123456789012:certificate/0123abcd-0123-0123-0123-0123456789ab",
        shared="service",
    ),
    _key(
        "auth",
        "Lattice service",
        values.Word({"iam": "AWS_IAM", "none": "NONE"}),
        "`iam` or `none`, never less than the stack's parameter MinimumAuth",
        "the stack's parameter MinimumAuth",
        "Whether requests must be signed with AWS credentials.",
        "iam",
        shared="service",
    ),
    _key(
        "idle-timeout",
        "Lattice service",
        values.Integer(60, 600),
        "seconds, from 60 to 600",
        "60",
        "How long a connection may be idle. Lattice closes every connection after 10 minutes.",
        "120",
        shared="service",
    ),
    _key(
        "protocol",
        "Targets",
        values.words("HTTP", "HTTPS", "TCP"),
        "`HTTP`, `HTTPS` or `TCP` (TCP only with TLS_PASSTHROUGH)",
        "HTTP; TCP with TLS_PASSTHROUGH",
        "The protocol of the tasks. Lattice does not verify their certificates.",
        "HTTPS",
        shared="port",
    ),
    _key(
        "protocol-version",
        "Targets",
        values.words("HTTP1", "HTTP2", "GRPC"),
        "`HTTP1`, `HTTP2` or `GRPC` (the last two need HTTPS listeners)",
        "HTTP1",
        "The HTTP version of the tasks.",
        "GRPC",
        shared="port",
        http_only=True,
    ),
    _key(
        "health.enabled",
        "Health",
        values.boolean,
        "`true` or `false`",
        "true for HTTP1; otherwise true if another `health.` key is written, except `health.grace`",
        "Whether Lattice checks the tasks.",
        "true",
        shared="port",
    ),
    _key(
        "health.path",
        "Health",
        values.Path(2048),
        "`/`, then letters, digits and `@ : % _ + . ~ # ? & / = -`; up to 2048 characters",
        "/",
        "The path that the check requests.",
        "/healthz",
        shared="port",
        in_tag=HEALTH_PATH_IN_TAG,
    ),
    _key(
        "health.code",
        "Health",
        values.codes,
        "codes and ranges from 200 to 499, separated by spaces",
        "200",
        "The response codes that count as healthy.",
        "200 300-302",
        shared="port",
    ),
    _key(
        "health.interval",
        "Health",
        values.Integer(5, 300),
        "seconds, from 5 to 300",
        "30",
        "The time between checks.",
        "10",
        shared="port",
    ),
    _key(
        "health.timeout",
        "Health",
        values.Integer(1, 120),
        "seconds, from 1 to 120",
        "5",
        "How long a check waits for the response.",
        "3",
        shared="port",
    ),
    _key(
        "health.healthy",
        "Health",
        values.Integer(2, 10),
        "a number from 2 to 10",
        "5",
        "Consecutive successes before an unhealthy target counts as healthy. A new target needs one.",
        "2",
        shared="port",
    ),
    _key(
        "health.unhealthy",
        "Health",
        values.Integer(2, 10),
        "a number from 2 to 10",
        "2",
        "Consecutive failures before a target counts as unhealthy. ECS replaces unhealthy tasks.",
        "3",
        shared="port",
    ),
    _key(
        "health.port",
        "Health",
        values.Integer(1, values.HIGHEST_PORT),
        "a port number from 1 to 65535",
        "the port of the route",
        "The port that the check connects to, if it is not the port of the route. A container has to map it, unless the security "
        "group is opened by somebody else.",
        "9000",
        shared="port",
    ),
    _key(
        "health.protocol",
        "Health",
        values.words("HTTP", "HTTPS"),
        "`HTTP` or `HTTPS`",
        "HTTPS if `protocol` is HTTPS, otherwise HTTP",
        "The protocol of the check.",
        "HTTP",
        shared="port",
    ),
    _key(
        "health.protocol-version",
        "Health",
        values.words("HTTP1", "HTTP2"),
        "`HTTP1` or `HTTP2`",
        "HTTP2 if `protocol-version` is HTTP2 or GRPC, otherwise HTTP1",
        "The HTTP version of the check.",
        "HTTP1",
        shared="port",
    ),
    _key(
        "health.grace",
        "Health",
        values.Integer(0, 2_147_483_647),
        "seconds, from 0 to 2147483647",
        "120",
        "Health check grace period: how long ECS keeps a new task that is not healthy yet. A longer period of the ECS service is kept.",
        "300",
    ),
    _key(
        "targets",
        "Operation",
        values.words("ecs", "controller"),
        "`ecs` or `controller` (only `controller` for the deployment controllers CODE_DEPLOY and EXTERNAL)",
        "ecs; controller for CODE_DEPLOY and EXTERNAL",
        "Who registers the tasks: ECS itself, which takes one deployment, or this stack. One value per port on a Lattice "
        "service.",
        "controller",
        shared="port",
    ),
    _key(
        "ingress",
        "Operation",
        values.words("manage", "off"),
        "`manage` or `off`",
        "manage",
        "Whether the stack opens the security group of the tasks for Lattice, unless its parameter Ingress is off. If not, "
        "allow the prefix list `com.amazonaws.<region>.vpc-lattice` yourself, on the target and health check ports. The "
        "VPC's default group is opened only if `manage` is written out.",
        "off",
    ),
    _key(
        "alarm",
        "Operation",
        values.words("on", "off"),
        "`on` or `off`",
        "on",
        "Whether the route has a CloudWatch alarm. It fires when the route is impaired: a target is unhealthy, or no target "
        "answers although tasks are desired. The metrics are published either way.",
        "off",
    ),
    _key(
        "alarm.minutes",
        "Operation",
        values.Integer(1, 60),
        "minutes, from 1 to 60",
        "3",
        "How many minutes the route has to be impaired before its alarm fires, within a window that is two minutes longer.",
        "5",
    ),
    _key(
        "pause",
        "Operation",
        values.boolean,
        "`true` or `false`",
        "false",
        "Observe and report only: change and remove nothing.",
        "true",
    ),
    _key(
        "remove",
        "Operation",
        values.boolean,
        "`true` or `false`, for a named route only",
        "false",
        "Remove this route, whatever else is declared for it.",
        "true",
        named_only=True,
    ),
)

BY_NAME = {key.name: key for key in KEYS}
BY_FAMILY = {key.name.removesuffix(".<name>"): key for key in KEYS if key.name.endswith(".<name>")}
"""The keys whose name ends in the name of a header, by what precedes it."""
BY_SLOT = {key.slot: key for key in reversed(KEYS)}
HTTP_ONLY_SLOTS = frozenset(key.slot for key in KEYS if key.http_only)
HEALTH_CHECK_SLOTS = frozenset(key.slot for key in KEYS if key.group == "Health") - {"health.grace"}
SHARED_SLOTS = {shared: sorted({key.slot for key in KEYS if key.shared == shared}) for shared in ("port", "service")}
