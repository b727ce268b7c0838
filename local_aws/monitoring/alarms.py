"""Alarm evaluation: CloudWatch's rule for M out of N datapoints, and for missing data.

Source: CloudWatch User Guide, "Alarm evaluation" and "Configuring how CloudWatch alarms treat missing data" with its
two tables. Pure: datapoints in, a verdict out.
"""

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from local_aws.monitoring.store import Datapoint, Metric

OK, ALARM, INSUFFICIENT_DATA = "OK", "ALARM", "INSUFFICIENT_DATA"
STATES = (OK, ALARM, INSUFFICIENT_DATA)
TREATMENTS = ("missing", "ignore", "breaching", "notBreaching")
OPERATORS: dict[str, Callable[[float, float], bool]] = {
    "GreaterThanOrEqualToThreshold": operator.ge,
    "GreaterThanThreshold": operator.gt,
    "LessThanThreshold": operator.lt,
    "LessThanOrEqualToThreshold": operator.le,
}
EXTRA_PERIODS = 2
"""The number of periods before its EvaluationPeriods that an alarm evaluates.

An assumption: CloudWatch does not publish the evaluation range; it is 5 for 3 periods in every example of the guide.
"""


@dataclass(frozen=True, slots=True)
class Watch:
    """What an alarm evaluates: one statistic of one metric, period by period."""

    metric: Metric
    statistic: str
    period: int
    """Seconds."""
    unit: str | None
    operator: str
    threshold: float
    periods: int
    """N: EvaluationPeriods."""
    datapoints: int
    """M: DatapointsToAlarm, or N."""
    missing: str = "missing"

    @property
    def range(self) -> int:
        """How many of the most recent periods are retrieved: the evaluation range."""
        return self.periods + EXTRA_PERIODS

    def breaches(self, point: Datapoint) -> bool:
        return OPERATORS[self.operator](point.statistics.get(self.statistic), self.threshold)


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result of an evaluation. ``state`` None: the alarm keeps its state."""

    state: str | None
    filled: int = 0
    """The number of missing datapoints that were treated as the alarm's ``missing`` says."""


def judge(seen: Sequence[bool | None], periods: int, datapoints: int, missing: str) -> Verdict:
    """The verdict on the evaluation range ``seen``, oldest first: True breaches the threshold, None is missing.

    ``periods`` is N, ``datapoints`` M, ``missing`` one of :data:`TREATMENTS`.
    """
    real = [point for point in seen if point is not None]
    if len(real) >= periods:  # then missing datapoints do not matter
        return Verdict(ALARM if sum(real[-periods:]) >= datapoints else OK)
    filled = periods - len(real)
    breaching = sum(real) + (filled if missing == "breaching" else 0)
    if breaching >= datapoints:
        return Verdict(ALARM, filled)
    if missing in ("breaching", "notBreaching"):
        return Verdict(OK, filled)
    if not real:
        return Verdict(INSUFFICIENT_DATA if missing == "missing" else None, filled)
    if all(real):
        return _premature(seen, datapoints, missing, filled)
    return Verdict(OK, filled)


def _premature(seen: Sequence[bool | None], datapoints: int, missing: str, filled: int) -> Verdict:
    """All datapoints breach, but they are fewer than M ("Avoiding premature transitions to alarm state").

    ``ignore`` keeps the state (row 5 of both tables). ``missing`` goes to ALARM only if the oldest is at least M periods
    old; that the state is OK until then, and not the previous one, is an assumption.
    """
    if missing == "ignore":
        return Verdict(None, filled)
    age_of_oldest = len(seen) - next(n for n, point in enumerate(seen) if point is not None)
    return Verdict(ALARM if age_of_oldest >= datapoints else OK, filled)
