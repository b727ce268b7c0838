"""CloudWatch's API where moto's is incomplete: pagination, alarm history, rejection of unsupported settings."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from moto.cloudwatch.exceptions import CloudWatchException, InvalidParameterCombination, ValidationError
from moto.cloudwatch.models import Alarm
from moto.cloudwatch.responses import CloudWatchResponse
from moto.core.responses import ActionResult

from local_aws.monitoring.backend import LocalCloudWatchBackend
from local_aws.monitoring.history import Item

_PAGE = 100
"""The maximum and the default of MaxRecords (botocore's model; the default is an assumption)."""
_NOT_EVALUATED = (
    "ActionConfiguration", "EvaluationCriteria", "EvaluationInterval", "EvaluationWindow",
)  # fmt: skip


class InvalidNextTokenError(CloudWatchException):
    code = "InvalidNextToken"


class LocalCloudWatchResponse(CloudWatchResponse):
    """moto's; the backend does the work."""

    @property
    def _backend(self) -> LocalCloudWatchBackend:
        backend: Any = self.cloudwatch_backend
        return backend

    def put_metric_alarm(self) -> ActionResult:
        given = [name for name in _NOT_EVALUATED if self._get_param(name) is not None]
        if given:
            raise ValidationError(f"The local AWS does not support {', '.join(given)}; omit it")
        with self._backend.warming_up(self._get_param("AlarmName"), self._get_param("WarmUpConfiguration")):
            return super().put_metric_alarm()

    def describe_alarms(self) -> ActionResult:
        names, prefix = self._get_param("AlarmNames"), self._get_param("AlarmNamePrefix")
        if names and prefix:
            raise InvalidParameterCombination("AlarmNames and AlarmNamePrefix are mutually exclusive")
        state, action = self._get_param("StateValue"), self._get_param("ActionPrefix")
        types = self._get_param("AlarmTypes") or ["MetricAlarm"]

        def wanted(alarm: Alarm) -> bool:
            actions = (*alarm.alarm_actions, *alarm.ok_actions, *alarm.insufficient_data_actions)
            return (
                (not names or alarm.name in names)
                and (not prefix or alarm.name.startswith(prefix))
                and (not state or alarm.state_value == state)
                and (not action or any(arn.startswith(action) for arn in actions))
            )

        with self._backend.lock:
            found = [alarm for alarm in self._backend.alarms.values() if wanted(alarm)]
        chosen = sorted(found, key=lambda alarm: alarm.name) if "MetricAlarm" in types else []
        page, token = self._page(chosen, lambda alarm: alarm.name)
        return ActionResult({"MetricAlarms": page, "CompositeAlarms": [], "LogAlarms": [], "NextToken": token})

    def describe_alarm_history(self) -> ActionResult:
        name, kind = self._get_param("AlarmName"), self._get_param("HistoryItemType")
        start, end = self._get_param("StartDate"), self._get_param("EndDate")
        with self._backend.lock:
            numbered = list(enumerate(self._backend.history))
        chosen = [
            (number, item)
            for number, item in numbered
            if item.alarm_name == (name or item.alarm_name)
            and item.type == (kind or item.type)
            and (start is None or item.at >= _seconds(start))
            and (end is None or item.at <= _seconds(end))
        ]
        if self._get_param("ScanBy") != "TimestampAscending":
            # Numbers grow with time, so newest first means negated numbers.
            chosen = [(-number, item) for number, item in reversed(chosen)]
        page, token = self._page(chosen, lambda entry: f"{entry[0] + 10**9:010d}")
        return ActionResult({"AlarmHistoryItems": [_history(item) for _, item in page], "NextToken": token})

    def _page[T](self, chosen: Sequence[T], key: Callable[[T], str]) -> tuple[Sequence[T], str | None]:
        """The page after the key in NextToken, which stays correct while items are added and removed."""
        size = self._get_param("MaxRecords") or _PAGE
        if not 1 <= int(size) <= _PAGE:
            raise ValidationError(f"MaxRecords is {size}; it must be from 1 to {_PAGE}")
        token = self._get_param("NextToken")
        if token is not None and not token.startswith("after:"):
            raise InvalidNextTokenError("NextToken is not one that this operation gave")
        rest = [item for item in chosen if token is None or key(item) > token.removeprefix("after:")]
        page = rest[: int(size)]
        return page, f"after:{key(page[-1])}" if len(rest) > len(page) else None


def _history(item: Item) -> dict[str, Any]:
    return {
        "AlarmName": item.alarm_name,
        "AlarmType": "MetricAlarm",
        "Timestamp": datetime.fromtimestamp(item.at, UTC).replace(tzinfo=None),
        "HistoryItemType": item.type,
        "HistorySummary": item.summary,
        "HistoryData": item.data,
    }


def _seconds(moment: datetime) -> float:
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
