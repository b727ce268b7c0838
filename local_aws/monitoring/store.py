"""The metric store: count, sum, minimum and maximum per metric, unit and second.

A metric is its namespace, name and *exact* set of dimensions (CloudWatch User Guide, "Metrics concepts": each unique
combination of dimensions is a metric of its own).
"""

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Self

STANDARD, HIGH = 60, 1
"""Storage resolutions, in seconds (CloudWatch User Guide, "High-resolution metrics")."""
STATISTICS = ("SampleCount", "Average", "Sum", "Minimum", "Maximum")


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric's identity; create it with :meth:`of`, which sorts the dimensions."""

    namespace: str
    name: str
    dimensions: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, namespace: str, name: str, dimensions: Mapping[str, str] | Iterable[tuple[str, str]] = ()) -> Self:
        pairs = dimensions.items() if isinstance(dimensions, Mapping) else dimensions
        return cls(namespace, name, tuple(sorted(pairs)))


@dataclass(frozen=True, slots=True)
class Statistics:
    """A statistic set, which summarizes any number of values."""

    count: float
    total: float
    minimum: float
    maximum: float

    @classmethod
    def one(cls, value: float, count: float = 1.0) -> Self:
        """``count`` times the same value."""
        return cls(float(count), float(value) * count, float(value), float(value))

    def __add__(self, other: "Statistics") -> "Statistics":
        return Statistics(
            self.count + other.count,
            self.total + other.total,
            min(self.minimum, other.minimum),
            max(self.maximum, other.maximum),
        )

    def get(self, statistic: str) -> float:
        """The value of one of :data:`STATISTICS`; KeyError for another name."""
        return {
            "SampleCount": self.count,
            "Average": self.total / self.count,
            "Sum": self.total,
            "Minimum": self.minimum,
            "Maximum": self.maximum,
        }[statistic]


@dataclass(frozen=True, slots=True)
class Datapoint:
    """The values recorded in the period that starts at ``start`` (seconds since the epoch)."""

    start: int
    statistics: Statistics
    unit: str


@dataclass
class Store:
    """All metrics of one account and Region. Thread-safe."""

    _series: dict[Metric, dict[str, dict[int, Statistics]]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(
        self, metric: Metric, at: float, values: Statistics, unit: str = "None", resolution: int = STANDARD
    ) -> None:
        """Record ``values`` at ``at`` (seconds since the epoch), which standard resolution rounds down to its minute."""
        second = int(at // resolution) * resolution
        with self._lock:
            seconds = self._series.setdefault(metric, {}).setdefault(unit, {})
            seconds[second] = seconds[second] + values if second in seconds else values

    def metrics(self) -> tuple[Metric, ...]:
        """Every metric with data, in the order of appearance."""
        with self._lock:
            return tuple(self._series)

    def datapoints(
        self, metric: Metric, start: int, end: int, period: int, unit: str | None = None
    ) -> tuple[Datapoint, ...]:
        """The periods with data from ``start`` until before ``end``, oldest first.

        ``unit`` selects values in that unit; without it values of all units are aggregated, as in CloudWatch.
        """
        periods: dict[int, tuple[Statistics, str]] = {}
        with self._lock:
            for known, seconds in self._series.get(metric, {}).items():
                if unit in (None, known):
                    for second in _within(seconds, start, end):
                        begin = start + (second - start) // period * period
                        before = periods.get(begin)
                        periods[begin] = (before[0] + seconds[second] if before else seconds[second], known)
        return tuple(Datapoint(begin, *periods[begin]) for begin in sorted(periods))


def _within(seconds: Mapping[int, Statistics], start: int, end: int) -> list[int]:
    candidates: Iterable[int] = range(start, end) if end - start < len(seconds) else tuple(seconds)
    return [second for second in candidates if start <= second < end and second in seconds]
