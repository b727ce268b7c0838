"""Calls to AWS: the time in which they may start, and how many were made.

A reconcile that is stopped between two calls loses nothing: it can be repeated from any point. A function that runs out
of time stops there and tries again later; killed, it would hold its message group for the visibility timeout.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from ecs_lattice.errors import OutOfTimeError


@dataclass(slots=True)
class Count:
    """Calls so far. Each page of a listing is a call; retries inside a call are not."""

    calls: int = 0


_ends_at: ContextVar[float | None] = ContextVar("ends_at", default=None)
_count: ContextVar[Count | None] = ContextVar("count", default=None)


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Let calls start for ``seconds`` of real time from now."""
    token = _ends_at.set(time.monotonic() + seconds)
    try:
        yield
    finally:
        _ends_at.reset(token)


@contextmanager
def counted() -> Iterator[Count]:
    """Count the calls that start inside the block."""
    count = Count()
    token = _count.set(count)
    try:
        yield count
    finally:
        _count.reset(token)


def check_time() -> None:
    """Raise OutOfTimeError when the time is over; for waits between calls."""
    ends_at = _ends_at.get()
    if ends_at is not None and time.monotonic() >= ends_at:
        raise OutOfTimeError("The function's time for calls to AWS is over; the work continues with the next request.")


def start(**_: object) -> None:
    """Count a call that is about to start. Raises OutOfTimeError instead when the time is over.

    The clients call this as a handler of botocore's ``before-call`` event.
    """
    check_time()
    if count := _count.get():
        count.calls += 1
