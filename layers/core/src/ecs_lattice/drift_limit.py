"""How often a Lattice service is reconciled because somebody may have changed it by hand: once in five minutes, whoever asks.

Calls of others ask for it when CloudTrail reports them, the probe while a route is impaired or its group unused. Both keep to
one document for each Lattice service.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass

from ecs_lattice.outcome import doubled
from ecs_lattice.ports import Documents

_KIND = "drift"
_EVERY_SECONDS, _LONGEST_SECONDS, _KEPT_SECONDS = 300, 14_400, 86_400


@dataclass(frozen=True, slots=True)
class Asked:
    """``at``: the epoch second at which the newest request of a Lattice service is, or was, due; ``times``: how many the probe
    has made since the last call of another."""

    at: float = 0.0
    times: int = 0

    def by_call(self, now: float) -> "Asked | None":
        """After a call of another: as soon as five minutes are over. None while a request is on its way, which will read what
        is there then."""
        return None if self.at > now else Asked(max(now, self.at + _EVERY_SECONDS))

    def by_probe(self, now: float) -> "Asked | None":
        """While something is broken: each time after twice as long. None before that."""
        distance = doubled(_EVERY_SECONDS, max(self.times - 1, 0), _LONGEST_SECONDS)
        if now < self.at + distance:
            return None
        was_well = now >= self.at + 2 * distance  # or it would have been asked for meanwhile
        return Asked(now, 1 if was_well else self.times + 1)


def asked(documents: Documents, names: Iterable[str]) -> dict[str, Asked]:
    """What is known of the requests for these Lattice services, by name."""
    names = tuple(names)
    stored = documents.documents_of(_KIND, names)
    return {name: _parsed(stored[name]) if name in stored else Asked() for name in names}


def remember(documents: Documents, name: str, made: Asked) -> None:
    """Keep what was asked for."""
    documents.put_document(_KIND, name, json.dumps([made.at, made.times]), expires_at=made.at + _KEPT_SECONDS)


def _parsed(text: str) -> Asked:
    """The stored pair; a number is the time alone, as it was written before."""
    value = json.loads(text)
    return Asked(*value) if isinstance(value, list) else Asked(float(value))
