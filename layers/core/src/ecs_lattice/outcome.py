"""The outcome of a reconcile: done, not yet, or refused. "Not yet" is an outcome, never an error."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ecs_lattice import bounds

LONGEST_WAIT = 900
"""The most seconds between two reconciles of what is not done: SQS delays a message no longer."""
_DOUBLINGS = 32  # from any first distance to more than any longest one
MORE_PROBLEMS = "MORE_PROBLEMS"
"""The code of the last problem that is told where there are more than are told."""


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
    repeats, the next reconcile is put off further and further, to ``limit`` seconds at most (:data:`LONGEST_WAIT` where it
    is None); a wait whose end is known (a bake, a grace time) is not put off: see :meth:`until`."""

    after: int
    why: str
    limit: int | None = None

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
