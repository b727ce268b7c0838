"""What a reconcile reports: the status of each route, problems in the log, and route events on the default event bus.

An event is sent when a route or a declaration becomes Refused or Conflicted or gets a notice, and when that is over.
"""

import dataclasses
import logging
from collections.abc import Iterator, Mapping, Sequence

from ecs_lattice.claims import VANISHED, WAITING_FOR_TARGETS, Answer, Claim, ClaimRecord, Notice
from ecs_lattice.ecs_side import gateway, unkept_targets
from ecs_lattice.ecs_side.claiming import RouteKey
from ecs_lattice.ecs_side.claims import RouteState
from ecs_lattice.ecs_side.observation import Observation
from ecs_lattice.ecs_side.plan import LIST_OVERWRITTEN, Decisions
from ecs_lattice.ecs_side.record import EcsRecord
from ecs_lattice.ecs_side.status import ON_THE_WAY, WAITING_FOR_DEPLOYMENT, RouteStateName, RouteStatus
from ecs_lattice.errors import DeniedError, InvalidError
from ecs_lattice.messages.announcements import Announcer, StateChange
from ecs_lattice.outcome import NO_PROGRESS, Problem, overdue, reported

_log = logging.getLogger(__name__)
_BAD_STATES = {"Refused", "Conflicted"}


def with_statuses(
    observed: Observation,
    record: EcsRecord,
    claims: Mapping[RouteKey, ClaimRecord],
    decided: Decisions,
    rejected: tuple[Problem, ...],
    turn: Problem | None = None,
) -> EcsRecord:
    """``record`` with the status of every claim that stands and of every route that makes none; the problems are those
    that are told, and new ones are logged. ``rejected``: why ECS has rejected the list; ``turn``: why the attachment
    waits."""
    unkept = unkept_targets.problems_of(record.unkept, observed.now) if record.unkept else ()
    stalled = tuple(wait.problem for wait in overdue(record.waits, observed.now)) if record.waits else ()
    problems = reported(decided.problems + rejected + decided.warnings + unkept + stalled)
    for problem in problems:
        if problem not in record.problems:
            level = logging.INFO if problem.code == WAITING_FOR_DEPLOYMENT else logging.WARNING
            _log.log(level, "%s: %s", observed.service_id, problem)
    statuses = _statuses(observed, record, claims, decided, rejected, turn, unkept)
    return dataclasses.replace(
        record,
        statuses=dated(statuses, record.statuses, observed.now),
        problems=problems,
        refused=" ".join(dict.fromkeys(problem.code for problem in observed.problems)),
    )


def _statuses(
    observed: Observation,
    record: EcsRecord,
    claims: Mapping[RouteKey, ClaimRecord],
    decided: Decisions,
    rejected: tuple[Problem, ...],
    turn: Problem | None,
    unkept: tuple[Problem, ...],
) -> list[RouteStatus]:
    """The statuses without their times, in the order of their keys."""
    obstacle = next(iter(decided.attach_problems or rejected), None)
    overwritten = LIST_OVERWRITTEN if record.list_overwritten else None
    left_closed = next(iter(decided.left_closed), None)
    attaching = _attaching(record)
    obstacles = {
        key: _closed(state, record) or (obstacle if state.by_ecs else overwritten)
        for key, state in decided.route_states.items()
    }
    standing = {
        key: _status(claim, obstacles.get(key, overwritten), left_closed, attaching, turn or _stage(decided))
        for key, claim in claims.items()
    }
    of_all = [*filter(None, [gateway.notice(record.connectors), _stalled(observed, record)])]
    if of_all:
        standing = {key: dataclasses.replace(each, notices=(*each.notices, *of_all)) for key, each in standing.items()}
    for key in decided.moves.keys() & standing.keys():
        notices = (*standing[key].notices, decided.moves[key])
        standing[key] = dataclasses.replace(standing[key], notices=notices)
    standing = unkept_targets.told(standing, unkept) if unkept else standing
    return [status for _, status in sorted((standing | _withheld(observed, claims, standing)).items())]


def _stalled(observed: Observation, record: EcsRecord) -> Notice | None:
    """What the ECS service has waited for longer than a day. One notice: it is new, or over, by its code."""
    told = overdue(record.waits, observed.now) if record.waits else ()
    return Notice(NO_PROGRESS, " ".join(wait.problem.message for wait in told)) if told else None


def _closed(state: RouteState, record: EcsRecord) -> Problem | None:
    """Why its tasks cannot be reached, unless the owner of their security groups keeps them closed: that is waited for."""
    left_to_owner = {problem for _, problem in record.ingress.off_closed}
    return None if state.closed in left_to_owner else state.closed


def _stage(decided: Decisions) -> Problem | None:
    """What the attachment waits for by itself: a deployment in progress, say."""
    attach = decided.attach
    return Problem(attach.code, attach.message) if attach.kind == "wait" and attach.code else None


def _withheld(
    observed: Observation, claims: Mapping[RouteKey, ClaimRecord], standing: Mapping[RouteKey, RouteStatus]
) -> dict[RouteKey, RouteStatus]:
    """The status of each route that makes no claim, or a notice in that of the claim that it still has."""
    found = {}
    for key, problem in observed.withheld.items():
        claim = claims.get(key)
        if claim and (claim.claim.phase == "declared" or claim.answer.state == "Live"):
            notices = (*standing[key].notices, Notice(problem.code, problem.text))
            found[key] = dataclasses.replace(standing[key], notices=notices)
        else:
            state: RouteStateName = "Pending" if problem.code == WAITING_FOR_DEPLOYMENT else "Refused"
            notices = (observed.failing,) if observed.failing else ()
            found[key] = RouteStatus(
                key[1], key[0], state, problem.code, problem.message, command=problem.command, notices=notices
            )
    return found


def dated(statuses: Sequence[RouteStatus], known: Sequence[RouteStatus], now: float) -> tuple[RouteStatus, ...]:
    """``statuses`` with the time of their last change: that of the equal known status, or ``now``."""
    since = {dataclasses.replace(status, at=0.0): status.at for status in known}
    return tuple(dataclasses.replace(status, at=since.get(status, now)) for status in statuses)


def send_events(announcer: Announcer, observed: Observation, before: EcsRecord, after: EcsRecord) -> None:
    """Send the route events. Raises an AwsError if a retry may help."""
    changes = tuple(_of_routes(before, after))
    if before.refused != after.refused:
        changes = (_of_declaration(observed, before.refused, after.refused), *changes)
    if not changes:
        return
    try:
        announcer.announce(changes)
    except (DeniedError, InvalidError) as error:
        _log.error("%s: the state changes of its routes could not be sent as events: %s", observed.service_id, error)


def _attaching(record: EcsRecord) -> set[str]:
    """The groups with which a deployment of ours is registering the tasks."""
    update = record.pending_update
    if update is None or update.is_rollback or update.error:
        return set()
    return {entry.group_arn for entry in update.entries}


def _status(
    record: ClaimRecord,
    obstacle: Problem | None,
    left_closed: Problem | None,
    attaching: set[str],
    turn: Problem | None,
) -> RouteStatus:
    """The status of one route, without its time. ``obstacle``: what delays it; ``left_closed``: a warning about its
    tasks' security groups; ``attaching``: groups with which a deployment of ours is registering tasks; ``turn``: what
    its attachment waits for."""
    claim, answer = record.claim, record.answer
    group_arn = claim.own_group or answer.group_arn
    is_declared = claim.phase == "declared"
    state, command = _state(record, attaching), ""
    code, message = ("", "") if answer.is_stage else (answer.code, answer.message)
    reason = obstacle or (left_closed if is_declared else None)
    if code:
        pass  # the Lattice side's reason comes first
    elif state == "Live" and not is_declared:
        code, message = VANISHED.code, VANISHED.message
    elif reason:
        code, message, command = reason.code, reason.message, reason.command
        state = "Refused" if obstacle and state == "Wired" else state
    elif turn and (state == "Wired" or (state, turn.code) == ("Attaching", "ATTACHING")):
        code, message = turn.code, turn.message
    stage = _on_the_way(claim, answer, state)
    code, message = code or stage.code, message or stage.message
    return RouteStatus(
        route=claim.route.name,
        lattice_service=claim.route.lattice_service,
        state=state,
        code=code,
        message=message,
        group_arn=group_arn,
        domain_name=answer.domain_name,
        command=command,
        notices=answer.notices,
    )


def _on_the_way(claim: Claim, answer: Answer, state: RouteStateName) -> Notice:
    """Why a route that nothing obstructs is not Live; empty where it is. Where the Lattice side says the same, in its words:
    it knows what is being created."""
    stage = ON_THE_WAY.get(state, Notice("", ""))
    if state in {"Pending", "Wired"} and claim.phase != "declared":
        stage = VANISHED
    elif state == "Wired" and (claim.named or claim.serving):
        stage = WAITING_FOR_TARGETS
    return Notice(answer.code, answer.message) if answer.code in {stage.code, NO_PROGRESS} else stage


def _state(record: ClaimRecord, attaching: set[str]) -> RouteStateName:
    is_declared = record.claim.phase == "declared"
    match record.answer.state:
        case "Wired":
            return "Attaching" if is_declared and record.answer.group_arn in attaching else "Wired"
        case "Removed":
            return "Pending" if is_declared else "Removing"
        case "Parked" if is_declared:
            return "Pending"
        case "Parked":
            return "Parked" if record.claim.named else "Removing"
        case state:
            return state


def _of_declaration(observed: Observation, refused: str, codes: str) -> StateChange:
    """The event for the whole declaration, which was ``refused`` with some codes before and is with ``codes`` now."""
    state, message = "Refused", "\n".join(str(problem) for problem in reported(observed.problems))
    if not codes and observed.presence == "active":
        state, message = "Pending", "The declaration is accepted again."
    elif not codes:
        state, message = "Removing", "The ECS service no longer exists."
    previous = "Refused" if refused else ""
    return StateChange(observed.service_id.arn, "", "", state, codes, message, previous, refused)


def _of_routes(before: EcsRecord, after: EcsRecord) -> Iterator[StateChange]:
    """The events for the routes. A route that disappears while Refused or Conflicted is ``Removing``."""
    known = {(status.lattice_service, status.route): status for status in before.statuses}
    pairs = [(known.pop((status.lattice_service, status.route), None), status) for status in after.statuses]
    message = "The route is no longer declared, and nothing of it is left."
    pairs += [
        (was, dataclasses.replace(was, state="Removing", code="", message=message, command="", notices=()))
        for was in known.values()
    ]
    for was, now in pairs:
        previous = (was.state, was.code) if was else ("", "")
        if previous != (now.state, now.code) and {previous[0], now.state} & _BAD_STATES:
            text = f"{now.message} To fix: {now.command}" if now.command else now.message
            yield StateChange(after.service, now.route, now.lattice_service, now.state, now.code, text, *previous)
        yield from _of_notices(after.service, was.notices if was else (), now)


def _of_notices(service: str, known: Sequence[Notice], now: RouteStatus) -> Iterator[StateChange]:
    """The events for the notices of a route that are new or over: its state is the same, the code is the notice's."""
    before, after = {notice.code for notice in known}, {notice.code for notice in now.notices}
    for notice in now.notices:
        if notice.code not in before:
            change = StateChange(service, now.route, now.lattice_service, now.state, notice.code, notice.message)
            yield dataclasses.replace(change, previous_state=now.state)
    for code in sorted(before - after):
        message = f"The notice {code} no longer applies."
        yield StateChange(service, now.route, now.lattice_service, now.state, "", message, now.state, code)
