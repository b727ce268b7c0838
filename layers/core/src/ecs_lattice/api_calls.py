"""How many calls to AWS a piece of work made: counted where the clients send them, read by whoever asked."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(slots=True)
class Count:
    """Calls so far; pages count one each, retries inside a call do not."""

    calls: int = 0


_count: ContextVar[Count | None] = ContextVar("count", default=None)


@contextmanager
def counted() -> Iterator[Count]:
    """Count the calls that are made inside the block."""
    count = Count()
    token = _count.set(count)
    try:
        yield count
    finally:
        _count.reset(token)


def note(**_: object) -> None:
    """One call is made; also as a handler of botocore's ``before-call`` event."""
    count = _count.get()
    if count is not None:
        count.calls += 1
