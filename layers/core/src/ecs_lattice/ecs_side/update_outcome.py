"""What became of an UpdateService call of ours, and what follows from it before anything new begins: pure."""

import math
import time
from dataclasses import dataclass, replace
from typing import Literal

from ecs_lattice.ecs_side import effective_revision
from ecs_lattice.ecs_side.record import PendingUpdate
from ecs_lattice.facts import Deployment, EcsService, LatticeEntry, same_entries
from ecs_lattice.settings import Settings

TOO_RECENT_SECONDS = 60
"""For this long the pending update counts more than DescribeServices, which is eventually consistent (Amazon ECS API
Reference)."""

UpdateOutcome = Literal[
    "none", "too_recent", "rejected", "not_received", "running", "overdue", "completed", "failed", "rollback_failed",
    "rolled_back", "superseded",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class AttachDecision:
    """``no_change``: the list is right, or must not be changed now. ``attach``: send ``entries`` (and ``grace_period``,
    seconds, unless None). ``roll_back``: the same, while our own deployment does not complete. ``wait``: reconcile
    again ``after`` seconds. ``refuse``: somebody has to do something. ``code`` and ``message`` are the reason, for
    people; ``is_problem``: it is a problem of the service, not only a stage on the way.
    ``conditions``: those of the attachment (:mod:`failed_attach`).
    """

    kind: Literal["no_change", "attach", "roll_back", "wait", "refuse"]
    entries: tuple[LatticeEntry, ...] = ()
    grace_period: int | None = None
    after: int = 0
    code: str = ""
    message: str = ""
    is_problem: bool = False
    conditions: str = ""


@dataclass(frozen=True, slots=True)
class OwnDeployment:
    """A deployment that the stack has started, ``started_at`` (epoch seconds). It is undone if it has not completed by
    ``undone_at``; 0: it is itself the undo of one. ``attaches``: it registers tasks with further target groups."""

    id: str
    started_at: float
    undone_at: float
    attaches: bool


def own_deployment(
    update: PendingUpdate | None, service: EcsService | None, attach_seconds: float
) -> OwnDeployment | None:
    """The PRIMARY deployment of ``service``, where ``update`` has started it."""
    primary = service.primary if service else None
    if update is None or primary is None or primary.id == update.before or not _has_started(update, primary):
        return None
    undone_at = 0.0 if update.is_rollback else update.at + attach_seconds
    before = {entry.group_arn for entry in update.previous}
    attaches = any(entry.group_arn not in before for entry in update.entries)
    return OwnDeployment(primary.id, primary.created_at, undone_at, attaches)


def update_outcome(update: PendingUpdate, service: EcsService, now: float, attach_seconds: float) -> UpdateOutcome:
    """What became of ``update``.

    ``too_recent``: DescribeServices may not show it yet. ``rejected``: ECS answered with an error. ``not_received``:
    the call never reached ECS. ``running``, ``overdue`` (for longer than ``attach_seconds``), ``completed``,
    ``failed``: its deployment is PRIMARY, and this is its state; a rollback is never overdue, and one that failed is
    ``rollback_failed``. ``rolled_back``: ECS has restored the previous list. ``superseded``: the deployment of somebody
    else is PRIMARY. ``none``: the service has no PRIMARY deployment.
    """
    primary, age = service.primary, now - update.at
    if primary is None:
        return "none"
    if primary.id == update.before and update.error:
        return "rejected"
    if primary.id == update.before:
        return "too_recent" if age < TOO_RECENT_SECONDS else "not_received"
    if not _has_started(update, primary):
        return "rolled_back" if _was_rolled_back(update, primary, service) else "superseded"
    return _of_deployment(update, primary, service, is_late=age >= attach_seconds)


def _of_deployment(update: PendingUpdate, primary: Deployment, service: EcsService, *, is_late: bool) -> UpdateOutcome:
    if effective_revision.is_completed(service, primary):
        return "completed"
    if update.is_rollback:
        return "rollback_failed" if primary.rollout == "FAILED" else "running"
    return "failed" if primary.rollout == "FAILED" else "overdue" if is_late else "running"


def after_outcome(
    update: PendingUpdate, outcome: UpdateOutcome, service: EcsService, settings: Settings, now: float
) -> AttachDecision | None:
    """What ``update`` still requires; None if nothing."""
    match outcome:
        case "too_recent":
            after = max(math.ceil(TOO_RECENT_SECONDS - (now - update.at)), 1)
            return _while_running(update, after, settings)
        case "rejected" | "not_received" if update.is_rollback:
            return attach_failed("roll_back", "did not complete", settings, update.entries)
        case "overdue":
            why = f"did not complete within {settings.attach_minutes:g} minutes"
            return attach_failed("roll_back", why, settings, update.previous)
        case "failed":
            return attach_failed("roll_back", "failed", settings, update.previous)
        case "running":
            after = effective_revision.wait_while_rolling(service, now) or effective_revision.SHORTEST_WAIT
            return _while_running(update, after, settings)
    return None


def _while_running(update: PendingUpdate, after: int, settings: Settings) -> AttachDecision:
    """An undo that runs is no recovery: what it undoes is still said. An attach says when it would be undone."""
    if update.is_rollback:
        return replace(attach_failed("refuse", "did not complete", settings), kind="wait", after=after)
    undone_at = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(update.at + settings.attach_minutes * 60))
    message = (
        "ECS is registering the tasks with the target groups: the deployment in progress is ecs-lattice's own, and it "
        f"is undone if it has not completed by {undone_at}."
    )
    return AttachDecision("wait", after=after, code="ATTACHING", message=message)


def attach_failed(
    kind: Literal["roll_back", "refuse"], why: str, settings: Settings, entries: tuple[LatticeEntry, ...] = ()
) -> AttachDecision:
    """The decision about an attachment that has not completed: restore ``entries``, or do not repeat it."""
    message = (
        f"The deployment that attached the tasks to their Lattice target groups {why}, so the previous list takes "
        "its place. Check the health check of the target group, the security groups of the tasks and the events of "
        "the ECS service. ecs-lattice tries again once the health check, the security groups, the task definition or the "
        "routes change, after a deployment of yours (twice a day at most), or when ecs_service is invoked with "
        '{"ecsService": "<long ARN>", "mode": "retry"}. To register the tasks without a deployment, set '
        f"{settings.label_prefix}.targets = controller."
    )
    return AttachDecision(kind, entries, code="ATTACH_FAILED", message=message, is_problem=True)


def _has_started(update: PendingUpdate, primary: Deployment) -> bool:
    if update.deployment is not None:
        return primary.id == update.deployment
    # The answer to the call was lost: a new deployment of the same revision with exactly our list is the one.
    return primary.task_definition == update.task_definition and same_entries(primary.entries, update.entries)


def _was_rolled_back(update: PendingUpdate, primary: Deployment, service: EcsService) -> bool:
    """ECS's circuit breaker deploys the previous revision again, including its list (Amazon ECS API, Rollback)."""
    if update.is_rollback or not same_entries(primary.entries, update.previous):
        return False
    has_failed = any(
        deployment.id == update.deployment and deployment.rollout == "FAILED" for deployment in service.deployments
    )
    return has_failed or primary.task_definition == update.task_definition
