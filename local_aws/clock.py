"""The clocks of the local AWS: scaled real time in the server, moved by hand in tests.

All simulated services share one clock, that of :mod:`local_aws.services`.
"""

import heapq
import itertools
import threading
import time
import traceback
from abc import ABC, abstractmethod
from collections.abc import Callable
from datetime import UTC, datetime

Callback = Callable[[], None]


class Timer:
    """A callback scheduled on a clock; ``cancel`` removes it."""

    def __init__(self, due: float, callback: Callback) -> None:
        self.due = due
        self.callback: Callback | None = callback

    def cancel(self) -> None:
        self.callback = None


class Clock(ABC):
    """The time that the simulated services read and the timers they set. Seconds are simulated seconds."""

    speed: float | None = None
    """Simulated seconds per real second; None where time is moved by hand."""
    epoch: float = 0.0
    """Where a scaled clock started, in seconds since 1970."""

    @abstractmethod
    def time(self) -> float:
        """Seconds since the epoch."""

    @abstractmethod
    def call_later(self, seconds: float, callback: Callback) -> Timer:
        """Run ``callback`` once, ``seconds`` from now."""

    def now(self) -> datetime:
        """The time in UTC."""
        return datetime.fromtimestamp(self.time(), tz=UTC)

    def iso(self, moment: datetime | None = None) -> str:
        """``moment``, or now, in the format of AWS events."""
        return (moment or self.now()).strftime("%Y-%m-%dT%H:%M:%SZ")


class ManualClock(Clock):
    """Stands still until ``advance``; runs due callbacks in the order of their time, then of their creation."""

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
        """When the next timer is due, in seconds since the epoch; None if no timer is set."""
        while self._timers and self._timers[0][2].callback is None:
            heapq.heappop(self._timers)
        return self._timers[0][0] if self._timers else None

    def advance(self, seconds: float) -> None:
        """Move on by ``seconds`` and run each timer that becomes due at its own time."""
        end = self._now + seconds
        while (due := self.next_due()) is not None and due <= end:
            _, _, timer = heapq.heappop(self._timers)
            self._now = max(self._now, due)
            callback, timer.callback = timer.callback, None
            if callback is not None:
                callback()
        self._now = end


class ScaledClock(Clock):
    """Real time, ``speed`` times as fast from its start; callbacks run on one thread, one at a time."""

    def __init__(self, speed: float = 1.0) -> None:
        self.speed: float = speed
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
                except Exception:  # a failing timer must not stop the clock
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


__all__ = ["Clock", "ManualClock", "ScaledClock", "Timer"]
