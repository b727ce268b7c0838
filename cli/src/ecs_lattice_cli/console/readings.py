"""What the console reads from AWS, at most once in some seconds, however many pages are open."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ecs_lattice_cli.errors import CommandError

_SHARE = 3
"""A reading is followed by a pause of at least so many times its own length: what takes long is read more rarely."""
_PATIENCE = 3.0
"""Seconds for which an answer waits for a reading that is under way."""


@dataclass(frozen=True, slots=True)
class Kept:
    """The last good reading and its age in seconds (both None before the first), the sentence of an error if the last reading
    failed, and for how many seconds one has been under way (None: there is none)."""

    value: Any
    age: float | None
    error: str
    waiting: float | None


class Reading:
    """Calls ``read`` when it is asked for something older than ``every`` seconds: in one thread, and never twice at a time."""

    def __init__(self, read: Callable[[], Any], every: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._read, self._every, self._clock = read, every, clock
        self._changed = threading.Condition()
        self._begun: float | None = None
        self._next = float("-inf")
        self._value: Any = None
        self._read_at: float | None = None
        self._error = ""

    def get(self, patience: float = _PATIENCE) -> Kept:
        """What there is, after at most ``patience`` seconds."""
        with self._changed:
            if self._begun is None and self._clock() >= self._next:
                self._begun = self._clock()
                threading.Thread(target=self._work, args=(self._begun,), daemon=True).start()
            self._changed.wait_for(lambda: self._begun is None, patience)
            now = self._clock()
            age = None if self._read_at is None else now - self._read_at
            return Kept(self._value, age, self._error, None if self._begun is None else now - self._begun)

    def _work(self, begun: float) -> None:
        value, error = None, ""
        try:
            value = self._read()
        except CommandError as failed:
            error = failed.message
        except Exception as failed:  # noqa: BLE001  whatever it is, the page shows a sentence
            error = f"unexpected {type(failed).__name__}: {failed}"
        with self._changed:
            ended = self._clock()
            if not error:
                self._value, self._read_at = value, begun
            self._error, self._begun = error, None
            self._next = begun + max(self._every, _SHARE * (ended - begun))
            self._changed.notify_all()
