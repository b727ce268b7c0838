"""What became of an UpdateService of ours: told from the intent and from the deployments that ECS lists now."""

from typing import Literal

from ecs_lattice.ecs_side import effective
from ecs_lattice.ecs_side.record import Intent
from ecs_lattice.facts import Deployment, EcsService, LatticeEntry

BELIEVED_SECONDS = 60
"""For so long the intent is believed over DescribeServices, which is eventually consistent (Amazon ECS API Reference)."""

Fate = Literal["none", "believed", "refused", "lost", "running", "overdue", "settled", "failed", "rolled back", "overtaken"]  # fmt: skip


def fate(intent: Intent | None, service: EcsService, now: float, attach_seconds: float) -> Fate:
    """What became of ``intent``.

    ``believed``: too young to be seen. ``refused``: ECS answered with an error. ``lost``: the call never reached ECS.
    ``running``, ``overdue`` (longer than ``attach_seconds``), ``settled``, ``failed``: its deployment is PRIMARY and is
    so. ``rolled back``: ECS has put the list before it back. ``overtaken``: somebody else's deployment is PRIMARY now.
    """
    primary = service.primary
    if intent is None or primary is None:
        return "none"
    if primary.id == intent.before:
        if intent.error:
            return "refused"
        return "believed" if now - intent.at < BELIEVED_SECONDS else "lost"
    if _is_its_own(intent, primary):
        if effective.is_completed(service, primary):
            return "settled"
        if primary.rollout == "FAILED":
            return "failed"
        return "overdue" if now - intent.at >= attach_seconds else "running"
    return "rolled back" if _was_rolled_back(intent, primary, service) else "overtaken"


def same(one: tuple[LatticeEntry, ...], other: tuple[LatticeEntry, ...]) -> bool:
    """Whether two lists name the same; neither their order nor another role is a difference."""
    return {entry.identity for entry in one} == {entry.identity for entry in other}


def _is_its_own(intent: Intent, primary: Deployment) -> bool:
    if intent.deployment is not None:
        return primary.id == intent.deployment
    # The answer of the call was lost: a new deployment of the same revision with exactly our list is the one.
    return primary.task_definition == intent.task_definition and same(primary.entries, intent.entries)


def _was_rolled_back(intent: Intent, primary: Deployment, service: EcsService) -> bool:
    """ECS's circuit breaker deploys the revision before ours again, list included (Amazon ECS API, Rollback)."""
    if intent.undo or not same(primary.entries, intent.previous):
        return False
    if any(one.id == intent.deployment and one.rollout == "FAILED" for one in service.deployments):
        return True
    return primary.task_definition == intent.task_definition
