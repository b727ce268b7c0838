"""What came of each claim, read from what was observed: pure."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from ecs_lattice.claims import Answer, State
from ecs_lattice.graph import id_of, weights
from ecs_lattice.lattice_side.forwarding import PlanContext, is_ready
from ecs_lattice.lattice_side.matches import MatchEntry
from ecs_lattice.lattice_side.resolve import Resolution

_CREATE_SECONDS = 5


def answers(context: PlanContext, *, uninstalling: bool) -> dict[str, Answer]:
    """The answer to each claim, by its key."""
    entries: dict[str, list[MatchEntry]] = defaultdict(list)
    for entry in context.assignment.entries:
        for resolution in entry.claims:
            entries[resolution.key].append(entry)
    return {
        resolution.key: _answer(context, resolution, entries[resolution.key], uninstalling=uninstalling)
        for resolution in context.assignment.resolutions
    }


def _answer(
    context: PlanContext, resolution: Resolution, entries: Sequence[MatchEntry], *, uninstalling: bool
) -> Answer:
    before, code, message = resolution.record.answer, resolution.code, resolution.message
    is_live = any(resolution.group_ref in entry.receiving for entry in entries)
    match resolution.mode:
        case "removing":
            return _removing(context, resolution, entries, uninstalling=uninstalling)
        case "retained":
            state: State = before.state if before.state in {"Wired", "Pending", "Live"} else "Wired"
            return _of(context, resolution, "Live" if is_live else state, code, message)
        case "active":
            state, message = ("Live", "") if is_live else _progress(context, resolution, entries)
            return _of(context, resolution, state, "", message)
    return _unchanged(context, resolution)


def _of(context: PlanContext, resolution: Resolution, state: State, code: str = "", message: str = "") -> Answer:
    """The answer with the target group and the DNS name, as they are or as they were when last answered."""
    group, service = context.index.groups.get(resolution.group_ref), context.index.observed.service
    before = resolution.record.answer
    arn = group.arn if group else None
    if arn is None and state not in {"Removed", "Parked", "Pending"}:
        arn = before.group_arn
    return Answer(state, code, message, arn, service.domain_name if service else before.domain_name)


def _unchanged(context: PlanContext, resolution: Resolution) -> Answer:
    """Nothing changes for it: a target group that is in use stays its own."""
    before, state = resolution.record.answer.group_arn, resolution.rejection or "Paused"
    answer = _of(context, resolution, state, resolution.code, resolution.message)
    is_in_use = before is not None and id_of(before) in context.index.weighted
    return replace(answer, group_arn=before) if is_in_use else answer


def _progress(context: PlanContext, resolution: Resolution, entries: Sequence[MatchEntry]) -> tuple[State, str]:
    """The state and message of an active route without traffic: Wired once all is there that its tasks need."""
    if missing := _missing(context, resolution, entries):
        context.timers.wait(_CREATE_SECONDS, f"{missing} is being created")
        return "Pending", f"{missing} is being created."
    if resolution.route.weight == 0 and is_ready(context, resolution):
        return "Live", "Its weight is 0."
    return "Wired", ""


def _missing(context: PlanContext, resolution: Resolution, entries: Sequence[MatchEntry]) -> str:
    """What the route needs first and does not have; empty when everything is there."""
    index, service = context.index, context.index.observed.service
    group = index.groups.get(resolution.group_ref)
    if service is None or service.status != "ACTIVE":
        return "The Lattice service"
    if group is None or group.status != "ACTIVE":
        return "The target group"
    for entry in entries:
        # The group of a default action may be in use by any rule until the default action forwards to it.
        members = weights(entry.action) if entry.match else index.referenced
        if entry.action is None or group.id not in members:
            return f"The rule on {entry.listener}"
    active = {association.network_arn for association in index.observed.associations if association.status == "ACTIVE"}
    missing = index.arns_of(resolution.networks) - active
    return "The association with a service network" if missing else ""


def _removing(
    context: PlanContext, resolution: Resolution, entries: Sequence[MatchEntry], *, uninstalling: bool
) -> Answer:
    claim, resolutions = resolution.claim, context.assignment.resolutions
    is_shared = resolution.group_ref in {other.group_ref for other in resolutions if other.mode != "removing"}
    ending = [entry for entry in entries if entry.is_ending]
    if _still_receives(resolution.group_ref, ending if is_shared else entries):
        return _of(
            context, resolution, "Live", "LEAVING", "It receives traffic until another route can take its place."
        )
    if any(entry.rule for entry in ending) if is_shared else _is_used(context, resolution):
        return _of(context, resolution, "Parked")
    remaining = claim.since + context.settings.grace_seconds - context.now
    if claim.phase == "deleted" and remaining > 0 and not uninstalling:
        context.timers.wait(remaining, "the match of a deleted ECS service is reserved for the grace time")
        message = "Everything is removed; the match is reserved for the grace time."
        return _of(context, resolution, "Parked", "HOLDS_MATCH", message)
    return Answer("Removed", domain_name=None)


def _still_receives(group: str, entries: Sequence[MatchEntry]) -> bool:
    """Whether the group has to lose its traffic before its tasks may be detached. A TLS_PASSTHROUGH listener cannot be
    parked: it forwards until they are, then it is deleted."""
    return any(
        group in entry.receiving and not (entry.is_ending and entry.listener.protocol == "TLS_PASSTHROUGH")
        for entry in entries
    )


def _is_used(context: PlanContext, resolution: Resolution) -> bool:
    """Whether the group that no other claim shares still exists; a group that others made only has to be released."""
    group, claim = resolution.group_ref, resolution.claim
    if claim.own_group:
        return group in context.index.referenced or claim.named
    return group in context.index.groups
