"""Schedule expressions: ``rate(...)``, ``cron(...)`` and ``at(...)``, and their next times.

Syntax: Amazon EventBridge Scheduler User Guide, "Schedule types", and EventBridge User Guide, "Cron expressions".
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

_UNITS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400}
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_SEARCH_DAYS = 366 * 8


class Schedule(Protocol):
    """When something is due."""

    def next_after(self, moment: float) -> float | None:
        """The first time after ``moment``, both in seconds since the epoch; None if there is none."""


@dataclass(frozen=True, slots=True)
class Rate:
    """Every ``seconds``, counted from ``anchor``."""

    seconds: int
    anchor: float

    def next_after(self, moment: float) -> float:
        periods = max((moment - self.anchor) // self.seconds, 0)
        return self.anchor + (periods + 1) * self.seconds


@dataclass(frozen=True, slots=True)
class At:
    """Once."""

    moment: float

    def next_after(self, moment: float) -> float | None:
        return self.moment if self.moment > moment else None


@dataclass(frozen=True, slots=True)
class Cron:
    """Every minute that all fields allow, in a time zone. Days of the week are 1 (Sunday) to 7."""

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int] | None
    months: frozenset[int]
    weekdays: frozenset[int] | None
    years: frozenset[int]
    zone: ZoneInfo

    def next_after(self, moment: float) -> float | None:
        start = datetime.fromtimestamp(moment, self.zone).replace(second=0, microsecond=0) + timedelta(minutes=1)
        day = start.date()
        for _ in range(_SEARCH_DAYS):
            if self._allows(day.year, day.month, day.day, day.isoweekday() % 7 + 1):
                for hour in sorted(self.hours):
                    for minute in sorted(self.minutes):
                        candidate = datetime(day.year, day.month, day.day, hour, minute, tzinfo=self.zone)
                        if candidate >= start:
                            return candidate.timestamp()
            day += timedelta(days=1)
        return None

    def _allows(self, year: int, month: int, day: int, weekday: int) -> bool:
        return (
            year in self.years
            and month in self.months
            and (self.days is None or day in self.days)
            and (self.weekdays is None or weekday in self.weekdays)
        )


def parse(expression: str, anchor: float, time_zone: str = "UTC") -> Schedule:
    """Parse ``expression``; ``anchor`` is when the schedule was created. ValueError names the problem."""
    match = re.fullmatch(r"(rate|cron|at)\((.+)\)", expression.strip())
    if match is None:
        raise ValueError(f"Schedule expression {expression!r} is not rate(value unit), cron(six fields) or at(time)")
    kind, inside = match.groups()
    try:
        if kind == "rate":
            return _rate(inside, anchor)
        if kind == "cron":
            return _cron(inside, ZoneInfo(time_zone))
        return At(datetime.fromisoformat(inside).replace(tzinfo=ZoneInfo(time_zone)).timestamp())
    except (ValueError, KeyError) as error:
        raise ValueError(f"Schedule expression {expression!r}: {error}") from error


def _rate(inside: str, anchor: float) -> Rate:
    match = re.fullmatch(r"(\d+) (second|minute|hour|day)(s?)", inside.strip())
    if match is None or int(match[1]) < 1:
        raise ValueError("a rate is a positive number and minute(s), hour(s) or day(s)")
    if (match[1] == "1") == bool(match[3]):
        raise ValueError("the unit is singular for 1 and plural for anything else")
    return Rate(int(match[1]) * _UNITS[match[2]], anchor)


def _cron(inside: str, zone: ZoneInfo) -> Cron:
    fields = inside.split()
    if len(fields) != 6:
        raise ValueError(
            f"six fields are needed (minutes hours day-of-month month day-of-week year), not {len(fields)}"
        )
    minutes, hours, days, months, weekdays, years = fields
    if (days == "?") == (weekdays == "?"):
        raise ValueError("exactly one of day-of-month and day-of-week is ?")
    return Cron(
        _field(minutes, 0, 59),
        _field(hours, 0, 23),
        None if days == "?" else _field(days, 1, 31),
        _field(months, 1, 12, _MONTHS),
        None if weekdays == "?" else _field(weekdays, 1, 7, _DAYS),
        _field(years, 1970, 2199),
        zone,
    )


def _field(text: str, low: int, high: int, names: Sequence[str] = ()) -> frozenset[int]:
    values: set[int] = set()
    for part in text.split(","):
        span, _, step = part.partition("/")
        first, _, last = span.partition("-")
        begin = low if first == "*" else _number(first, names)
        end = high if first == "*" or (step and not last) else _number(last or first, names)
        if not low <= begin <= end <= high:
            raise ValueError(f"{part!r} is not within {low} and {high}")
        values.update(range(begin, end + 1, int(step or "1")))
    return frozenset(values)


def _number(text: str, names: Sequence[str]) -> int:
    if text.upper() in names:
        return names.index(text.upper()) + 1
    if not text.isdigit():
        raise ValueError(f"{text!r} is not understood (L, W and # are not supported by the local AWS)")
    return int(text)


def iso(moment: float) -> str:
    """A scheduled time in AWS's format."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
