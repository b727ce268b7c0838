"""What keeps the list of ``vpcLatticeConfigurations`` of an ECS service from being changed now: pure."""

import math
from dataclasses import dataclass

from ecs_lattice.ecs_side import effective_revision, failed_attach
from ecs_lattice.ecs_side.claims import RouteState
from ecs_lattice.ecs_side.fingerprints import list_fingerprint
from ecs_lattice.ecs_side.record import EcsRecord
from ecs_lattice.ecs_side.update_outcome import AttachDecision, UpdateOutcome, attach_failed
from ecs_lattice.facts import Deployment, EcsService, LatticeEntry
from ecs_lattice.settings import Settings

MAXIMUM_ENTRIES = 5
"""VPC Lattice configurations of one ECS service (Amazon ECS Developer Guide, "Use Amazon VPC Lattice")."""
PENDING_SECONDS = 600
"""A route that has been pending for longer no longer delays the other routes of its service."""
GONE_SECONDS = 60
PENDING_RETRY_SECONDS = 30
_BLOCKED_RETRY_SECONDS = 900


@dataclass(frozen=True, slots=True)
class AttachInput:
    """Everything that the decision depends on. ``ours``: every group of ours, including those that no claim
    explains. ``uninstalls``: the stack is being uninstalled. ``gone``: listed groups that do not exist any more.
    ``conditions``: what an attachment depends on besides revision and list, as a fingerprint."""

    service: EcsService
    route_states: tuple[RouteState, ...]
    record: EcsRecord
    update_outcome: UpdateOutcome
    ours: frozenset[str]
    settings: Settings
    now: float
    uninstalls: bool = False
    gone: frozenset[str] = frozenset()
    conditions: str = ""

    def is_dead(self, entry: LatticeEntry) -> bool:
        """Whether the entry names a group that is gone: ECS refuses every deployment with such a list."""
        return entry.group_arn in self.gone and not entry.advanced

    @property
    def allowed_roles(self) -> set[str]:
        """The infrastructure roles that the stack may pass to ECS."""
        return {self.settings.infrastructure_role, *self.settings.other_infrastructure_roles} - {""}


@dataclass(frozen=True, slots=True)
class Change:
    """A list that differs from that of the ``primary`` deployment."""

    given: AttachInput
    primary: Deployment
    entries: tuple[LatticeEntry, ...]

    @property
    def groups(self) -> set[str]:
        return {entry.group_arn for entry in self.entries}


def first(change: Change) -> AttachDecision | None:
    """What stands in the way of ``change``; None if nothing does."""
    every = (
        _rolling, _strategy, _gone_just_now, _pending_route, _closed, _failed_before, _impossible, _interruption, _forbidden_role,
        _too_many,
    )  # fmt: skip
    return next(filter(None, (obstacle(change) for obstacle in every)), None)


def _rolling(change: Change) -> AttachDecision | None:
    service = change.given.service
    if change.primary.rollout == "FAILED":
        message = (
            "The newest deployment has failed, and attaching would start it again. Deploy a revision that completes."
        )
        return AttachDecision(
            "wait", after=_BLOCKED_RETRY_SECONDS, code="DEPLOYMENT_FAILED", message=message, is_problem=True
        )
    after = effective_revision.wait_while_rolling(service, change.given.now)
    if after or not effective_revision.is_completed(service, change.primary):
        after = after or effective_revision.SHORTEST_WAIT
        message = "The tasks will be attached when the deployment in progress has completed."
        return AttachDecision("wait", after=after, code="DEPLOYMENT_ROLLS", message=message)
    return None


def _strategy(change: Change) -> AttachDecision | None:
    """Under another strategy than ROLLING, ECS refuses a list of which an entry has no ``advancedConfiguration`` (Amazon ECS
    Developer Guide, troubleshooting blue/green; assumption: as for load balancers). An empty list it takes."""
    strategy = change.given.service.strategy
    if strategy == "ROLLING" or all(entry.advanced for entry in change.entries):
        return None
    message = f"The list is not changed under the strategy {strategy}: ECS takes entries without advancedConfiguration only under ROLLING."
    return AttachDecision("wait", after=_BLOCKED_RETRY_SECONDS, code="STRATEGY_LATER", message=message)


def _gone_just_now(change: Change) -> AttachDecision | None:
    """Reads may lag: that a listed group is gone counts once it has been so for a while."""
    given = change.given
    since = [given.record.timers.get(f"gone:{group}", given.now) for group in given.gone & change.primary.groups]
    left = max(since, default=-math.inf) + GONE_SECONDS - given.now
    if left <= 0:
        return None
    message = f"Target group {min(given.gone)} of the list does not exist any more. Its entry is left out in a minute."
    return AttachDecision("wait", after=math.ceil(left), code="LISTED_GROUP_GONE", message=message)


def _pending_route(change: Change) -> AttachDecision | None:
    given = change.given
    for state in given.route_states:
        since = given.record.timers.get(state.pending_timer, given.now)
        if state.is_pending and given.now - since < PENDING_SECONDS:
            message = f"Route {state.claim.route.name} is not Wired yet; one deployment attaches all routes together."
            return AttachDecision("wait", after=PENDING_RETRY_SECONDS, code="ROUTE_PENDING", message=message)
    return None


def _closed(change: Change) -> AttachDecision | None:
    """A deployment for one route would not complete while VPC Lattice cannot reach the tasks for another
    (decision 15)."""
    if change.groups <= change.primary.groups:
        return None
    for state in change.given.route_states:
        if state.closed and state.group in change.groups:
            message = f"Nothing is attached while an attached route's tasks cannot be reached: {state.closed.text}"
            return AttachDecision("wait", after=_BLOCKED_RETRY_SECONDS, code=state.closed.code, message=message)
    return None


def _failed_before(change: Change) -> AttachDecision | None:
    given, record = change.given, change.given.record
    if record.failed != list_fingerprint(change.primary.task_definition, change.entries):
        return None
    known = record.failed_attach
    if failed_attach.is_new_try(known, given.conditions, change.primary.id, given.now):
        return None
    if known.not_taken < failed_attach.MOST_NOT_TAKEN:
        return attach_failed("refuse", "did not complete", given.settings)
    message = (
        f"{known.not_taken} deployments with a new list of target groups have completed, and DescribeServices does not show that "
        "list. Check that nothing else sets vpcLatticeConfigurations of this ECS service, and ask AWS Support. The stack tries "
        "again once health check, security groups, revision or routes change, after a deployment of yours, and with "
        f'{{"ecsService": "<long ARN>", "mode": "retry"}}. To register the tasks without the list, set '
        f"{given.settings.label_prefix}.targets = controller."
    )
    return AttachDecision("refuse", code="ATTACH_NOT_TAKEN", message=message, is_problem=True)


def _impossible(change: Change) -> AttachDecision | None:
    """ECS may neither stop a task nor start one more: the lower limit is rounded up, the upper one down (Amazon ECS API,
    DeploymentConfiguration), so that no deployment ever replaces a task. Strategies that shift traffic start a second set
    of tasks anyway."""
    service = change.given.service
    least, most = service.minimum_healthy_percent, service.maximum_percent
    may_stop = math.ceil(service.desired * least / 100) < service.desired
    may_start = service.desired * most // 100 > service.desired
    replaces = service.controller == "ECS" and service.strategy == "ROLLING" and service.desired > 0
    if not replaces or may_stop or may_start:
        return None
    is_detach = change.groups < change.primary.groups
    message = (
        f"With {service.desired} desired tasks, minimumHealthyPercent {least} and maximumPercent {most}, ECS may neither stop a "
        f"task nor start another, so no deployment completes, and {'detaching' if is_detach else 'attaching'} by ECS is one. "
        "Raise maximumPercent (200 is the default), or lower minimumHealthyPercent to 0 if an interruption is acceptable"
    )
    if is_detach:
        message = f"{message}; that change alone starts no deployment, and the tasks are detached then."
        return AttachDecision("refuse", code="DETACH_IMPOSSIBLE", message=message, is_problem=True)
    message = f"{message}, or set {change.given.settings.label_prefix}.targets = controller, which needs no deployment."
    return AttachDecision("refuse", code="ATTACH_IMPOSSIBLE", message=message, is_problem=True)


def _interruption(change: Change) -> AttachDecision | None:
    # See decision 9.
    service, states = change.given.service, change.given.route_states
    # ECS rounds up (Amazon ECS API, DeploymentConfiguration).
    always_running = math.ceil(service.desired * service.minimum_healthy_percent / 100)
    accepted = {state.group for state in states if state.claim.route.targets == "ecs"}
    differing = (change.groups ^ change.primary.groups) - change.given.gone
    if service.desired == 0 or always_running > 0 or differing <= accepted:
        return None
    key = f"{change.given.settings.label_prefix}.targets"
    message = (
        f"With minimumHealthyPercent {service.minimum_healthy_percent}, a deployment may stop the last running "
        f"task, and attaching by ECS is a deployment. To accept the interruption, set {key} = ecs. To avoid it, set "
        f"{key} = controller, which registers the tasks without a deployment, or raise minimumHealthyPercent."
    )
    return AttachDecision("refuse", code="ATTACH_WOULD_INTERRUPT", message=message, is_problem=True)


def _forbidden_role(change: Change) -> AttachDecision | None:
    forbidden = {entry.role_arn for entry in change.entries} - change.given.allowed_roles
    if not forbidden:
        return None
    message = (
        f"The list of this ECS service has an entry with the role {min(forbidden) or '(none)'}, which this stack "
        "may not pass to ECS, and the list can only be sent as a whole. Add the role to the stack's parameter "
        f"OtherInfrastructureRoles, or set {change.given.settings.label_prefix}.targets = controller."
    )
    return AttachDecision("refuse", code="ROLE_NOT_ALLOWED", message=message, is_problem=True)


def _too_many(change: Change) -> AttachDecision | None:
    count = len(change.entries)
    if count <= MAXIMUM_ENTRIES or count < len(change.primary.entries):
        return None
    message = (
        f"The list would have {count} target groups, old and new together, but an ECS service can have "
        f"{MAXIMUM_ENTRIES}. Let routes share a port (routes with one port on one Lattice service share a target "
        f"group), change fewer routes at a time, or set {change.given.settings.label_prefix}.targets = controller "
        "for some of them."
    )
    return AttachDecision("refuse", code="TOO_MANY_CONFIGURATIONS", message=message, is_problem=True)
