"""Says what a reconcile found: to people in the record's statuses, to the log, and to the world by announcements."""

import dataclasses
import logging
from collections.abc import Mapping

from ecs_lattice.announcements import Announcer
from ecs_lattice.claims import ClaimRecord
from ecs_lattice.ecs_side import announcing, status
from ecs_lattice.ecs_side.look import View
from ecs_lattice.ecs_side.plan import LIST_TAKEN_AWAY, Draft
from ecs_lattice.ecs_side.record import EcsRecord
from ecs_lattice.errors import DeniedError, InvalidError
from ecs_lattice.outcome import Problem

_log = logging.getLogger(__name__)


def tell(
    view: View,
    record: EcsRecord,
    standing: Mapping[tuple[str, str], ClaimRecord],
    decided: Draft,
    problems: tuple[Problem, ...],
) -> EcsRecord:
    """``record`` with the status of every claim that stands; problems are logged when they are new."""
    said = problems + decided.notices
    for problem in said:
        if problem not in (view.stored.problems if view.stored else ()):
            _log.warning("%s: %s", view.service_id, problem)
    intent = record.intent
    groups = {entry.group_arn for entry in intent.entries} if intent and not intent.undo and not intent.error else set()
    note = decided.attach.problem or next((one for one in problems if one.code.startswith("ATTACH_")), None)
    taken_away = next((one for one in decided.notices if one == LIST_TAKEN_AWAY), None)
    left_closed = next((one for one in decided.notices if one.code == "INGRESS_OFF"), None)
    seats = {(seat.claim.route.lattice_service, seat.claim.route.name): seat for seat in decided.seats}
    fresh = []
    for key, one in sorted(standing.items()):
        seat = seats.get(key)
        fresh.append(
            status.of_route(
                one.claim,
                one.answer,
                attaching=one.answer.group_arn in groups,
                note=(seat.closed if seat else None) or (note if seat and seat.by_ecs else taken_away),
                notice=left_closed if one.claim.phase == "declared" else None,
            )
        )
    return dataclasses.replace(
        record,
        statuses=status.dated(fresh, record.statuses, view.now),
        problems=said,
        refused=announcing.refusal(view.problems),
    )


def announce(announcer: Announcer, view: View, before: EcsRecord, after: EcsRecord) -> None:
    """Tell what turned Refused or Conflicted, and what turned well. Raises when it may be told by trying again."""
    arn = view.service_id.arn
    changes = (
        *announcing.of_declaration(arn, before.refused, view.problems, is_there=view.presence == "there"),
        *announcing.of_routes(arn, before.statuses, after.statuses),
    )
    if not changes:
        return
    try:
        announcer.announce(changes)
    except (DeniedError, InvalidError) as error:
        _log.error("%s: what its routes turned into could not be announced: %s", view.service_id, error)
