"""Whether the list of ``vpcLatticeConfigurations`` of an ECS service has to change now, to what, or why not: pure.

UpdateService replaces the whole list and starts a deployment each time (Amazon ECS API, UpdateService). So it is called
once for everything that is ready and only while no deployment is rolling, and every entry that is not ours is sent back
unchanged.
"""

import dataclasses
import math
from dataclasses import dataclass

from ecs_lattice.ecs_side import effective_revision
from ecs_lattice.ecs_side.claims import RouteState, is_leftover_over, leftovers
from ecs_lattice.ecs_side.record import EcsRecord, fingerprint
from ecs_lattice.ecs_side.update_outcome import AttachDecision, UpdateOutcome, after_outcome, attach_failed, immovable
from ecs_lattice.facts import Deployment, EcsService, LatticeEntry, same_entries
from ecs_lattice.settings import Settings

MAXIMUM_ENTRIES = 5
"""VPC Lattice configurations of one ECS service (Amazon ECS Developer Guide, "Use Amazon VPC Lattice")."""
PENDING_SECONDS = 600
"""A route that has been pending for longer no longer delays the other routes of its service."""
GONE_SECONDS = 60
_PENDING_RETRY_SECONDS = 30
_BLOCKED_RETRY_SECONDS = 900


@dataclass(frozen=True, slots=True)
class AttachInput:
    """Everything that the decision depends on. ``ours``: every group of ours, including those that no claim
    explains. ``uninstalls``: the stack is being uninstalled. ``gone``: listed groups that do not exist any more."""

    service: EcsService
    route_states: tuple[RouteState, ...]
    record: EcsRecord
    update_outcome: UpdateOutcome
    ours: frozenset[str]
    settings: Settings
    now: float
    uninstalls: bool = False
    gone: frozenset[str] = frozenset()

    def is_dead(self, entry: LatticeEntry) -> bool:
        """Whether the entry names a group that is gone: ECS refuses every deployment with such a list."""
        return entry.group_arn in self.gone and not entry.advanced

    @property
    def allowed_roles(self) -> set[str]:
        """The infrastructure roles that the stack may pass to ECS."""
        return {self.settings.infrastructure_role, *self.settings.other_infrastructure_roles} - {""}


def decide(given: AttachInput) -> AttachDecision:
    """The decision for one ECS service; the caller acts on it."""
    primary = given.service.primary
    if primary is None or given.service.is_deleted:
        return AttachDecision("no_change")
    if any(state.claim.route.pause for state in given.route_states):
        return AttachDecision(
            "no_change", code="PAUSED", message="A route of this ECS service is paused, so its list is not changed."
        )
    update = given.record.pending_update
    if update and (pending := after_outcome(update, given.update_outcome, given.service, given.settings, given.now)):
        return dataclasses.replace(pending, entries=_living(given, pending.entries))
    entries = desired_entries(given, primary)
    # A dead entry of somebody else alone is no reason for a deployment.
    if same_entries(entries, _living(given, primary.entries, but=given.ours)):
        return _unchanged(given, entries)
    change = _Change(given, primary, entries)
    decisions = (obstacle(change) for obstacle in _OBSTACLES)
    return next(filter(None, decisions), None) or AttachDecision("attach", entries, _grace_period(change))


def _living(
    given: AttachInput, entries: tuple[LatticeEntry, ...], but: frozenset[str] = frozenset()
) -> tuple[LatticeEntry, ...]:
    """The entries without the dead ones, except those of the groups ``but``."""
    return tuple(entry for entry in entries if entry.group_arn in but or not given.is_dead(entry))


def desired_entries(given: AttachInput, primary: Deployment) -> tuple[LatticeEntry, ...]:
    """The list as it should be: the entries that stay, in their order, then those that join."""
    leaving = given.ours - _groups_to_keep(given)
    staying = tuple(
        _with_allowed_role(given, entry)
        for entry in _living(given, primary.entries)
        if entry.advanced or entry.group_arn not in leaving
    )
    joining = {
        state.group: state.claim.route.port_name
        for state in given.route_states
        if state.group and state.is_attachable and state.is_answered
    }
    for entry in staying:
        joining.pop(entry.group_arn, None)
    role = given.settings.infrastructure_role
    return staying + tuple(LatticeEntry(role, group, port) for group, port in sorted(joining.items()))


def list_fingerprint(task_definition: str, entries: tuple[LatticeEntry, ...]) -> str:
    """What identifies a failed attachment: the revision and what the list names."""
    return fingerprint(task_definition, sorted([*entry.identity[:2], str(entry.advanced)] for entry in entries))


def _groups_to_keep(given: AttachInput) -> set[str]:
    """Groups with routes that still need them, and leftovers until every route has been settled for the grace time."""
    timers, settings, now, uninstalls = given.record.timers, given.settings, given.now, given.uninstalls
    kept = {state.group for state in given.route_states if state.group and not state.is_detachable}
    for group in leftovers(given.route_states, given.ours):
        if not is_leftover_over(group, timers, settings, now, uninstalls=uninstalls):
            kept.add(group)
    return kept


def _with_allowed_role(given: AttachInput, entry: LatticeEntry) -> LatticeEntry:
    """``entry``, if it is ours, with a role that the stack may pass."""
    if entry.group_arn not in given.ours or entry.role_arn in given.allowed_roles:
        return entry
    return dataclasses.replace(entry, role_arn=given.settings.infrastructure_role)


def _unchanged(given: AttachInput, entries: tuple[LatticeEntry, ...]) -> AttachDecision:
    """The list is right, but a route may be about to join it: the Lattice side requests no reconcile if it applies a
    claim and the answer stays the same."""
    listed = {entry.group_arn for entry in entries}
    if any(state.is_attachable and state.group and state.group not in listed for state in given.route_states):
        message = "The Lattice side has not applied the latest change of a route yet."
        return AttachDecision("wait", after=_PENDING_RETRY_SECONDS, code="ROUTE_PENDING", message=message)
    return AttachDecision("no_change")


@dataclass(frozen=True, slots=True)
class _Change:
    """A list that differs from that of the ``primary`` deployment."""

    given: AttachInput
    primary: Deployment
    entries: tuple[LatticeEntry, ...]

    @property
    def groups(self) -> set[str]:
        return {entry.group_arn for entry in self.entries}


def _rolling(change: _Change) -> AttachDecision | None:
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


def _gone_just_now(change: _Change) -> AttachDecision | None:
    """Reads may lag: that a listed group is gone counts once it has been so for a while."""
    given = change.given
    since = [given.record.timers.get(f"gone:{group}", given.now) for group in given.gone & change.primary.groups]
    left = max(since, default=-math.inf) + GONE_SECONDS - given.now
    if left <= 0:
        return None
    message = f"Target group {min(given.gone)} of the list does not exist any more. Its entry is left out in a minute."
    return AttachDecision("wait", after=math.ceil(left), code="LISTED_GROUP_GONE", message=message)


def _pending_route(change: _Change) -> AttachDecision | None:
    given = change.given
    for state in given.route_states:
        since = given.record.timers.get(state.pending_timer, given.now)
        if state.is_pending and given.now - since < PENDING_SECONDS:
            message = f"Route {state.claim.route.name} is not Wired yet; one deployment attaches all routes together."
            return AttachDecision("wait", after=_PENDING_RETRY_SECONDS, code="ROUTE_PENDING", message=message)
    return None


def _closed(change: _Change) -> AttachDecision | None:
    """A deployment for one route would not complete while VPC Lattice cannot reach the tasks for another
    (decision 15)."""
    if change.groups <= change.primary.groups:
        return None
    for state in change.given.route_states:
        if state.closed and state.group in change.groups:
            message = f"Nothing is attached while an attached route's tasks cannot be reached: {state.closed.text}"
            return AttachDecision("wait", after=_BLOCKED_RETRY_SECONDS, code=state.closed.code, message=message)
    return None


def _failed_before(change: _Change) -> AttachDecision | None:
    if change.given.record.failed != list_fingerprint(change.primary.task_definition, change.entries):
        return None
    return attach_failed("refuse", "did not complete", change.given.settings)


def _immovable(change: _Change) -> AttachDecision | None:
    joins = bool(change.groups - change.primary.groups)
    return immovable(change.given.service, joins=joins, label_prefix=change.given.settings.label_prefix)


def _interruption(change: _Change) -> AttachDecision | None:
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


def _forbidden_role(change: _Change) -> AttachDecision | None:
    forbidden = {entry.role_arn for entry in change.entries} - change.given.allowed_roles
    if not forbidden:
        return None
    message = (
        f"The list of this ECS service has an entry with the role {min(forbidden) or '(none)'}, which this stack "
        "may not pass to ECS, and the list can only be sent as a whole. Add the role to the stack's parameter "
        f"OtherInfrastructureRoles, or set {change.given.settings.label_prefix}.targets = controller."
    )
    return AttachDecision("refuse", code="ROLE_NOT_ALLOWED", message=message, is_problem=True)


def _too_many(change: _Change) -> AttachDecision | None:
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


def _grace_period(change: _Change) -> int | None:
    states = change.given.route_states
    least = max((s.claim.route.health_grace for s in states if s.by_ecs and s.group in change.groups), default=0)
    return least if least > (change.given.service.grace_period or 0) else None


_OBSTACLES = (
    _rolling, _gone_just_now, _pending_route, _closed, _failed_before,
    _immovable, _interruption, _forbidden_role, _too_many,
)  # fmt: skip
