"""When the refusals and notices of one ECS service are reported (decision 50): together, damped as alarms are, and not more
than six messages an hour.

A refusal is reported at once, its end once it has been gone for ten minutes; where it came back within an hour of that
message, for an hour. One that comes back earlier was never over, so a label that is switched on and off fills no mailbox.
While a deployment of ours attaches tasks or restores the list before it, no refusal of a route is over: the state on the way
says nothing about the result.
What is due while six messages have been sent within the hour is counted, and reported in one message when the hour is over.

Pure. Everything is decided from what the registry says now: an event is only a request to look.
"""

import dataclasses
import hashlib
from collections.abc import Collection
from dataclasses import dataclass

MESSAGES_AN_HOUR = 6
_HOLD_SECONDS = 600
_AN_HOUR = 3600


@dataclass(frozen=True, slots=True, order=True)
class Refusal:
    """What is wrong with a route: ``state`` is ``Refused``, ``Conflicted`` or ``Notice``, ``code`` the reason. Both names are
    empty for a whole declaration."""

    lattice_service: str
    route: str
    state: str
    code: str

    @property
    def subject(self) -> tuple[str, str]:
        """What it is about, without the reason."""
        return self.lattice_service, self.route

    @property
    def ends_with_deployment(self) -> bool:
        """Whether a deployment of ours decides whether it is over: it is the refusal of a route, not of a declaration, not a
        conflict and not a notice."""
        return self.state == "Refused" and bool(self.route)


@dataclass(frozen=True, slots=True)
class Reported:
    """A refusal that was reported, ``since`` when, and since when it is gone (0: it is still there); epoch seconds."""

    refusal: Refusal
    since: float
    ended_at: float = 0.0


@dataclass(frozen=True, slots=True)
class Refusals:
    """What is remembered of one ECS service: a registry document of kind ``incident``. Times are epoch seconds, 0 for none.

    ``reported``: the refusals that were reported and whose end was not; ``seen``: those that were there at the last look.
    ``opened_at``: when the first of an incident was reported; ``reopened``: within an hour of its end. ``closed_at``: when
    the end was reported, ``last_opened_at``: when that incident had opened. ``sent``: the messages of the last hour;
    ``held``: changes since the last message that have been counted only. ``look_at``: when the next look is due.
    ``sending_at``: since when a message is being sent.
    """

    service: str
    reported: tuple[Reported, ...] = ()
    seen: tuple[Refusal, ...] = ()
    opened_at: float = 0.0
    reopened: bool = False
    closed_at: float = 0.0
    last_opened_at: float = 0.0
    sent: tuple[float, ...] = ()
    held: int = 0
    look_at: float = 0.0
    sending_at: float = 0.0
    schema: int = 1

    @property
    def id(self) -> str:
        """The same for all messages of one incident, so that chats show them in one thread."""
        return hashlib.sha256(f"{self.service}@{self.opened_at}".encode()).hexdigest()[:20]

    @property
    def hold_seconds(self) -> int:
        """How long a refusal has to be gone before its end is reported."""
        return _AN_HOUR if self.reopened else _HOLD_SECONDS


@dataclass(frozen=True, slots=True)
class Report:
    """One message. ``state`` is what is remembered when it is sent; ``present``: all that is refused now, the new ones
    among them; ``ended``: what no longer is. ``held``: changes before it that were counted only."""

    state: Refusals
    present: tuple[Reported, ...]
    ended: tuple[Reported, ...]
    held: int

    @property
    def is_last_of_the_hour(self) -> bool:
        return len(self.state.sent) + 1 >= MESSAGES_AN_HOUR


@dataclass(frozen=True, slots=True)
class Look:
    """What a look leads to: the ``state`` afterwards, the message to send, if any, and in how many seconds something is due
    (0: nothing is)."""

    state: Refusals
    report: Report | None
    after: float


def look(before: Refusals, present: Collection[Refusal], now: float, *, is_deploying: bool = False) -> Look:
    """What to do about the refusals that are ``present`` now; ``is_deploying``: a deployment of ours is in progress."""
    seen = _seen(before, present, now, is_deploying=is_deploying)
    new = sorted(set(present) - {reported.refusal for reported in seen.reported})
    ended = [reported for reported in seen.reported if _is_gone(seen, reported, now)]
    is_due = bool(new or ended)
    if not is_due and not seen.held:
        return Look(seen, None, _after(seen, present, now))
    if len(seen.sent) < MESSAGES_AN_HOUR:
        return _reporting(seen, present, new, ended, now)
    changes = len(set(present) ^ set(before.seen)) if is_due else 0
    return Look(dataclasses.replace(seen, held=seen.held + changes), None, seen.sent[0] + _AN_HOUR - now)


def _reporting(
    seen: Refusals, found: Collection[Refusal], new: Collection[Refusal], ended: Collection[Reported], now: float
) -> Look:
    """The message about what is new and what has ended, and about what was counted before."""
    opened = seen if seen.reported else _opened(seen, now)
    there = [reported for reported in opened.reported if reported not in ended]
    reported = (*there, *(Reported(refusal, now) for refusal in new))
    present = tuple(entry for entry in reported if not entry.ended_at)
    state = dataclasses.replace(opened, reported=reported, sent=(*opened.sent, now), held=0)
    state = state if reported else _closed(state, now)
    return Look(state, Report(opened, present, tuple(ended), opened.held), _after(state, found, now))


def _seen(before: Refusals, present: Collection[Refusal], now: float, *, is_deploying: bool) -> Refusals:
    """What is remembered once ``present`` was seen. A reason that another one has replaced for good is forgotten: the message
    about the other one said so."""
    refused = {refusal.subject for refusal in present}
    reported = [_as_seen(entry, present, now, is_deploying=is_deploying) for entry in before.reported]
    kept = [entry for entry in reported if not (_is_gone(before, entry, now) and entry.refusal.subject in refused)]
    sent = tuple(at for at in before.sent if now - at < _AN_HOUR)
    return dataclasses.replace(before, reported=tuple(kept), seen=tuple(sorted(present)), sent=sent)


def _as_seen(entry: Reported, present: Collection[Refusal], now: float, *, is_deploying: bool) -> Reported:
    is_open = entry.refusal in present or (is_deploying and entry.refusal.ends_with_deployment)
    return dataclasses.replace(entry, ended_at=0.0 if is_open else entry.ended_at or now)


def _is_gone(state: Refusals, reported: Reported, now: float) -> bool:
    return bool(reported.ended_at) and now - reported.ended_at >= state.hold_seconds


def _opened(state: Refusals, now: float) -> Refusals:
    """The state in which an incident opens, or goes on where its end was reported within the hour."""
    goes_on = bool(state.closed_at) and now - state.closed_at < _AN_HOUR
    return dataclasses.replace(state, opened_at=state.last_opened_at if goes_on else now, reopened=goes_on)


def _closed(state: Refusals, now: float) -> Refusals:
    return Refusals(state.service, seen=state.seen, sent=state.sent, closed_at=now, last_opened_at=state.opened_at)


def _after(state: Refusals, present: Collection[Refusal], now: float) -> float:
    """Seconds until the end of a refusal may be due; 0 where none has ended. Nothing announces the end of a deployment that
    keeps one open."""
    gone = [entry for entry in state.reported if entry.refusal not in present]
    due = [(entry.ended_at or now) + state.hold_seconds - now for entry in gone]
    return max(min(due), 1.0) if due else 0.0
