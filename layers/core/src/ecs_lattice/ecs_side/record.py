"""What the ECS side remembers of one ECS service: a registry document of kind ``ecs``, keyed by the service's ARN.

Not rebuildable when the table is lost: the clocks, the attach history, and that a list was taken away. All else is
read again from ECS and from the tags of the target groups.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ecs_lattice import codec
from ecs_lattice.ecs_side.lattice_targets import Target
from ecs_lattice.ecs_side.status import VANISHED, RouteStatus
from ecs_lattice.errors import TooNewRecordError
from ecs_lattice.facts import LatticeEntry, Subnets, TaskDefinition
from ecs_lattice.ingress.routes import PortRequirement
from ecs_lattice.model import ServiceId
from ecs_lattice.outcome import Problem
from ecs_lattice.ports import Registry

KIND = "ecs"
SCHEMA = 1


@dataclass(frozen=True, slots=True)
class PendingUpdate:
    """An UpdateService of ours, written down before the call, so that neither a crash nor a stale read doubles it.

    ``entries`` is the list it sends, ``previous`` the list before it; ``before`` is the id of the deployment that was
    PRIMARY then and ``task_definition`` that one's. ``first_at`` is the first attempt at this list, ``at`` the last (epoch
    seconds). ``deployment`` is the id of the deployment that it started, once ECS has answered; ``error`` is what ECS said
    when it refused the call. ``undo``: it puts back the list that an earlier intent replaced.
    """

    entries: tuple[LatticeEntry, ...]
    previous: tuple[LatticeEntry, ...]
    before: str
    task_definition: str
    first_at: float
    at: float
    deployment: str | None = None
    error: str = ""
    undo: bool = False


@dataclass(frozen=True, slots=True)
class IngressState:
    """What was done about the tasks' security groups: compared with what is wanted now, so that a quiet reconcile makes no
    call to EC2.

    ``wants`` is what was opened, ``off`` what the stack was not to open. ``group_ids``: in which groups the service may have
    needs written. ``closed``: the wants that could not be met, and why; ``notices`` stop nothing.
    """

    wants: tuple[PortRequirement, ...] = ()
    off: tuple[PortRequirement, ...] = ()
    group_ids: tuple[str, ...] = ()
    closed: tuple[tuple[PortRequirement, Problem], ...] = ()
    notices: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class EcsRecord:
    """The memory of one ECS service.

    ``created_at`` is the ECS service's: a recreated service begins anew. ``effective`` is what was read of the newest
    revision that is known to have completed (named ports and labels). ``subnets`` saves a call.
    ``clocks`` are epoch seconds by name (when a claim was first seen pending, when the service was first seen missing).
    ``foreign`` says of groups that stand in the service's list and that no claim explains whose they are.
    ``attached``: our groups that were seen on a PRIMARY deployment and that we did not take off since.
    ``taken_away``: fingerprint of the routes for which somebody took the list away; the controller registers instead.
    ``failed``: fingerprint of an attach that did not complete and is not tried again.
    ``registered``: targets that the controller registered, by group; ``controlled``: groups in which all of them are.
    ``has_place``: it may have a place among those that roll because of us. ``refused``: the codes for which the whole
    declaration is refused.
    """

    service: str
    created_at: float = 0.0
    schema: int = SCHEMA
    effective: TaskDefinition | None = None
    subnets: Subnets | None = None
    clocks: tuple[tuple[str, float], ...] = ()
    foreign: tuple[tuple[str, str], ...] = ()
    pending_update: PendingUpdate | None = None
    attached: tuple[str, ...] = ()
    list_overwritten: str = ""
    failed: str = ""
    registered: tuple[tuple[str, tuple[Target, ...]], ...] = ()
    controlled: tuple[str, ...] = ()
    holds_slot: bool = False
    ingress: IngressState = field(default_factory=IngressState)
    refused: str = ""
    problems: tuple[Problem, ...] = ()
    statuses: tuple[RouteStatus, ...] = ()

    def clock(self, name: str) -> float | None:
        return dict(self.clocks).get(name)

    def targets_in(self, group_arn: str) -> frozenset[Target]:
        return frozenset(dict(self.registered).get(group_arn, ()))


def read(registry: Registry, service: ServiceId) -> EcsRecord | None:
    """The record of ``service``; None if there is none. Raises TooNewRecordError for one of a newer version."""
    text = registry.document(KIND, service.arn)
    return None if text is None else parse(text)


def parse(text: str) -> EcsRecord:
    """A record from its document. Raises TooNewRecordError for one that a newer version wrote."""
    data: dict[str, Any] = json.loads(text)
    if data.get("schema", SCHEMA) > SCHEMA:
        raise TooNewRecordError(
            f"The record of {data.get('service')} has schema {data['schema']}; this version knows {SCHEMA}."
        )
    record: EcsRecord = codec.from_data(EcsRecord, data)
    return record


def write(registry: Registry, record: EcsRecord) -> None:
    """Store the record."""
    registry.put_document(KIND, record.service, codec.dumps(record))


def is_settled(text: str) -> bool:
    """Whether a stored record awaits nothing: every route is Live or answered for good, and no attach is under way."""
    try:
        record = parse(text)
    except TooNewRecordError:
        return False
    waiting = {"Pending", "Wired", "Attaching", "Parked", "Removing"}
    return record.pending_update is None and not any(
        one.state in waiting or one.code == VANISHED for one in record.statuses
    )


def registers_targets(text: str) -> bool:
    """Whether the controller answers for tasks of the service of a stored record, so that each of them counts."""
    try:
        record = parse(text)
    except TooNewRecordError:
        return True
    return bool(record.registered or record.controlled)


def with_clocks(clocks: Iterable[tuple[str, float]]) -> tuple[tuple[str, float], ...]:
    """Clocks in the one order in which equal ones make equal records."""
    return tuple(sorted(clocks))


def with_registered(registered: Mapping[str, Iterable[Target]]) -> tuple[tuple[str, tuple[Target, ...]], ...]:
    """Registered targets in the one order in which equal ones make equal records; groups without any are left out."""
    ordered = ((group, tuple(sorted(set(targets)))) for group, targets in sorted(registered.items()))
    return tuple((group, targets) for group, targets in ordered if targets)


def fingerprint(*values: object) -> str:
    """A short hash of ``values``, for comparing them later without keeping them."""
    return hashlib.sha256("\n".join(codec.dumps(value) for value in values).encode()).hexdigest()[:20]
