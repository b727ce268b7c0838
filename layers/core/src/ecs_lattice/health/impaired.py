"""Whether a route is impaired (decision 16): its targets in one minute, compared with the tasks that ECS has to keep
running. Pure.

Unhealthy targets alone would miss the worst cases: ECS replaces a task about as soon as it is UNHEALTHY, so that a
service that VPC Lattice cannot reach at all has an unhealthy target in less than one of three minutes; and a service
whose targets were all deregistered has none.
"""

from ecs_lattice.claims import ClaimRecord
from ecs_lattice.facts import EcsService
from ecs_lattice.graph import id_of
from ecs_lattice.health.counts import Counts


def group_of(record: ClaimRecord) -> str | None:
    """The ARN of the target group that receives a route's requests, ours or not; None where the route has none."""
    return record.claim.own_group or record.answer.group_arn


def is_measured(record: ClaimRecord) -> bool:
    """Whether the route has metrics: it has a target group, and it has been live or its tasks are or were in that group. What
    is only declared costs no metric and no alarm, however many routes that is."""
    claim, answer = record.claim, record.answer
    has_served = answer.was_live or claim.named or claim.serving or bool(claim.own_group)
    return has_served and group_of(record) is not None and answer.state != "Removed"


def asks_ecs(counts: Counts) -> bool:
    """Whether only ECS can tell whether the route is impaired."""
    return counts.unhealthy > 0 or counts.answering == 0


def impaired(record: ClaimRecord, counts: Counts, service: EcsService | None, now: float) -> bool | None:
    """Whether the route of ``record`` is impaired at ``now`` (epoch seconds); None while it is too early to tell: within the
    grace period of a deployment, or before its tasks were registered with the group. An alarm then keeps its state, so that
    neither a first start raises an alarm nor a release of a broken service counts as its recovery.

    A route to which requests do not come is impaired however healthy its targets are. What is known of that is from the last
    read of its Lattice service (a reconcile): reading it each minute would cost several calls a route.

    ``service`` is the service in ECS (None: ECS does not know it); it is not used unless :func:`asks_ecs`.
    """
    if record.answer.is_cut_off:
        return True
    if not asks_ecs(counts):
        return False
    if service is not None and is_within_grace(service, record.claim.route.health_grace, now):
        return None
    if counts.unhealthy:
        return True
    if service is None or service.is_deleted or service.desired == 0:
        return False
    return True if _should_answer(record, service, now) else None


def is_within_grace(service: EcsService, health_grace: int, now: float) -> bool:
    """Whether the newest deployment is in progress and younger than the health-check grace period, during which ECS does not
    act on health checks either (Amazon ECS API, healthCheckGracePeriodSeconds).

    ``health_grace`` (seconds) is the period that the route declares. The longer of the two counts, because ECS does not know
    the declared one where this stack registers the tasks.
    """
    newest = service.primary
    if newest is None or newest.rollout in {"COMPLETED", "FAILED"}:
        return False
    return now < newest.created_at + _grace(service, health_grace)


def _grace(service: EcsService, health_grace: int) -> int:
    return max(service.grace_period or 0, health_grace)


def _should_answer(record: ClaimRecord, service: EcsService, now: float) -> bool:
    """Whether a target should answer by now: the route receives traffic, or a deployment older than the grace period has its
    tasks in the group (``serving`` tells this for tasks that this stack registers itself)."""
    if record.answer.state == "Live":
        return True
    group = id_of(group_of(record) or "")
    oldest = now - _grace(service, record.claim.route.health_grace)
    return any(
        deployment.created_at <= oldest
        and (record.claim.serving or any(id_of(entry.group_arn) == group for entry in deployment.entries))
        for deployment in service.deployments
    )
