"""Carries the decision on the list out: intent first, then the call, then what ECS said to it."""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from ecs_lattice import ports
from ecs_lattice.ecs_side import attach
from ecs_lattice.ecs_side.attach import Decision
from ecs_lattice.ecs_side.record import EcsRecord, PendingUpdate
from ecs_lattice.errors import AwsError, DeniedError, InvalidError, UnavailableError
from ecs_lattice.facts import Deployment, EcsService
from ecs_lattice.outcome import NotYet, Outcome, Problem, Refused
from ecs_lattice.settings import Settings

_PROPAGATION_SECONDS = 300
_FIRST_LOOK_SECONDS = 60


@dataclass(frozen=True, slots=True)
class UpdateServiceExecutor:
    """``save`` stores the record; it is called before UpdateService and after it."""

    SET: ClassVar[str] = "attaching"
    """The registry's set of the ECS services that roll because of us."""

    settings: Settings
    ecs: ports.Ecs
    registry: ports.Registry
    now: ports.Now
    save: Callable[[EcsRecord], None]

    def send(self, service: EcsService, record: EcsRecord, decision: Decision) -> Outcome:
        """Call UpdateService with the decided list, unless too many services roll because of us already."""
        primary = service.primary
        assert primary is not None  # no list is decided on for a service without a deployment
        if not record.holds_slot:
            record = dataclasses.replace(record, holds_slot=True)
            self.save(record)
        limit = self.settings.max_attaching
        if decision.kind == "attach" and not self.registry.acquire(self.SET, service.id.arn, limit):
            return NotYet(_FIRST_LOOK_SECONDS, f"{limit} ECS services are being attached; this one waits for its turn.")
        record = self._intended(record, primary, decision)
        self.save(record)
        return self._call(service, record, decision)

    def _intended(self, record: EcsRecord, primary: Deployment, decision: Decision) -> EcsRecord:
        now, earlier, is_undo = self.now(), record.pending_update, decision.kind == "roll_back"
        is_same = earlier is not None and earlier.entries == decision.entries and earlier.undo == is_undo
        groups = {entry.group_arn for entry in decision.entries}
        failed = (
            attach.list_fingerprint(primary.task_definition, earlier.entries) if is_undo and earlier else record.failed
        )
        return dataclasses.replace(
            record,
            failed=record.failed if is_undo and is_same else failed,
            attached=tuple(group for group in record.attached if group in groups),
            pending_update=PendingUpdate(
                entries=decision.entries,
                previous=primary.entries,
                before=primary.id,
                task_definition=primary.task_definition,
                first_at=earlier.first_at if earlier and is_same else now,
                at=now,
                undo=is_undo,
            ),
        )

    def _call(self, service: EcsService, record: EcsRecord, decision: Decision) -> Outcome:
        assert record.pending_update is not None  # written just before
        try:
            deployment = self.ecs.attach(service.id, decision.entries, decision.grace_period)
        except UnavailableError:
            raise  # whether ECS has carried it out is unknown: the intent is believed until ECS shows it
        except AwsError as error:
            self.save(
                dataclasses.replace(record, pending_update=dataclasses.replace(record.pending_update, error=str(error)))
            )
            return self._refused(record.pending_update, error)
        self.save(
            dataclasses.replace(
                record, pending_update=dataclasses.replace(record.pending_update, deployment=deployment)
            )
        )
        return NotYet(_FIRST_LOOK_SECONDS, "ECS hands the tasks over to their target groups with a new deployment.")

    @staticmethod
    def _refused(pending_update: PendingUpdate, error: AwsError) -> Outcome:
        if not isinstance(error, InvalidError | DeniedError):
            raise error
        if pending_update.at - pending_update.first_at < _PROPAGATION_SECONDS:
            # A role that was made just now is not known everywhere in AWS yet (IAM User Guide, eventual consistency).
            return NotYet(30, f"ECS does not take the list yet: {error}")
        return Refused((Problem("ATTACH_REFUSED", f"ECS does not take the list of target groups: {error}"),))
