"""Whether the list of ``vpcLatticeConfigurations`` of an ECS service has to change now, to what, or why not: pure.

UpdateService replaces the whole list and starts a deployment each time (Amazon ECS API, UpdateService). So it is called
once for everything that is ready and only while no deployment is rolling, and every entry that is not ours is sent back
unchanged.
"""

import dataclasses

from ecs_lattice.ecs_side import obstacles
from ecs_lattice.ecs_side.claims import is_leftover_over, leftovers
from ecs_lattice.ecs_side.obstacles import PENDING_RETRY_SECONDS, AttachInput, Change
from ecs_lattice.ecs_side.update_outcome import AttachDecision, after_outcome
from ecs_lattice.facts import Deployment, LatticeEntry, same_entries


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
        return dataclasses.replace(pending, entries=tuple(e for e in pending.entries if not given.is_dead(e)))
    entries = desired_entries(given, primary)
    # A dead entry of somebody else alone is no reason for a deployment.
    listed = tuple(entry for entry in primary.entries if entry.group_arn in given.ours or not given.is_dead(entry))
    if same_entries(entries, listed):
        return _unchanged(given, entries)
    change = Change(given, primary, entries)
    if obstacle := obstacles.first(change):
        return obstacle
    return AttachDecision("attach", entries, _grace_period(change), conditions=given.conditions)


def desired_entries(given: AttachInput, primary: Deployment) -> tuple[LatticeEntry, ...]:
    """The list as it should be: the entries that stay, in their order, then those that join."""
    leaving = given.ours - _groups_to_keep(given)
    staying = tuple(
        _with_allowed_role(given, entry)
        for entry in primary.entries
        if entry.advanced or not (entry.group_arn in leaving or given.is_dead(entry))
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
        return AttachDecision("wait", after=PENDING_RETRY_SECONDS, code="ROUTE_PENDING", message=message)
    return AttachDecision("no_change")


def _grace_period(change: Change) -> int | None:
    states = change.given.route_states
    least = max((s.claim.route.health_grace for s in states if s.by_ecs and s.group in change.groups), default=0)
    return least if least > (change.given.service.grace_period or 0) else None
