"""In which minutes a route's metric has a value (decision 55). Pure.

CloudWatch bills a metric for each hour in which it has a value, so the zeros of a healthy route are left out. Its alarm
ignores missing values and decides by the newest ones. So that it decides in each minute what it would decide if none were
left out, it finds the same values around every minute in which something is wrong or unknown:

- The zeros before the first such minute are published with it, at the times that they are for.
- After the last such minute, each minute has its value until the alarm has only zeros to evaluate: at least for the hour,
  which is billed anyway.
- While the alarm is not OK (a new one has INSUFFICIENT_DATA), likewise.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from ecs_lattice.health.alarms import evaluation_periods, is_watched
from ecs_lattice.health.publish import Reading

_OK = "OK"
_MINUTE, _HOUR = 60, 3600


@dataclass(frozen=True, slots=True)
class Series:
    """The series of all routes at ``now``. ``until``: the epoch second until which each minute of a route has its value,
    by :func:`key`."""

    now: float
    until: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str | None, now: float) -> "Series":
        """The stored series, without what is over."""
        stored: dict[str, int] = json.loads(text or "{}")
        return cls(now, {route: until for route, until in stored.items() if until > now})

    @property
    def text(self) -> str:
        """What is stored."""
        return json.dumps(self.until, sort_keys=True)

    def values(self, reading: Reading) -> dict[str, float]:
        """What the minute of the reading publishes."""
        return reading.metrics() if reading.impaired or key(reading) in self.until else {}

    def zeros(self, reading: Reading, state: str | None) -> Iterator[float]:
        """The times of the zeros that the alarm has to find as well. ``state`` is its state in CloudWatch (empty: there is no
        alarm yet; None: unknown, which is taken for OK)."""
        if key(reading) in self.until or not is_watched(reading.record):
            return
        if state not in {_OK, None}:
            yield from () if reading.impaired is not False else (self.now,)
        elif reading.impaired is not False:
            periods = evaluation_periods(reading.record.claim.route)
            yield from (self.now - _MINUTE * number for number in range(periods, 0, -1))

    def extended(self, readings: Iterable[tuple[Reading, str | None]]) -> "Series":
        """The series after this minute, with the state of each alarm."""
        return Series(self.now, {**self.until, **dict(self._extensions(readings))})

    def _extensions(self, readings: Iterable[tuple[Reading, str | None]]) -> Iterator[tuple[str, int]]:
        for reading, state in readings:
            is_settled = state in {_OK, None} or not is_watched(reading.record)
            if reading.impaired is False and is_settled:
                continue
            needed = _MINUTE * (evaluation_periods(reading.record.claim.route) + 1)
            if (
                self.until.get(route := key(reading), 0) < self.now + needed
            ):  # else the document would change each minute
                yield route, int(self.now + max(_HOUR, 2 * needed))


def key(reading: Reading) -> str:
    """A short name of a route's metric."""
    return hashlib.sha256(json.dumps(reading.dimensions, sort_keys=True).encode()).hexdigest()[:12]
