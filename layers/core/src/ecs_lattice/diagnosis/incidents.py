"""Incidents (decision 19): many events, repeated and out of order, become one message when an incident begins and one
when it ends.

A recovery of what an alarm watches is sent once the alarm has been off for ten minutes. If the alarm fires again within
an hour of that message, the same incident goes on, and from then on the alarm has to be off for an hour. While it is
flapping, one message an hour is sent. So flapping fills no mailbox, and the latest message is never wrong for long.

Pure. What is remembered is an :class:`Incident`, a registry document of kind ``incident`` under the alarm's name, or
under the route for refusals. ``sending`` is written before a message is published and cleared after it: an invocation
that finds it set and old knows that the message may never have been published, and publishes it again. Twice is better
than never.
"""

import dataclasses
import hashlib
from dataclasses import dataclass
from typing import Literal

Step = Literal["", "open", "again", "update", "close", "end", "unwatched"]
"""The message to send: the first one (``again``: after it was postponed), one about a changed reason or flapping, the
recovery (``end``: after it was postponed), or the end without one: the route has no alarm any more."""

_HOLD_SECONDS = 600
_AN_HOUR = 3600

_RECREATED_SECONDS = 3600
"""An alarm that fires out of INSUFFICIENT_DATA was created anew; sooner than this it may be a repetition."""


@dataclass(frozen=True, slots=True)
class Change:
    """What an event says about a subject: its ``state`` now and its ``previous`` one, since when (epoch seconds), and
    whether that state is ``bad``."""

    state: str
    previous: str
    at: float
    bad: bool


@dataclass(frozen=True, slots=True)
class Incident:
    """What is remembered of a subject: its last state, and the open incident. All times are epoch seconds, 0 for none.

    ``changed_at``: the newest change applied; ``states_then``: the states it went through at that moment.
    ``opened_at``: the change that opened the incident; ``recovered_at``: since when it has been good again.
    ``occurrences``: how often it turned bad since it opened; ``reopened``: one of them after its recovery was sent.
    ``notified``: its first message was sent; ``notified_state`` and ``notified_at`` are those of the last message.
    ``closed_at``: when the last recovery was sent; ``last_opened_at``: when that incident had opened.
    ``sending``: the message being sent since ``sending_at``. ``context``: the event as JSON, for messages to come;
    ``cause``: the code that was reported. ``look_at``: when the next look is due whether the route still has an alarm.
    """

    key: str
    state: str = ""
    changed_at: float = 0.0
    states_then: tuple[str, ...] = ()
    opened_at: float = 0.0
    recovered_at: float = 0.0
    occurrences: int = 0
    reopened: bool = False
    notified: bool = False
    notified_state: str = ""
    notified_at: float = 0.0
    closed_at: float = 0.0
    last_opened_at: float = 0.0
    sending: Step = ""
    sending_at: float = 0.0
    context: str = ""
    cause: str = ""
    look_at: float = 0.0
    schema: int = 1

    @property
    def is_open(self) -> bool:
        return self.opened_at > 0

    @property
    def is_flapping(self) -> bool:
        return self.occurrences > 1

    @property
    def id(self) -> str:
        """The same for all messages of one incident, so that chats show them in one thread."""
        return hashlib.sha256(f"{self.key}@{self.opened_at}".encode()).hexdigest()[:20]

    @property
    def hold_seconds(self) -> int:
        """How long it has to be good before its recovery is sent."""
        return _AN_HOUR if self.reopened else _HOLD_SECONDS

    def goes_on_at(self, at: float) -> bool:
        """Whether what turns bad ``at`` is the last incident again, because its recovery was sent within the hour."""
        return self.closed_at > 0 and at - self.closed_at < _AN_HOUR


def apply_event(incident: Incident, change: Change) -> tuple[Incident, Step]:
    """The incident after ``change``, and the message to send (decision 23).

    A change that is older than the newest one, or that repeats it, changes nothing. Of two at one moment the one whose
    ``previous`` is the present state is the later, and a state that was there at that moment does not come again.
    """
    if change.at < incident.changed_at:
        return incident, ""
    states = incident.states_then if change.at == incident.changed_at else ()
    if states and (change.previous != incident.state or change.state in states):
        return incident, ""
    fresh = dataclasses.replace(incident, state=change.state, changed_at=change.at, states_then=(*states, change.state))
    if change.bad:
        return _worse(incident, fresh, change)
    if incident.notified:
        return dataclasses.replace(fresh, recovered_at=incident.recovered_at or change.at), "close"
    return closed(fresh), ""


def notified(incident: Incident, cause: str) -> Incident:
    """The incident once its present state was reported with ``cause``."""
    return dataclasses.replace(incident, notified=True, notified_state=incident.state, cause=cause)


def closed(incident: Incident, at: float = 0.0) -> Incident:
    """The incident with nothing open; ``at`` is when its recovery was sent, 0 where it does not go on if it recurs."""
    return Incident(
        incident.key,
        incident.state,
        incident.changed_at,
        incident.states_then,
        occurrences=incident.occurrences if at else 0,
        closed_at=at,
        last_opened_at=incident.opened_at if at else 0.0,
    )


def _worse(before: Incident, fresh: Incident, change: Change) -> tuple[Incident, Step]:
    is_recreated = change.previous == "INSUFFICIENT_DATA" and change.at - before.changed_at > _RECREATED_SECONDS
    if is_recreated or not before.is_open:
        return _opened(before, fresh, change, goes_on=not is_recreated and before.goes_on_at(change.at)), "open"
    if not before.notified:
        return fresh, ""
    is_due = change.state != before.notified_state
    if before.recovered_at:
        fresh = dataclasses.replace(fresh, recovered_at=0.0, occurrences=before.occurrences + 1)
        is_due = is_due or change.at - before.notified_at >= _AN_HOUR
    return fresh, "update" if is_due else ""


def _opened(before: Incident, fresh: Incident, change: Change, *, goes_on: bool) -> Incident:
    opened_at, occurrences = (before.last_opened_at, before.occurrences + 1) if goes_on else (change.at, 1)
    return dataclasses.replace(closed(fresh), opened_at=opened_at, occurrences=occurrences, reopened=goes_on)
