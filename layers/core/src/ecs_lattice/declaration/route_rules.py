"""What one route must be like by itself. A rule says which slots it reads and is left out where one of them is broken."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase

from ecs_lattice.declaration.bounds import Bounds
from ecs_lattice.declaration.drafts import Draft
from ecs_lattice.facts import TaskDefinition
from ecs_lattice.model import Route
from ecs_lattice.naming import SERVICE_NAME_LENGTHS, is_service_name
from ecs_lattice.outcome import Problem

MOST_HEADERS = 5
"""VPC Lattice API, HeaderMatchList."""


@dataclass(frozen=True, slots=True)
class Context:
    """What rules know beside the route. ``controller`` is the ECS service's deployment controller type."""

    task_definition: TaskDefinition
    controller: str
    bounds: Bounds


@dataclass(frozen=True, slots=True)
class Subject:
    """A route with the draft it was built from, which knows where everything was written."""

    draft: Draft
    route: Route

    def has(self, protocol: str) -> bool:
        return any(listener.protocol == protocol for listener in self.route.listeners)


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
        if not any(subject.draft.is_broken(slot) for slot in slots):
            yield from rule(subject, context)


@reads("service")
def _names_a_service(subject: Subject, context: Context) -> Iterator[Problem]:
    draft, prefix = subject.draft, context.bounds.name_prefix
    if not draft.has("service"):
        message = f"it is needed: which Lattice service is route {draft.name} part of? Or take its other keys away."
        yield draft.problem("NO_SERVICE", "service", message)
    elif not is_service_name(subject.route.lattice_service):
        shortest, longest = SERVICE_NAME_LENGTHS
        message = (
            f"allowed: {shortest} to {longest} lower-case letters, digits and single hyphens, none at an end, not "
            f"beginning with 'svc-'"
        )
        behind = f"; with the stack's prefix it is {subject.route.lattice_service!r}" if prefix else ""
        yield draft.problem("BAD_SERVICE_NAME", "service", f"{message}{behind}.")


@reads("path")
def _has_one_path(subject: Subject, _: Context) -> Iterator[Problem]:
    if len(subject.draft.entries("path")) > 1:
        message = f"route {subject.draft.name} has path.exact and path.prefix; one is allowed."
        yield subject.draft.problem("TWO_PATHS", "path", message)


@reads("header")
def _has_few_headers(subject: Subject, _: Context) -> Iterator[Problem]:
    headers = subject.draft.entries("header")
    if len(headers) > MOST_HEADERS:
        names = ", ".join(entry.argument for entry in headers)
        message = f"route {subject.draft.name} matches {len(headers)} headers ({names}); {MOST_HEADERS} are allowed."
        yield subject.draft.problem("TOO_MANY_HEADERS", "header", message)


@reads("path", "method", "header", "path.case-sensitive", "priority", "listener")
def _has_nothing_without_effect(subject: Subject, _: Context) -> Iterator[Problem]:
    draft, match = subject.draft, subject.route.match
    if subject.has("TLS_PASSTHROUGH"):
        return
    if _is_own(draft, "path.case-sensitive") and (match is None or match.path is None):
        yield draft.problem(
            "NO_EFFECT", "path.case-sensitive", "the route has no path; write path.prefix or path.exact."
        )
    if _is_own(draft, "priority") and match is None:
        message = "the route has no match, so it is the listener's default action, which is always looked at last."
        yield draft.problem("NO_EFFECT", "priority", message)


def _is_own(draft: Draft, slot: str) -> bool:
    entry = draft.entry(slot)
    return entry is not None and (entry.route is not None or not draft.start.endswith(f".routes.{draft.name}."))


@reads("listener", "path", "path.case-sensitive", "method", "header", "priority", "weight", "protocol-version")
def _asks_tls_passthrough_for_nothing_it_cannot_see(subject: Subject, _: Context) -> Iterator[Problem]:
    if not subject.has("TLS_PASSTHROUGH"):
        return
    for slot in ("path", "path.case-sensitive", "method", "header", "priority", "weight", "protocol-version"):
        if subject.draft.has(slot) or subject.draft.entries(slot):
            message = (
                f"route {subject.draft.name} is on a TLS_PASSTHROUGH listener, which forwards all that comes to it."
            )
            yield subject.draft.problem("TLS_PASSTHROUGH", slot, message)


@reads("listener", "protocol")
def _has_protocols_that_go_together(subject: Subject, _: Context) -> Iterator[Problem]:
    listeners = ", ".join(map(str, subject.route.listeners))
    is_tls = [listener.protocol == "TLS_PASSTHROUGH" for listener in subject.route.listeners]
    if any(is_tls) and not all(is_tls):
        message = (
            f"{listeners}: TLS_PASSTHROUGH needs TCP targets and the others HTTP; make two routes, two port names."
        )
        yield subject.draft.problem("PROTOCOL_MISMATCH", "listener", message, listeners)
    elif all(is_tls) != (subject.route.protocol == "TCP"):
        message = f"the listener is {listeners}; TCP goes with TLS_PASSTHROUGH only, and TLS_PASSTHROUGH with TCP only."
        yield subject.draft.problem("PROTOCOL_MISMATCH", "protocol", message, subject.route.protocol)


@reads("listener", "domain")
def _has_a_domain_for_tls_passthrough(subject: Subject, _: Context) -> Iterator[Problem]:
    if subject.has("TLS_PASSTHROUGH") and not subject.draft.has("domain"):
        message = "a TLS_PASSTHROUGH listener finds its service by the custom domain name: write it."
        yield subject.draft.problem("DOMAIN_MISSING", "domain", message)


@reads("listener", "domain", "certificate")
def _has_a_certificate_for_its_domain(subject: Subject, context: Context) -> Iterator[Problem]:
    draft, route = subject.draft, subject.route
    if route.domain and not route.certificate and subject.has("HTTPS"):
        message = f"HTTPS on {route.domain} needs the ARN of an ACM certificate for it."
        yield draft.problem("CERTIFICATE_MISSING", "certificate", message)
    if route.certificate and not route.domain:
        message = "without a custom domain Lattice uses its own certificate; write domain or take this away."
        yield draft.problem("NO_EFFECT", "certificate", message)
    region = _region(context.task_definition.arn)
    if route.certificate and region and _region(route.certificate) != region:
        message = f"the service runs in {region}; the certificate must be there too."
        yield draft.problem("CERTIFICATE_REGION", "certificate", message)


def _region(arn: str) -> str:
    parts = arn.split(":")
    return parts[3] if len(parts) > 5 and parts[0] == "arn" else ""  # noqa: PLR2004  an ARN has six parts


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
        message = "this stack demands iam (parameter MinimumAuth); a label may ask for more, never for less."
        yield draft.problem("AUTH_BELOW_MINIMUM", "auth", message)
    elif subject.has("TLS_PASSTHROUGH") and route.auth == "AWS_IAM":
        message = "requests on a TLS_PASSTHROUGH listener cannot be signed, so iam would refuse them all."
        yield draft.problem("AUTH_NOT_POSSIBLE", "auth", message, "iam")


@reads("network")
def _stays_within_the_allowed_networks(subject: Subject, context: Context) -> Iterator[Problem]:
    allowed = context.bounds.allowed_networks
    for network in subject.route.networks:
        if network in context.bounds.default_networks or _is_among(network, allowed):
            continue
        message = f"{network} is not allowed here; allowed (parameter AllowedNetworks): {', '.join(allowed)}."
        yield subject.draft.problem("NETWORK_NOT_ALLOWED", "network", message)


@reads("domain")
def _stays_within_the_allowed_domains(subject: Subject, context: Context) -> Iterator[Problem]:
    allowed = context.bounds.allowed_domains
    domain = subject.route.domain
    if domain and not _is_among(domain, tuple(one.lower() for one in allowed)):
        message = f"this domain is not allowed here; allowed (parameter AllowedDomains): {', '.join(allowed)}."
        yield subject.draft.problem("DOMAIN_NOT_ALLOWED", "domain", message)


def _is_among(name: str, globs: tuple[str, ...]) -> bool:
    return not globs or any(fnmatchcase(name, one) for one in globs)


@reads("targets")
def _can_be_attached_as_it_asks(subject: Subject, context: Context) -> Iterator[Problem]:
    if subject.route.targets == "ecs" and context.controller != "ECS":
        message = f"the deployment controller is {context.controller}, which cannot; allowed: controller."
        yield subject.draft.problem("TARGETS_NOT_POSSIBLE", "targets", message)
