"""What an UpdateService call of ours leaves in the record once it has ended: pure."""

import dataclasses
from collections.abc import Iterable

from ecs_lattice.ecs_side import failed_attach
from ecs_lattice.ecs_side.claims import RouteState
from ecs_lattice.ecs_side.failed_attach import FailedAttach
from ecs_lattice.ecs_side.fingerprints import list_fingerprint
from ecs_lattice.ecs_side.observation import Observation
from ecs_lattice.ecs_side.record import EcsRecord, IngressState, PendingUpdate
from ecs_lattice.ecs_side.update_outcome import UpdateOutcome, update_outcome
from ecs_lattice.facts import Deployment, same_entries
from ecs_lattice.model import Route
from ecs_lattice.settings import Settings


def after_update(observed: Observation, settings: Settings) -> tuple[EcsRecord, UpdateOutcome]:
    """The record without the pending update if that has ended, and its outcome. An update that ECS has rolled back
    is not repeated, and neither is one whose list is not shown a second time."""
    record, update, primary = observed.record, observed.record.pending_update, observed.primary
    if observed.service is None or primary is None:
        return record, "none"
    if update is None:
        return _with_conditions(observed, record, primary), "none"
    outcome = update_outcome(update, observed.service, observed.now, settings.attach_minutes * 60)
    if outcome in {"completed", "superseded", "rolled_back", "rollback_failed"}:
        record = dataclasses.replace(record, pending_update=None)
        if update.is_rollback:
            known = failed_attach.restored(record.failed_attach, update.deployment or primary.id)
            record = dataclasses.replace(record, failed_attach=known)
    if outcome == "completed" and not update.is_rollback:
        record = _completed(record, update, primary, observed.now)
    if outcome == "rolled_back":
        record = _rolled_back(record, update, primary, observed.now)
    return _with_conditions(observed, record, primary), outcome


def conditions_now(observed: Observation, states: Iterable[RouteState], ingress: IngressState) -> str:
    """What an attachment depends on now besides revision and list."""
    return _conditions(observed, (state.claim.route for state in states if state.claim.phase == "declared"), ingress)


def _conditions(observed: Observation, routes: Iterable[Route], ingress: IngressState) -> str:
    service, primary = observed.service, observed.primary
    return failed_attach.conditions(service, primary, routes, ingress.left_closed) if service and primary else ""


def _with_conditions(observed: Observation, record: EcsRecord, primary: Deployment) -> EcsRecord:
    """``record``; what an earlier version remembered as failed gets the conditions of the last reconcile."""
    known = record.failed_attach
    if record.pending_update or not record.failed or known.conditions:
        return record
    routes = (found.claim.route for found in observed.claims.values() if found.claim.phase == "declared")
    before = _conditions(observed, routes, (observed.stored or record).ingress)
    known = dataclasses.replace(known, conditions=before, deployment=known.deployment or primary.id)
    return dataclasses.replace(record, failed_attach=known)


def _completed(record: EcsRecord, update: PendingUpdate, primary: Deployment, now: float) -> EcsRecord:
    if same_entries(primary.entries, update.entries):
        return dataclasses.replace(record, failed="", failed_attach=FailedAttach())
    failed, known = list_fingerprint(update.task_definition, update.entries), record.failed_attach
    known = failed_attach.after_not_taken(known, update.conditions, primary.id, now, is_same=failed == record.failed)
    return dataclasses.replace(record, failed=failed, failed_attach=known)


def _rolled_back(record: EcsRecord, update: PendingUpdate, primary: Deployment, now: float) -> EcsRecord:
    failed, known = list_fingerprint(update.task_definition, update.entries), record.failed_attach
    known = failed_attach.after_failure(known, update.conditions, now, is_same=failed == record.failed)
    gone = {entry.group_arn for entry in update.entries} - {entry.group_arn for entry in update.previous}
    attached = tuple(group for group in record.attached if group not in gone)
    known = failed_attach.restored(known, primary.id)
    return dataclasses.replace(record, failed=failed, failed_attach=known, attached=attached)
