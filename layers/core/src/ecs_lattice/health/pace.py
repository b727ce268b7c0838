"""Many reads in a short time, by a few threads, as fast as AWS allows. What was not read is reported, never guessed."""

import threading
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextvars import copy_context
from dataclasses import dataclass, field

from ecs_lattice.errors import AwsError, OutOfTimeError, ThrottledError
from ecs_lattice.ports import Now

_TRIES = 4  # attempts per read, each after the wait that AWS asked for
_LAST_ANSWERS_SECONDS = 1.0  # how long to wait for pending answers at the end


@dataclass(slots=True)
class Pace:
    """Paces calls: none starts sooner than ``every`` seconds after the previous one, none while AWS asks to wait, and none from
    ``ends_at`` (epoch seconds) on. Shared by all threads of a pass."""

    now: Now
    sleep: Callable[[float], None]
    ends_at: float
    every: float = 0.0
    _next: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def wait(self) -> None:
        """Sleep until the next call may start. Raises OutOfTimeError when that is not before the end."""
        with self._lock:
            now = self.now()
            start = max(self._next, now)
            if start >= self.ends_at:
                raise OutOfTimeError("The time for this pass is over; the next pass starts with the remaining reads.")
            self._next = start + self.every
        if start > now:
            self.sleep(start - now)

    def back_off(self, seconds: float) -> None:
        """Start no call for ``seconds`` from now."""
        with self._lock:
            self._next = max(self._next, self.now() + seconds)

    @property
    def remaining(self) -> float:
        """Seconds until the end."""
        return max(0.0, self.ends_at - self.now())


@dataclass(frozen=True, slots=True)
class Read[K, V]:
    """The result of a pass: the values, the reasons of failed reads, and the keys that were not reached in time."""

    values: Mapping[K, V]
    failed: Mapping[K, str]
    not_reached: tuple[K, ...]


def read_all[K, V](keys: Iterable[K], read: Callable[[K], V], pace: Pace, threads: int) -> Read[K, V]:
    """``read`` each of ``keys`` in order, ``threads`` at a time, until ``pace`` ends.

    A throttled read makes all of them back off and is retried; a read that hangs is abandoned at the end.
    """
    pool = ThreadPoolExecutor(threads, thread_name_prefix="read")
    try:
        futures = {key: pool.submit(copy_context().run, _read_with_retries, key, read, pace) for key in keys}
        wait(futures.values(), timeout=pace.remaining + _LAST_ANSWERS_SECONDS)
        return _result(futures)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _read_with_retries[K, V](key: K, read: Callable[[K], V], pace: Pace) -> V:
    tries = _TRIES
    while True:
        pace.wait()
        try:
            return read(key)
        except ThrottledError as error:
            pace.back_off(error.retry_after)
            tries -= 1
            if not tries:
                raise


def _result[K, V](futures: Mapping[K, Future[V]]) -> Read[K, V]:
    values: dict[K, V] = {}
    failed: dict[K, str] = {}
    not_reached: list[K] = []
    for key, future in futures.items():
        if future.running():
            failed[key] = "no answer before the time was over"
        elif not future.done() or isinstance(error := future.exception(), OutOfTimeError):
            not_reached.append(key)
        elif isinstance(error, AwsError):
            failed[key] = str(error)
        else:
            values[key] = future.result()  # raises an error of the program
    return Read(values, failed, tuple(not_reached))
