"""The time of the local AWS: real and scaled in the server, moved by hand in tests.

Every simulated service asks :func:`current` for the time and for timers, so that one clock rules the whole machine.
"""

import heapq
import itertools
import threading
import time
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Protocol

Callback = Callable[[], None]


class Timer:
    """A callback that has been put on a clock; ``cancel`` takes it off."""

    def __init__(self, due: float, callback: Callback) -> None:
        self.due = due
        self.callback: Callback | None = callback

    def cancel(self) -> None:
        self.callback = None


class Clock(Protocol):
    """What the simulated services need of time. Seconds are simulated seconds."""

    def time(self) -> float:
        """Seconds since the epoch."""

    def call_later(self, seconds: float, callback: Callback) -> Timer:
        """Run ``callback`` once, ``seconds`` from now."""


class ManualClock:
    """Stands still until ``advance``; runs due callbacks in order of their time, then of their making."""

    def __init__(self, start: datetime = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)) -> None:
        self._now = start.timestamp()
        self._timers: list[tuple[float, int, Timer]] = []
        self._order = itertools.count()

    def time(self) -> float:
        return self._now

    def call_later(self, seconds: float, callback: Callback) -> Timer:
        timer = Timer(self._now + max(seconds, 0.0), callback)
        heapq.heappush(self._timers, (timer.due, next(self._order), timer))
        return timer

    def next_due(self) -> float | None:
        """When the next timer is due, in seconds since the epoch; None if nothing waits."""
        while self._timers and self._timers[0][2].callback is None:
            heapq.heappop(self._timers)
        return self._timers[0][0] if self._timers else None

    def advance(self, seconds: float) -> None:
        """Move on by ``seconds``, running what becomes due on the way at its own time."""
        end = self._now + seconds
        while (due := self.next_due()) is not None and due <= end:
            _, _, timer = heapq.heappop(self._timers)
            self._now = max(self._now, due)
            callback, timer.callback = timer.callback, None
            if callback is not None:
                callback()
        self._now = end


class ScaledClock:
    """Real time, ``speed`` times as fast from its start; callbacks run one at a time on one thread."""

    def __init__(self, speed: float = 1.0) -> None:
        self.speed = speed
        self.epoch = time.time()
        self._timers: list[tuple[float, int, Timer]] = []
        self._order = itertools.count()
        self._changed = threading.Condition()
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name="local-aws-clock", daemon=True)
        self._thread.start()

    def time(self) -> float:
        return self.epoch + (time.time() - self.epoch) * self.speed

    def call_later(self, seconds: float, callback: Callback) -> Timer:
        timer = Timer(self.time() + max(seconds, 0.0), callback)
        with self._changed:
            heapq.heappush(self._timers, (timer.due, next(self._order), timer))
            self._changed.notify()
        return timer

    def stop(self) -> None:
        with self._changed:
            self._stopped = True
            self._changed.notify()
        self._thread.join(timeout=5)

    def _run(self) -> None:
        while (timer := self._next()) is not None:
            callback, timer.callback = timer.callback, None
            if callback is not None:
                try:
                    callback()
                except Exception:  # a timer that fails must not stop the machine's time
                    traceback.print_exc()

    def _next(self) -> Timer | None:
        with self._changed:
            while not self._stopped:
                wait = None
                if self._timers:
                    wait = (self._timers[0][0] - self.time()) / self.speed
                    if wait <= 0:
                        return heapq.heappop(self._timers)[2]
                self._changed.wait(wait)
            return None


_current: Clock = ManualClock()


def use(clock: Clock) -> None:
    """Make ``clock`` the time of the local AWS."""
    global _current  # noqa: PLW0603  moto's backends are global too; one clock rules them all
    _current = clock


def current() -> Clock:
    """The clock in use."""
    return _current


def now() -> datetime:
    """The local AWS's time, in UTC."""
    return datetime.fromtimestamp(_current.time(), tz=UTC)


def call_later(seconds: float, callback: Callback) -> Timer:
    """Run ``callback`` once, ``seconds`` of the local AWS's time from now."""
    return _current.call_later(seconds, callback)


def iso(moment: datetime | None = None) -> str:
    """A time as AWS events write it."""
    return (moment or now()).strftime("%Y-%m-%dT%H:%M:%SZ")


__all__ = ["Clock", "ManualClock", "ScaledClock", "Timer", "call_later", "current", "iso", "now", "use"]
