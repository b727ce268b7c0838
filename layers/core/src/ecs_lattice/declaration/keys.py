"""The table of keys: parsing, validation, suggestions and the reference page are all made from it.

One row a key; it is long because it is the whole language.
"""

from dataclasses import dataclass
from typing import Literal

from ecs_lattice.declaration import values
from ecs_lattice.declaration.values import Parser

Shared = Literal["route", "port", "service"]

PATH_IN_TAG = "without `~ % # ? &`"
LETTERS_IN_TAG = "letters, digits, spaces and `_ . : / = + - @` only"
"""What ECS takes in a tag (ECS API, Tag)."""


@dataclass(frozen=True, slots=True)
class Key:
    """One row. ``name`` is what follows the prefix (and ``routes.<name>.``); ``<name>`` in it is the header's name.

    ``slot``: keys of one slot replace each other (``path.exact`` on a route replaces an inherited ``path.prefix``).
    ``shared``: whose the value is. One ``port``'s or one ``service``'s routes have it in common: the others take it over
    from the one that says it, and two values are a problem. ``http_only``: a TLS_PASSTHROUGH route cannot have it and
    does not inherit it. ``named_only``: may only be written for a named route. ``in_tag`` says what of it a tag can hold
    (empty: every value).
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
    "Where": "Which Lattice service, from where it is reached, and which port of the tasks answers.",
    "Match": "Which requests. All that is given must hold. Without any, the route answers what no other route takes.",
    "Lattice service": "The Lattice service itself. All routes on it have one value.",
    "Targets": "How Lattice speaks to the tasks. All routes of one port on one Lattice service have one value.",
    "Health": "How Lattice checks the tasks. All routes of one port on one Lattice service have one value.",
    "Operation": "How the stack treats the route.",
}

KEYS: tuple[Key, ...] = (
    _key(
        "service",
        "Where",
        values.text,
        "3 to 40 lower-case letters, digits and single hyphens, none at an end, not beginning with `svc-`; the stack's "
        "name prefix counts",
        "none: required",
        "The Lattice service. Writing it opts in.",
        "orders",
    ),
    _key(
        "port",
        "Where",
        values.text,
        "the name of a TCP port mapping of the task definition (`portMappings[].name`)",
        "the only named TCP port",
        "The port that the tasks answer on. An attached port is renamed by adding the new name first.",
        "web",
    ),
    _key(
        "listener",
        "Where",
        values.listeners,
        "`HTTP:<port>`, `HTTPS:<port>` or `TLS_PASSTHROUGH:<port>`, several separated by spaces",
        "HTTPS:443",
        "Where clients connect. By default a Lattice service can have two listeners.",
        "HTTP:80 HTTPS:443",
    ),
    _key(
        "network",
        "Where",
        values.networks,
        "service networks by name, id or ARN, separated by spaces, within the stack's parameter AllowedNetworks",
        "the stack's default networks",
        "The service networks from which the Lattice service can be reached.",
        "platform",
    ),
    _key(
        "path.prefix",
        "Match",
        values.path(200),
        "`/`, then letters, digits and `@ : % _ + . ~ # ? & / = -`; up to 200 characters; no wildcard",
        "every path",
        "The beginning of the path. It is not cut off: the task gets the full path.",
        "/orders",
        slot="path",
        http_only=True,
        in_tag=PATH_IN_TAG,
    ),
    _key(
        "path.exact",
        "Match",
        values.path(200),
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
        "Whether `/Orders` is another path than `/orders`.",
        "false",
        http_only=True,
    ),
    _key(
        "method",
        "Match",
        values.method,
        "one HTTP method, up to 16 characters",
        "every method",
        "The method of the request.",
        "GET",
        http_only=True,
    ),
    _key(
        "header.<name>",
        "Match",
        values.header_value,
        "1 to 200 printable characters; a route has up to 5 headers",
        "no header",
        "A header with exactly this value, in any case.",
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
        "A header that begins with this value, in any case.",
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
        "A header that contains this value, in any case.",
        "beta",
        slot="header",
        http_only=True,
        in_tag=LETTERS_IN_TAG,
    ),
    _key(
        "priority",
        "Match",
        values.integer(1, 2000),
        "a number from 1 to 2000",
        "by specificity: exact before prefix, longer before shorter",
        "The order in which Lattice looks at the rules of a listener, the lowest first.",
        "10",
        http_only=True,
    ),
    _key(
        "weight",
        "Match",
        values.integer(0, 999),
        "a number from 0 to 999",
        "none: the match is this route's alone",
        "The route's share of a match that several routes have. All of them need a weight.",
        "90",
        http_only=True,
    ),
    _key(
        "domain",
        "Lattice service",
        values.domain,
        "a domain name without wildcard, up to 255 characters, within the stack's parameter AllowedDomains",
        "only the name that Lattice makes",
        "A custom domain name. It cannot be changed later. The DNS record is yours.",
        "orders.example.com",
        shared="service",
    ),
    _key(
        "certificate",
        "Lattice service",
        values.certificate,
        "the ARN of an ACM certificate in the same Region",
        "none",
        "The certificate for the custom domain. An HTTPS listener with a custom domain needs it.",
        "arn:aws:acm:us-east-1:123456789012:certificate/0123abcd-0123-0123-0123-0123456789ab",
        shared="service",
    ),
    _key(
        "auth",
        "Lattice service",
        values.word({"iam": "AWS_IAM", "none": "NONE"}),
        "`iam` or `none`, never less than the stack's parameter MinimumAuth",
        "the stack's parameter MinimumAuth",
        "Whether requests must be signed with AWS credentials.",
        "iam",
        shared="service",
    ),
    _key(
        "idle-timeout",
        "Lattice service",
        values.integer(60, 600),
        "seconds, from 60 to 600",
        "60",
        "How long a connection may be idle. No connection lives longer than 10 minutes.",
        "120",
        shared="service",
    ),
    _key(
        "protocol",
        "Targets",
        values.words("HTTP", "HTTPS", "TCP"),
        "`HTTP`, `HTTPS` or `TCP` (TCP only with TLS_PASSTHROUGH)",
        "HTTP; TCP with TLS_PASSTHROUGH",
        "What the tasks speak. Certificates of tasks are not verified by Lattice.",
        "HTTPS",
        shared="port",
    ),
    _key(
        "protocol-version",
        "Targets",
        values.words("HTTP1", "HTTP2", "GRPC"),
        "`HTTP1`, `HTTP2` or `GRPC` (the last two need HTTPS listeners)",
        "HTTP1",
        "The version of HTTP that the tasks speak.",
        "GRPC",
        shared="port",
        http_only=True,
    ),
    _key(
        "health.enabled",
        "Health",
        values.boolean,
        "`true` or `false`",
        "true for HTTP1; else true once another `health.` key is written, `health.grace` aside",
        "Whether Lattice checks the tasks.",
        "true",
        shared="port",
    ),
    _key(
        "health.path",
        "Health",
        values.path(2048),
        "`/`, then letters, digits and `@ : % _ + . ~ # ? & / = -`; up to 2048 characters",
        "/",
        "The path that is asked.",
        "/healthz",
        shared="port",
        in_tag=PATH_IN_TAG,
    ),
    _key(
        "health.code",
        "Health",
        values.codes,
        "codes and ranges from 200 to 499, separated by spaces",
        "200",
        "The answers that count as healthy.",
        "200 300-302",
        shared="port",
    ),
    _key(
        "health.interval",
        "Health",
        values.integer(5, 300),
        "seconds, from 5 to 300",
        "30",
        "The time between two checks.",
        "10",
        shared="port",
    ),
    _key(
        "health.timeout",
        "Health",
        values.integer(1, 120),
        "seconds, from 1 to 120",
        "5",
        "How long a check waits for its answer.",
        "3",
        shared="port",
    ),
    _key(
        "health.healthy",
        "Health",
        values.integer(2, 10),
        "a number from 2 to 10",
        "5",
        "Good answers in a row until an unhealthy task is healthy. A new task needs one.",
        "2",
        shared="port",
    ),
    _key(
        "health.unhealthy",
        "Health",
        values.integer(2, 10),
        "a number from 2 to 10",
        "2",
        "Bad answers in a row until a task is unhealthy. ECS replaces unhealthy tasks.",
        "3",
        shared="port",
    ),
    _key(
        "health.port",
        "Health",
        values.integer(1, values.HIGHEST_PORT),
        "a port number from 1 to 65535",
        "the port of the route",
        "The port that is asked, where it is another one.",
        "9000",
        shared="port",
    ),
    _key(
        "health.protocol",
        "Health",
        values.words("HTTP", "HTTPS"),
        "`HTTP` or `HTTPS`",
        "HTTPS where `protocol` is HTTPS, else HTTP",
        "What the check speaks.",
        "HTTP",
        shared="port",
    ),
    _key(
        "health.protocol-version",
        "Health",
        values.words("HTTP1", "HTTP2"),
        "`HTTP1` or `HTTP2`",
        "HTTP2 where `protocol-version` is HTTP2 or GRPC, else HTTP1",
        "The version of HTTP that the check speaks.",
        "HTTP1",
        shared="port",
    ),
    _key(
        "health.grace",
        "Health",
        values.integer(0, 2_147_483_647),
        "seconds, from 0 to 2147483647",
        "120",
        "How long ECS does not replace a new task that is not healthy yet. A longer time of the ECS service stays.",
        "300",
    ),
    _key(
        "targets",
        "Operation",
        values.words("ecs", "controller"),
        "`ecs` or `controller` (only `controller` for the deployment controllers CODE_DEPLOY and EXTERNAL)",
        "ecs; controller for CODE_DEPLOY and EXTERNAL",
        "Who registers the tasks: ECS itself, which costs one deployment, or this stack. One value for each port on a "
        "Lattice service.",
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
        "let the prefix list `com.amazonaws.<region>.vpc-lattice` in yourself, on the target and health-check ports. The "
        "VPC's default group is opened only where `manage` is written out.",
        "off",
    ),
    _key(
        "alarm",
        "Operation",
        values.words("on", "off"),
        "`on` or `off`",
        "on",
        "Whether a CloudWatch alarm watches the route. It fires when the route is impaired: a task is unhealthy, or none can "
        "answer though ECS is to run some. The metrics are published all the same.",
        "off",
    ),
    _key(
        "alarm.minutes",
        "Operation",
        values.integer(1, 60),
        "minutes, from 1 to 60",
        "3",
        "How many minutes the route must be impaired, within two minutes more than that, until its alarm fires.",
        "5",
    ),
    _key(
        "pause",
        "Operation",
        values.boolean,
        "`true` or `false`",
        "false",
        "Observe and report, change nothing, remove nothing.",
        "true",
    ),
    _key(
        "remove",
        "Operation",
        values.boolean,
        "`true` or `false`, for a named route only",
        "false",
        "Take this route away on purpose, whatever else is written for it.",
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
