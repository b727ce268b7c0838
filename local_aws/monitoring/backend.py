"""The CloudWatch that replaces moto's: its own metric store, and alarms that evaluate on the local AWS's clock."""

import contextlib
import json
import threading
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from moto.cloudwatch.exceptions import InvalidFormat, ResourceNotFound, ValidationError
from moto.cloudwatch.models import Alarm, CloudWatchBackend, Dashboard, Dimension, MetricDatumBase

from local_aws.monitoring import dashboards, history, warmup
from local_aws.monitoring.actions import act
from local_aws.monitoring.alarms import ALARM, INSUFFICIENT_DATA, OK, STATES, judge
from local_aws.monitoring.minutes import Minutes
from local_aws.monitoring.queries import data, statistics
from local_aws.monitoring.reasons import reason, reason_data
from local_aws.monitoring.settings import check, watch_of
from local_aws.monitoring.shapes import Change, State, event_detail
from local_aws.monitoring.store import HIGH, STANDARD, Metric, Statistics, Store
from local_aws.services import clock, events


class LocalCloudWatchBackend(CloudWatchBackend):
    """moto's, with its own metric store. ``evaluate`` runs once per minute of the local AWS's time (see ``minutes``)."""

    def __init__(self, region_name: str, account_id: str) -> None:
        super().__init__(region_name, account_id)
        self.store = Store()
        self.history: list[history.Item] = []
        self.lock = threading.RLock()
        self.minutes = Minutes(self.evaluate, lambda: bool(self.alarms))

    # Metrics.

    def put_metric_data(self, namespace: str, metric_data: list[dict[str, Any]]) -> None:
        for number, datum in enumerate(metric_data, 1):
            self._validate_parameters_put_metric_data(datum, number)
        for datum in metric_data:
            metric = Metric.of(namespace, datum["MetricName"], _pairs(datum.get("Dimensions")))
            resolution = HIGH if int(datum.get("StorageResolution") or STANDARD) == HIGH else STANDARD
            for values in _values(datum):
                self.store.add(
                    metric, _seconds(datum.get("Timestamp")), values, datum.get("Unit") or "None", resolution
                )

    def get_all_metrics(self) -> list[MetricDatumBase]:
        """One entry per metric, for ListMetrics."""
        ours = [
            MetricDatumBase(
                metric.namespace, metric.name, [{"Name": n, "Value": v} for n, v in metric.dimensions], None
            )
            for metric in self.store.metrics()
        ]
        return [*ours, *self.aws_metric_data]

    def get_filtered_metrics(
        self, metric_name: str, namespace: str, dimensions: list[dict[str, str]]
    ) -> list[MetricDatumBase]:
        return [m for m in self.get_all_metrics() if m.filter(namespace, metric_name, dimensions)]

    def get_metric_statistics(
        self,
        namespace: str,
        metric_name: str,
        start_time: datetime,
        end_time: datetime,
        period: int,
        stats: list[str],
        dimensions: list[dict[str, str]],
        unit: str | None = None,
    ) -> Any:
        metric = Metric.of(namespace, metric_name, _pairs(dimensions))
        return statistics(self.store, metric, start_time, end_time, period, stats, unit)

    def get_metric_data(
        self,
        queries: list[dict[str, Any]],
        start_time: datetime,
        end_time: datetime,
        scan_by: str = "TimestampAscending",
    ) -> list[dict[str, Any]]:
        return data(self.store, queries, start_time, end_time, scan_by)

    # Alarms.

    def put_metric_alarm(self, *args: Any, **wanted: Any) -> Alarm:
        check(wanted)
        now = clock().time()
        with self.lock:
            before: Any = self.alarms.get(wanted["name"])
            if before is not None:
                wanted["tags"] = None  # an update ignores tags (API Reference, PutMetricAlarm)
            alarm: Any = super().put_metric_alarm(*args, **wanted)
            alarm.configured_at = now
            alarm.warm_up = warmup.WarmUp(now) if before is None else before.warm_up
            alarm.configuration_updated_timestamp = _datetime(now)
            state = State(INSUFFICIENT_DATA, "Unchecked: Initial alarm creation", None, now)
            _put(alarm, state if before is None else before.current)
            self.history.append(history.configured(alarm.name, now, "created" if before is None else "updated"))
            self.minutes.arm()
        return alarm

    @contextlib.contextmanager
    def warming_up(self, name: str, configuration: Mapping[str, Any] | None) -> Iterator[None]:
        """An alarm that is put inside the block gets this warm-up, for which moto's put_metric_alarm has no parameter."""
        with self.lock:
            before: Any = self.alarms.get(name)
            warm_up = warmup.read(configuration, clock().time() if before is None else before.warm_up.since)
            yield
            alarm: Any = self.alarms[name]
            alarm.warm_up, alarm.warm_up_configuration = warm_up, configuration

    def delete_alarms(self, alarm_names: list[str]) -> None:
        with self.lock:
            for name in alarm_names:
                if name in self.alarms:
                    self.history.append(history.configured(name, clock().time(), "deleted"))
            super().delete_alarms(alarm_names)

    def set_alarm_state(self, alarm_name: str, reason: str, reason_data: str | None, state_value: str) -> None:
        with self.lock:
            if reason_data is not None and not _is_json(reason_data):
                raise InvalidFormat("StateReasonData is not JSON")
            if alarm_name not in self.alarms:
                raise ResourceNotFound(f"There is no alarm {alarm_name}")
            if state_value not in STATES:
                raise ValidationError(f"StateValue is {state_value!r}; allowed are {', '.join(STATES)}")
            alarm: Any = self.alarms[alarm_name]
        self._enter(alarm, State(state_value, reason, reason_data, clock().time()))

    def evaluate(self, end: int) -> None:
        """Evaluate every alarm on the periods that ended at ``end`` (seconds since the epoch) or before."""
        with self.lock:
            alarms = sorted(self.alarms.values(), key=lambda alarm: alarm.name)
        for alarm in alarms:
            self._evaluate(alarm, end)

    def _evaluate(self, alarm: Any, end: int) -> None:
        watch = watch_of(alarm)
        # The evaluation range ends with the last minute, whatever the period: it slides from minute to minute.
        begin = end - watch.range * watch.period
        found = {p.start: p for p in self.store.datapoints(watch.metric, begin, end, watch.period, watch.unit)}
        starts = range(begin, end, watch.period)
        seen = [watch.breaches(found[start]) if start in found else None for start in starts]
        if alarm.warm_up.holds(clock().time(), len(found), watch.periods):
            return
        verdict = judge(seen, watch.periods, watch.datapoints, watch.missing)
        if verdict.state is None or verdict.state == alarm.current.value:
            return
        points = tuple(found.values())[-watch.periods :]
        now = clock().time()
        why = reason(watch, verdict, points, counted=alarm.datapoints_to_alarm is not None)
        self._enter(alarm, State(verdict.state, why, reason_data(watch, points, now, end), now))

    def _enter(self, alarm: Any, state: State) -> None:
        """Set the state; on a change, publish an event and execute the actions."""
        with self.lock:
            held: Any = self.alarms.get(alarm.name)
            if held is not alarm:
                return  # deleted or replaced during the evaluation
            change = Change(alarm, alarm.current, state)
            _put(alarm, state)
            if change.before.value == state.value:
                return
            self.history.append(history.changed(change))
        events().publish("aws.cloudwatch", "CloudWatch Alarm State Change", [alarm.alarm_arn], event_detail(change))
        if alarm.actions_enabled:
            for arn in _actions(alarm)[state.value]:
                self._act(change, arn)

    def _act(self, change: Change, arn: str) -> None:
        failed = None
        try:
            act(change, arn)
        except Exception as error:
            failed = str(getattr(error, "message", None) or error)
        with self.lock:
            self.history.append(history.acted(change, arn, failed))

    # Dashboards.

    def put_dashboard(self, name: str, body: str) -> Dashboard:
        dashboards.check(name, body)
        return super().put_dashboard(name, body)


def _put(alarm: Any, state: State) -> None:
    """Write a state to the attributes that DescribeAlarms reads."""
    transitioned = getattr(alarm, "current", state)
    moved = transitioned.value != state.value or not hasattr(alarm, "state_transitioned_timestamp")
    alarm.current = state
    alarm.state_value, alarm.state_reason, alarm.state_reason_data = state.value, state.reason, state.data
    alarm.state_updated_timestamp = _datetime(state.at)
    if moved:
        alarm.state_transitioned_timestamp = _datetime(state.at)


def _actions(alarm: Alarm) -> Mapping[str, Iterable[str]]:
    return {OK: alarm.ok_actions, ALARM: alarm.alarm_actions, INSUFFICIENT_DATA: alarm.insufficient_data_actions}


def _pairs(dimensions: Iterable[Mapping[str, str] | Dimension] | None) -> list[tuple[str, str]]:
    return [
        (str(d.name), str(d.value)) if isinstance(d, Dimension) else (d["Name"], d["Value"]) for d in dimensions or ()
    ]


def _values(datum: Mapping[str, Any]) -> list[Statistics]:
    if datum.get("Values"):
        counts = datum.get("Counts") or [1.0] * len(datum["Values"])
        pairs = zip(datum["Values"], counts, strict=True)
        return [Statistics.one(float(value), float(count)) for value, count in pairs if float(count) > 0]
    if datum.get("StatisticValues"):
        given = datum["StatisticValues"]
        names = ("SampleCount", "Sum", "Minimum", "Maximum")
        return [Statistics(*(float(given[name]) for name in names))] if float(given["SampleCount"]) > 0 else []
    return [Statistics.one(float(datum.get("Value", 0)))]


def _seconds(moment: datetime | None) -> float:
    if moment is None:
        return clock().time()
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _datetime(seconds: float) -> datetime:
    """Moto's form of times: naive UTC."""
    return datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None)


def _is_json(text: str) -> bool:
    with contextlib.suppress(ValueError):
        json.loads(text)
        return True
    return False
