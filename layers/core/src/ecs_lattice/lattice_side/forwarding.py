"""Which groups an entry forwards to, with which weights, and whether it receives traffic yet.

A group receives traffic only when it can answer; once it does, health never takes it out again. A group that joins or
leaves a rule that stays does so at weight 0, so the data plane never meets a rule without a group that answers.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from ecs_lattice.graph import id_of, weights
from ecs_lattice.lattice_side.entries import MatchEntry, RuleAssignment
from ecs_lattice.lattice_side.joint_settings import Decided
from ecs_lattice.lattice_side.network_sweep import SeenNetwork
from ecs_lattice.lattice_side.resolutions import UNCHANGED, Resolution, Resolutions
from ecs_lattice.lattice_side.seen import ObservedIndex, Timers
from ecs_lattice.matching import normal
from ecs_lattice.settings import Settings

DEFAULT_WEIGHT = 100
_TARGETS_SECONDS, _LONGEST_TARGETS_SECONDS = 15, 300
_DRAIN_SECONDS = 60

type Role = Literal["ready", "starting", "retained", "fallback", "drained"]
"""What a group is to an entry: its declared groups can answer or not yet; others stay as they are, serve until a declared
one can, or leave."""


@dataclass(frozen=True, slots=True)
class PlanContext:
    """Everything that the desired graph is computed from. ``active`` are the active ones of the resolutions, ``joint`` are
    the settings of the Lattice service that the claims decide together, by name; ``seen_networks``
    is what the last resync read of service networks, by ARN."""

    index: ObservedIndex
    assignment: RuleAssignment
    settings: Settings
    now: float
    timers: Timers
    active: Resolutions
    joint: Mapping[str, Decided]
    seen_networks: Mapping[str, SeenNetwork] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ForwardPlan:
    """Weights by group; ``live``: requests may come. ``falls_back``: no declared group can answer yet, so the groups that
    are to leave go on serving, and the match has to stay what it was as well."""

    live: bool
    weights: dict[str, int]
    falls_back: bool = False


def plan_forward(context: PlanContext, entry: MatchEntry, parked: frozenset[str] = frozenset()) -> ForwardPlan:
    """What the entry should forward to. ``parked`` groups have to stay in use by a rule until the default action of the
    listener forwards to them."""
    current, declared = Counter(weights(entry.action)), _declared_weights(entry)
    roles = {group: _role(context, entry, group, current[group], declared) for group in {**current, **declared}}
    can_answer = any(role == "ready" and declared[group] for group, role in roles.items())
    serves = can_answer or any(role == "retained" and group in entry.receiving for group, role in roles.items())
    # Also beside a share that stays as it is: it does not take what its neighbour has yet to bring.
    falls_back = entry.live and not can_answer and bool(entry.active)
    if falls_back:
        roles |= dict.fromkeys(entry.receiving - _deleted_elsewhere(entry), "fallback")
    live = (serves or "fallback" in roles.values()) and not entry.is_standby
    members = {
        group: _weight(role, current[group], declared[group], live=live)
        for group, role in roles.items()
        if role != "drained" or _has_to_stay(context, entry, group, current[group] if live else entry.live, parked)
    }
    return ForwardPlan(live, members, falls_back)


def _declared_weights(entry: MatchEntry) -> Counter[str]:
    """The declared weights by group; routes of one port add theirs up."""
    declared: Counter[str] = Counter()
    for resolution in entry.active:
        weight = resolution.route.weight
        declared[resolution.group_ref] += DEFAULT_WEIGHT if weight is None else weight
    return declared


def _role(context: PlanContext, entry: MatchEntry, group: str, current: int, declared: Mapping[str, int]) -> Role:
    """What the group is to the entry, whose action gives it the weight ``current``."""
    if group in declared:
        claims = [resolution for resolution in entry.active if resolution.group_ref == group]
        return "ready" if any(is_ready(context, resolution) for resolution in claims) else "starting"
    if any(resolution.group_ref == group for resolution in entry.retained):
        return "retained"
    return "retained" if current and _serves_unchanged(context, entry, group) else "drained"


def _weight(role: Role, current: int, declared: int, *, live: bool) -> int:
    """The weight of a group in an entry that is to be live or not."""
    when_live, when_parked = {
        "ready": (declared, declared or 1),
        "starting": (0, declared or 1),
        "retained": (current, current),
        "fallback": (current, current),
        "drained": (0, current),
    }[role]
    return when_live if live else when_parked


def is_ready(context: PlanContext, resolution: Resolution) -> bool:
    """Whether the claim's group may receive traffic: it does already, or its tasks are attached and one can answer."""
    group, record = resolution.group_ref, resolution.record
    if group in context.index.receiving_traffic:
        return True
    if not record.claim.serving:
        return False
    is_acknowledged = not record.is_unacknowledged and id_of(record.answer.group_arn or "") == group
    if is_acknowledged and context.index.has_healthy_target(group):
        return True
    # As long again as it has waited already: tasks that never become healthy, or are none, cost few reconciles.
    waited = context.now - context.timers.since(f"healthy:{group}")
    seconds = min(max(waited, _TARGETS_SECONDS), _LONGEST_TARGETS_SECONDS)
    why = f"a target of {group} must become healthy"
    if waited > _LONGEST_TARGETS_SECONDS:
        context.timers.wait(seconds, why, (resolution.key,))
    else:
        context.timers.wait_until(seconds, why)
    return False


def needs_reference(context: PlanContext, group: str) -> bool:
    """Whether a group without claims still has tasks registered, so that a rule has to keep it in use."""
    is_own = context.index.owners.get(group) in context.index.claimants
    if (
        is_own
        and not any(claim.group_ref == group for claim in context.index.claims)
        and context.index.has_targets(group)
    ):
        context.timers.wait(_DRAIN_SECONDS, f"tasks are still registered in {group}, which was replaced")
        return True
    return False


def _serves_unchanged(context: PlanContext, entry: MatchEntry, group: str) -> bool:
    """Whether the group serves here for a claim that is paused or rejected, unless its own ECS service gave the match to
    another route."""
    if any(resolution.group_ref == group for resolution in context.active):
        return False
    owners = {resolution.owner for resolution in entry.active}
    return any(
        id_of(resolution.record.answer.group_arn or "") == group
        and context.index.owners.get(group) == resolution.owner
        and (resolution.requests == normal(entry.match) or resolution.owner not in owners)
        for resolution in context.assignment.resolutions
        if resolution.mode in UNCHANGED
    )


def _deleted_elsewhere(entry: MatchEntry) -> frozenset[str]:
    """The groups of other ECS services that were deleted: the only ones that do not go on serving until another can."""
    owners = {resolution.owner for resolution in entry.active}
    return frozenset(
        resolution.group_ref
        for resolution in entry.removing
        if resolution.owner not in owners and resolution.claim.phase == "deleted"
    )


def _has_to_stay(context: PlanContext, entry: MatchEntry, group: str, serves: int, parked: frozenset[str]) -> bool:
    """Whether a drained group stays in the rule for now: it serves until this change, or is still in use."""
    if serves or group in parked:
        return True
    named = [resolution.claim.named for resolution in entry.removing if resolution.group_ref == group]
    if named:  # a claim that stays needs no reference from the rule of one that goes
        return any(named) and group not in context.index.declared_groups
    timer, why = f"out:{entry.listener}:{entry.match}:{group}", f"{group} was replaced just now"
    is_settled = context.timers.has_lasted(timer, context.settings.settle_seconds, why)
    return needs_reference(context, group) or not is_settled
