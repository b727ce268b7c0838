"""Warm-up periods of alarms: how long a new alarm is not evaluated.

Source: CloudWatch User Guide, "Alarm warm-up periods"; API Reference, WarmUpConfiguration. That an update does not restart the
period is an assumption: the guide says so only for updates after its end.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from moto.cloudwatch.exceptions import ValidationError

_MOST_MINUTES = 2880


@dataclass(frozen=True, slots=True)
class WarmUp:
    """``minutes`` from ``since`` (seconds since the epoch); ``is_whole``: the period lasts regardless of data."""

    since: float
    minutes: int = 0
    is_whole: bool = False

    def holds(self, now: float, datapoints: int, periods: int) -> bool:
        """Whether the alarm is not evaluated yet, with ``datapoints`` of its ``periods``."""
        return now < self.since + self.minutes * 60 and (self.is_whole or datapoints < periods)


def read(given: Mapping[str, Any] | None, since: float) -> WarmUp:
    """PutMetricAlarm's WarmUpConfiguration; ValidationError if it is invalid."""
    if given is None:
        return WarmUp(since)
    minutes = given.get("WarmUpPeriodDurationInMinutes")
    if minutes is None or not 1 <= int(minutes) <= _MOST_MINUTES:
        raise ValidationError(f"WarmUpPeriodDurationInMinutes is {minutes}; it must be from 1 to {_MOST_MINUTES}")
    return WarmUp(since, int(minutes), str(given.get("OnlyStartEvaluatingAfterWarmUpPeriodEnds")).lower() == "true")
