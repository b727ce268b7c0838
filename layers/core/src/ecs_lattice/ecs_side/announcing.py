"""Which routes turned Refused or Conflicted, and which turned well again: pure."""

from collections.abc import Iterable, Sequence

from ecs_lattice.announcements import StateChange
from ecs_lattice.ecs_side.status import RouteStatus
from ecs_lattice.outcome import Problem

_ILL = {"Refused", "Conflicted"}


def of_routes(service: str, before: Iterable[RouteStatus], after: Iterable[RouteStatus]) -> tuple[StateChange, ...]:
    """The announcements for the routes of ``service`` (ARN). A route that is forgotten while it was ill is ``Removing``."""
    known = {(one.lattice_service, one.route): one for one in before}
    found = []
    for now in after:
        was = known.pop((now.lattice_service, now.route), None)
        if _is_news(was, now):
            found.append(_change(service, was, now.lattice_service, now.route, now.state, now.code, now.message))
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
