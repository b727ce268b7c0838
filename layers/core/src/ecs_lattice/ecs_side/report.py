"""Which routes turned Refused or Conflicted, and which turned well again: pure.

Says what a reconcile found: to people in the record's statuses, to the log, and to the world by announcements.
"""

import dataclasses
import logging
from collections.abc import Iterable, Mapping, Sequence

from ecs_lattice.claims import ClaimRecord
from ecs_lattice.ecs_side import status
from ecs_lattice.ecs_side.observe import Observation
from ecs_lattice.ecs_side.plan import LIST_OVERWRITTEN, Draft
from ecs_lattice.ecs_side.record import EcsRecord
from ecs_lattice.ecs_side.status import RouteStatus
from ecs_lattice.errors import DeniedError, InvalidError
from ecs_lattice.messages.announcements import Announcer, StateChange
from ecs_lattice.outcome import Problem

_ILL = {"Refused", "Conflicted"}


def of_routes(service: str, before: Iterable[RouteStatus], after: Iterable[RouteStatus]) -> tuple[StateChange, ...]:
    """The announcements for the routes of ``service`` (ARN). A route that is forgotten while it was ill is ``Removing``."""
    known = {(one.lattice_service, one.route): one for one in before}
    found = []
    for now in after:
        was = known.pop((now.lattice_service, now.route), None)
        if _is_news(was, now):
            message = f"{now.message} To fix: {now.command}" if now.command else now.message
            found.append(_change(service, was, now.lattice_service, now.route, now.state, now.code, message))
    for was in known.values():
        if was.state in _ILL:
            message = "Nobody declares the route any more, and nothing of it is left."
            found.append(_change(service, was, was.lattice_service, was.route, "Removing", "", message))
    return tuple(found)


def of_declaration(
    service: str, refused: str, problems: Sequence[Problem], *, is_there: bool
) -> tuple[StateChange, ...]:
    """The announcement for the whole declaration: ``refused`` are the codes for which it was refused before, ``problems``
    those for which it is now. One that is taken in again is ``Pending``: its routes say what comes of it; that of a service
    that is not there any more is ``Removing``."""
    codes = refusal(problems)
    if codes == refused:
        return ()
    was = "Refused" if refused else ""
    if not codes:
        state = "Pending" if is_there else "Removing"
        message = "The declaration is taken in again." if is_there else "The ECS service is not there any more."
        return (StateChange(service, "", "", state, "", message, was, refused),)
    message = "\n".join(str(problem) for problem in problems)
    return (StateChange(service, "", "", "Refused", codes, message, was, refused),)


def refusal(problems: Sequence[Problem]) -> str:
    """The codes of a refused declaration, each once; empty when it is not refused."""
    return " ".join(dict.fromkeys(problem.code for problem in problems))


def _is_news(was: RouteStatus | None, now: RouteStatus) -> bool:
    before = (was.state, was.code) if was else ("", "")
    is_ill, was_ill = now.state in _ILL, before[0] in _ILL
    return (is_ill or was_ill) and before != (now.state, now.code)


def _change(
    service: str, was: RouteStatus | None, lattice_service: str, route: str, state: str, code: str, message: str
) -> StateChange:
    previous = (was.state, was.code) if was else ("", "")
    return StateChange(service, route, lattice_service, state, code, message, *previous)


_log = logging.getLogger(__name__)


def tell(
    view: Observation,
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
    pending_update = record.pending_update
    groups = (
        {entry.group_arn for entry in pending_update.entries}
        if pending_update and not pending_update.undo and not pending_update.error
        else set()
    )
    note = decided.attach.problem or next((one for one in problems if one.code.startswith("ATTACH_")), None)
    list_overwritten = next((one for one in decided.notices if one == LIST_OVERWRITTEN), None)
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
                note=(seat.closed if seat else None) or (note if seat and seat.by_ecs else list_overwritten),
                notice=left_closed if one.claim.phase == "declared" else None,
            )
        )
    return dataclasses.replace(
        record,
        statuses=status.dated(fresh, record.statuses, view.now),
        problems=said,
        refused=refusal(view.problems),
    )


def announce(announcer: Announcer, view: Observation, before: EcsRecord, after: EcsRecord) -> None:
    """Tell what turned Refused or Conflicted, and what turned well. Raises when it may be told by trying again."""
    arn = view.service_id.arn
    changes = (
        *of_declaration(arn, before.refused, view.problems, is_there=view.presence == "active"),
        *of_routes(arn, before.statuses, after.statuses),
    )
    if not changes:
        return
    try:
        announcer.announce(changes)
    except (DeniedError, InvalidError) as error:
        _log.error("%s: what its routes turned into could not be announced: %s", view.service_id, error)
