"""Targets that VPC Lattice does not keep: it accepts their registration and does not list them, accepts their deregistration and
goes on listing them, or answers them as unsuccessful. The same call about the same target is left out of the next runs: it is
made again after 15 seconds, after a minute, then ever more rarely, and told after a quarter of an hour. All other targets go on.

A target is kept once it is listed, in whatever health, and deregistered once it is listed as DRAINING or not at all. What no
task needs any more is forgotten. Pure.
"""

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from ecs_lattice import bounds
from ecs_lattice.claims import STAGES, Notice, RepeatedStep
from ecs_lattice.ecs_side.lattice_targets import Target
from ecs_lattice.ecs_side.status import RouteStatus
from ecs_lattice.outcome import NOT_KEPT, NotYet, Problem

_SOON_SECONDS = 15  # a list that lags shows it by then
_FIRST_REASONS = 3
GONE = "the target group does not exist"
"""The reason of a target whose group does not exist."""

type Verb = Literal["register", "deregister"]


@dataclass(frozen=True, slots=True)
class UnkeptTargets(RepeatedStep):
    """Targets of one group about which the same call is made again, together since they were first not kept. ``reason``: why
    VPC Lattice answers them as unsuccessful; empty: it accepts the call."""

    group: str = ""
    verb: Verb = "register"
    targets: tuple[Target, ...] = ()
    reason: str = ""

    def __post_init__(self) -> None:
        bounds.cut_fields(self, reason=bounds.VALUE)

    @property
    def next_at(self) -> float:
        """The epoch second at which the call is made again."""
        return self.due_at if self.tries else self.tried_at + _SOON_SECONDS

    def is_told(self, now: float) -> bool:
        """Of a group that does not exist the Lattice side tells, which makes it anew or not."""
        return self.reason != GONE and RepeatedStep.is_told(self, now)

    @property
    def problem(self) -> Problem:
        """What people are told of it."""
        what = _call(self.verb, self.group, bounds.listed([str(target) for target in self.targets]))
        if self.reason:
            message = f"VPC Lattice answers {what} as unsuccessful: {self.reason.rstrip('.')}."
        elif self.verb == "register":
            message = f"VPC Lattice accepts {what} and does not list it afterwards."
        else:
            message = f"VPC Lattice accepts {what} and goes on listing it."
        again = f"It is tried again every {self.wait_seconds} seconds; all other targets go on."
        advice = "It ends with the task: replace the task, or ask" if self.verb == "register" else "Ask"
        return Problem(NOT_KEPT, f"{message} {again} {advice} AWS Support.", where=self.group)

    def is_of(self, verb: Verb, group: str) -> bool:
        """Whether it is about such calls."""
        return (self.verb, self.group) == (verb, group)


@dataclass(slots=True)
class TargetBrake:
    """Decides in one run which calls are made now. ``before`` are the targets that are remembered, ``known`` afterwards those
    to remember."""

    before: tuple[UnkeptTargets, ...]
    now: float
    known: tuple[UnkeptTargets, ...] = ()

    def due(self, verb: Verb, group: str, targets: Sequence[Target]) -> tuple[Target, ...]:
        """Those of ``targets`` for which to make the call now."""
        left_out: set[Target] = set()
        for each in self.before:
            still = tuple(target for target in each.targets if target in targets) if each.is_of(verb, group) else ()
            if not still:
                continue
            is_due = self.now >= each.next_at
            again = each.again(self.now) if is_due else each
            self.known += (dataclasses.replace(again, targets=still),)
            left_out |= set() if is_due else set(still)
        return tuple(target for target in targets if target not in left_out)

    def note(self, verb: Verb, group: str, tried: Collection[Target], unkept: Mapping[Target, str]) -> None:
        """Take note of what came of the call about the targets ``tried``: those not kept, each with the reason that VPC Lattice
        gives."""
        kept = set(tried) - unkept.keys()
        known = [_without(each, kept, unkept) if each.is_of(verb, group) else each for each in self.known]
        new = unkept.keys() - {target for each in known if each.is_of(verb, group) for target in each.targets}
        known += [_first(verb, group, sorted(new), unkept, self.now)] if new else []
        self.known = tuple(each for each in known if each.targets)

    def targets_of(self, group: str) -> frozenset[Target]:
        """All that are not kept in the group or as deregistered from it."""
        return frozenset(target for each in self.known if each.group == group for target in each.targets)

    @property
    def waits(self) -> tuple[NotYet, ...]:
        """Until each is tried again."""
        return tuple(
            NotYet.until(max(1, int(each.next_at - self.now)), f"VPC Lattice does not keep {each.what}")
            for each in self.known
        )


def _first(
    verb: Verb, group: str, targets: Sequence[Target], reasons: Mapping[Target, str], now: float
) -> UnkeptTargets:
    what = _call(verb, group, "targets")
    first = UnkeptTargets(f"{verb} {group}", what, (), now, 0, now, group=group, verb=verb, targets=tuple(targets))
    return _without(first, (), reasons)


def _call(verb: Verb, group: str, targets: str) -> str:
    noun, preposition = ("registration", "with") if verb == "register" else ("deregistration", "from")
    return f"the {noun} of {targets} {preposition} target group {group.rpartition('/')[2]}"


def _without(each: UnkeptTargets, kept: Collection[Target], reasons: Mapping[Target, str]) -> UnkeptTargets:
    """``each`` without the targets that are kept now, with the reasons of its others where they were tried."""
    targets = tuple(target for target in each.targets if target not in kept)
    if reasons.keys().isdisjoint(targets):
        return dataclasses.replace(each, targets=targets)
    found = sorted({reasons[target] for target in targets if reasons.get(target)})
    return dataclasses.replace(each, targets=targets, reason=bounds.listed(found, _FIRST_REASONS))


def problems_of(unkept: Sequence[UnkeptTargets], now: float) -> tuple[Problem, ...]:
    """What has not been kept for a quarter of an hour. ``where`` is the ARN of the target group."""
    return tuple(each.problem for each in unkept if each.is_told(now))


def told[Key](statuses: Mapping[Key, RouteStatus], problems: Sequence[Problem]) -> dict[Key, RouteStatus]:
    """The statuses of the routes with the problems of their groups, as a notice and as the code where nothing else stands in the
    way; all are told of a group that none of them has."""
    found = dict(statuses)
    for problem in problems:
        of_group = [key for key, status in found.items() if status.group_arn == problem.where]
        for key in of_group or tuple(found):
            found[key] = _with(found[key], Notice(problem.code, problem.message))
    return found


def _with(status: RouteStatus, notice: Notice) -> RouteStatus:
    status = dataclasses.replace(status, notices=(*status.notices, notice))
    is_reason = not status.code or status.code in STAGES
    return dataclasses.replace(status, code=notice.code, message=notice.message) if is_reason else status
