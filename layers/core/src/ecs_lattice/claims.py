"""What the two reconcilers exchange through the registry: claims one way, answers the other.

A claim is one route of one ECS service on one Lattice service, written by the ECS side only. The answer is what came of
it, written by the Lattice side only. Each side enqueues a request for the other as long as the other has not processed
the generation that it wrote; never because of what it changed in this run, which a crash forgets.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal, Self

from ecs_lattice import bounds
from ecs_lattice.model import Placement, Route, ServiceId
from ecs_lattice.outcome import NO_PROGRESS, Wait, doubled

SCHEMA = 1

HELD_BY_OTHER = "HELD_BY_OTHER"
"""The code of a claim that may not speak for its Lattice service."""
DOMAIN_TAKEN = "DOMAIN_TAKEN"
"""The code of a claim that a service network does not take, because another Lattice service has the custom domain there."""
FOREIGN_SERVICE = "FOREIGN_SERVICE"
"""The code of a claim on a Lattice service that is not this stack's."""
OWN_GROUP_UNUSABLE = "OWN_GROUP_UNUSABLE"
"""The code of a claim whose own target group cannot be used."""

ASSOCIATION_MISSING = "ASSOCIATION_MISSING"
AUTH_ALLOWS_NOBODY = "AUTH_ALLOWS_NOBODY"
NETWORK_ALLOWS_NOBODY = "NETWORK_ALLOWS_NOBODY"
"""The codes of notices of a route to which requests do not come although its targets may be healthy."""

_CUT_OFF = {ASSOCIATION_MISSING, AUTH_ALLOWS_NOBODY, NETWORK_ALLOWS_NOBODY}
_FIRST_WAIT, _LONGEST_WAIT, _TOLD_SECONDS = 60, 900, 900

Phase = Literal["declared", "vanished", "deleted"]
State = Literal["Pending", "Wired", "Live", "Parked", "Removed", "Paused", "Refused", "Conflicted"]


@dataclass(frozen=True)
class Claim:
    """What the ECS side asks of the Lattice side for one route.

    ``phase``: ``declared``; ``vanished`` (its label or tag was removed, or ECS no longer knows the service: waits the grace
    time from ``since``); ``deleted`` (the ECS service is INACTIVE or DRAINING: does not wait). ``since`` is the epoch
    second at which the phase began. ``created_at`` is the ECS service's (a recreated service is another service).
    ``own_group`` is the ARN of a target group that someone else created and attached for this port: used as it is.
    ``named``: a listed deployment of the ECS service names the group, or this application still has targets in it; the
    group must not be deleted. ``serving``: a completed deployment names the group, or this application has registered
    the tasks; the route may receive traffic once a target can answer. ``claimed_at`` (epoch seconds) is since when the
    ECS service has claimed this match on this Lattice service: it survives a rename of the route and an interruption
    below the grace time; 0: claimed before this was recorded. ``task_family`` is the family of the task definition that the
    ECS service runs; empty: unknown.
    """

    service: ServiceId
    created_at: float
    route: Route
    placement: Placement
    phase: Phase = "declared"
    since: float = 0.0
    own_group: str | None = None
    named: bool = False
    serving: bool = False
    claimed_at: float = 0.0
    task_family: str = ""

    @cached_property
    def key(self) -> str:
        """Unique within the Lattice service: the ECS service's ARN and the route's name."""
        return f"{self.service.arn}#{self.route.name}"


@dataclass(frozen=True, slots=True)
class Notice:
    """Something the people of a route should know, which changes nothing: ``code`` is a stable identifier."""

    code: str
    message: str

    def __post_init__(self) -> None:
        bounds.cut_fields(self, message=bounds.MESSAGE)


ON_THE_WAY: Mapping[str, Notice] = {
    "Pending": Notice("CREATING", "Its target group and its rule are being created in VPC Lattice."),
    "Wired": Notice("NOT_ATTACHED", "Its target group and its parked rule exist. The tasks are attached next."),
    "Parked": Notice("DETACHING", "It receives no more requests. A deployment detaches the tasks, then it is removed."),
    "Removed": Notice("REMOVING", "Nothing of it is left in VPC Lattice."),
    "Paused": Notice("PAUSED", "The route is paused: nothing is changed for it."),
}
"""Why a route is not Live, by the state of its answer, where nothing stands in its way."""
WAITING_FOR_TARGETS = Notice(
    "WAITING_FOR_TARGETS", "The tasks are attached. The route goes live once a target is HEALTHY."
)
VANISHED = Notice("VANISHED", "The route is no longer declared; it is removed after the grace time.")
STAGES = {"CREATING", "NOT_ATTACHED", "DETACHING", "REMOVING", WAITING_FOR_TARGETS.code, VANISHED.code, NO_PROGRESS}
"""Codes that only say how far a route has come, or for how long it has been there."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The result of a claim.

    ``Pending``: not created yet. ``Wired``: group and rule exist, parked: attach the tasks. ``Live``: receives traffic.
    ``Parked``: receives no more traffic: detach the tasks. ``Removed``: nothing of it is left; the claim may be deleted.
    ``Paused``, ``Refused``, ``Conflicted``: nothing is changed for it, ``code`` and ``message`` say why; what existed
    before stays (``group_arn``). Whatever is not Live has both; by default they say how far it has come.
    ``group_arn`` is the target group of the route once it exists. ``domain_name`` is the Lattice service's DNS name.
    ``notices`` are about the route or its Lattice service, whatever the state. ``live_as`` is the fingerprint of the match
    with which the route was live last (empty: never), ``live_since`` the epoch second at which it began to be (0: never, or
    before that was recorded; None: an answer from before both were recorded). Texts are within
    :mod:`~ecs_lattice.bounds`.
    """

    state: State
    code: str = ""
    message: str = ""
    group_arn: str | None = None
    domain_name: str | None = None
    notices: tuple[Notice, ...] = ()
    live_as: str = ""
    live_since: float | None = None

    @property
    def was_live(self) -> bool:
        """Whether the route has received requests. An answer from before that was recorded says so by its state; what was
        refused or stopped then, and has a group, may have."""
        if self.live_as or self.state == "Live":
            return True
        return self.live_since is None and self.state in {"Refused", "Conflicted", "Paused"} and bool(self.group_arn)

    @property
    def is_cut_off(self) -> bool:
        """Whether requests did not come to the route when its Lattice service was read last."""
        return any(notice.code in _CUT_OFF for notice in self.notices)

    @property
    def is_stage(self) -> bool:
        """Whether whatever stands in the way of the route is told instead of the code."""
        return self.code in STAGES

    def __post_init__(self) -> None:
        if not self.code and (stage := ON_THE_WAY.get(self.state)):
            object.__setattr__(self, "code", stage.code)
            object.__setattr__(self, "message", self.message or stage.message)
        bounds.cut_fields(self, message=bounds.MESSAGE)
        if len(self.notices) > bounds.MOST_PROBLEMS:
            object.__setattr__(self, "notices", self.notices[: bounds.MOST_PROBLEMS])


@dataclass(frozen=True, slots=True)
class ClaimRecord:
    """One registry item: the claim, its answer, and which side has processed what.

    ``declared_generation`` rises with every change of the claim; ``applied_generation`` is the one the answer is for.
    ``answer_generation`` rises with every change of the answer; ``acknowledged_generation`` is the last one that the ECS
    side has processed.
    """

    claim: Claim
    declared_generation: int
    answer: Answer = Answer("Pending")
    applied_generation: int = 0
    answer_generation: int = 0
    acknowledged_generation: int = 0

    @property
    def lattice_service(self) -> str:
        return self.claim.route.lattice_service

    @property
    def key(self) -> str:
        """The claim's key."""
        return self.claim.key

    @property
    def is_unapplied(self) -> bool:
        """Whether the Lattice side needs a request."""
        return self.declared_generation != self.applied_generation

    @property
    def is_unacknowledged(self) -> bool:
        """Whether the ECS side needs a request."""
        return self.answer_generation != self.acknowledged_generation


@dataclass(frozen=True, slots=True)
class RepeatedStep:
    """A step that AWS accepts without the reading changing. ``identity`` is the digest of both, ``what`` it sets for people,
    ``needed_by`` the keys of the claims; ``since`` when it was first repeated, ``tries`` how often it was carried out since,
    ``tried_at`` when last (epoch seconds). ``is_urgent``: requests get through meanwhile that should not."""

    identity: str
    what: str
    needed_by: tuple[str, ...]
    since: float
    tries: int
    tried_at: float
    is_urgent: bool = False

    @property
    def wait_seconds(self) -> int:
        """How long it is left out after it was tried."""
        return int(doubled(_FIRST_WAIT, self.tries - 1, _FIRST_WAIT if self.is_urgent else _LONGEST_WAIT))

    @property
    def due_at(self) -> float:
        """The epoch second at which it is tried again."""
        return self.tried_at + self.wait_seconds

    def is_told(self, now: float) -> bool:
        """Whether it has repeated for so long that people are told."""
        return now - self.since >= _TOLD_SECONDS

    def again(self, now: float) -> Self:
        """As tried once more."""
        return replace(self, tries=self.tries + 1, tried_at=now)

    def due(self) -> Self:
        """As tried so long ago that it is due."""
        return replace(self, tried_at=0.0)


@dataclass(frozen=True, slots=True)
class RefusedStep:
    """A step that AWS has refused. ``identity`` is the digest of what it asks for; ``code`` and ``message`` are those of the
    problem; ``since`` when it was first refused, ``tried_at`` when last (epoch seconds). ``is_seen``: what it collides with
    could be read."""

    identity: str
    code: str
    message: str
    since: float
    tried_at: float
    is_seen: bool = False


@dataclass(frozen=True, slots=True)
class LatticeRecord:
    """What the Lattice side remembers of one Lattice service, so that it needs no list call: ARNs by our names.

    ``groups`` maps target-group names to ARNs; ``networks`` maps service networks as declared to ARNs. ``generation``
    rises with every delete of the service, a group, a listener or a rule; it is part of client tokens. ``made`` are the
    running timers: what is timed and the epoch second at which it began. ``read_at``: last full read; ``due_at``: when
    the next reconcile is due (0: none), by which the resync notices a lost request; both epoch seconds. ``holder`` is who
    may claim the Lattice service, as in its holder tag (empty: nobody yet). ``granted`` are the settings of the service that
    labels or the stack asked for, by name: only what stands here is taken back once nobody asks any more. ``associations``
    are the ids of those with service networks that were read last, whoever made them. ``repeated`` are the steps that AWS
    accepts and reads back differently, ``refused`` those that it refuses. ``waits`` is what the last reconcile waited for
    without knowing how long it takes. ``holder_gone_since`` is the epoch second at which ECS was first seen not to know the
    holder any more (None: it does, or nobody had to ask, or that is unknown).
    """

    name: str
    service_arn: str | None = None
    groups: tuple[tuple[str, str], ...] = ()
    networks: tuple[tuple[str, str], ...] = ()
    generation: int = 0
    made: tuple[tuple[str, float], ...] = ()
    read_at: float = 0.0
    due_at: float = 0.0
    holder: str = ""
    granted: tuple[tuple[str, str], ...] = ()
    associations: tuple[str, ...] = ()
    repeated: tuple[RepeatedStep, ...] = ()
    holder_gone_since: float | None = None
    refused: tuple[RefusedStep, ...] = ()
    waits: tuple[Wait, ...] = ()
