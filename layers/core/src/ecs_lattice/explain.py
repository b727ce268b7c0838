"""Why the routes of an ECS service are not Live, or do not answer: what the registry says of them, and the diagnosis of the
mails, on demand. Reads only: no incident begins, changes or ends by it, and nothing is sent.

The members of an answer are part of the interface of the command, as those of :mod:`~ecs_lattice.query.status`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ecs_lattice.diagnosis import causes, postpone
from ecs_lattice.diagnosis.chat_text import printable
from ecs_lattice.diagnosis.collect import Collector
from ecs_lattice.diagnosis.evidence import ANSWERING, Evidence
from ecs_lattice.diagnosis.findings import Finding
from ecs_lattice.diagnosis.route_messages import NOT_FOUND, not_found, observed
from ecs_lattice.diagnosis.subjects import RouteSubject
from ecs_lattice.ecs_side import record as records
from ecs_lattice.ecs_side.record import EcsRecord
from ecs_lattice.ecs_side.status import RouteStatus
from ecs_lattice.errors import UnknownEventError
from ecs_lattice.health.counts import count
from ecs_lattice.model import ServiceId
from ecs_lattice.ports import Now, Registry
from ecs_lattice.query import members
from ecs_lattice.query.status import SCHEMA, Stored, Targets, ecs_services, is_told

MODE = "explain"
_NOT_YET_OR_NO_LONGER = frozenset({"Pending", "Parked", "Removing"})
"""States in which nothing is attached, as is meant: the code of the status says what is waited for."""


@dataclass(frozen=True, slots=True)
class Explainer:
    """Answers requests of the mode ``explain`` for one stack."""

    collector: Collector
    registry: Registry
    now: Now

    def answer(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """The answer to ``{"mode": "explain", "ecsService": "<long ARN>"}``. Raises UnknownEventError, with what is allowed,
        for a member that is missing or wrong; AwsError when the registry cannot be read. An ECS service that the registry
        does not know is no error: ``isKnown`` is false."""
        service = members.ecs_service(request)
        if service is None:
            raise UnknownEventError(f'the mode "{MODE}" needs "ecsService", the long ARN of an ECS service.')
        record = records.read(self.registry, service)
        is_known = record is not None and is_told(record)
        told = self._told(service, record) if record is not None and is_known else _unknown(service)
        return {"schema": SCHEMA, "at": self.now(), "isKnown": is_known, **told}

    def _told(self, service: ServiceId, record: EcsRecord) -> dict[str, Any]:
        subjects = [RouteSubject(status.lattice_service, service, status.route) for status in record.statuses]
        evidence = self.collector.collect_all(service, subjects) if subjects else ()
        stored = Stored((record,), self.registry.claims_of(service))
        (told,) = ecs_services(stored, _targets(evidence))
        routes = zip(told["routes"], record.statuses, evidence, strict=True)
        return {**told, "routes": [_explained(route, status, seen) for route, status, seen in routes]}


def _unknown(service: ServiceId) -> dict[str, Any]:
    """The members of an answer about an ECS service of which nothing is known."""
    return {
        "arn": service.arn, "cluster": service.cluster, "service": service.name, "revision": None, "problems": [], "routes": [],
    }  # fmt: skip


def _targets(evidence: Iterable[Evidence]) -> Targets:
    """The targets of all groups that were read."""
    return {
        seen.group_arn: count(target.status for target in seen.targets).by_status
        for seen in evidence
        if seen.targets is not None
    }


def _explained(route: Mapping[str, Any], status: RouteStatus, seen: Evidence) -> dict[str, Any]:
    """The route as the status tells it, with what was seen and what explains it."""
    findings = _findings(status, seen)
    return {
        **route,
        "isProblem": route["isProblem"] or (bool(findings) and not _is_starting(seen, findings)),
        "facts": [{"name": name, "text": text} for name, text in (observed(seen) if seen.group_arn else ())],
        "causes": [_cause(finding) for finding in findings],
        "unread": [{"part": unread.part, "why": unread.why} for unread in seen.unread],
    }


def _findings(status: RouteStatus, seen: Evidence) -> tuple[Finding, ...]:
    """The causes for a route with targets that fail, or with none that could answer. Where none fits and no code says why
    either, that is said."""
    if not seen.group_arn or status.state in _NOT_YET_OR_NO_LONGER or not _is_ill(seen):
        return ()
    is_told = bool(status.code) or seen.targets is None
    return causes.diagnose(seen) or (() if is_told else (not_found(seen),))


def _is_ill(seen: Evidence) -> bool:
    """Whether targets fail health checks, or there is none that answers or is being checked; so it is where they could not be
    read."""
    return bool(seen.unhealthy) or not seen.in_status(*ANSWERING, "INITIAL")


def _is_starting(seen: Evidence, findings: Sequence[Finding]) -> bool:
    """Whether all of it may be over by itself: a deployment is in progress, or its tasks are within their grace period."""
    is_within_grace = postpone.delay(seen, seen.now, again=False) > 0
    return is_within_grace or {finding.code for finding in findings} == {"DEPLOYMENT_IN_PROGRESS"}


def _cause(finding: Finding) -> dict[str, Any]:
    """``command`` is the first of ``commands``: what fixes it, where a command does, else what shows more."""
    commands = [
        {"purpose": command.purpose, "command": str(command)} for command in finding.commands if command.is_printable
    ]
    return {
        "code": finding.code,
        "certainty": "unknown" if finding.code == NOT_FOUND else finding.likelihood,
        "message": printable(finding.title),
        "evidence": [printable(finding.seen)] if finding.seen else [],
        "advice": finding.advice,
        "command": commands[0]["command"] if commands else "",
        "commands": commands,
    }
