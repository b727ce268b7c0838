"""One lock around the scheduler. Events are published after its release, when the state is consistent."""

import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from local_aws.clock import Timer
from local_aws.services import clock, events

_Event = tuple[str, str, Sequence[str], Mapping[str, Any]]


class WriteGuard:
    """A reentrant lock; events are published when the outermost holder releases it.

    A subscriber may therefore call ECS from the same thread and finds the state that the event describes.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._depth = 0
        self._events: deque[_Event] = deque()
        self.before_leaving: Callable[[], None] = lambda: None
        """Called with the lock held, whenever its outermost holder finishes."""

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the lock until the block ends."""
        outermost = False
        try:
            with self._lock:
                self._depth += 1
                try:
                    yield
                finally:
                    outermost = self._depth == 1
                    if outermost:
                        self.before_leaving()
                    self._depth -= 1
        finally:
            if outermost:
                self._publish()

    def say(self, source: str, detail_type: str, resources: Sequence[str], detail: Mapping[str, Any]) -> None:
        """Publish an event once the lock is released."""
        self._events.append((source, detail_type, resources, detail))

    def call_later(self, seconds: float, action: Callable[[], None]) -> Timer:
        """Run ``action`` with the lock held, ``seconds`` of the local AWS's time from now."""

        def locked() -> None:
            with self.held():
                action()

        return clock().call_later(seconds, locked)

    def _publish(self) -> None:
        while self._events:
            try:
                event = self._events.popleft()
            except IndexError:
                return  # another thread was faster
            events().publish(*event)


__all__ = ["WriteGuard"]
