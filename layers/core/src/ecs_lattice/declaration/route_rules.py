"""What one route must be like by itself. A rule names the slots that it reads and is skipped where one of them is broken."""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache

from ecs_lattice.bounds import listed
from ecs_lattice.declaration.reading import Bounds
from ecs_lattice.declaration.routes import MOST_HEADERS, Draft
from ecs_lattice.facts import TaskDefinition
from ecs_lattice.matching import has_query, normal
from ecs_lattice.model import Match, Route
from ecs_lattice.naming import SERVICE_NAME_LENGTHS, is_service_name
from ecs_lattice.outcome import Problem


@dataclass(frozen=True, slots=True)
class Context:
    """What rules know besides the route. ``controller`` is the ECS service's deployment controller type, ``standing``
    are its routes until now, as they were accepted."""

    task_definition: TaskDefinition
    controller: str
    bounds: Bounds
    standing: Collection[Route] = ()


@dataclass(frozen=True)
class Subject:
    """A route with the draft that it was built from, which knows where everything was written."""

    draft: Draft
    route: Route

    @property
    def requests(self) -> Match:
        """Equal for routes that match the same requests."""
        return normal(self.route.match)

    @property
    def is_tls_passthrough(self) -> bool:
        return any(listener.protocol == "TLS_PASSTHROUGH" for listener in self.route.listeners)


type Rule = Callable[[Subject, Context], Iterator[Problem]]

RULES: list[tuple[tuple[str, ...], Rule]] = []


def reads(*slots: str) -> Callable[[Rule], Rule]:
    """Make a function a rule about these slots."""

    def register(rule: Rule) -> Rule:
        RULES.append((slots, rule))
        return rule

    return register


def problems_of(subject: Subject, context: Context) -> Iterator[Problem]:
    """Everything that is wrong with one route."""
    for slots, rule in RULES:
        if subject.draft.broken.isdisjoint(slots):
            yield from rule(subject, context)


@reads("service")
def _names_a_service(subject: Subject, context: Context) -> Iterator[Problem]:
    draft = subject.draft
    if "service" not in draft.slots:
        message = f"required: the Lattice service of route {draft.name}. Or remove the route's other keys."
        yield draft.problem("NO_SERVICE", "service", message)
    elif not is_service_name(subject.route.lattice_service):
        shortest, longest = SERVICE_NAME_LENGTHS
        message = (
            f"allowed: {shortest} to {longest} lower-case letters, digits and single hyphens, none at an end, not "
            f"beginning with 'svc-'"
        )
        actual = (
            f"; with the stack's prefix it is {subject.route.lattice_service!r}" if context.bounds.name_prefix else ""
        )
        yield draft.problem("BAD_SERVICE_NAME", "service", f"{message}{actual}.")


@reads("path", "header")
def _matches_what_a_rule_can(subject: Subject, _: Context) -> Iterator[Problem]:
    draft, headers = subject.draft, subject.draft.entries("header")
    if len(draft.entries("path")) > 1:
        yield draft.problem("TWO_PATHS", "path", f"route {draft.name} has path.exact and path.prefix; one is allowed.")
    if len(headers) > MOST_HEADERS:
        names = listed([entry.argument for entry in headers])
        message = f"route {draft.name} matches {len(headers)} headers ({names}); {MOST_HEADERS} are allowed."
        yield draft.problem("TOO_MANY_HEADERS", "header", message)


@reads("path")
def _has_a_path_that_requests_can_have(subject: Subject, context: Context) -> Iterator[Problem]:
    """What has been accepted before this was a problem stays, with a notice (:mod:`ecs_lattice.lattice_side.notices`)."""
    draft, route = subject.draft, subject.route
    if not has_query(route.match):
        return
    accepted = {(each.name, each.lattice_service, each.match.path) for each in context.standing if each.match}
    if route.match and (route.name, route.lattice_service, route.match.path) not in accepted:
        message = (
            "VPC Lattice compares the path of a request, which ends before '?' and '#': no request would ever match. Write "
            "the path alone; a query cannot be matched, a header can."
        )
        yield draft.problem("PATH_WITH_QUERY", "path", message)


@reads("path", "method", "header", "path.case-sensitive", "priority", "listener")
def _has_nothing_without_effect(subject: Subject, _: Context) -> Iterator[Problem]:
    draft, match = subject.draft, subject.route.match
    if subject.is_tls_passthrough:
        return
    # An unnamed key is the default of all named routes, and may well have an effect on another one.
    own = {
        s
        for s, (entry, *_) in draft.slots.items()
        if entry.route is not None or f".routes.{draft.name}." not in draft.start
    }
    if "path.case-sensitive" in own and (match is None or match.path is None):
        message = "the route has no path; write path.prefix or path.exact."
        yield draft.problem("NO_EFFECT", "path.case-sensitive", message)
    if "priority" in own and match is None:
        message = "the route has no match, so it is the listener's default action, which is always evaluated last."
        yield draft.problem("NO_EFFECT", "priority", message)


_UNSEEN_SLOTS = ("path", "path.case-sensitive", "method", "header", "priority", "weight", "protocol-version")


@reads("listener", *_UNSEEN_SLOTS)
def _asks_tls_passthrough_for_nothing_it_cannot_see(subject: Subject, _: Context) -> Iterator[Problem]:
    if subject.is_tls_passthrough:
        message = (
            f"route {subject.draft.name} is on a TLS_PASSTHROUGH listener, which forwards everything that reaches it."
        )
        for slot in _UNSEEN_SLOTS:
            if subject.draft.entries(slot):
                yield subject.draft.problem("TLS_PASSTHROUGH", slot, message)


@reads("listener", "protocol")
def _has_protocols_that_go_together(subject: Subject, _: Context) -> Iterator[Problem]:
    listeners = ", ".join(map(str, subject.route.listeners))
    is_tls = {listener.protocol == "TLS_PASSTHROUGH" for listener in subject.route.listeners}
    if is_tls == {True, False}:
        message = (
            f"{listeners}: TLS_PASSTHROUGH needs TCP targets and the others HTTP; make two routes, two port names."
        )
        yield subject.draft.problem("PROTOCOL_MISMATCH", "listener", message, listeners)
    elif (True in is_tls) != (subject.route.protocol == "TCP"):
        message = f"the listener is {listeners}; TCP goes with TLS_PASSTHROUGH only, and TLS_PASSTHROUGH with TCP only."
        yield subject.draft.problem("PROTOCOL_MISMATCH", "protocol", message, subject.route.protocol)


@reads("listener", "domain")
def _has_a_domain_for_tls_passthrough(subject: Subject, _: Context) -> Iterator[Problem]:
    if subject.is_tls_passthrough and "domain" not in subject.draft.slots:
        message = "a TLS_PASSTHROUGH listener finds its service by the custom domain name: write it."
        yield subject.draft.problem("DOMAIN_MISSING", "domain", message)


@reads("listener", "domain", "certificate")
def _has_a_certificate_for_its_domain(subject: Subject, context: Context) -> Iterator[Problem]:
    draft, route = subject.draft, subject.route
    is_https = any(listener.protocol == "HTTPS" for listener in route.listeners)
    if route.domain and not route.certificate and is_https:
        message = f"HTTPS on {route.domain} needs the ARN of an ACM certificate for it."
        yield draft.problem("CERTIFICATE_MISSING", "certificate", message)
    if route.certificate and not route.domain:
        message = "without a custom domain Lattice uses its own certificate; write a domain or remove this key."
        yield draft.problem("NO_EFFECT", "certificate", message)
    if route.certificate and _region(context.task_definition.arn) not in {"", _region(route.certificate)}:
        message = f"the service runs in {_region(context.task_definition.arn)}; the certificate must be there too."
        yield draft.problem("CERTIFICATE_REGION", "certificate", message)


def _region(arn: str) -> str:
    """The Region of an ARN (arn:partition:service:region:account:resource); empty for anything else."""
    parts = arn.split(":", 5)
    return parts[3] if len(parts) == 6 and parts[0] == "arn" else ""  # noqa: PLR2004  an ARN has six parts


@reads("listener", "protocol", "protocol-version", "method")
def _has_https_for_http2(subject: Subject, _: Context) -> Iterator[Problem]:
    draft, route = subject.draft, subject.route
    if route.protocol_version not in {"HTTP2", "GRPC"}:
        return
    others = [str(listener) for listener in route.listeners if listener.protocol != "HTTPS"]
    if others:
        message = f"{route.protocol_version} needs HTTPS listeners only; this route has {', '.join(others)}."
        yield draft.problem("HTTPS_NEEDED", "protocol-version", message)
    if route.protocol_version == "GRPC" and route.match and route.match.method not in {None, "POST"}:
        yield draft.problem("GRPC_METHOD", "method", "gRPC requests are POST; allowed: POST, or leave it out.")


@reads("auth", "listener")
def _has_the_auth_that_the_stack_demands(subject: Subject, context: Context) -> Iterator[Problem]:
    draft, route = subject.draft, subject.route
    if context.bounds.minimum_auth == "iam" and route.auth == "NONE":
        message = "this stack requires iam (parameter MinimumAuth); a label may raise that, never lower it."
        yield draft.problem("AUTH_BELOW_MINIMUM", "auth", message)
    elif route.auth == "AWS_IAM" and subject.is_tls_passthrough:
        message = "requests on a TLS_PASSTHROUGH listener cannot be signed, so iam would refuse all of them."
        yield draft.problem("AUTH_NOT_POSSIBLE", "auth", message, "iam")


@reads("network")
def _stays_within_the_allowed_networks(subject: Subject, context: Context) -> Iterator[Problem]:
    allowed, defaults = context.bounds.allowed_networks, context.bounds.default_networks
    outside = _outside(subject.route.networks, allowed, defaults) if allowed else ()
    if outside:
        be = "is" if len(outside) == 1 else "are"
        message = f"{listed(outside)} {be} not allowed here; allowed (parameter AllowedNetworks): {', '.join(allowed)}."
        yield subject.draft.problem("NETWORK_NOT_ALLOWED", "network", message)


@lru_cache(maxsize=2)
def _outside(networks: tuple[str, ...], allowed: tuple[str, ...], defaults: tuple[str, ...]) -> tuple[str, ...]:
    """The networks that are neither allowed nor the stack's defaults. Cached: hundreds of routes may inherit one label."""
    named = (network for network in networks if network not in defaults)
    return tuple(network for network in named if not any(fnmatchcase(network, glob) for glob in allowed))


@reads("domain")
def _stays_within_the_allowed_domains(subject: Subject, context: Context) -> Iterator[Problem]:
    allowed, domain = context.bounds.allowed_domains, subject.route.domain
    if allowed and domain and not any(fnmatchcase(domain, glob.lower()) for glob in allowed):
        message = f"this domain is not allowed here; allowed (parameter AllowedDomains): {', '.join(allowed)}."
        yield subject.draft.problem("DOMAIN_NOT_ALLOWED", "domain", message)


@reads("targets")
def _can_be_attached_as_it_asks(subject: Subject, context: Context) -> Iterator[Problem]:
    if subject.route.targets == "ecs" and context.controller != "ECS":
        message = f"the deployment controller is {context.controller}, which cannot; allowed: controller."
        yield subject.draft.problem("TARGETS_NOT_POSSIBLE", "targets", message)
