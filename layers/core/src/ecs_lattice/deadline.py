"""The end of the time that a reconcile may take, checked before every call to AWS.

A reconcile that is stopped between two calls loses nothing: it is repeatable at any point. So a worker that runs out of
time stops there and rings again, instead of being killed and holding its queue group for the visibility timeout.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from ecs_lattice.errors import OutOfTimeError

_ends_at: ContextVar[float | None] = ContextVar("ends_at", default=None)


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Let calls start for ``seconds`` of real time from now."""
    token = _ends_at.set(time.monotonic() + seconds)
    try:
        yield
    finally:
        _ends_at.reset(token)


def check() -> None:
    """Raise OutOfTimeError when the time is over."""
    ends_at = _ends_at.get()
    if ends_at is not None and time.monotonic() >= ends_at:
        raise OutOfTimeError("The time for this reconcile is over; it goes on with the next bell.")
