"""The history of changes (decision 52): what each reconcile changed, when, and because of what.

A run notes each step that it has carried out; whoever runs it stores the notes as one entry when it ends, also when it ends
with an error. A run that Lambda kills loses its notes and nothing else: the history is for people and decides nothing.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Protocol

from ecs_lattice import bounds
from ecs_lattice.errors import AwsError

KEPT_SECONDS = 90 * 86400
"""How long an entry is kept: as long as ECS keeps its service deployments."""
MOST_STEPS = 200
_KEY = 900  # bytes; DynamoDB quotas: a sort key has 1,024, and the time and the kind are in it, too
_MORE = "and more steps, which are in the log only"

_log = logging.getLogger(__name__)
_keep: ContextVar[Callable[[str, str], None] | None] = ContextVar("keep", default=None)


@dataclass(frozen=True, slots=True)
class Entry:
    """What one run changed. ``at``: when it ended (epoch seconds). ``kind`` and ``key`` are those of a reconcile request,
    ``cause`` is why it ran, ``steps`` are in the order in which they were carried out."""

    at: float
    kind: str
    key: str
    cause: str
    steps: tuple[str, ...]

    def __post_init__(self) -> None:
        bounds.cut_fields(self, cause=bounds.VALUE, key=_KEY)
        shown = tuple(bounds.cut(step, bounds.VALUE) for step in self.steps[:MOST_STEPS])
        object.__setattr__(self, "steps", shown if len(self.steps) <= MOST_STEPS else (*shown, _MORE))


class History(Protocol):
    """Where entries are kept. Both methods may raise an :class:`~ecs_lattice.errors.AwsError`."""

    def add(self, entry: Entry) -> None: ...

    def since(self, at: float) -> Iterator[Entry]:
        """The entries from ``at`` (epoch seconds) on, oldest first."""


@contextmanager
def kept(history: History, now: Callable[[], float], kind: str, key: str, cause: str) -> Iterator[list[str]]:
    """Collect the steps that are carried out meanwhile, and keep them as one entry at the end if there are any. An entry
    that cannot be kept is logged: the work has been done and must not be repeated for it."""
    steps: list[str] = []
    token = _keep.set(lambda text, _call: steps.append(text))
    try:
        yield steps
    finally:
        _keep.reset(token)
        if steps:
            try:
                history.add(Entry(now(), kind, key, cause, tuple(steps)))
            except AwsError as error:
                _log.warning("The history lacks %d steps of %s: %s", len(steps), key, error)


@contextmanager
def collected() -> Iterator[list[tuple[str, str]]]:
    """Collect the steps that are carried out meanwhile, each as its call and its text, and keep none."""
    steps: list[tuple[str, str]] = []
    token = _keep.set(lambda text, call: steps.append((call, text)))
    try:
        yield steps
    finally:
        _keep.reset(token)


def note(step: object, call: str = "") -> None:
    """Note a step that has been carried out; nothing where nobody collects. ``call`` is the operation of the AWS API, by
    default the name of the step's type."""
    if (keep := _keep.get()) is not None:
        keep(str(step), call or type(step).__name__)
