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
class Budget:
    """``ends_at`` is the monotonic second after which no call starts. ``calls`` is how many have started: each page of a
    listing is a call, retries inside a call are not."""

    ends_at: float
    calls: int = 0


_OVER = "The function's time for calls to AWS is over; the work continues with the next request."
_budget: ContextVar[Budget | None] = ContextVar("budget", default=None)


@contextmanager
def within(seconds: float) -> Iterator[Budget]:
    """Let calls start for ``seconds`` of real time from now, and count them. An inner block has a budget of its own."""
    budget = Budget(time.monotonic() + seconds)
    token = _budget.set(budget)
    try:
        yield budget
    finally:
        _budget.reset(token)


def start(**_: object) -> None:
    """Count a call that is about to start. Raises OutOfTimeError instead when the time is over.

    The clients call this as a handler of botocore's ``before-call`` event.
    """
    budget = _budget.get()
    if budget:
        if time.monotonic() >= budget.ends_at:
            raise OutOfTimeError(_OVER)
        budget.calls += 1


def check_time() -> None:
    """Raise OutOfTimeError when the time is over; for waits between calls."""
    if (budget := _budget.get()) and time.monotonic() >= budget.ends_at:
        raise OutOfTimeError(_OVER)
