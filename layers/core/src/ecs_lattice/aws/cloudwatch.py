"""The adapter to CloudWatch alarms: pages, batches, and CloudWatch's shapes as frozen values."""

from collections.abc import Mapping, Sequence
from itertools import batched
from typing import TYPE_CHECKING, Any

from ecs_lattice import ownership
from ecs_lattice.aws.clients import translating
from ecs_lattice.errors import NotFoundError
from ecs_lattice.health.alarms import Alarm

if TYPE_CHECKING:
    from types_boto3_cloudwatch import CloudWatchClient
    from types_boto3_cloudwatch.type_defs import MetricAlarmTypeDef

_BATCH = 100  # alarms; CloudWatch API, DescribeAlarms and DeleteAlarms
_ACTIONS = ("OKActions", "AlarmActions", "InsufficientDataActions")
_OTHER = ("ExtendedStatistic", "Unit", "Metrics", "ThresholdMetricId", "EvaluateLowSampleCountPercentile")
"""Members that none of our alarms has; CloudWatch omits those that are not set."""


class BotoAlarms:
    """:class:`ecs_lattice.health.ports.Alarms` over a boto3 client, for the alarms of stack ``owner``."""

    def __init__(self, client: "CloudWatchClient", owner: str) -> None:
        self._client = translating(client)
        self._owner = owner

    def with_prefix(self, prefix: str) -> tuple[Alarm, ...]:
        pages = self._client.get_paginator("describe_alarms").paginate(
            AlarmNamePrefix=prefix, AlarmTypes=["MetricAlarm"], PaginationConfig={"PageSize": _BATCH}
        )
        return tuple(_alarm(found) for page in pages for found in page.get("MetricAlarms", []))

    def put(self, alarm: Alarm) -> None:
        self._client.put_metric_alarm(
            AlarmName=alarm.name,
            AlarmDescription=alarm.description,
            Namespace=alarm.namespace,
            MetricName=alarm.metric,
            Dimensions=[{"Name": name, "Value": value} for name, value in alarm.dimensions],
            Statistic="Maximum",
            Period=alarm.period,
            EvaluationPeriods=alarm.evaluation_periods,
            DatapointsToAlarm=alarm.datapoints_to_alarm,
            Threshold=alarm.threshold,
            ComparisonOperator="GreaterThanOrEqualToThreshold",
            TreatMissingData=alarm.missing_data,
            Tags=[
                {"Key": ownership.OWNER, "Value": self._owner}
            ],  # applied when the alarm is created, ignored after that
        )

    def delete(self, names: Sequence[str]) -> None:
        for part in batched(names, _BATCH, strict=False):
            try:
                self._client.delete_alarms(AlarmNames=list(part))
            except NotFoundError:
                continue  # one of them has been deleted meanwhile; the next run deletes the rest


def _alarm(found: "MetricAlarmTypeDef") -> Alarm:
    members: Mapping[str, Any] = found
    return Alarm(
        name=members["AlarmName"],
        description=members.get("AlarmDescription", ""),
        dimensions=tuple(
            sorted((dimension["Name"], dimension["Value"]) for dimension in members.get("Dimensions", []))
        ),
        datapoints_to_alarm=members.get("DatapointsToAlarm", members.get("EvaluationPeriods", 0)),
        evaluation_periods=members.get("EvaluationPeriods", 0),
        namespace=members.get("Namespace", ""),
        metric=members.get("MetricName", ""),
        statistic=members.get("Statistic", ""),
        period=members.get("Period", 0),
        threshold=members.get("Threshold", 0.0),
        comparison=members.get("ComparisonOperator", ""),
        missing_data=members.get("TreatMissingData", "missing"),
        has_actions=any(members.get(name) for name in _ACTIONS),
        other=", ".join(name for name in _OTHER if members.get(name)),
        state=members.get("StateValue", ""),
    )
