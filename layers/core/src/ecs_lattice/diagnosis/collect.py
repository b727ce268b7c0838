"""Collects the evidence for one route. Every part may fail by itself: what could not be read is said, never guessed."""

from collections.abc import Callable
from dataclasses import dataclass, field

from ecs_lattice import api_calls
from ecs_lattice.claims import ClaimRecord
from ecs_lattice.diagnosis.evidence import Evidence, SecuritySeen, ServiceSeen, Unread
from ecs_lattice.diagnosis.ports import Sources
from ecs_lattice.diagnosis.subjects import RouteSubject
from ecs_lattice.ecs_side import record as records
from ecs_lattice.ecs_side.status import RouteStatus
from ecs_lattice.errors import EcsLatticeError
from ecs_lattice.ingress.ports import SecurityGroups
from ecs_lattice.ports import Now, Registry

_READING_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Collector:
    """Reads, and writes nothing."""

    sources: Sources
    security_groups: SecurityGroups
    memory: Registry
    now: Now
    label_prefix: str = "lattice"

    def collect(self, subject: RouteSubject) -> Evidence:
        """Everything that can be seen of ``subject`` now, in half of the function's time: the rest is for telling it."""
        with api_calls.within(_READING_SECONDS):
            return self._collect(subject)

    def _collect(self, subject: RouteSubject) -> Evidence:
        reading = _Reading()
        claim = reading.part("registry", lambda: self._claim(subject))
        status = reading.part("status", lambda: self._status(subject))
        group_arn = _group_arn(claim, status)
        seen = reading.part("ECS service", lambda: self.sources.service(subject.service))
        primary = seen.service.primary if seen else None
        return Evidence(
            subject=subject,
            now=self.now(),
            label_prefix=self.label_prefix,
            route=claim.claim.route if claim else None,
            status=status,
            is_live=claim is not None and claim.answer.state == "Live",
            group_arn=group_arn,
            group=reading.part("target group", lambda: self.sources.group(group_arn)) if group_arn else None,
            targets=reading.part("targets", lambda: self.sources.targets(group_arn)) if group_arn else None,
            service=seen,
            tasks=reading.part("tasks", lambda: self.sources.tasks(subject.service)),
            definition=reading.part("task definition", lambda: self.sources.definition(primary.task_definition))
            if primary
            else None,
            security=reading.part("security groups", lambda: self._security(seen)) if seen else None,
            unread=tuple(reading.unread),
        )

    def _claim(self, subject: RouteSubject) -> ClaimRecord | None:
        claims = self.memory.claims_on(subject.lattice_service)
        mine = (one for one in claims if one.claim.service == subject.service and one.claim.route.name == subject.route)
        return next(mine, None)

    def _status(self, subject: RouteSubject) -> RouteStatus | None:
        text = self.memory.document(records.KIND, subject.service.arn)
        if text is None:
            return None
        wanted = (subject.lattice_service, subject.route)
        return next((one for one in records.parse(text).statuses if (one.lattice_service, one.route) == wanted), None)

    def _security(self, seen: ServiceSeen) -> SecuritySeen | None:
        """None for a service whose network is not its own (bridge and host): its groups are its instances'."""
        primary = seen.service.primary
        group_ids = (primary.security_groups if primary else ()) or seen.service.security_groups
        if not group_ids and not seen.vpc_id:
            return None
        if group_ids:
            groups = self.security_groups.groups(group_ids)
        else:
            groups = (self.security_groups.default_group(seen.vpc_id),)
        rules = self.security_groups.rules([group.id for group in groups]) if groups else ()
        return SecuritySeen(groups, rules, self.security_groups.prefix_lists())


@dataclass(slots=True)
class _Reading:
    unread: list[Unread] = field(default_factory=list)

    def part[T](self, name: str, read: Callable[[], T]) -> T | None:
        """What ``read`` gives; None, with a note, when it fails."""
        try:
            return read()
        except EcsLatticeError as error:
            self.unread.append(Unread(name, str(error)))
            return None


def _group_arn(claim: ClaimRecord | None, status: RouteStatus | None) -> str:
    found = (claim.claim.own_group or claim.answer.group_arn) if claim else None
    return found or (status.group_arn if status else None) or ""
