"""What lasts is looked at again each time that it has lasted twice as long: remembered in one document each, so that a lost
request is made up for, and nothing is requested for ever at the same pace."""

import hashlib
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from ecs_lattice import codec
from ecs_lattice.outcome import doubled
from ecs_lattice.ports import Documents, Now

_AGAIN_SECONDS = 870  # a sweep each 900 s, which may begin somewhat early


@dataclass(frozen=True, slots=True)
class LastSeen:
    """What was seen: since when (epoch seconds) it has been so, and when a reconcile was last requested for it."""

    fingerprint: str
    since: float
    enqueued_at: float

    @classmethod
    def parse(cls, text: str) -> "LastSeen | None":
        """The stored value; None for any other text."""
        try:
            return codec.loads(cls, text)
        except (ValueError, TypeError, AttributeError):
            return None


@dataclass(frozen=True, slots=True)
class Lasting:
    """``longest``: the most seconds between two requests for what lasts."""

    registry: Documents
    now: Now
    longest: float

    def changed(self, before: LastSeen | None, fingerprint: str) -> LastSeen | None:
        """What to store of that for which a request is due, because it has changed or has lasted; None where none is."""
        now = self.now()
        if before is None or before.fingerprint != fingerprint:
            return LastSeen(fingerprint, now, now)
        # As long again as it had lasted when it was requested last.
        times = int(math.log2(max((before.enqueued_at - before.since) / _AGAIN_SECONDS, 1)))
        is_due = now - before.enqueued_at >= doubled(_AGAIN_SECONDS, times, self.longest)
        return replace(before, enqueued_at=now) if is_due else None

    def due(self, kind: str, waiting: Mapping[str, str]) -> set[str]:
        """Those that are due of what is ``waiting``, by name with the text of what it waits for; remembered from now on."""
        stored = self.registry.documents_of(kind, waiting)
        due = set()
        for name, text in waiting.items():
            now = self.changed(LastSeen.parse(stored.get(name, "")), digest(text))
            if now is not None:
                self.registry.put_document(kind, name, codec.dumps(now), expires_at=self.now() + 2 * self.longest)
                due.add(name)
        return due

    def forget(self, kind: str, names: Iterable[str]) -> None:
        """Forget what has ended, so that it is due at once when it begins again."""
        for name in self.registry.documents_of(kind, names):
            self.registry.delete_document(kind, name)


def digest(text: str) -> str:
    """A short hash."""
    return hashlib.sha256(text.encode()).hexdigest()[:20]
