"""Carries out the decision about the list: stores the update, calls UpdateService, stores ECS's answer."""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass

from ecs_lattice import ports
from ecs_lattice.ecs_side.failed_attach import after_failure
from ecs_lattice.ecs_side.fingerprints import list_fingerprint
from ecs_lattice.ecs_side.record import EcsRecord, PendingUpdate
from ecs_lattice.ecs_side.update_outcome import AttachDecision
from ecs_lattice.errors import AwsError, DeniedError, InvalidError, UnavailableError
from ecs_lattice.facts import Deployment, EcsService, LatticeEntry
from ecs_lattice.history import note
from ecs_lattice.outcome import NotYet, Outcome, Problem, Refused

_PROPAGATION_SECONDS = 300
_PROPAGATION_RETRY_SECONDS = 30
_FIRST_CHECK_SECONDS = 60
_TEXTS = {
    "attach": "update the ECS service in a new deployment to the target groups",
    "roll_back": "restore the target groups of the ECS service in a new deployment",
}


@dataclass(frozen=True, slots=True)
class UpdateServiceExecutor:
    """Calls UpdateService. ``save`` stores the record; it is called before the call and after it."""

    ecs: ports.Ecs
    now: ports.Now
    save: Callable[[EcsRecord], None]

    def send(self, service: EcsService, record: EcsRecord, decision: AttachDecision) -> Outcome:
        """Call UpdateService with the decided list."""
        primary = service.primary
        assert primary is not None  # no list is decided for a service without a deployment
        record, update = self._begin(record, primary, decision)
        self.save(record)
        try:
            deployment = self.ecs.attach(service.id, decision.entries, decision.grace_period)
        except UnavailableError:
            raise  # ECS may have started the deployment: the update stays pending until ECS shows which
        except AwsError as error:
            self.save(dataclasses.replace(record, pending_update=dataclasses.replace(update, error=str(error))))
            return _rejected(update, error)
        note(f"{_TEXTS[decision.kind]}: {_named(decision.entries)} ({deployment})", "UpdateService")
        self.save(dataclasses.replace(record, pending_update=dataclasses.replace(update, deployment=deployment)))
        return NotYet(
            _FIRST_CHECK_SECONDS, "ECS is registering the tasks with their target groups in a new deployment."
        )

    def _begin(
        self, record: EcsRecord, primary: Deployment, decision: AttachDecision
    ) -> tuple[EcsRecord, PendingUpdate]:
        """The record with the update that is about to be sent, and that update."""
        now, before, is_rollback = self.now(), record.pending_update, decision.kind == "roll_back"
        is_same = before and before.entries == decision.entries and before.is_rollback == is_rollback
        failed, known, first_at = record.failed, record.failed_attach, now
        if before and is_same:
            first_at = before.first_at
        elif before and is_rollback:
            failed = list_fingerprint(primary.task_definition, before.entries)
            known = after_failure(known, before.conditions, now, is_same=failed == record.failed)
        update = PendingUpdate(
            entries=decision.entries,
            previous=primary.entries,
            before=primary.id,
            task_definition=primary.task_definition,
            first_at=first_at,
            at=now,
            is_rollback=is_rollback,
            conditions=decision.conditions,
        )
        attached = sorted({entry.group_arn for entry in decision.entries} & set(record.attached))
        record = dataclasses.replace(record, failed=failed, failed_attach=known, attached=tuple(attached))
        return dataclasses.replace(record, pending_update=update), update


def _named(entries: tuple[LatticeEntry, ...]) -> str:
    return ", ".join(f"{entry.group_arn.rpartition('/')[2]} for port {entry.port_name}" for entry in entries) or "none"


def _rejected(update: PendingUpdate, error: AwsError) -> Outcome:
    if not isinstance(error, InvalidError | DeniedError):
        raise error
    if update.at - update.first_at < _PROPAGATION_SECONDS:
        # A role created just now is not known everywhere in AWS yet (IAM User Guide, eventual consistency).
        return NotYet(_PROPAGATION_RETRY_SECONDS, f"ECS does not accept the list of target groups yet: {error}")
    return Refused((Problem("ATTACH_REFUSED", f"ECS does not accept the list of target groups: {error}"),))
