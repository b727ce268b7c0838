"""What a reconcile returns: done, not yet, or refused. "Not yet" is an outcome, never an error."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """Why something is refused, for the person who wrote it: what, where, what is allowed.

    ``code`` is a stable word in capitals (``UNKNOWN_KEY``); ``key`` and ``value`` are as written (empty when the
    problem is not about one key); ``where`` names the place ("docker label of container app in orders:7",
    "tag of the ECS service"); ``message`` says what is wrong and what is allowed or what to do; ``command`` is a shell
    command that fixes it, where there is one.
    """

    code: str
    message: str
    key: str = ""
    value: str = ""
    where: str = ""
    command: str = ""

    @property
    def text(self) -> str:
        """The message, with the command at its end."""
        return f"{self.message} To fix: {self.command}" if self.command else self.message

    def __str__(self) -> str:
        subject = f"{self.key} = {self.value!r}" if self.key else ""
        place = f" ({self.where})" if self.where else ""
        return f"{self.code}: {subject}{place}{': ' if subject or place else ''}{self.text}"


@dataclass(frozen=True, slots=True)
class Done:
    """What is there is what should be there."""


@dataclass(frozen=True, slots=True)
class NotYet:
    """Something takes its time; ring again ``after`` seconds. ``why`` says for what, for people."""

    after: int
    why: str


@dataclass(frozen=True, slots=True)
class Refused:
    """It will not get better by trying again; nothing was changed because of it."""

    problems: tuple[Problem, ...]


Outcome = Done | NotYet | Refused


def soonest(outcomes: "tuple[Outcome, ...] | list[Outcome]") -> Outcome:
    """The one outcome for several: what must be looked at again soonest, else the refusals, else done."""
    waits = [outcome for outcome in outcomes if isinstance(outcome, NotYet)]
    if waits:
        return min(waits, key=lambda wait: wait.after)
    problems = tuple(problem for outcome in outcomes if isinstance(outcome, Refused) for problem in outcome.problems)
    return Refused(problems) if problems else Done()
