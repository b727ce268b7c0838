"""Collects the evidence about one route. Every part may fail by itself: what could not be read is reported, never guessed."""

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from ecs_lattice import api_calls
from ecs_lattice.claims import ClaimRecord
from ecs_lattice.diagnosis.evidence import Evidence, TaskSecurityGroups, Unread
from ecs_lattice.diagnosis.ports import Sources
from ecs_lattice.diagnosis.subjects import RouteSubject
from ecs_lattice.ecs_side import record as records
from ecs_lattice.ecs_side.record import EcsRecord
from ecs_lattice.ecs_side.status import RouteStatus
from ecs_lattice.ecs_side.update_outcome import own_deployment
from ecs_lattice.errors import EcsLatticeError
from ecs_lattice.facts import EcsService
from ecs_lattice.ingress.ports import SecurityGroups
from ecs_lattice.model import ServiceId
from ecs_lattice.ports import Now, Registry

_READING_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Collector:
    """Reads, and writes nothing. ``label_prefix`` and ``attach_minutes`` (after which an attachment is undone) are the
    stack's."""

    sources: Sources
    security_groups: SecurityGroups
    registry: Registry
    now: Now
    label_prefix: str
    attach_minutes: float

    def collect(self, subject: RouteSubject) -> Evidence:
        """Everything that can be read about ``subject`` now, within half of the function's time: the rest is for the
        message."""
        (evidence,) = self.collect_all(subject.service, (subject,))
        return evidence

    def collect_all(self, service: ServiceId, subjects: Iterable[RouteSubject]) -> tuple[Evidence, ...]:
        """The same about each of ``subjects``, routes of ``service``, in their order. What they share is read once."""
        with api_calls.within(_READING_SECONDS):
            parts = _Parts()
            claims = parts.read("registry", self.registry.claims_of, service) or ()
            record = parts.read("status", self._record, service)
            shared = self._shared(service, record, parts)
            return tuple(self._of_route(shared, subject, claims, record) for subject in subjects)

    def _shared(self, service_id: ServiceId, record: EcsRecord | None, parts: "_Parts") -> Evidence:
        """What is the same for all routes of an ECS service."""
        sources = self.sources
        service = parts.read("ECS service", sources.service, service_id)
        vpc_id = parts.read("subnets", sources.vpc_id, service.subnets if service else ()) or ""
        return Evidence(
            subject=RouteSubject("", service_id, ""),
            now=self.now(),
            label_prefix=self.label_prefix,
            service=service,
            own_deployment=own_deployment(record.pending_update, service, self.attach_minutes * 60) if record else None,
            vpc_id=vpc_id,
            tasks=parts.read("tasks", sources.tasks, service_id),
            task_definition=parts.read("task definition", sources.task_definition, _revision(service)),
            security=parts.read("security groups", lambda found: self._security(found, vpc_id), service),
            unread=tuple(parts.unread),
        )

    def _of_route(
        self, shared: Evidence, subject: RouteSubject, claims: Sequence[ClaimRecord], record: EcsRecord | None
    ) -> Evidence:
        parts = _Parts()
        claim, status = _claim(claims, subject), _status(record, subject) if record else None
        group_arn = _group_arn(claim, status)
        return dataclasses.replace(
            shared,
            subject=subject,
            route=claim.claim.route if claim else None,
            status=status,
            is_live=claim is not None and claim.answer.state == "Live",
            group_arn=group_arn,
            group=parts.read("target group", self.sources.group, group_arn),
            targets=parts.read("targets", self.sources.targets, group_arn),
            unread=(*parts.unread, *shared.unread),
        )

    def _record(self, service: ServiceId) -> EcsRecord | None:
        return records.read(self.registry, service)

    def _security(self, service: EcsService, vpc_id: str) -> TaskSecurityGroups | None:
        """None for a service without a network of its own (bridge and host): its groups are its instances'."""
        group_ids = (service.primary.security_groups if service.primary else ()) or service.security_groups
        if group_ids:
            groups = self.security_groups.groups(group_ids)
        elif vpc_id:
            groups = (self.security_groups.default_group(vpc_id),)
        else:
            return None
        rules = self.security_groups.rules([group.id for group in groups]) if groups else ()
        return TaskSecurityGroups.of(groups, rules, self.security_groups.prefix_lists())


@dataclass(slots=True)
class _Parts:
    unread: list[Unread] = field(default_factory=list)

    def read[A, T](self, name: str, read: Callable[[A], T], of: A | None) -> T | None:
        """What ``read`` returns for ``of``; None where ``of`` is unknown or empty and, with a note, when ``read`` fails."""
        try:
            return read(of) if of else None
        except EcsLatticeError as error:
            self.unread.append(Unread(name, str(error)))
            return None


def _claim(claims: Sequence[ClaimRecord], subject: RouteSubject) -> ClaimRecord | None:
    wanted = (subject.lattice_service, subject.route)
    return next((found for found in claims if (found.lattice_service, found.claim.route.name) == wanted), None)


def _status(record: EcsRecord, subject: RouteSubject) -> RouteStatus | None:
    wanted = (subject.lattice_service, subject.route)
    return next((status for status in record.statuses if (status.lattice_service, status.route) == wanted), None)


def _group_arn(claim: ClaimRecord | None, status: RouteStatus | None) -> str:
    found = (claim.claim.own_group or claim.answer.group_arn) if claim else None
    return found or (status.group_arn if status else None) or ""


def _revision(service: EcsService | None) -> str:
    return service.primary.task_definition if service and service.primary else ""
