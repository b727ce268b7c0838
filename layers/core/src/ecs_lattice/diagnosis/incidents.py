"""Incidents: from many signals, repeated and out of order, to one message when it begins and one when it ends.

What is watched by an alarm is told as over once it has been well for ten minutes. What was told as over and is not well again
within the hour goes on as the same incident: from then on it has to be well for an hour. While it comes and goes without
an end being told, people hear of it once an hour. So flapping fills no mailbox, and the last word is never a wrong one for long.

Pure. What is remembered is an :class:`Incident`, a registry document of kind ``incident`` under the alarm's name, or
under the route for refusals. ``telling`` is written before a message is published and cleared after it: whoever finds it
set and old knows that the message may never have gone out, and publishes it again. Twice is better than never.
"""

import dataclasses
import hashlib
from dataclasses import dataclass
from typing import Literal

Step = Literal["", "open", "again", "update", "close", "end"]
"""What is to be told: the first message (``again``: after it was put off), a changed reason or that it still comes and goes,
the end (``end``: likewise)."""

_HELD_SECONDS = 600
_AN_HOUR = 3600

_MADE_ANEW_SECONDS = 3600
"""An alarm that fires out of INSUFFICIENT_DATA begins there, so it was made anew; sooner it may be a repetition."""


@dataclass(frozen=True, slots=True)
class Change:
    """What a signal says of a subject: the ``state`` it is in now and was in before, since when (epoch seconds), and
    whether that state is ``bad``."""

    state: str
    previous: str
    at: float
    bad: bool


@dataclass(frozen=True, slots=True)
class Incident:
    """What is remembered of a subject: its last state, and the incident that is open.

    All times are epoch seconds. ``changed_at`` is that of the newest change taken in, ``at_once`` the states it went through
    at it, ``opened_at`` that of the change which opened the incident (0: none is open), ``well_at`` since when what is open
    is well (0: it is not). ``times``: how often it turned bad since it opened; ``reopened``: one of these times it had been
    told as over. ``told``: its first message went out; ``told_state`` is the state that the last one told of, ``told_at``
    when. ``over_at`` is when the last incident was told as over (0: nothing to go on with), ``over_opened_at`` when that one
    had opened. ``telling`` is the message that is going out since ``telling_at``. ``context`` is the signal as JSON, for the
    messages to come; ``cause`` is the code that was told.
    """

    key: str
    state: str = ""
    changed_at: float = 0.0
    at_once: tuple[str, ...] = ()
    opened_at: float = 0.0
    well_at: float = 0.0
    times: int = 0
    reopened: bool = False
    told: bool = False
    told_state: str = ""
    told_at: float = 0.0
    over_at: float = 0.0
    over_opened_at: float = 0.0
    telling: Step = ""
    telling_at: float = 0.0
    context: str = ""
    cause: str = ""
    schema: int = 1

    @property
    def is_open(self) -> bool:
        return self.opened_at > 0

    @property
    def id(self) -> str:
        """The same for all messages of one incident, so that chats show them in one thread."""
        return hashlib.sha256(f"{self.key}@{self.opened_at}".encode()).hexdigest()[:20]

    @property
    def held_for(self) -> int:
        """Seconds for which it has to be well before that is told."""
        return _AN_HOUR if self.reopened else _HELD_SECONDS


def take(incident: Incident, change: Change) -> tuple[Incident, Step]:
    """The incident after ``change``, and what has to be told of it.

    A change that is older than the newest one, or that repeats it, changes nothing. Of two at one moment the one that
    goes on from where we are is the later, and a state that was there at that moment does not come again.
    """
    if change.at < incident.changed_at:
        return incident, ""
    at_once = incident.at_once if change.at == incident.changed_at else ()
    if at_once and (change.previous != incident.state or change.state in at_once):
        return incident, ""
    at_once = (*at_once, change.state)
    fresh = dataclasses.replace(incident, state=change.state, changed_at=change.at, at_once=at_once)
    if change.bad:
        return _worse(incident, fresh, change)
    if incident.is_open and incident.told:
        return dataclasses.replace(fresh, well_at=incident.well_at or change.at), "close"
    return ended(fresh), ""


def ended(incident: Incident, over_at: float = 0.0) -> Incident:
    """The incident with nothing open; ``over_at`` when that was told, and 0 where it is not to go on if it comes again."""
    times, opened_at = (incident.times, incident.opened_at) if over_at else (0, 0.0)
    return Incident(
        incident.key,
        incident.state,
        incident.changed_at,
        incident.at_once,
        times=times,
        over_at=over_at,
        over_opened_at=opened_at,
    )


def _worse(before: Incident, fresh: Incident, change: Change) -> tuple[Incident, Step]:
    made_anew = change.previous == "INSUFFICIENT_DATA" and change.at - before.changed_at > _MADE_ANEW_SECONDS
    if made_anew or not before.is_open:
        goes_on = not made_anew and before.over_at > 0 and change.at - before.over_at < _AN_HOUR
        opened_at, times = (before.over_opened_at, before.times + 1) if goes_on else (change.at, 1)
        return dataclasses.replace(ended(fresh), opened_at=opened_at, times=times, reopened=goes_on), "open"
    if not before.told:
        return fresh, ""
    is_due = False
    if before.well_at:
        fresh = dataclasses.replace(fresh, well_at=0.0, times=before.times + 1)
        is_due = change.at - before.told_at >= _AN_HOUR
    return fresh, "update" if is_due or change.state != before.told_state else ""
