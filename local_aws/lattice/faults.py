"""Fault injection for tests: errors, lost responses, lagging lists; and the log of calls."""

from collections import defaultdict, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from local_aws.lattice import errors

ANY = "*"
"""Stands for every operation in :class:`Faults`."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One failure."""

    kind: Literal["throttle", "internal", "lose-answer"]
    retry_after: int = 1


@dataclass(slots=True)
class Faults:
    """Upcoming faults, by operation (``CreateRule``) or for any (``*``); each affects one call."""

    list_lag: float = 0.0
    """Seconds until lists (and GetResources) show what was created, and stop showing what was deleted."""
    waiting: dict[str, deque[Fault]] = field(default_factory=lambda: defaultdict(deque))

    def throttle(self, operation: str = ANY, times: int = 1, retry_after: int = 1) -> None:
        """Answer the next calls with ThrottlingException, without effect."""
        self.waiting[operation].extend([Fault("throttle", retry_after)] * times)

    def fail(self, operation: str = ANY, times: int = 1) -> None:
        """Answer the next calls with InternalServerException, without effect."""
        self.waiting[operation].extend([Fault("internal")] * times)

    def lose_answer(self, operation: str = ANY, times: int = 1) -> None:
        """Perform the next calls, and break the connection before the response."""
        self.waiting[operation].extend([Fault("lose-answer")] * times)

    def before(self, operation: str) -> bool:
        """Raise the fault that is due before the operation; True if its response must be lost."""
        fault = self._take(operation)
        if fault is None:
            return False
        if fault.kind == "throttle":
            raise errors.throttled(fault.retry_after)
        if fault.kind == "internal":
            raise errors.internal()
        return True

    def _take(self, operation: str) -> Fault | None:
        for key in (operation, ANY):
            if self.waiting.get(key):
                return self.waiting[key].popleft()
        return None


@dataclass(slots=True)
class Call:
    """One API call and its outcome."""

    operation: str
    parameters: Mapping[str, Any]
    time: float
    caller: str
    error: str | None = None
    """The error code; None if the operation succeeded."""

    @property
    def writes(self) -> bool:
        """Whether the operation is a write."""
        return not self.operation.startswith(("Get", "List"))
