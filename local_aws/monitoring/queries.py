"""GetMetricStatistics and GetMetricData over the store: aligned to whole minutes, one metric at a time."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from moto.cloudwatch.exceptions import InvalidParameterCombination, InvalidParameterValue, ValidationError

from local_aws.monitoring.store import STATISTICS, Metric, Store


def statistics(
    store: Store, metric: Metric, begin: datetime, end: datetime, period: int, names: Sequence[str], unit: str | None
) -> list[dict[str, Any]]:
    """The Datapoints of GetMetricStatistics, oldest first."""
    unknown = [name for name in names if name not in STATISTICS]
    if unknown or not names:
        raise InvalidParameterCombination(
            f"The local AWS supports the statistics {', '.join(STATISTICS)}; not {unknown}"
        )
    start, stop = _window(begin, end)
    return [
        {"Timestamp": _datetime(point.start), "Unit": point.unit} | {name: point.statistics.get(name) for name in names}
        for point in store.datapoints(metric, start, stop, period, unit)
    ]


def data(
    store: Store, queries: Iterable[Mapping[str, Any]], begin: datetime, end: datetime, scan_by: str
) -> list[dict[str, Any]]:
    """The MetricDataResults of GetMetricData. ValidationError for expressions, which the local AWS does not support."""
    start, stop = _window(begin, end)
    results = []
    for query in queries:
        if "Expression" in query:
            raise ValidationError(
                f"The local AWS does not support expressions: {query['Expression']!r}; use MetricStat"
            )
        stat = query["MetricStat"]
        if stat["Stat"] not in STATISTICS:
            raise ValidationError(f"The local AWS supports the statistics {', '.join(STATISTICS)}; not {stat['Stat']}")
        if query.get("ReturnData", True) is False:
            continue
        metric = Metric.of(
            stat["Metric"]["Namespace"],
            stat["Metric"]["MetricName"],
            [(d["Name"], d["Value"]) for d in stat["Metric"].get("Dimensions") or ()],
        )
        points = store.datapoints(metric, start, stop, int(stat["Period"]), stat.get("Unit"))
        ordered = points if scan_by == "TimestampAscending" else points[::-1]
        results.append(
            {
                "id": query["Id"],
                "label": query.get("Label") or metric.name,
                "values": [point.statistics.get(stat["Stat"]) for point in ordered],
                "timestamps": [_datetime(point.start) for point in ordered],
                "status_code": "Complete",
            }
        )
    return results


def _window(begin: datetime, end: datetime) -> tuple[int, int]:
    start, stop = int(_seconds(begin)) // 60 * 60, int(_seconds(end))
    if start >= stop:
        raise InvalidParameterValue("The parameter StartTime must be less than the parameter EndTime.")
    return start, stop


def _seconds(moment: datetime) -> float:
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _datetime(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None)
