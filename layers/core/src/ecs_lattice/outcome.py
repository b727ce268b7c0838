"""What a reconcile returns: done, not yet, or refused. "Not yet" is an outcome, never an error."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """Why something is rejected, for its author: what, where, and what is allowed.

    ``code`` is a stable word in capitals (``UNKNOWN_KEY``); ``key`` and ``value`` are as written (empty when the
    problem is not about a key); ``where`` names the place ("docker label of container app in orders:7",
    "tag of the ECS service"); ``message`` says what is wrong and what is allowed or what to do.
    """

    code: str
    message: str
    key: str = ""
    value: str = ""
    where: str = ""

    def __str__(self) -> str:
        subject = f"{self.key} = {self.value!r}" if self.key else ""
        place = f" ({self.where})" if self.where else ""
        return f"{self.code}: {subject}{place}{': ' if subject or place else ''}{self.message}"


@dataclass(frozen=True, slots=True)
class Done:
    """What exists is what is desired."""


@dataclass(frozen=True, slots=True)
class NotYet:
    """Something takes time: reconcile again ``after`` seconds. ``why`` says what, for people."""

    after: int
    why: str


@dataclass(frozen=True, slots=True)
class Refused:
    """A retry cannot succeed; nothing was changed because of it."""

    problems: tuple[Problem, ...]


Outcome = Done | NotYet | Refused


def soonest(outcomes: "tuple[Outcome, ...] | list[Outcome]") -> Outcome:
    """The outcome of several: the soonest wait, else all refusals, else done."""
    waits = [outcome for outcome in outcomes if isinstance(outcome, NotYet)]
    if waits:
        return min(waits, key=lambda wait: wait.after)
    problems = tuple(problem for outcome in outcomes if isinstance(outcome, Refused) for problem in outcome.problems)
    return Refused(problems) if problems else Done()
