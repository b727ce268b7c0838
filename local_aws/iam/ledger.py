"""Every authorisation that was asked for while the local AWS ran, allowed or not."""

import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

from local_aws.iam.variables import Value

_MOST = 400_000
"""Authorisations that are kept; those before are forgotten. A demo that runs for days must not fill the memory."""


@dataclass(frozen=True, slots=True)
class Authorization:
    """One action on one resource that a role was, or was not, allowed. ``decide`` takes it as a request."""

    role: str
    """The role's name."""
    caller: str
    """The function that called, the session of another caller, or the service that acts in the role's name, such as
    ``ecs.amazonaws.com``."""
    action: str
    resource: str
    context: Mapping[str, Value]
    """The condition keys of the request, in lower case."""
    side: bool
    """Whether AWS asks for it beside the call that the caller makes (:mod:`local_aws.iam.side`)."""
    allowed: bool
    statements: tuple[tuple[str, str], ...]
    """Policy and Sid, or place such as ``[0]``, of what allowed it, or denied it explicitly."""
    time: float
    """Seconds of the local AWS's time."""


class Ledger:
    """The authorisations, oldest first. Thread-safe."""

    def __init__(self, most: int = _MOST) -> None:
        self._entries: deque[Authorization] = deque(maxlen=most)
        self._noted = 0
        self._lock = threading.Lock()

    def note(self, authorization: Authorization) -> None:
        with self._lock:
            self._entries.append(authorization)
            self._noted += 1

    def all(self) -> list[Authorization]:
        """What is still kept of it."""
        with self._lock:
            return list(self._entries)

    def since(self, cursor: int) -> tuple[int, list[Authorization]]:
        """The number of authorisations so far, and those after the first ``cursor``."""
        with self._lock:
            first = self._noted - len(self._entries)
            return self._noted, list(self._entries)[max(cursor - first, 0) :]


__all__ = ["Authorization", "Ledger"]
