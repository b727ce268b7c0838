"""What the decision on an ECS service's list rests on, and the decision itself: values."""

import dataclasses
from dataclasses import dataclass
from typing import Literal

from ecs_lattice.claims import Claim, ClaimRecord
from ecs_lattice.ecs_side.intent import Fate
from ecs_lattice.ecs_side.record import EcsRecord
from ecs_lattice.facts import EcsService, LatticeEntry
from ecs_lattice.outcome import Problem
from ecs_lattice.settings import Settings

Kind = Literal["keep", "attach", "undo", "wait", "refuse"]


@dataclass(frozen=True, slots=True)
class Decision:
    """``keep``: the list is right, or not ours to change now. ``attach``: send ``entries`` (and ``grace_period``, seconds,
    where not None). ``undo``: the same, into the deployment of ours that does not complete. ``wait``: look again ``after``
    seconds. ``refuse``: a person has to do something. ``code`` and ``message`` say why, for people.
    """

    kind: Kind
    entries: tuple[LatticeEntry, ...] = ()
    grace_period: int | None = None
    after: int = 0
    code: str = ""
    message: str = ""

    @property
    def problem(self) -> Problem | None:
        return Problem(self.code, self.message) if self.kind == "refuse" or self.code in _REPORTED else None


_REPORTED = {"DEPLOYMENT_FAILED", "ATTACH_FAILED"}


@dataclass(frozen=True, slots=True)
class Seat:
    """A claim as it is going to be written, the record of it as it was read (None for a new one), and who attaches it.
    ``closed``: why the tasks' security groups do not let VPC Lattice in for it; None when they do."""

    claim: Claim
    record: ClaimRecord | None
    by_ecs: bool
    closed: Problem | None = None

    @property
    def group(self) -> str | None:
        """The group of ours that the Lattice side made for it."""
        return None if self.claim.own_group or self.record is None else self.record.answer.group_arn

    @property
    def state(self) -> str:
        return self.record.answer.state if self.record else "Pending"

    @property
    def is_answered(self) -> bool:
        """Whether the answer is to what is asked now; what is merely reported (named, serving) needs no other answer."""
        record, claim = self.record, self.claim
        if record is None or record.is_unapplied:
            return False
        return record.claim == dataclasses.replace(claim, named=record.claim.named, serving=record.claim.serving)

    @property
    def is_pending(self) -> bool:
        return self.claim.phase == "declared" and (
            self.state in {"Pending", "Parked", "Removed"} or not self.is_answered
        )

    @property
    def is_out(self) -> bool:
        """Whether the route takes no traffic any more and its tasks are to be detached."""
        return self.claim.phase != "declared" and self.state in {"Parked", "Removed"}

    @property
    def is_wired(self) -> bool:
        """Whether its group is for ECS to attach, as soon as the answer is to what is asked now."""
        may = self.by_ecs and self.closed is None
        return may and self.claim.phase == "declared" and self.state in {"Wired", "Live"}

    @property
    def joins(self) -> bool:
        """Whether its group goes into the list if it does not stand there yet: ECS stops tasks that fail Lattice's checks."""
        return self.is_wired and self.is_answered


@dataclass(frozen=True, slots=True)
class Question:
    """All that the decision rests on. ``ours``: every group of ours, also those that no claim explains any more."""

    service: EcsService
    seats: tuple[Seat, ...]
    record: EcsRecord
    fate: Fate
    ours: frozenset[str]
    settings: Settings
    now: float
