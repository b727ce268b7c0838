"""What the ECS side stores about one ECS service: a registry document of kind ``ecs``, keyed by the service's ARN.

If the table is lost, three things cannot be read again: the timers, the history of attachments, and that a list was
overwritten. Everything else comes from ECS and from the tags of the target groups.
"""

import dataclasses
import json
from dataclasses import dataclass, field
from typing import Any, Literal

from ecs_lattice import bounds, codec
from ecs_lattice.claims import VANISHED
from ecs_lattice.ecs_side.failed_attach import FailedAttach
from ecs_lattice.ecs_side.lattice_targets import Target
from ecs_lattice.ecs_side.status import WAITING_FOR_DEPLOYMENT, RouteStatus
from ecs_lattice.ecs_side.unkept_targets import UnkeptTargets
from ecs_lattice.errors import TooNewRecordError
from ecs_lattice.facts import EcsService, LatticeEntry, Subnets, TaskDefinition
from ecs_lattice.ingress.model import PortRequirement
from ecs_lattice.model import ServiceId
from ecs_lattice.outcome import MORE_PROBLEMS, Problem, Wait
from ecs_lattice.ports import Documents, Registry

KIND = "ecs"
SCHEMA = 1
PRESENCE_TIMERS = {"not_found", "deleted"}
"""The names of the timers that say since when the presence has not been ``active``."""
_FEW, _MOST_STATUSES = 5, 100


@dataclass(frozen=True, slots=True)
class Owner:
    """Who created a target group, as its tags say.

    ``ours``: this stack, for this ECS service. ``other_service``: this stack, for another ECS service. ``other_stack``:
    the stack named ``stack``. ``somebody``: no stack, so it is used as it is. ``gone``: there is no such group.
    ``unknown``: its tags could not be read. Earlier versions wrote ``unowned`` for the last three together.
    """

    kind: Literal["ours", "other_service", "other_stack", "somebody", "gone", "unknown"]
    stack: str = ""

    @property
    def is_lasting(self) -> bool:
        """Whether it may be remembered: an ARN that is not found may be that of a group created just now."""
        return self.kind in {"ours", "other_service", "other_stack", "somebody"}


OURS = Owner("ours")


@dataclass(frozen=True, slots=True)
class PendingUpdate:
    """An UpdateService call of ours, stored before the call, so that neither a crash nor a stale read repeats it.

    ``entries`` is the list that it sends, ``previous`` the list before it. ``before`` is the id of the deployment that
    was PRIMARY at the time, ``task_definition`` the ARN of that deployment's revision. ``first_at`` and ``at`` are the
    times of the first and of the last attempt (epoch seconds). ``deployment`` is the id of the deployment that the call
    has started, once ECS has answered; ``error`` is ECS's answer to a rejected call. ``is_rollback``: the call restores
    the list that an earlier update replaced. ``conditions``: those of the attachment (:mod:`failed_attach`).
    """

    entries: tuple[LatticeEntry, ...]
    previous: tuple[LatticeEntry, ...]
    before: str
    task_definition: str
    first_at: float
    at: float
    deployment: str | None = None
    error: str = ""
    is_rollback: bool = False
    conditions: str = ""

    def __post_init__(self) -> None:
        bounds.cut_fields(self, error=bounds.MESSAGE)


@dataclass(frozen=True, slots=True)
class IngressState:
    """The last result for the tasks' security groups. While it equals what is required, a reconcile does not call EC2.

    ``required`` is what the stack had to open, ``off`` what it had to leave alone. ``group_ids``: the groups in which
    the service may have requirements stored. ``closed``: the requirements that could not be met, and why. ``warnings``
    block nothing; ``left_closed`` are the warnings about groups in ``off`` that are closed, ``off_closed`` the
    requirements that are certainly not met. ``is_incomplete``: a call was
    denied, so that what is no longer required may still be open; the next run tries again.
    """

    required: tuple[PortRequirement, ...] = ()
    off: tuple[PortRequirement, ...] = ()
    group_ids: tuple[str, ...] = ()
    closed: tuple[tuple[PortRequirement, Problem], ...] = ()
    warnings: tuple[Problem, ...] = ()
    left_closed: tuple[Problem, ...] = ()
    off_closed: tuple[tuple[PortRequirement, Problem], ...] = ()
    is_incomplete: bool = False


@dataclass(frozen=True, slots=True)
class EcsRecord:
    """The stored state of one ECS service. Its dicts are never changed in place.

    ``created_at`` is the ECS service's: a recreated service starts with a new record. ``effective`` is the newest
    revision that is known to have completed. ``subnets`` saves a call. ``timers`` are start times by name (epoch
    seconds): since when a claim has been pending, the service not found, and so on. ``owners``: who created the listed
    groups that no claim explains; the owner of a group without an entry is not known. ``attached``: our groups
    that were seen on a PRIMARY deployment and that we have not removed since. ``list_overwritten``: fingerprint of the
    routes for which somebody replaced the list; the controller registers their tasks instead. ``failed``: fingerprint
    of an attachment that failed, empty once another has not; ``failed_attach``: what it takes to repeat it. ``registered``: the targets that the controller has
    registered, by group; ``controlled``: the groups in which it has registered all of them; ``unkept``: targets that VPC Lattice does
    not keep registered or deregistered. ``holds_slot``: whether the
    service may hold or wait for one of the places for deployments that we start. ``refused``: the codes for which the whole
    declaration is refused. ``governed``: ECS shifts the service's traffic, or has and is not known to have ended.
    ``connectors``: the port names of the gateway connectors of each current service revision that was read, by its ARN.
    ``waits`` is what the last reconcile waited for without knowing how long it takes.
    """

    service: str
    created_at: float = 0.0
    schema: int = SCHEMA
    effective: TaskDefinition | None = None
    subnets: Subnets | None = None
    timers: dict[str, float] = field(default_factory=dict)
    owners: dict[str, Owner] = field(default_factory=dict)
    pending_update: PendingUpdate | None = None
    attached: tuple[str, ...] = ()
    list_overwritten: str = ""
    failed: str = ""
    failed_attach: FailedAttach = field(default_factory=FailedAttach)
    registered: dict[str, tuple[Target, ...]] = field(default_factory=dict)
    controlled: tuple[str, ...] = ()
    holds_slot: bool = False
    ingress: IngressState = field(default_factory=IngressState)
    unkept: tuple[UnkeptTargets, ...] = ()
    refused: str = ""
    governed: bool = False
    connectors: dict[str, tuple[str, ...]] = field(default_factory=dict)
    waits: tuple[Wait, ...] = ()
    problems: tuple[Problem, ...] = ()
    statuses: tuple[RouteStatus, ...] = ()


def read(registry: Documents, service: ServiceId) -> EcsRecord | None:
    """The record of ``service``, or None. Raises TooNewRecordError if a newer version wrote it."""
    text = registry.document(KIND, service.arn)
    return None if text is None else parse(text)


def parse(text: str) -> EcsRecord:
    """The record in a document. Raises TooNewRecordError if a newer version wrote it."""
    data: dict[str, Any] = json.loads(text)
    if data.get("schema", SCHEMA) > SCHEMA:
        raise TooNewRecordError(
            f"The record of {data.get('service')} has schema {data['schema']}; this version knows {SCHEMA}."
        )
    record: EcsRecord = codec.from_data(EcsRecord, data)
    return record


def write(registry: Registry, record: EcsRecord) -> None:
    """Store the record, within the size of an item: the status is always stored."""
    registry.put_document(KIND, record.service, text_of(record))


def text_of(record: EcsRecord) -> str:
    """The record as it is stored. What would exceed the size of an item is left out in this order: the containers of the
    effective revision, most words about problems and statuses, all but a hundred statuses, those of routes that are being
    removed first, then the effective revision, for which ECS is asked again."""
    text = codec.dumps(record)
    for shorten in (_without_containers, _with_few_words, _with_few_statuses, _without_revision):
        if len(text) <= bounds.ITEM:
            break
        record = shorten(record)
        text = codec.dumps(record)
    return text


def _without_containers(record: EcsRecord) -> EcsRecord:
    effective = record.effective and dataclasses.replace(record.effective, containers=())
    return dataclasses.replace(record, effective=effective)


def _with_few_words(record: EcsRecord) -> EcsRecord:
    """Five problems, and statuses without commands. States and codes stay: the next run compares them with its own."""
    few = [
        dataclasses.replace(problem, message=bounds.cut(problem.message, bounds.VALUE), command="")
        for problem in record.problems[:_FEW]
    ]
    more = len(record.problems) - len(few)
    left = [Problem(MORE_PROBLEMS, f"and {more} more problems; see the log of the function.")] if more > 0 else []
    statuses = tuple(
        dataclasses.replace(
            status, message=bounds.cut(status.message, bounds.VALUE), command="", notices=status.notices[:1]
        )
        for status in record.statuses
    )
    return dataclasses.replace(record, problems=(*few, *left), statuses=statuses)


def _with_few_statuses(record: EcsRecord) -> EcsRecord:
    first = sorted(record.statuses, key=lambda status: status.state in {"Parked", "Removing"})
    return dataclasses.replace(record, statuses=tuple(first[:_MOST_STATUSES]))


def _without_revision(record: EcsRecord) -> EcsRecord:
    return dataclasses.replace(record, effective=None)


def for_service(stored: EcsRecord | None, service_id: ServiceId, service: EcsService | None, now: float) -> EcsRecord:
    """The record to continue with, and in its timers whether ECS knows the ``service`` and since when it does not.

    Of a recreated service's predecessor only what exists outside the record stays: targets, slot, owners, security
    groups.
    """
    record = stored or EcsRecord(service_id.arn)
    if service and record.created_at != service.created_at:
        record = EcsRecord(
            service_id.arn,
            service.created_at,
            registered=record.registered,
            unkept=record.unkept,
            holds_slot=record.holds_slot,
            owners=record.owners,
            ingress=IngressState(group_ids=record.ingress.group_ids),
        )
    timers = {name: at for name, at in record.timers.items() if name not in PRESENCE_TIMERS}
    if service and not service.is_deleted:
        return dataclasses.replace(record, timers=timers)
    presence = "deleted" if service or "deleted" in record.timers else "not_found"
    timers[presence] = record.timers.get(presence, now)
    return dataclasses.replace(record, timers=timers)


def for_retry(record: EcsRecord) -> EcsRecord:
    """``record`` without what keeps an attachment from being repeated; the registration of targets is due."""
    due = tuple(unkept.due() for unkept in record.unkept)
    return dataclasses.replace(
        record, failed="", failed_attach=FailedAttach(), list_overwritten="", attached=(), unkept=due
    )


def is_settled(text: str) -> bool:
    """Whether the record in a document waits for nothing: no route is on its way, no update is pending, and every target is
    kept. The end of a first deployment changes what ECS describes, by which the resync finds it."""
    try:
        record = parse(text)
    except TooNewRecordError:
        return False
    waiting = {"Pending", "Wired", "Attaching", "Parked", "Removing"}
    return not (record.pending_update or record.unkept or record.ingress.is_incomplete) and not any(
        (status.state in waiting and status.code != WAITING_FOR_DEPLOYMENT) or status.code == VANISHED.code
        for status in record.statuses
    )


def registers_targets(text: str) -> bool:
    """Whether the controller registers tasks of the service whose record is in a document, so that each task event
    counts."""
    try:
        record = parse(text)
    except TooNewRecordError:
        return True
    return bool(record.registered or record.controlled)
