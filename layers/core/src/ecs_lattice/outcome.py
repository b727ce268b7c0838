"""The outcome of a reconcile: done, not yet, or refused. "Not yet" is an outcome, never an error."""

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from ecs_lattice import bounds

LONGEST_WAIT = 900
"""The most seconds between two reconciles of what is not done: SQS delays a message no longer."""
_DOUBLINGS = 32  # from any first distance to more than any longest one
DAY_SECONDS = 86400
"""A wait without a known end is a problem once it has lasted a day."""
NO_PROGRESS = "NO_PROGRESS"
MORE_PROBLEMS = "MORE_PROBLEMS"
"""The code of the last problem that is told where there are more than are told."""

NOT_KEPT = "NOT_KEPT"
"""The code of what AWS accepts and does not keep."""


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong, for the person who can change it.

    ``code`` is a stable identifier (``UNKNOWN_KEY``); ``key`` and ``value`` are as written (empty when the problem is
    not about one key); ``where`` names the place ("docker label of container app in orders:7", "tag of the ECS service");
    ``message`` says what is wrong, and what is allowed or what to do; ``command`` is a shell command
    that fixes it, where there is one. All are within :mod:`~ecs_lattice.bounds`; a command that is too long is left out,
    because half a command does something else.
    """

    code: str
    message: str
    key: str = ""
    value: str = ""
    where: str = ""
    command: str = ""

    def __post_init__(self) -> None:
        bounds.cut_fields(self, message=bounds.MESSAGE, key=bounds.VALUE, value=bounds.VALUE, where=bounds.PLACE)
        if bounds.length(self.command) > bounds.COMMAND:
            object.__setattr__(self, "command", "")

    @property
    def text(self) -> str:
        """The message, with the command at its end."""
        return f"{self.message} To fix: {self.command}" if self.command else self.message

    def __str__(self) -> str:
        subject = f"{self.key} = {self.value!r}" if self.key else ""
        place = f" ({self.where})" if self.where else ""
        return f"{self.code}: {subject}{place}{': ' if subject or place else ''}{self.text}"


def reported(problems: Sequence[Problem]) -> tuple[Problem, ...]:
    """The problems of one ECS service that are told to people: the first of them, and how many more there are."""
    lengths = itertools.accumulate(bounds.length(str(problem)) for problem in problems)
    fitting = sum(1 for _ in itertools.takewhile(lambda total: total <= bounds.PROBLEMS, lengths))
    shown, more = problems[: min(fitting, bounds.MOST_PROBLEMS)], len(problems) - min(fitting, bounds.MOST_PROBLEMS)
    if not more:
        return tuple(problems)
    message = f"and {more:,} more problems, which are shown once there are fewer."
    return (*shown, Problem(MORE_PROBLEMS, message))


@dataclass(frozen=True, slots=True)
class Done:
    """Everything is as it should be."""


@dataclass(frozen=True, slots=True)
class NotYet:
    """Something takes time: reconcile again ``after`` seconds. ``why`` is the reason, for people. While the same reason
    lasts, the next reconcile is put off further and further, to ``limit`` seconds at most (:data:`LONGEST_WAIT` where it
    is None): see :func:`put_off`; a wait whose end is known (a bake, a grace time) is not: see :meth:`until`. ``needed_by``
    are the keys of the claims that wait, where it is known."""

    after: int
    why: str
    limit: int | None = None
    needed_by: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        bounds.cut_fields(self, why=bounds.MESSAGE)

    @classmethod
    def until(cls, after: int, why: str) -> "NotYet":
        """A wait whose end is known: it is no lack of progress."""
        return cls(after, why, limit=after)

    @property
    def is_timed(self) -> bool:
        """Whether its end is known."""
        return self.limit is not None and self.limit <= self.after


@dataclass(frozen=True, slots=True)
class Wait:
    """What is waited for without a known end, and since when (epoch seconds)."""

    why: str
    since: float

    @property
    def problem(self) -> Problem:
        """What to tell people, once it has lasted for :data:`DAY_SECONDS`."""
        at = datetime.fromtimestamp(self.since, tz=UTC).strftime("%Y-%m-%d %H:%M UTC")
        message = f"Since {at}, for more than a day, this has been waited for: {self.why.rstrip('.')}. It is looked at at least every 15 minutes."
        return Problem(NO_PROGRESS, message)


def waits_now(waits: Iterable[NotYet], known: Iterable[Wait], now: float) -> tuple[Wait, ...]:
    """The waits without a known end to remember; ``known`` are those of the last run. Another reason begins anew."""
    since = {wait.why: wait.since for wait in known}
    return tuple(Wait(why, since.get(why, now)) for why in sorted({wait.why for wait in waits if not wait.is_timed}))


def overdue(waits: Iterable[Wait], now: float) -> list[Wait]:
    """Those that have lasted for a day, of which people are told."""
    return [wait for wait in waits if now - wait.since >= DAY_SECONDS]


def paced(waits: Iterable[NotYet], running: Iterable[Wait], now: float) -> list[NotYet]:
    """The waits, those of ``running`` put off."""
    since = {wait.why: wait.since for wait in running}
    return [put_off(wait, since.get(wait.why, now), now) for wait in waits]


def put_off(wait: NotYet, since: float, now: float) -> NotYet:
    """The wait with its distance to the next reconcile, after it has lasted from ``since`` to ``now``. As the distance grows
    with the time, it doubles from one reconcile to the next, and one in between changes nothing about that."""
    if wait.is_timed:
        return wait
    first = min(max(wait.after, 1), LONGEST_WAIT)
    limit = LONGEST_WAIT if wait.limit is None else min(wait.limit, LONGEST_WAIT)
    return NotYet.until(max(first, min(first + int(now - since), limit)), wait.why)


@dataclass(frozen=True, slots=True)
class Refused:
    """A retry does not help; nothing was changed because of it."""

    problems: tuple[Problem, ...]


Outcome = Done | NotYet | Refused


def doubled(first: float, times: int, longest: float) -> float:
    """The seconds before the next try of what has been tried ``times`` times since it began to repeat: from ``first``,
    doubling, to ``longest``."""
    return min(first * 2.0 ** min(times, _DOUBLINGS), longest)


def soonest(outcomes: "tuple[Outcome, ...] | list[Outcome]") -> Outcome:
    """The outcome of several together: the shortest wait, else all refusals, else done. Putting it off does not delay
    another whose end is known."""
    waits = [outcome for outcome in outcomes if isinstance(outcome, NotYet)]
    if waits:
        first = min(waits, key=lambda wait: wait.after)
        return replace(first, limit=min((wait.limit for wait in waits if wait.limit is not None), default=None))
    problems = tuple(problem for outcome in outcomes if isinstance(outcome, Refused) for problem in outcome.problems)
    return Refused(problems) if problems else Done()
