"""The problems that a declaration can have: each code with its meaning and its remedy, as the reference page prints them."""

from ecs_lattice.outcome import Problem

CODES: dict[str, tuple[str, str]] = {
    "UNKNOWN_KEY": ("The key begins with the prefix but is none of the keys.", "Write the key that the message names."),
    "BAD_ROUTE_NAME": (
        "The name of a route is not allowed.",
        "Use 1 to 32 lowercase letters, digits, `-` and `_`, the first a letter or digit; no dot.",
    ),
    "BAD_HEADER_NAME": (
        "The name of a header is not allowed.",
        "Use a header name of at most 100 characters that does not begin with `ecs-lattice-`.",
    ),
    "BAD_VALUE": ("The value is not allowed for this key.", "Write one that the message names."),
    "TWO_VALUES": ("One key has two values.", "Write it in one container only, or with one value, or as a tag."),
    "TAGS_NOT_ALLOWED": (
        "Only tags opt in, and this stack takes no tags.",
        "Use docker labels, or set the stack's parameter AllowTags.",
    ),
    "NAMED_ONLY": ("The key was written without a route's name.", "Write `lattice.routes.<name>.` before it."),
    "NO_SERVICE": ("A route names no Lattice service.", "Write `lattice.service`, or remove the other keys."),
    "BAD_SERVICE_NAME": ("VPC Lattice does not accept the name of the service.", "Choose a name as the message says."),
    "PORT_MISSING": ("Several ports have names, and none is selected.", "Write `lattice.port`."),
    "PORT_UNKNOWN": (
        "The task definition has no port mapping of this name.",
        "Write one of the names in the message, or name the port mapping.",
    ),
    "PORT_UNNAMED": (
        "No TCP port mapping has a name, or not the one whose number is written.",
        "Set `portMappings[].name` in the task definition, and write that name.",
    ),
    "PORT_RANGE": (
        "The port mapping has a containerPortRange, and a target group has one port.",
        "Give the port that answers a mapping with a containerPort and a name of its own.",
    ),
    "PORT_UDP": ("The port is UDP.", "Lattice carries TCP only: choose a TCP port."),
    "TWO_PATHS": ("A route has `path.exact` and `path.prefix`.", "Keep one, or declare two routes."),
    "PATH_WITH_QUERY": (
        "A path to match contains `?` or `#`, which begin the query and the fragment: no path ever contains them.",
        "Write the path alone; VPC Lattice cannot match a query.",
    ),
    "TOO_MANY_HEADERS": ("A route matches more than 5 headers.", "Remove some; VPC Lattice accepts 5."),
    "NO_EFFECT": ("The key has no effect here.", "Remove it, or write the key that it depends on."),
    "TLS_PASSTHROUGH": (
        "A TLS_PASSTHROUGH listener cannot have this: VPC Lattice does not see the requests.",
        "Remove the key from this route, or use HTTPS.",
    ),
    "DOMAIN_MISSING": ("A TLS_PASSTHROUGH listener has no custom domain.", "Write `lattice.domain`."),
    "CERTIFICATE_MISSING": (
        "An HTTPS listener has a custom domain without a certificate.",
        "Write `lattice.certificate`.",
    ),
    "CERTIFICATE_REGION": ("The certificate is in another Region.", "Use a certificate in the Region of the service."),
    "PROTOCOL_MISMATCH": (
        "Listener and target protocol do not go together.",
        "TCP goes with TLS_PASSTHROUGH only, and TLS_PASSTHROUGH with TCP only.",
    ),
    "HTTPS_NEEDED": ("HTTP2 and GRPC targets need HTTPS listeners.", "Write `lattice.listener = HTTPS:443`."),
    "GRPC_METHOD": ("A GRPC route matches a method other than POST.", "Remove `lattice.method`; gRPC is POST."),
    "AUTH_BELOW_MINIMUM": ("The label asks for less than the stack requires.", "Write `iam`, or omit the key."),
    "AUTH_NOT_POSSIBLE": (
        "TLS_PASSTHROUGH cannot require signed requests.",
        "Write `none` for it, on a Lattice service of its own if necessary, or use HTTPS.",
    ),
    "NETWORK_NOT_ALLOWED": (
        "Labels may not ask for this service network.",
        "Choose one that the stack's parameter AllowedNetworks allows.",
    ),
    "DOMAIN_NOT_ALLOWED": (
        "Labels may not ask for this domain.",
        "Choose one that the stack's parameter AllowedDomains allows.",
    ),
    "TARGETS_NOT_POSSIBLE": (
        "ECS attaches no VPC Lattice target groups with this deployment controller.",
        "Write `lattice.targets = controller`, or omit the key.",
    ),
    "LISTENER_CLASH": ("Two listeners use one port of a Lattice service.", "Give one of them another port."),
    "TOO_MANY_LISTENERS": (
        "The routes need more listeners than a Lattice service can have.",
        "Use fewer ports, or several Lattice services.",
    ),
    "SAME_MATCH": (
        "Two routes match the same requests, perhaps in two spellings.",
        "Give them different matches, or different ports and a weight each.",
    ),
    "SAME_PRIORITY": ("Two rules of a listener have the same priority.", "Change one, or omit both."),
    "WEIGHTS_ZERO": ("All weights of a match are 0.", "Give one of them a weight above 0."),
    "ROUTES_DISAGREE": (
        "Routes that share a setting give it two values.",
        "Write the value once, unnamed, or use another port name or Lattice service.",
    ),
    "TOO_MANY_TARGET_GROUPS": (
        "The routes need more than 5 target groups; ECS attaches at most 5.",
        "Use fewer ports or Lattice services, or `lattice.targets = controller`.",
    ),
    "DEFAULT_ROUTE_LOST": (
        "The routes are named now, and the unnamed route, which serves, is not among them.",
        "Write its keys as `lattice.routes.default.<key>`, or `lattice.routes.default.remove = true`.",
    ),
    "TOO_MANY_ROUTES": (
        "The declaration has more routes than the stack allows.",
        "Remove some, or raise the stack's parameter MaxRoutes.",
    ),
    "TOO_MANY_NETWORKS": (
        "A route names more than 10 service networks.",
        "Remove some, or share one service network.",
    ),
    "NETWORK_MISSING": (
        "A route names no service network, and the stack has no default one: nobody can reach it.",
        "Write `lattice.network`, or set the stack's parameter DefaultNetworks.",
    ),
    "HOLDS_BACK": (
        "A release changes what a target group requires of the tasks of a port, while old and new tasks are checked alike.",
        "Let the new version answer both for one release; for another protocol, use a new port name.",
    ),
}


def problem(code: str, message: str, *, key: str, value: str, where: str) -> Problem:
    """A problem with one of the known codes; each says key and place."""
    if code not in CODES:
        raise KeyError(code)
    return Problem(code, message, key, value, where)
