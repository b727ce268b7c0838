"""Settings of alarms (decision 36): PutMetricAlarm's constraints, and the alarm as a value for the evaluation.

Constraints: botocore's service model of CloudWatch and the API Reference, PutMetricAlarm. What the local
AWS does not support (expressions, percentiles, anomaly bands, composite alarms) is rejected by name, never ignored.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from moto.cloudwatch.exceptions import InvalidParameterCombination, ValidationError
from moto.cloudwatch.models import Alarm

from local_aws.monitoring.alarms import OPERATORS, TREATMENTS, Watch
from local_aws.monitoring.store import STATISTICS, Metric

_DAY, _HOUR = 86400, 3600
_ACTIONS = (":sns:", ":lambda:")
_MOST_ACTIONS, _MOST_DIMENSIONS = 5, 30


def check(wanted: Mapping[str, Any]) -> None:
    """Raise ValidationError or InvalidParameterCombination for invalid settings of an alarm (with moto's names)."""
    for problem in _problems(wanted):
        raise problem


def is_returned(query: Any) -> bool:
    """Whether an entry of Metrics is the evaluated one; ReturnData is true by default."""
    return query.return_data is not False


def watch_of(alarm: Alarm) -> Watch:
    """What a valid alarm evaluates."""
    n = int(alarm.evaluation_periods)
    shared = (
        alarm.comparison_operator,
        float(alarm.threshold),
        n,
        int(alarm.datapoints_to_alarm or n),
        alarm.treat_missing_data or "missing",
    )
    returned = [query for query in alarm.metric_data_queries if is_returned(query)]
    if not returned:
        dimensions = [(str(d.name), str(d.value)) for d in alarm.dimensions]
        metric = Metric.of(alarm.namespace, alarm.metric_name, dimensions)
        return Watch(metric, alarm.statistic, int(alarm.period), alarm.unit, *shared)
    stat: Any = returned[0].metric_stat
    dimensions = [(str(d.name), str(d.value)) for d in stat.metric.dimensions]
    metric = Metric.of(stat.metric.namespace, stat.metric.metric_name, dimensions)
    return Watch(metric, stat.stat, int(stat.period), stat.unit, *shared)


def _problems(wanted: Mapping[str, Any]) -> Iterator[Exception]:
    yield from _unsupported(wanted)
    yield from _metric_problems(wanted)
    n, m = wanted.get("evaluation_periods"), wanted.get("datapoints_to_alarm")
    if n is None or n < 1:
        yield ValidationError("EvaluationPeriods is needed, a whole number of at least 1")
    elif m is not None and not 1 <= m <= n:
        yield ValidationError(f"DatapointsToAlarm is {m}; it must be from 1 to EvaluationPeriods ({n})")
    if wanted.get("comparison_operator") not in OPERATORS:
        allowed = ", ".join(OPERATORS)
        yield ValidationError(f"ComparisonOperator is {wanted.get('comparison_operator')!r}; allowed are {allowed}")
    if wanted.get("threshold") is None:
        yield ValidationError("Threshold is needed for an alarm with a static threshold")
    if wanted.get("treat_missing_data") not in (None, *TREATMENTS):
        allowed = ", ".join(TREATMENTS)
        yield ValidationError(f"TreatMissingData is {wanted['treat_missing_data']!r}; allowed are {allowed}")
    for stat_period in _periods(wanted):
        yield from _period_problems(stat_period, n or 1)


def _unsupported(wanted: Mapping[str, Any]) -> Iterator[Exception]:
    lacks: dict[str, Callable[[], Any]] = {
        "composite alarms": lambda: wanted.get("rule"),
        "percentiles (ExtendedStatistic)": lambda: wanted.get("extended_statistic"),
        "anomaly detection (ThresholdMetricId)": lambda: wanted.get("threshold_metric_id"),
        "metric math (Metrics with an Expression)": lambda: any(
            query.expression for query in wanted.get("metric_data_queries") or ()
        ),
    }
    for what, asked in lacks.items():
        if asked():
            yield ValidationError(f"The local AWS does not support {what}; use one metric's statistic instead")
    for kind in ("alarm_actions", "ok_actions", "insufficient_data_actions"):
        actions = wanted.get(kind) or ()
        if len(actions) > _MOST_ACTIONS:
            yield ValidationError(f"An alarm has at most {_MOST_ACTIONS} actions for a state, not {len(actions)}")
        for arn in actions:
            if not any(service in arn for service in _ACTIONS):
                yield ValidationError(f"Invalid arn: {arn}. The local AWS acts through SNS topics and Lambda functions")


def _metric_problems(wanted: Mapping[str, Any]) -> Iterator[Exception]:
    queries = wanted.get("metric_data_queries") or ()
    single = [wanted.get(name) for name in ("metric_name", "namespace", "statistic", "period")]
    if queries and any(single):
        yield InvalidParameterCombination(
            "Metrics and MetricName, Namespace, Statistic or Period are mutually exclusive"
        )
    elif queries:
        if any(query.metric_stat is None for query in queries):
            yield ValidationError("Every entry of Metrics needs a MetricStat")
        if len([query for query in queries if is_returned(query)]) != 1:
            yield ValidationError(
                "Exactly one entry of Metrics must have ReturnData true: it is what the alarm watches"
            )
    elif not all(single):
        yield ValidationError("MetricName, Namespace, Statistic and Period are needed, or Metrics instead of them")
    for statistic in [wanted.get("statistic"), *(q.metric_stat.stat for q in queries if q.metric_stat)]:
        if statistic is not None and statistic not in STATISTICS:
            yield ValidationError(f"Statistic is {statistic!r}; the local AWS supports {', '.join(STATISTICS)}")
    if len(wanted.get("dimensions") or ()) > _MOST_DIMENSIONS:
        yield ValidationError(f"A metric has at most {_MOST_DIMENSIONS} dimensions")


def _periods(wanted: Mapping[str, Any]) -> list[int]:
    stats = [query.metric_stat for query in wanted.get("metric_data_queries") or () if query.metric_stat]
    single = [wanted["period"]] if wanted.get("period") else []
    return [int(period) for period in (*single, *(stat.period for stat in stats))]


def _period_problems(period: int, evaluation_periods: int) -> Iterator[Exception]:
    if period not in (10, 20, 30) and (period < 60 or period % 60):
        yield ValidationError(f"Period is {period}; valid are 10, 20, 30 and any multiple of 60 seconds")
    longest = _DAY if period < _HOUR else 7 * _DAY
    if period * evaluation_periods > longest:
        yield ValidationError(f"Period times EvaluationPeriods must not exceed {longest} seconds for this period")
