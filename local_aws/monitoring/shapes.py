"""The notifications of a state change: the EventBridge event's detail, the payloads of actions.

Sources: CloudWatch User Guide, "Alarm events and EventBridge" (dimensions as a map) and "Invoke a Lambda function from
an alarm"; the JSON for SNS topics follows published notifications (dimensions as a list, the Region's name).
"""

import json
import uuid
from dataclasses import dataclass
from typing import Any

from moto.cloudwatch.models import Alarm, MetricStat

from local_aws.eventbus import ACCOUNT, REGION
from local_aws.monitoring.reasons import stamp
from local_aws.monitoring.settings import is_returned

REGION_NAME = "US East (N. Virginia)"
"""The Region's name in botocore's endpoints."""
_SUBJECT = 100
"""Characters (Amazon SNS API Reference, Publish)."""


@dataclass(frozen=True, slots=True)
class State:
    """One state of an alarm; ``at`` in seconds since the epoch. States set manually or at creation have no data."""

    value: str
    reason: str
    data: str | None
    at: float


@dataclass(frozen=True, slots=True)
class Change:
    """From one state to another."""

    alarm: Alarm
    before: State
    after: State


def event_detail(change: Change) -> dict[str, Any]:
    """The detail of ``CloudWatch Alarm State Change``."""
    return {
        "alarmName": change.alarm.name,
        "state": _state(change.after),
        "previousState": _state(change.before),
        "configuration": configuration(change.alarm),
    }


def lambda_payload(change: Change) -> str:
    """The payload of a function that is an alarm's action."""
    payload = {
        "source": "aws.cloudwatch",
        "alarmArn": change.alarm.alarm_arn,
        "accountId": ACCOUNT,
        "time": stamp(change.after.at),
        "region": REGION,
        "alarmData": event_detail(change),
    }
    return json.dumps(payload, separators=(",", ":"))


def subject(change: Change) -> str:
    """The subject of the notification, with long names truncated."""
    before, behind = f'{change.after.value}: "', f'" in {REGION_NAME}'
    room = _SUBJECT - len(before) - len(behind)
    name = change.alarm.name
    return before + (name if len(name) <= room else f"{name[: room - 3]}...") + behind


def notification(change: Change) -> str:
    """The message for a topic, as JSON."""
    alarm = change.alarm
    message = {
        "AlarmName": alarm.name,
        "AlarmDescription": alarm.description,
        "AWSAccountId": ACCOUNT,
        "AlarmConfigurationUpdatedTimestamp": stamp(_seconds(alarm)),
        "NewStateValue": change.after.value,
        "NewStateReason": change.after.reason,
        "StateChangeTime": stamp(change.after.at),
        "Region": REGION_NAME,
        "AlarmArn": alarm.alarm_arn,
        "OldStateValue": change.before.value,
        "OKActions": alarm.ok_actions,
        "AlarmActions": alarm.alarm_actions,
        "InsufficientDataActions": alarm.insufficient_data_actions,
        "Trigger": _trigger(alarm),
    }
    return json.dumps(message, separators=(",", ":"))


def configuration(alarm: Alarm) -> dict[str, Any]:
    """An alarm's description and metrics in the form of events."""
    described = {"description": alarm.description} if alarm.description else {}
    return {**described, "metrics": _metrics(alarm)}


def _state(state: State) -> dict[str, str]:
    data = {"reasonData": state.data} if state.data is not None else {}
    return {"value": state.value, "reason": state.reason, **data, "timestamp": stamp(state.at)}


def _metrics(alarm: Alarm) -> list[dict[str, Any]]:
    if alarm.metric_data_queries:
        return [
            {
                "id": query.id,
                **({"label": query.label} if query.label else {}),
                "metricStat": _metric_stat(query.metric_stat),
                "returnData": is_returned(query),
            }
            for query in alarm.metric_data_queries
            if query.metric_stat is not None
        ]
    metric = {
        "namespace": alarm.namespace,
        "name": alarm.metric_name,
        "dimensions": {d.name: d.value for d in alarm.dimensions},
    }
    stat = {"metric": metric, "period": alarm.period, "stat": alarm.statistic}
    if alarm.unit:
        stat["unit"] = alarm.unit
    # AWS generates an id for the metric, which is stable between events.
    return [{"id": str(uuid.uuid5(uuid.NAMESPACE_URL, alarm.alarm_arn)), "metricStat": stat, "returnData": True}]


def _metric_stat(stat: MetricStat) -> dict[str, Any]:
    metric = {
        "namespace": stat.metric.namespace,
        "name": stat.metric.metric_name,
        "dimensions": {d.name: d.value for d in stat.metric.dimensions},
    }
    unit = {"unit": stat.unit} if stat.unit else {}
    return {"metric": metric, "period": int(stat.period), "stat": stat.stat, **unit}


def _trigger(alarm: Alarm) -> dict[str, Any]:
    counted = {"DatapointsToAlarm": alarm.datapoints_to_alarm} if alarm.datapoints_to_alarm else {}
    compared = {
        "EvaluationPeriods": alarm.evaluation_periods,
        **counted,
        "ComparisonOperator": alarm.comparison_operator,
        "Threshold": alarm.threshold,
        "TreatMissingData": alarm.treat_missing_data or "missing",
        "EvaluateLowSampleCountPercentile": alarm.evaluate_low_sample_count_percentile or "",
    }
    if alarm.metric_data_queries:
        stats = [query.metric_stat for query in alarm.metric_data_queries if query.metric_stat is not None]
        return {"Period": int(stats[0].period), **compared, "Metrics": [_query(q) for q in alarm.metric_data_queries]}
    return {
        "MetricName": alarm.metric_name,
        "Namespace": alarm.namespace,
        "StatisticType": "Statistic",
        "Statistic": alarm.statistic.upper(),
        "Unit": alarm.unit,
        "Dimensions": [{"value": d.value, "name": d.name} for d in alarm.dimensions],
        "Period": alarm.period,
        **compared,
    }


def _query(query: Any) -> dict[str, Any]:
    metric = query.metric_stat.metric
    stat = {
        "Metric": {
            "Dimensions": [{"value": d.value, "name": d.name} for d in metric.dimensions],
            "MetricName": metric.metric_name,
            "Namespace": metric.namespace,
        },
        "Period": int(query.metric_stat.period),
        "Stat": query.metric_stat.stat,
    }
    label = {"Label": query.label} if query.label else {}
    return {"Id": query.id, **label, "MetricStat": stat, "ReturnData": is_returned(query)}


def _seconds(alarm: Any) -> float:
    updated: float = alarm.configured_at
    return updated
