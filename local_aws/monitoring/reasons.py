"""The texts of a state change: StateReason, and StateReasonData as JSON.

The formats are those of the CloudWatch User Guide's sample events ("Alarm events and EventBridge", "Invoke a Lambda function
from an alarm") and of published notifications.
"""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from local_aws.monitoring.alarms import ALARM, INSUFFICIENT_DATA, Verdict, Watch
from local_aws.monitoring.store import Datapoint

_WORDS = {
    "GreaterThanOrEqualToThreshold": "greater than or equal to",
    "GreaterThanThreshold": "greater than",
    "LessThanThreshold": "less than",
    "LessThanOrEqualToThreshold": "less than or equal to",
}
_TREATED = {"breaching": "Breaching", "notBreaching": "NonBreaching"}
_LISTED = 5
"""From this number of crossing datapoints on, the reason lists the most recent ones in a separate sentence."""


def stamp(moment: float) -> str:
    """A time in the format of alarms: milliseconds and ``+0000``, not ``Z``."""
    at = datetime.fromtimestamp(moment, UTC)
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}+0000"


def reason(watch: Watch, verdict: Verdict, points: Sequence[Datapoint], *, counted: bool) -> str:
    """The reason of the new state; ``points`` are the evaluated datapoints, oldest first.

    ``counted``: the alarm has DatapointsToAlarm, which the text then mentions.
    """
    if verdict.state == INSUFFICIENT_DATA:
        unknown = _some(watch.periods, "datapoint")
        return f"Insufficient Data: {unknown} {_were(watch.periods)} unknown."
    if not points:
        periods = _some(watch.periods, "period")
        return f"Threshold Crossed: no datapoints were received for {periods} and {_missing(watch, verdict.filled)}."
    alarming = verdict.state == ALARM
    crossing = [point for point in points if watch.breaches(point) == alarming]
    text = f"Threshold Crossed: {_crossing(watch, crossing, alarming=alarming, counted=counted)}"
    if verdict.filled and watch.missing in _TREATED:
        text += f" and {_missing(watch, verdict.filled)}"
    if len(crossing) >= _LISTED:
        text += f". The most recent datapoints which crossed the threshold: {_list(watch, crossing[-_LISTED:])}"
    return text + (f" ({_minimum(watch, alarming=alarming)})." if counted else ".")


def reason_data(watch: Watch, points: Sequence[Datapoint], now: float, end: int) -> str:
    """StateReasonData: the query and its datapoints. ``end`` is the end of the evaluation range."""
    first = min([point.start for point in points], default=None)
    data: dict[str, Any] = {"version": "1.0", "queryDate": stamp(now)}
    if first is not None:
        data["startDate"] = stamp(first)
    if watch.unit is not None:
        data["unit"] = watch.unit
    data |= {
        "statistic": watch.statistic,
        "period": watch.period,
        "recentDatapoints": [point.statistics.get(watch.statistic) for point in points],
        "threshold": watch.threshold,
        "evaluatedDatapoints": [_evaluated(watch, point) for point in reversed(points)]
        or [{"timestamp": stamp(end - (n + 1) * watch.period)} for n in range(watch.periods)],
    }
    return json.dumps(data, separators=(",", ":"))


def _evaluated(watch: Watch, point: Datapoint) -> dict[str, Any]:
    statistics = point.statistics
    return {
        "timestamp": stamp(point.start),
        "sampleCount": statistics.count,
        "value": statistics.get(watch.statistic),
    }


def _crossing(watch: Watch, crossing: Sequence[Datapoint], *, alarming: bool, counted: bool) -> str:
    number = len(crossing)
    who = f"{number} out of the last {watch.periods} datapoints" if counted else _some(number, "datapoint")
    listed = f" {_list(watch, crossing)}" if 0 < number < _LISTED else ""
    compared = f"{_were(number)} {'' if alarming else 'not '}{_WORDS[watch.operator]} the threshold"
    return f"{who}{listed} {compared} ({watch.threshold})"


def _list(watch: Watch, points: Sequence[Datapoint]) -> str:
    """Values with their times, the most recent first."""
    return f"[{', '.join(_point(watch, point) for point in reversed(points))}]"


def _point(watch: Watch, point: Datapoint) -> str:
    at = datetime.fromtimestamp(point.start, UTC)
    return f"{point.statistics.get(watch.statistic)} ({at:%d/%m/%y %H:%M:%S})"


def _missing(watch: Watch, filled: int) -> str:
    treated = _TREATED.get(watch.missing, "Missing")
    return f"{_some(filled, 'missing datapoint')} {_were(filled)} treated as [{treated}]"


def _minimum(watch: Watch, *, alarming: bool) -> str:
    number = watch.datapoints if alarming else watch.periods - watch.datapoints + 1
    return f"minimum {_some(number, 'datapoint')} for {'OK -> ALARM' if alarming else 'ALARM -> OK'} transition"


def _some(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _were(number: int) -> str:
    return "was" if number == 1 else "were"
