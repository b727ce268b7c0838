"""Whether a route is impaired: pure. What its targets show in one minute, against what ECS is to keep running.

Unhealthy targets alone would miss the worst: ECS replaces a task about as soon as it is UNHEALTHY, so that a service
which Lattice cannot reach at all shows an unhealthy target in less than one of three minutes; and a service whose
targets were all taken away shows none at all.
"""

from ecs_lattice.claims import ClaimRecord
from ecs_lattice.facts import EcsService
from ecs_lattice.graph import id_of
from ecs_lattice.health.counts import Counts


def group_of(record: ClaimRecord) -> str | None:
    """The ARN of the target group that a route's requests go to, also one that somebody else made; None without one."""
    return record.claim.own_group or record.answer.group_arn


def asks_ecs(counts: Counts) -> bool:
    """Whether ECS has to be asked before it can be said that the route is impaired."""
    return counts.unhealthy > 0 or counts.answering == 0


def impaired(record: ClaimRecord, counts: Counts, service: EcsService | None, now: float) -> bool | None:
    """Whether the route of ``record`` is impaired at ``now`` (epoch seconds); None while it is too early to say: within
    the grace of a deployment, or before its tasks were put into the group. An alarm then keeps the state that it has, so
    that neither a first start wakes anybody nor a release of what is still broken passes for recovery.

    ``service`` is what ECS says (None: it knows no such service); not looked at unless :func:`asks_ecs`.
    """
    if not asks_ecs(counts):
        return False
    if service is not None and is_within_grace(service, record.claim.route.health_grace, now):
        return None
    if counts.unhealthy:
        return True
    if service is None or service.is_deleted or service.desired == 0:
        return False
    return True if _is_to_answer(record, service, now) else None


def is_within_grace(service: EcsService, health_grace: int, now: float) -> bool:
    """Whether the newest deployment still runs and is younger than the health-check grace period, in which ECS, too,
    does not act on what health checks say (Amazon ECS API, healthCheckGracePeriodSeconds).

    ``health_grace`` (seconds) is the one that the route declares; the longer one counts, because ECS is not told ours
    where this stack registers the tasks.
    """
    newest = service.primary
    if newest is None or newest.rollout in {"COMPLETED", "FAILED"}:
        return False
    return now < newest.created_at + _grace(service, health_grace)


def _grace(service: EcsService, health_grace: int) -> int:
    return max(service.grace_period or 0, health_grace)


def _is_to_answer(record: ClaimRecord, service: EcsService, now: float) -> bool:
    """Whether a target should answer by now: the route takes traffic, or a deployment that is older than the grace
    period has its tasks in the group (``serving`` says so of tasks that this stack registers itself)."""
    if record.answer.state == "Live":
        return True
    group = id_of(group_of(record) or "")
    oldest = now - _grace(service, record.claim.route.health_grace)
    return any(
        deployment.created_at <= oldest
        and (record.claim.serving or any(id_of(entry.group_arn) == group for entry in deployment.entries))
        for deployment in service.deployments
    )
