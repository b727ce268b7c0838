"""What became of an UpdateService of ours: told from the intent and from the deployments that ECS lists now.

What the decision on an ECS service's list rests on, and the decision itself: values.

Whether the list of ``vpcLatticeConfigurations`` of an ECS service has to change now, to what, or why not: pure.

UpdateService replaces the whole list and starts a deployment each time (Amazon ECS API, UpdateService). So it is called
once for everything that is ready, only when nothing rolls, and every entry that is not ours is sent back as it came.
"""

import dataclasses
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from ecs_lattice.claims import Claim, ClaimRecord
from ecs_lattice.ecs_side import effective_revision
from ecs_lattice.ecs_side.record import EcsRecord, PendingUpdate, fingerprint
from ecs_lattice.facts import Deployment, EcsService, LatticeEntry
from ecs_lattice.outcome import Problem
from ecs_lattice.settings import Settings

BELIEVED_SECONDS = 60
"""For so long the intent is believed over DescribeServices, which is eventually consistent (Amazon ECS API Reference)."""

UpdateOutcome = Literal["none", "believed", "refused", "lost", "running", "overdue", "settled", "failed", "rolled back", "overtaken"]  # fmt: skip


def update_outcome(
    pending_update: PendingUpdate | None, service: EcsService, now: float, attach_seconds: float
) -> UpdateOutcome:
    """What became of ``intent``.

    ``believed``: too young to be seen. ``refused``: ECS answered with an error. ``lost``: the call never reached ECS.
    ``running``, ``overdue`` (longer than ``attach_seconds``), ``settled``, ``failed``: its deployment is PRIMARY and is
    so. ``rolled back``: ECS has put the list before it back. ``overtaken``: somebody else's deployment is PRIMARY now.
    """
    primary = service.primary
    if pending_update is None or primary is None:
        return "none"
    if primary.id == pending_update.before:
        if pending_update.error:
            return "refused"
        return "believed" if now - pending_update.at < BELIEVED_SECONDS else "lost"
    if _is_its_own(pending_update, primary):
        if effective_revision.is_completed(service, primary):
            return "settled"
        if primary.rollout == "FAILED":
            return "failed"
        return "overdue" if now - pending_update.at >= attach_seconds else "running"
    return "rolled back" if _was_rolled_back(pending_update, primary, service) else "overtaken"


def same(one: tuple[LatticeEntry, ...], other: tuple[LatticeEntry, ...]) -> bool:
    """Whether two lists name the same; neither their order nor another role is a difference."""
    return {entry.identity for entry in one} == {entry.identity for entry in other}


def _is_its_own(pending_update: PendingUpdate, primary: Deployment) -> bool:
    if pending_update.deployment is not None:
        return primary.id == pending_update.deployment
    # The answer of the call was lost: a new deployment of the same revision with exactly our list is the one.
    return primary.task_definition == pending_update.task_definition and same(primary.entries, pending_update.entries)


def _was_rolled_back(pending_update: PendingUpdate, primary: Deployment, service: EcsService) -> bool:
    """ECS's circuit breaker deploys the revision before ours again, list included (Amazon ECS API, Rollback)."""
    if pending_update.undo or not same(primary.entries, pending_update.previous):
        return False
    if any(one.id == pending_update.deployment and one.rollout == "FAILED" for one in service.deployments):
        return True
    return primary.task_definition == pending_update.task_definition


Kind = Literal["keep", "attach", "roll_back", "wait", "refuse"]


@dataclass(frozen=True, slots=True)
class Decision:
    """``keep``: the list is right, or not ours to change now. ``attach``: send ``entries`` (and ``grace_period``, seconds,
    where not None). ``undo``: the same, into the deployment of ours that does not complete. ``wait``: look again ``after``
    seconds. ``refuse``: a person has to do something. ``code`` and ``message`` say why, for people.
    """

    kind: Kind
    entries: tuple[LatticeEntry, ...] = ()
    grace_period: int | None = None
    after: int = 0
    code: str = ""
    message: str = ""

    @property
    def problem(self) -> Problem | None:
        return Problem(self.code, self.message) if self.kind == "refuse" or self.code in _REPORTED else None


_REPORTED = {"DEPLOYMENT_FAILED", "ATTACH_FAILED"}


@dataclass(frozen=True, slots=True)
class RouteState:
    """A claim as it is going to be written, the record of it as it was read (None for a new one), and who attaches it.
    ``closed``: why the tasks' security groups do not let VPC Lattice in for it; None when they do."""

    claim: Claim
    record: ClaimRecord | None
    by_ecs: bool
    closed: Problem | None = None

    @property
    def group(self) -> str | None:
        """The group of ours that the Lattice side made for it."""
        return None if self.claim.own_group or self.record is None else self.record.answer.group_arn

    @property
    def state(self) -> str:
        return self.record.answer.state if self.record else "Pending"

    @property
    def is_answered(self) -> bool:
        """Whether the answer is to what is asked now; what is merely reported (named, serving) needs no other answer."""
        record, claim = self.record, self.claim
        if record is None or record.is_unapplied:
            return False
        return record.claim == dataclasses.replace(claim, named=record.claim.named, serving=record.claim.serving)

    @property
    def is_pending(self) -> bool:
        return self.claim.phase == "declared" and (
            self.state in {"Pending", "Parked", "Removed"} or not self.is_answered
        )

    @property
    def is_out(self) -> bool:
        """Whether the route takes no traffic any more and its tasks are to be detached."""
        return self.claim.phase != "declared" and self.state in {"Parked", "Removed"}

    @property
    def is_wired(self) -> bool:
        """Whether its group is for ECS to attach, as soon as the answer is to what is asked now."""
        may = self.by_ecs and self.closed is None
        return may and self.claim.phase == "declared" and self.state in {"Wired", "Live"}

    @property
    def joins(self) -> bool:
        """Whether its group goes into the list if it does not stand there yet: ECS stops tasks that fail Lattice's checks."""
        return self.is_wired and self.is_answered


@dataclass(frozen=True, slots=True)
class AttachInput:
    """All that the decision rests on. ``ours``: every group of ours, also those that no claim explains any more."""

    service: EcsService
    seats: tuple[RouteState, ...]
    record: EcsRecord
    update_outcome: UpdateOutcome
    ours: frozenset[str]
    settings: Settings
    now: float


MAXIMUM_ENTRIES = 5
"""VPC Lattice configurations of one ECS service (Amazon ECS Developer Guide, "Use Amazon VPC Lattice")."""
PENDING_SECONDS = 600
"""A route that has been pending for longer no longer holds the other routes of its service."""
_LOOK_AGAIN_SECONDS = 30
_AFTER_A_FAILED_DEPLOYMENT_SECONDS = 900


def decide(question: AttachInput) -> Decision:
    """The decision for one ECS service. Nothing but the answer to the question; the caller acts."""
    primary = question.service.primary
    if primary is None or question.service.is_deleted:
        return Decision("keep")
    if any(seat.claim.route.pause for seat in question.seats):
        return Decision("keep", code="PAUSED", message="A route of this ECS service is paused: its list is left alone.")
    if ours_to_end := _our_own_deployment(question):
        return ours_to_end
    entries = wanted_entries(question, primary)
    if same(entries, primary.entries):
        return _unanswered(question, entries) or Decision("keep")
    obstacles = (_deployment, _pending, _closed, _failed_before, _interruption, _roles, _number)
    for obstacle in obstacles:
        if decision := obstacle(question, primary, entries):
            return decision
    return Decision("attach", entries, _grace_period(question, entries))


def wanted_entries(question: AttachInput, primary: Deployment) -> tuple[LatticeEntry, ...]:
    """The list as it should be: what stands and stays, in its order, then what joins."""
    staying = {seat.group for seat in question.seats if seat.group and not seat.is_out}
    staying |= _leftovers_to_keep(question)
    joining = {seat.group: seat.claim.route.port_name for seat in question.seats if seat.group and seat.joins}
    kept = tuple(
        entry for entry in primary.entries if entry.advanced or entry.group_arn not in question.ours or entry.group_arn in staying
    )  # fmt: skip
    standing = {entry.group_arn for entry in kept}
    role = question.settings.infrastructure_role
    allowed = _allowed_roles(question.settings)
    kept = tuple(
        LatticeEntry(role, entry.group_arn, entry.port_name, entry.advanced)
        if entry.group_arn in question.ours and entry.role_arn not in allowed
        else entry
        for entry in kept
    )
    return kept + tuple(
        LatticeEntry(role, group, port) for group, port in sorted(joining.items()) if group not in standing
    )


def list_fingerprint(task_definition: str, entries: tuple[LatticeEntry, ...]) -> str:
    """What a failed attach is remembered by: the revision and what the list names."""
    return fingerprint(task_definition, sorted([*entry.identity[:2], str(entry.advanced)] for entry in entries))


def leftovers(seats: Iterable[RouteState], ours: frozenset[str]) -> frozenset[str]:
    """Groups of ours that no claim explains: replaced ones, and those of claims that a lost table forgot."""
    return ours - {seat.group for seat in seats if seat.group}


def _leftovers_to_keep(question: AttachInput) -> set[str]:
    """A leftover stays until every route is as it should be, and for the grace time after that was first seen."""
    kept = set()
    for group in leftovers(question.seats, question.ours):
        since = question.record.clock(f"leftover:{group}")
        wait = max(question.settings.grace_seconds, question.settings.settle_seconds)
        if since is None or question.now - since < wait:
            kept.add(group)
    return kept


def _our_own_deployment(question: AttachInput) -> Decision | None:
    """What our last UpdateService asks for, before anything new is begun."""
    pending_update = question.record.pending_update
    if pending_update is None:
        return None
    match question.update_outcome:
        case "believed":
            left = math.ceil(BELIEVED_SECONDS - (question.now - pending_update.at))
            return Decision("wait", after=max(left, 1), code="ATTACHING", message="UpdateService was called just now.")
        case "refused" | "lost" if pending_update.undo:
            return Decision(
                "roll_back", pending_update.entries, code="ATTACH_FAILED", message=attach_failed("did not complete")
            )
        case "overdue" | "failed" if not pending_update.undo:
            minutes = f"{question.settings.attach_minutes:g} minutes"
            why = f"did not complete within {minutes}" if question.update_outcome == "overdue" else "failed"
            return Decision("roll_back", pending_update.previous, code="ATTACH_FAILED", message=attach_failed(why))
        case "running" | "overdue":
            after = effective_revision.wait_while_rolling(question.service, question.now)
            return Decision("wait", after=after, code="ATTACHING", message="ECS hands the tasks to the target groups.")
    return None


def attach_failed(why: str) -> str:
    """The message of ATTACH_FAILED."""
    return (
        f"The deployment that attached the tasks to their Lattice target groups {why}; the list is as it was before. "
        "Look at the health check of the target group, the security group of the tasks and the service's events. It is "
        "tried again with the next task definition or with another set of routes; lattice.targets = controller "
        "registers the tasks without a deployment."
    )


def _deployment(question: AttachInput, primary: Deployment, _: tuple[LatticeEntry, ...]) -> Decision | None:
    service = question.service
    if primary.rollout == "FAILED":
        message = "The service's deployment failed; attaching would start it again. Deploy a revision that completes."
        return Decision("wait", after=_AFTER_A_FAILED_DEPLOYMENT_SECONDS, code="DEPLOYMENT_FAILED", message=message)
    if effective_revision.rolls(service) or not effective_revision.is_completed(service, primary):
        after = effective_revision.wait_while_rolling(service, question.now)
        return Decision(
            "wait", after=after, code="DEPLOYMENT_ROLLS", message="Attached when the deployment is complete."
        )
    return None


def _unanswered(question: AttachInput, entries: tuple[LatticeEntry, ...]) -> Decision | None:
    """The Lattice side need not ring when it takes a claim in without another answer: so it is looked at again."""
    standing = {entry.group_arn for entry in entries}
    if any(seat.is_wired and seat.group and seat.group not in standing for seat in question.seats):
        message = "The Lattice side has not taken in yet what is asked of it now."
        return Decision("wait", after=_LOOK_AGAIN_SECONDS, code="ROUTE_PENDING", message=message)
    return None


def _pending(question: AttachInput, _: Deployment, __: tuple[LatticeEntry, ...]) -> Decision | None:
    for seat in question.seats:
        since = question.record.clock(pending_clock(seat.claim))
        if seat.is_pending and (since is None or question.now - since < PENDING_SECONDS):
            message = f"Route {seat.claim.route.name} is not wired yet; all routes are attached by one deployment."
            return Decision("wait", after=_LOOK_AGAIN_SECONDS, code="ROUTE_PENDING", message=message)
    return None


def _closed(question: AttachInput, primary: Deployment, entries: tuple[LatticeEntry, ...]) -> Decision | None:
    """A new deployment for one route would not come up where the tasks cannot be reached for another one."""
    joins = {one.group_arn for one in entries} - {one.group_arn for one in primary.entries}
    standing = {one.group_arn for one in entries}
    for seat in question.seats:
        if joins and seat.closed and seat.group in standing:
            message = f"Nothing is attached while the tasks cannot be reached for a route that is: {seat.closed.text}"
            return Decision("wait", after=_AFTER_A_FAILED_DEPLOYMENT_SECONDS, code=seat.closed.code, message=message)
    return None


def pending_clock(claim: Claim) -> str:
    """The name of the clock that says since when a claim is pending."""
    return f"pending:{claim.route.lattice_service}/{claim.route.name}"


def _failed_before(question: AttachInput, primary: Deployment, entries: tuple[LatticeEntry, ...]) -> Decision | None:
    if question.record.failed != list_fingerprint(primary.task_definition, entries):
        return None
    return Decision("refuse", code="ATTACH_FAILED", message=attach_failed("did not complete"))


def _interruption(question: AttachInput, primary: Deployment, entries: tuple[LatticeEntry, ...]) -> Decision | None:
    service = question.service
    least = math.ceil(
        service.desired * service.minimum_healthy_percent / 100
    )  # rounded up: ECS API, DeploymentConfiguration
    if service.desired == 0 or least > 0:
        return None
    changed = {one.group_arn for one in primary.entries} ^ {one.group_arn for one in entries}
    written = {seat.group for seat in question.seats if seat.claim.route.targets == "ecs"}
    if changed <= written:
        return None
    message = (
        f"minimumHealthyPercent {service.minimum_healthy_percent} lets a deployment take the last running task away, and "
        "attaching by ECS is a deployment. Write lattice.targets = ecs to have it done nevertheless, or lattice.targets "
        "= controller to have the tasks registered without one, or raise minimumHealthyPercent."
    )
    return Decision("refuse", code="ATTACH_WOULD_INTERRUPT", message=message)


def _allowed_roles(settings: Settings) -> set[str]:
    return {role for role in (settings.infrastructure_role, *settings.other_infrastructure_roles) if role}


def _roles(question: AttachInput, _: Deployment, entries: tuple[LatticeEntry, ...]) -> Decision | None:
    allowed = _allowed_roles(question.settings)
    for role in sorted({entry.role_arn for entry in entries}):
        if role not in allowed:
            message = (
                f"The list of this ECS service has an entry with the role {role or '(none)'}, which this stack may not "
                "pass on, and the list can only be sent as a whole. Name the role in the stack's parameter "
                "OtherInfrastructureRoles, or write lattice.targets = controller."
            )
            return Decision("refuse", code="ROLE_NOT_ALLOWED", message=message)
    return None


def _number(_: AttachInput, primary: Deployment, entries: tuple[LatticeEntry, ...]) -> Decision | None:
    if len(entries) <= MAXIMUM_ENTRIES or len(entries) < len(primary.entries):
        return None
    message = (
        f"{len(entries)} target groups, old and new together; an ECS service can have {MAXIMUM_ENTRIES}. Let routes share a "
        "port (routes of one port on one Lattice service share a group), change fewer at a time, or write lattice.targets "
        "= controller for some."
    )
    return Decision("refuse", code="TOO_MANY_CONFIGURATIONS", message=message)


def _grace_period(question: AttachInput, entries: tuple[LatticeEntry, ...]) -> int | None:
    groups = {entry.group_arn for entry in entries}
    wanted = max(
        (seat.claim.route.health_grace for seat in question.seats if seat.group in groups and seat.by_ecs), default=0
    )
    return wanted if wanted > (question.service.grace_period or 0) else None
