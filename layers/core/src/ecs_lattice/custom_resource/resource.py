"""The life cycle of a custom resource (decision 26): Create, Update and Delete, in any order and overlap.

CloudFormation sends one request at a time, but not always: a Delete may come while a cancelled Create is still running,
the Update of a rollback while a failed Update is, and Lambda may repeat an invocation whose request was superseded long
ago. So each request first records the desired ingress, and then the *recorded* one is applied, again if it has changed
meanwhile: who works last applies the newest request, and a repetition of an older request records nothing.
"""

import itertools
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from ecs_lattice import api_calls
from ecs_lattice.custom_resource import properties
from ecs_lattice.custom_resource.desired import DesiredIngress, Record
from ecs_lattice.custom_resource.properties import IngressProperties
from ecs_lattice.custom_resource.protocol import REQUEST_TYPES, Request, Response
from ecs_lattice.custom_resource.verification import NOT_IN_PROGRESS, RequestStatus, Verification
from ecs_lattice.errors import ConflictError, DeniedError, ThrottledError, UnavailableError
from ecs_lattice.ingress import problems
from ecs_lattice.ingress.model import AllowedPorts, IngressRule, PortRequirement, PrefixList
from ecs_lattice.ingress.open import Ingress
from ecs_lattice.ingress.routes import RouteIngress
from ecs_lattice.outcome import Problem

TYPES = ("Custom::LatticeIngress", "AWS::CloudFormation::CustomResource")
_TRIES, _LONGEST_WAIT_SECONDS = 4, 5.0


@dataclass(frozen=True, slots=True)
class OpenedGroups:
    """``rules``: those that open the requested ports, ours or not. ``problems``: what is closed; empty when all is open."""

    rules: tuple[IngressRule, ...] = ()
    prefix_lists: tuple[PrefixList, ...] = ()
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class IngressResource:
    """All custom resources of this type; ``sleep`` waits (seconds) before a throttled call is retried."""

    ingress: Ingress
    record: Record
    verification: Verification
    sleep: Callable[[float], None]

    def apply(self, request: Request) -> Response:
        """Carry out the request. Raises AwsError and OutOfTimeError, after which the same request may be repeated."""
        desired = None if request.type == "Delete" else _rejected(request) or properties.read(request.properties)
        if isinstance(desired, tuple):
            return Response(False, request.own_id, reason=format_problems(desired))
        match self.verification.status(request):
            case RequestStatus.NOT_IN_PROGRESS:
                return Response(False, request.physical_id or request.own_id, reason=NOT_IN_PROGRESS)
            case RequestStatus.REPLACED:
                return Response(True, request.physical_id or request.own_id)
        return self._delete(request) if desired is None else self._open(request, desired)

    def _open(self, request: Request, desired: IngressProperties) -> Response:
        if exceeded := self.record.add(request, desired, lambda: self._required(request, desired)):
            return Response(False, request.own_id, reason=format_problems(exceeded))
        newest, opened = self._apply_newest(request)
        if newest != request.request_id:
            return Response(False, request.own_id, reason="A newer request for this resource has superseded this one.")
        if opened.problems:
            return Response(False, request.own_id, reason=format_problems(opened.problems))
        self.record.set_live(request)
        return Response(True, request.own_id, data=_data(opened))

    def _required(self, request: Request, desired: IngressProperties) -> IngressProperties:
        """What the registry requires of the desired groups for this resource: rebuilt from the rules' tags after a lost table."""
        found = [
            requirement
            for group_id in desired.group_ids
            for requirement in self.ingress.registry.requirements_on(group_id)
            if requirement.consumer == request.own_id
        ]
        ports = {allowed.ports for requirement in found for allowed in requirement.ports}
        return IngressProperties(tuple(group.group_id for group in found), tuple(sorted(ports)))

    def _delete(self, request: Request) -> Response:
        """CloudFormation makes an id of its own where a Create was never answered: its Delete ends the resource as well."""
        recorded = self.record.read(request.own_id)
        if request.physical_id not in recorded.replaced:
            self.record.add(request, None)
            self._apply_newest(request)
        return Response(True, request.physical_id or request.own_id)

    def _apply_newest(self, request: Request) -> tuple[str, OpenedGroups]:
        """Apply the recorded ingress until it no longer changes; the id of the newest request, and its result."""
        desired = self.record.read(request.own_id)
        while True:
            opened = self._apply_with_retries(request, desired)
            newer = self.record.read(request.own_id)
            if newer.requests == desired.requests:
                return desired.requests[-1], opened
            desired = newer

    def _apply_with_retries(self, request: Request, desired: DesiredIngress) -> OpenedGroups:
        """Retries where AWS is busy: CloudFormation has no response for "not yet"."""
        for _ in range(_TRIES - 1):
            try:
                return self._apply(request, desired)
            except ThrottledError as error:
                wait = error.retry_after
            except (UnavailableError, ConflictError):
                wait = 1.0
            api_calls.check_time()
            self.sleep(min(wait, _LONGEST_WAIT_SECONDS))
        return self._apply(request, desired)

    def _apply(self, request: Request, desired: DesiredIngress) -> OpenedGroups:
        """Open before closing: what an update moves is open all the time. With problems nothing is closed."""
        wanted, consumer = desired.properties, request.own_id
        if wanted is None:
            self.ingress.close(consumer, desired.group_ids)
            return OpenedGroups()
        ports = wanted.allowed_ports(self.ingress.families())
        description = wanted.description or f"VPC Lattice, for {request.logical_id} of {request.stack_name}"
        live = {group_id for known in desired.once_live for group_id in known.group_ids}
        default_allowed = {group_id: wanted.default_allowed or group_id in live for group_id in wanted.group_ids}
        opened = open_groups(self.ingress, consumer, default_allowed, ports, description)
        if not opened.problems:
            self.ingress.close(consumer, desired.group_ids, dict.fromkeys(wanted.group_ids, ports))
        return opened


def open_groups(
    ingress: Ingress,
    consumer: str,
    default_allowed: Mapping[str, bool],
    ports: Collection[AllowedPorts],
    description: str,
) -> OpenedGroups:
    """Open every one of the groups; replaces what ``consumer`` required of them before. ``default_allowed``: by group, whether it
    may be the default group of a VPC."""
    # Each group has to be open by itself, like the only group of a task.
    places = itertools.product(sorted(default_allowed), sorted(set(ports)))
    requirements = [
        PortRequirement((group_id,), "", allowed, default_allowed[group_id]) for group_id, allowed in places
    ]
    try:
        opened = RouteIngress(ingress).open(consumer, requirements, (), description)
        prefix_lists = ingress.groups.prefix_lists()
    except DeniedError as error:
        return OpenedGroups(problems=(problems.denied(default_allowed, error, ingress.label_prefix),))
    rules = [rule for needed in requirements if (rule := opened.rules[needed.group_ids[0]].open_rule(needed.ports))]
    unmet = dict.fromkeys(_in_words_of_the_resource(problem) for _, problem in opened.closed)
    return OpenedGroups(tuple(dict.fromkeys(rules)), prefix_lists, tuple(unmet))


def _in_words_of_the_resource(problem: Problem) -> Problem:
    """The problem with what can be done about it in a template instead of a label."""
    if problem.code != "INGRESS_DEFAULT_GROUP":
        return problem
    message = (
        f"The {problem.where} is the default group of its VPC, which other resources use too. Use a group of its own, or set "
        "the property AllowDefaultSecurityGroup to true."
    )
    return Problem(problem.code, message)


def format_problems(found: tuple[Problem, ...]) -> str:
    """Problems as one text for CloudFormation's console, numbered where there are several."""
    texts = [str(problem) if problem.key else f"{problem.code}: {problem.text}" for problem in found]
    if len(texts) == 1:
        return texts[0]
    return f"{len(texts)} problems. " + " ".join(f"({number}) {text}" for number, text in enumerate(texts, start=1))


def _rejected(request: Request) -> tuple[Problem, ...]:
    """The problems of a request that is not for this type of resource, or incomplete."""
    found = []
    if request.type not in REQUEST_TYPES:
        found.append(Problem("UNKNOWN_REQUEST", f"known are {', '.join(REQUEST_TYPES)}.", "RequestType", request.type))
    if request.resource_type not in TYPES:
        message = f"this ServiceToken creates resources of type {TYPES[0]}."
        found.append(Problem("UNKNOWN_TYPE", message, "Type", request.resource_type))
    identity = {"RequestId": request.request_id, "StackId": request.stack_id, "LogicalResourceId": request.logical_id}
    if missing := [name for name, value in identity.items() if not value]:
        found.append(Problem("INCOMPLETE_REQUEST", f"the request lacks {', '.join(missing)}."))
    return tuple(found)


def _data(opened: OpenedGroups) -> dict[str, str]:
    """The values of Fn::GetAtt. All are always present, because Fn::GetAtt fails on a missing one."""
    lists = {source.family: source.id for source in opened.prefix_lists}
    rules = sorted(rule.id for rule in opened.rules)
    return {
        "RuleIds": ",".join(rules),
        "RuleCount": str(len(rules)),
        "PrefixListIds": ",".join(lists[family] for family in sorted(lists)),
        "PrefixListIdIPv4": lists.get("IPV4", ""),
        "PrefixListIdIPv6": lists.get("IPV6", ""),
    }
