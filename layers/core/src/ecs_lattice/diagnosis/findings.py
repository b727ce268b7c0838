"""What a cause says when it fits: how likely, what was seen, and the commands that show or mend it."""

import itertools
import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Likelihood = Literal["certain", "likely", "possible"]
_LIKELIHOODS: tuple[Likelihood, ...] = ("certain", "likely", "possible")

_MINUTE, _HOUR, _DAY = 60, 3600, 86400

RANKS = (
    "OTHER_VPC", "PREFIX_LIST_RULE_MISSING", "PORT_NOT_OPEN", "TARGET_UNUSED", "OUT_OF_MEMORY", "TASK_RESTARTING",
    "TASK_STOPPED", "NO_TASKS", "NOT_REGISTERED", "WRONG_PROTOCOL", "HEALTH_CODE", "NOT_LISTENING", "DRAINING",
    "DEPLOYMENT_IN_PROGRESS",
)  # fmt: skip
"""All causes, equally likely ones in this order: what makes the others follow comes before them."""


@dataclass(frozen=True, slots=True)
class Command:
    """A command for a shell. ``does`` says what it is for, ``words`` are its words, quoted where they are written out;
    ``raw`` is one that is more than words (a pipe, a substitution)."""

    does: str
    words: tuple[str, ...] = ()
    raw: str = ""

    def __str__(self) -> str:
        return self.raw or shlex.join(self.words)

    def lines(self, width: int) -> tuple[str, ...]:
        """The same command over several lines, each option on its own where it would pass ``width``."""
        if self.raw or len(str(self)) <= width:
            return (str(self),)
        options = [number for number, word in enumerate(self.words) if word.startswith("--")]
        bounds = [0, *options, len(self.words)]
        parts = [shlex.join(self.words[start:end]) for start, end in itertools.pairwise(bounds)]
        indented = [parts[0], *(f"  {part}" for part in parts[1:])]
        return (*tuple(f"{part} \\" for part in indented[:-1]), indented[-1])


def aws(does: str, region: str, *words: str) -> Command:
    """A command of the AWS CLI."""
    return Command(does, ("aws", *words, "--region", region))


@dataclass(frozen=True, slots=True)
class Finding:
    """A cause that fits. ``title`` is one line, ``seen`` sentences of what was seen, ``advice`` what to do in words."""

    code: str
    likelihood: Likelihood
    title: str
    seen: str
    advice: str = ""
    commands: tuple[Command, ...] = ()

    @property
    def rank(self) -> tuple[int, int]:
        """What findings are ordered by: first the likelihood, then the cause; no two causes have one rank."""
        return _LIKELIHOODS.index(self.likelihood), RANKS.index(self.code)


def ranked(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Most likely first."""
    return tuple(sorted(findings, key=lambda finding: finding.rank))


def duration(seconds: float) -> str:
    """A length of time in words, with its two largest units."""
    if seconds < _MINUTE:
        return "less than a minute"
    units = (("day", _DAY), ("hour", _HOUR), ("minute", _MINUTE))
    left, words = int(seconds), []
    for name, size in units:
        count, left = divmod(left, size)
        if count:
            words.append(f"{count} {name}{'s' if count > 1 else ''}")
        elif words:
            break
    return " ".join(words[:2])
