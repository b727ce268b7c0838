"""Incidents: from many signals, repeated and out of order, to one message when it begins and one when it ends.

Pure. What is remembered is an :class:`Incident`, a registry document of kind ``incident`` under the alarm's name, or
under the route for refusals. ``telling`` is written before a message is published and cleared after it: whoever finds it
set and old knows that the message may never have gone out, and publishes it again. Twice is better than never.
"""

import dataclasses
import hashlib
from dataclasses import dataclass
from typing import Literal

Step = Literal["", "open", "again", "update", "close", "end"]
"""What is to be told: the first message (``again``: after it was put off), a changed reason, the end (``end``: likewise)."""

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

    ``changed_at`` is the time of the newest change taken in, ``at_once`` the states it went through at it, ``opened_at`` that of the change which opened the incident (0:
    none is open), both epoch seconds. ``told``: its first message went out; ``told_state`` is the state
    that the last one told of. ``telling`` is the message that is going out
    since ``telling_at``. ``context`` is the signal as JSON, for the messages to come; ``cause`` is the code that was told.
    """

    key: str
    state: str = ""
    changed_at: float = 0.0
    at_once: tuple[str, ...] = ()
    opened_at: float = 0.0
    told: bool = False
    told_state: str = ""
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
        return fresh, "close"
    return ended(fresh), ""


def ended(incident: Incident) -> Incident:
    """The incident with nothing open."""
    return dataclasses.replace(incident, opened_at=0.0, told=False, told_state="", context="", cause="")


def _worse(before: Incident, fresh: Incident, change: Change) -> tuple[Incident, Step]:
    made_anew = change.previous == "INSUFFICIENT_DATA" and change.at - before.changed_at > _MADE_ANEW_SECONDS
    if not before.is_open or made_anew:
        return dataclasses.replace(ended(fresh), opened_at=change.at), "open"
    if change.state == before.told_state or not before.told:
        return fresh, ""
    return fresh, "update"
