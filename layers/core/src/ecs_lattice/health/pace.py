"""Many reads in little time, by a few threads, as fast as AWS lets them: what was not read is said, never guessed."""

import threading
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextvars import copy_context
from dataclasses import dataclass, field

from ecs_lattice.errors import AwsError, OutOfTimeError, ThrottledError
from ecs_lattice.ports import Now

_TRIES = 4  # of one read, each after the wait that AWS asked for
_LAST_ANSWERS_SECONDS = 1.0  # how long an answer that is on its way at the end is waited for


@dataclass(slots=True)
class Pace:
    """The beat of calls: none starts sooner than ``every`` seconds after the one before it, none while AWS asks to
    wait, and none from ``ends_at`` (epoch seconds) on. Shared by all threads of a pass."""

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
                raise OutOfTimeError("The time for this pass is over; what is left comes first in the next one.")
            self._next = start + self.every
        if start > now:
            self.sleep(start - now)

    def hold(self, seconds: float) -> None:
        """Let nobody call for ``seconds`` from now."""
        with self._lock:
            self._next = max(self._next, self.now() + seconds)

    @property
    def left(self) -> float:
        """Seconds until the end."""
        return max(0.0, self.ends_at - self.now())


@dataclass(frozen=True, slots=True)
class Read[K, V]:
    """What came of a pass: the values read; why some could not be read; and those whose turn did not come."""

    values: Mapping[K, V]
    failed: Mapping[K, str]
    late: tuple[K, ...]


def read_all[K, V](keys: Iterable[K], read: Callable[[K], V], pace: Pace, threads: int) -> Read[K, V]:
    """``read`` each of ``keys``, in their order, ``threads`` at a time, until ``pace`` ends.

    A read that is throttled holds all of them and is tried again; one that hangs is left behind at the end.
    """
    pool = ThreadPoolExecutor(threads, thread_name_prefix="read")
    try:
        futures = {key: pool.submit(copy_context().run, _patiently, key, read, pace) for key in keys}
        wait(futures.values(), timeout=pace.left + _LAST_ANSWERS_SECONDS)
        return _sorted_out(futures)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _patiently[K, V](key: K, read: Callable[[K], V], pace: Pace) -> V:
    tries = _TRIES
    while True:
        pace.wait()
        try:
            return read(key)
        except ThrottledError as error:
            pace.hold(error.retry_after)
            tries -= 1
            if not tries:
                raise


def _sorted_out[K, V](futures: Mapping[K, Future[V]]) -> Read[K, V]:
    values: dict[K, V] = {}
    failed: dict[K, str] = {}
    late: list[K] = []
    for key, future in futures.items():
        if not future.done():
            if future.running():
                failed[key] = "no answer before the time was over"
            else:
                late.append(key)
            continue
        error = future.exception()
        if isinstance(error, OutOfTimeError):
            late.append(key)
        elif isinstance(error, AwsError):
            failed[key] = str(error)
        elif error is not None:
            raise error
        else:
            values[key] = future.result()
    return Read(values, failed, tuple(late))
