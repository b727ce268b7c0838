"""The problems a declaration can have: each code with its meaning and its mend, as the reference page prints them."""

from ecs_lattice.outcome import Problem

CODES: dict[str, tuple[str, str]] = {
    "UNKNOWN_KEY": ("The key begins with the prefix but is none of the keys.", "Write the key that the message names."),
    "BAD_ROUTE_NAME": (
        "The name of a route is not allowed.",
        "Use 1 to 32 lower-case letters, digits, `-` and `_`, the first a letter or digit.",
    ),
    "BAD_HEADER_NAME": (
        "The name of a header is not allowed.",
        "Use a header name of at most 100 characters that does not begin with `ecs-lattice-`.",
    ),
    "BAD_VALUE": ("The value is not allowed for this key.", "Write one that the message names."),
    "TWO_VALUES": ("One key has two values.", "Write it in one container only, or with one value, or as a tag."),
    "TAGS_NOT_ALLOWED": (
        "Only tags ask for Lattice, and this stack takes no tags.",
        "Write docker labels, or set the stack's parameter AllowTags.",
    ),
    "NAMED_ONLY": ("The key was written without a route's name.", "Write `lattice.routes.<name>.` before it."),
    "NO_SERVICE": ("A route names no Lattice service.", "Write `lattice.service`, or take the other keys away."),
    "BAD_SERVICE_NAME": ("Lattice does not take the name of the service.", "Choose a name as the message says."),
    "PORT_MISSING": ("Several ports have names and none is chosen.", "Write `lattice.port`."),
    "PORT_UNKNOWN": (
        "The task definition has no port mapping of this name.",
        "Write one of the names in the message, or give the port mapping its name.",
    ),
    "PORT_UNNAMED": ("No TCP port mapping has a name.", "Give `portMappings[].name` in the task definition."),
    "PORT_UDP": ("The port is UDP.", "Lattice carries TCP only: choose a TCP port."),
    "TWO_PATHS": ("A route has `path.exact` and `path.prefix`.", "Keep one, or make two routes."),
    "TOO_MANY_HEADERS": ("A route matches more than 5 headers.", "Take some away; Lattice takes 5."),
    "NO_EFFECT": ("The key can do nothing as things stand.", "Take it away, or write what it belongs to."),
    "TLS_PASSTHROUGH": (
        "A TLS_PASSTHROUGH listener cannot have this: Lattice does not see the requests.",
        "Take the key away from this route, or use HTTPS.",
    ),
    "DOMAIN_MISSING": ("A TLS_PASSTHROUGH listener has no custom domain.", "Write `lattice.domain`."),
    "CERTIFICATE_MISSING": (
        "An HTTPS listener has a custom domain without certificate.",
        "Write `lattice.certificate`.",
    ),
    "CERTIFICATE_REGION": ("The certificate is in another Region.", "Use a certificate of the Region of the service."),
    "PROTOCOL_MISMATCH": (
        "Listener and target protocol do not go together.",
        "TCP goes with TLS_PASSTHROUGH only, and TLS_PASSTHROUGH with TCP only.",
    ),
    "HTTPS_NEEDED": ("HTTP2 and GRPC targets need HTTPS listeners.", "Write `lattice.listener = HTTPS:443`."),
    "GRPC_METHOD": ("A GRPC route matches another method than POST.", "Take `lattice.method` away; gRPC is POST."),
    "AUTH_BELOW_MINIMUM": ("The label asks for less than the stack demands.", "Write `iam`, or leave the key out."),
    "AUTH_NOT_POSSIBLE": (
        "TLS_PASSTHROUGH cannot demand signed requests.",
        "Write `none` for it, on a Lattice service of its own if need be, or use HTTPS.",
    ),
    "NETWORK_NOT_ALLOWED": (
        "The service network is not one that labels may ask for.",
        "Choose one within the stack's parameter AllowedNetworks.",
    ),
    "DOMAIN_NOT_ALLOWED": (
        "The domain is not one that labels may ask for.",
        "Choose one within the stack's parameter AllowedDomains.",
    ),
    "TARGETS_NOT_POSSIBLE": (
        "ECS attaches no Lattice target groups under this deployment controller.",
        "Write `lattice.targets = controller`, or leave the key out.",
    ),
    "LISTENER_CLASH": ("Two listeners want one port of a Lattice service.", "Give one of them another port."),
    "TOO_MANY_LISTENERS": (
        "The routes need more listeners than a Lattice service can have.",
        "Use fewer ports, or several Lattice services.",
    ),
    "SAME_MATCH": (
        "Two routes want the same requests.",
        "Give them different matches, or different ports and a weight each.",
    ),
    "SAME_PRIORITY": ("Two rules of a listener have the same priority.", "Change one, or leave both out."),
    "WEIGHTS_ZERO": ("All shares of a match are 0.", "Give one of them a weight above 0."),
    "ROUTES_DISAGREE": (
        "Routes that share something give it two values.",
        "Write the value once, unnamed, or use another port name or Lattice service.",
    ),
    "TOO_MANY_TARGET_GROUPS": (
        "The routes need more than 5 target groups; ECS attaches 5 at most.",
        "Use fewer ports or Lattice services, or `lattice.targets = controller`.",
    ),
    "DEFAULT_ROUTE_LOST": (
        "Routes have names now, and the unnamed one, which serves, is not among them.",
        "Write it as `lattice.routes.default.`, or `lattice.routes.default.remove = true`.",
    ),
    "HOLDS_BACK": (
        "A release changes what Lattice demands of tasks on a port. Old and new tasks are checked alike while it rolls.",
        "Let the new version answer both for one release, or use a new port name.",
    ),
}


def problem(code: str, message: str, *, key: str, value: str, where: str) -> Problem:
    """A problem with one of the known codes; every one says key and place."""
    if code not in CODES:
        raise KeyError(code)
    return Problem(code, message, key, value, where)
