"""The authorization log: every decision about a role's or user's permissions, allowed or denied."""

import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

from local_aws.iam.variables import Value

_MOST = 400_000
"""Entries kept; older ones are dropped, so that a demo that runs for days does not fill the memory."""


@dataclass(frozen=True, slots=True)
class Authorization:
    """One decision about an action on a resource. ``decide`` accepts it as a request."""

    role: str
    """The role's name."""
    caller: str
    """The function that called, the session of another caller, or the service principal that assumed the role, such as
    ``ecs.amazonaws.com``."""
    action: str
    resource: str
    context: Mapping[str, Value]
    """The condition keys of the request, in lower case."""
    side: bool
    """Whether it is a side permission of the call (:mod:`local_aws.iam.side_permissions`)."""
    allowed: bool
    statements: tuple[tuple[str, str], ...]
    """Policy and Sid, or index such as ``[0]``, of what allowed it or explicitly denied it."""
    time: float
    """Seconds of the local AWS's time."""


class AuthorizationLog:
    """The decisions, oldest first. Thread-safe."""

    def __init__(self, most: int = _MOST) -> None:
        self._entries: deque[Authorization] = deque(maxlen=most)
        self._count = 0
        self._lock = threading.Lock()

    def record(self, authorization: Authorization) -> None:
        with self._lock:
            self._entries.append(authorization)
            self._count += 1

    def all(self) -> list[Authorization]:
        """The entries that are still kept."""
        with self._lock:
            return list(self._entries)

    def since(self, cursor: int) -> tuple[int, list[Authorization]]:
        """The number of entries so far, and the entries after the first ``cursor``."""
        with self._lock:
            first = self._count - len(self._entries)
            return self._count, list(self._entries)[max(cursor - first, 0) :]


__all__ = ["Authorization", "AuthorizationLog"]
