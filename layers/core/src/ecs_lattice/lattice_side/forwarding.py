"""Which groups a slot forwards to, with which weights, and whether it takes traffic yet.

A group takes traffic only when it can answer; once it does, health never takes it out again. A group that joins or leaves
a rule that stays does so at weight 0, so the data plane never meets a rule without a group that answers.
"""

from dataclasses import dataclass, field

from ecs_lattice.graph import Action, id_of, weights
from ecs_lattice.lattice_side.desired_values import Timers
from ecs_lattice.lattice_side.matches import MatchEntry
from ecs_lattice.lattice_side.resolve import Resolution
from ecs_lattice.lattice_side.seen import ObservedIndex, canonical, owner_of
from ecs_lattice.model import ListenerKey

PLAIN_WEIGHT = 100
_TARGETS_SECONDS, _LONGEST_TARGETS_SECONDS = 15, 300
_DRAIN_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Content:
    """Weights by group; ``live``: requests may come. ``waits``: only what is to leave can answer yet, so the match must
    stay what it was as well."""

    live: bool
    weights: dict[str, int]
    waits: bool = False


@dataclass(slots=True)
class ForwardPlanner:
    """Fills slots. ``fixed`` are the claims that are stopped or paused: what serves for
    them stays. ``kept`` are the groups of those that stand. ``guests`` are the groups, by listener, that wait for the default action in some other rule."""

    seen: ObservedIndex
    clocks: Timers
    settle_seconds: float
    fixed: tuple[Resolution, ...] = ()
    kept: frozenset[str] = frozenset()
    guests: set[tuple[ListenerKey, str]] = field(default_factory=set)

    def fill(self, slot: MatchEntry, action: Action | None, *, live: bool) -> Content:
        """What the slot should forward to, given that it forwards to ``action`` now and is ``live`` or not."""
        there = weights(action)
        kept = self._declared(slot)
        held = {self.seen.reference(s.claim) for s in slot.held} - set(kept)
        held |= {group for group, weight in there.items() if weight and self._is_fixed(slot, group)} - set(kept)
        serving = {group: weight for group, weight in kept.items() if self._any_ready(slot, group)}
        if live:
            serving |= {group: there[group] for group in held if group in there}
        waits = live and bool(slot.kept) and not any(serving.values())
        if waits:
            serving |= {group: weight for group, weight in there.items() if weight and self._may_go_on(slot, group)}
        going = {group: weight for group, weight in there.items() if group not in kept and group not in held}
        if any(serving.values()):
            lingering = {group: 0 for group, weight in going.items() if self._lingers(slot, group, weight)}
            joined = dict.fromkeys(kept, 0) | {group: there[group] for group in held if group in there}
            return Content(live=True, weights=lingering | joined | serving, waits=waits)
        lingering = {group: weight for group, weight in going.items() if live or self._lingers(slot, group, 0)}
        joined = {group: weight or 1 for group, weight in kept.items()}
        return Content(
            live=False, weights=lingering | joined | {group: there[group] for group in held if group in there}
        )

    def is_ready(self, standing: Resolution) -> bool:
        """Whether the claim's group may take traffic: it does already, or its tasks are in and one can answer."""
        group = self.seen.reference(standing.claim)
        if group in self.seen.taking:
            return True
        if not standing.claim.serving:
            return False
        record = standing.record
        told = not record.is_unacknowledged and id_of(record.answer.group_arn or "") == group
        if told and self.seen.can_answer(group):
            return True
        # As long again as it has waited already: tasks that never become healthy, or are none, cost few bells.
        waited = self.clocks.age(f"healthy:{group}")
        seconds = int(min(max(waited, _TARGETS_SECONDS), _LONGEST_TARGETS_SECONDS))
        self.clocks.wait(seconds, f"a target of {group} must become healthy")
        return False

    def needs_reference(self, group: str) -> bool:
        """Whether a group without claims still has tasks in it, so that it must stay in use."""
        mine = self.seen.owner_of_group(group) in self.seen.claimants
        if mine and self.seen.has_targets(group) and group not in self.wanted():
            self.clocks.wait(_DRAIN_SECONDS, f"tasks are still registered in {group}, which was replaced")
            return True
        return False

    def wanted(self) -> frozenset[str]:
        """The groups that a claim names as its own."""
        return frozenset(self.seen.reference(record.claim) for record in self.seen.records)

    def _is_fixed(self, slot: MatchEntry, group: str) -> bool:
        """Whether the group serves here for a claim that is stopped, unless its own ECS service gave the place away."""
        if group in self.kept:
            return False
        services = {owner_of(s.claim) for s in slot.kept}
        for standing in self.fixed:
            match = standing.claim.route.match
            here = (canonical(match) if match else None) == slot.match
            if id_of(standing.record.answer.group_arn or "") == group and (
                here or owner_of(standing.claim) not in services
            ):
                return True
        return False

    def _declared(self, slot: MatchEntry) -> dict[str, int]:
        """Declared weights by group; routes of one port add theirs up."""
        declared: dict[str, int] = {}
        for standing in slot.kept:
            weight = standing.claim.route.weight
            group = self.seen.reference(standing.claim)
            declared[group] = declared.get(group, 0) + (PLAIN_WEIGHT if weight is None else weight)
        return declared

    def _any_ready(self, slot: MatchEntry, group: str) -> bool:
        standings = [s for s in slot.kept if self.seen.reference(s.claim) == group]
        return any(self.is_ready(standing) for standing in standings)

    def _may_go_on(self, slot: MatchEntry, group: str) -> bool:
        """Whether a group that is to leave serves until another can: all but that of another ECS service that is gone."""
        services = {owner_of(s.claim) for s in slot.kept}
        strangers = (s for s in slot.leaving if owner_of(s.claim) not in services and s.claim.phase == "deleted")
        return group not in {self.seen.reference(stranger.claim) for stranger in strangers}

    def _lingers(self, slot: MatchEntry, group: str, weight: int) -> bool:
        """Whether a group that leaves stays in the rule for now, at weight 0."""
        leaving = [s for s in slot.leaving if self.seen.reference(s.claim) == group]
        if weight or (slot.listener, group) in self.guests:
            return True
        if leaving:
            return any(s.claim.named for s in leaving) and group not in self._kept_elsewhere()
        settled = self.clocks.has_lasted(
            f"out:{slot.listener}:{slot.match}:{group}", self.settle_seconds, f"{group} was replaced just now"
        )
        return self.needs_reference(group) or not settled

    def _kept_elsewhere(self) -> frozenset[str]:
        """Groups of claims that stay: they need no reference from the rule of one that goes."""
        return frozenset(self.seen.reference(r.claim) for r in self.seen.records if r.claim.phase == "declared")
