"""What a test may ask of an API: errors on demand and answers that get lost; and the log of its calls.

The words are those of the local VPC Lattice's faults, so that one test drives all. Each service brings its codes.
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
    """One thing that goes wrong once. Without an error the operation is done and its answer is lost."""

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
        """Do the next calls, and break the connection before the answer."""
        self.waiting[operation].extend([Fault(None)] * times)

    def take(self, operation: str) -> Fault | None:
        """The fault that is due for this call; it is used up."""
        for key in (operation, ANY):
            if self.waiting.get(key):
                return self.waiting[key].popleft()
        return None


@dataclass(slots=True)
class Call:
    """One call of the API, as it came and as it ended. ``time`` is in seconds since the epoch."""

    operation: str
    parameters: Mapping[str, Any]
    time: float
    error: str | None = None
    """The error's code; None if the operation was done."""

    @property
    def writes(self) -> bool:
        """Whether an operation of this name can change anything."""
        return not self.operation.startswith(("Describe", "List"))


def lose(request: Request) -> None:
    """Break the connection before the answer: the server's socket, or what botocore makes of it in one process."""
    connection: socket.socket | None = request.environ.get("werkzeug.socket")
    if connection is None:
        raise ConnectionClosedError(endpoint_url=request.url)
    connection.shutdown(socket.SHUT_RDWR)


__all__ = ["ANY", "Call", "Fault", "Faults", "lose"]
