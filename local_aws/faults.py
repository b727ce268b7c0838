"""Fault injection for tests: errors and lost responses; and the log of calls.

The methods are those of the local VPC Lattice's faults, so that one test drives all. Each service has its own codes.
"""

import socket
from collections import defaultdict, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from botocore.exceptions import ConnectionClosedError
from moto.core.exceptions import ServiceException
from werkzeug.wrappers import Request

ANY = "*"
"""Stands for every operation in :class:`Faults`."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One failure. Without an error the operation succeeds and its response is lost."""

    error: ServiceException | None


@dataclass(slots=True)
class Faults:
    """Upcoming faults, by operation (``UpdateService``) or for any (``*``); each affects one call."""

    error: ClassVar[type[ServiceException]] = ServiceException
    throttled: ClassVar[tuple[str, str]]
    failed: ClassVar[tuple[str, str]]
    """Code and message of the service's own errors."""
    waiting: dict[str, deque[Fault]] = field(default_factory=lambda: defaultdict(deque))

    def throttle(self, operation: str = ANY, times: int = 1) -> None:
        """Refuse the next calls as the service does when there are too many."""
        self.refuse(operation, *self.throttled, times)

    def fail(self, operation: str = ANY, times: int = 1) -> None:
        """Refuse the next calls as the service does when it fails itself; nothing is done."""
        self.refuse(operation, *self.failed, times)

    def refuse(self, operation: str, code: str, message: str, times: int = 1) -> None:
        """Refuse the next calls with an error of your choice; nothing is done."""
        self.waiting[operation].extend([Fault(self.error(code, message))] * times)

    def lose_answer(self, operation: str = ANY, times: int = 1) -> None:
        """Perform the next calls, and break the connection before the response."""
        self.waiting[operation].extend([Fault(None)] * times)

    def take(self, operation: str) -> Fault | None:
        """The fault that is due for this call; it is used up."""
        for key in (operation, ANY):
            if self.waiting.get(key):
                return self.waiting[key].popleft()
        return None


@dataclass(slots=True)
class Call:
    """One API call and its outcome. ``time`` is in seconds since the epoch."""

    operation: str
    parameters: Mapping[str, Any]
    time: float
    error: str | None = None
    """The error code; None if the operation succeeded."""

    @property
    def writes(self) -> bool:
        """Whether the operation is a write."""
        return not self.operation.startswith(("Describe", "List"))


def lose(request: Request) -> None:
    """Break the connection before the response: the server's socket, or with botocore's error in one process."""
    connection: socket.socket | None = request.environ.get("werkzeug.socket")
    if connection is None:
        raise ConnectionClosedError(endpoint_url=request.url)
    connection.shutdown(socket.SHUT_RDWR)


__all__ = ["ANY", "Call", "Fault", "Faults", "lose"]
