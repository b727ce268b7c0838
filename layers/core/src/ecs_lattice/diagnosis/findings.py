"""What a cause reports when it fits: how likely it is, what was seen, and the commands that fix or inspect it."""

import itertools
import re
import shlex
from dataclasses import dataclass
from typing import Literal

from ecs_lattice.model import REGION

Likelihood = Literal["certain", "likely", "possible"]
_UNITS = (("day", 86400), ("hour", 3600), ("minute", 60))


@dataclass(frozen=True, slots=True)
class Command:
    """A shell command. ``purpose`` is the line above it (``To fix``); ``words`` are quoted where they are written out;
    ``raw`` is a command that is more than words (a substitution)."""

    purpose: str
    words: tuple[str, ...] = ()
    raw: str = ""

    def __str__(self) -> str:
        return self.raw or shlex.join(self.words)

    @property
    def is_printable(self) -> bool:
        """Whether it is one line that is what it looks like; a value in it may have line breaks or hidden characters."""
        return str(self).isprintable()

    def lines(self, width: int) -> tuple[str, ...]:
        """The same command over several lines, each option on its own where it would exceed ``width``."""
        if self.raw or len(str(self)) <= width:
            return (str(self),)
        options = [number for number, word in enumerate(self.words) if word.startswith("--")]
        bounds = [0, *options, len(self.words)]
        parts = [shlex.join(self.words[start:end]) for start, end in itertools.pairwise(bounds)]
        indented = [parts[0], *(f"  {part}" for part in parts[1:])]
        return (*(f"{part} \\" for part in indented[:-1]), indented[-1])


def aws(purpose: str, region: str, command: str, *words: str) -> Command:
    """A command of the AWS CLI: ``command`` is split at spaces, ``words`` are taken whole. What is no name of a Region is
    left out."""
    where = ("--region", region) if re.fullmatch(REGION, region) else ()
    return Command(purpose, ("aws", *command.split(), *words, *where))


@dataclass(frozen=True, slots=True)
class Finding:
    """A cause that fits. ``title`` is one line, ``seen`` sentences about what was seen, ``advice`` what to do."""

    code: str
    likelihood: Likelihood
    title: str
    seen: str
    advice: str = ""
    commands: tuple[Command, ...] = ()


def sentences(*parts: str) -> str:
    """The parts that are not empty, in a row."""
    return " ".join(part for part in parts if part)


def duration(seconds: float) -> str:
    """A length of time in words, with its two largest units."""
    left, counts = int(seconds), {}
    for unit, size in _UNITS:
        counts[unit], left = divmod(left, size)
    words = [f"{count} {unit}{'s' if count > 1 else ''}" if count else "" for unit, count in counts.items()]
    shown = list(itertools.dropwhile(lambda word: not word, words))[:2]
    return sentences(*shown) or "less than a minute"
