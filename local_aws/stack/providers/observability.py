"""AWS::CloudWatch::Alarm, AWS::CloudWatch::Dashboard and AWS::Logs::MetricFilter."""

import json
from typing import Any

from local_aws.stack.resources import Made, Properties, Provider, client

_COUNTS = ("DatapointsToAlarm", "EvaluationPeriods", "Period")


def _alarm(properties: Properties, name: str) -> dict[str, Any]:
    settings = {key: value for key, value in properties.items() if key not in ("AlarmName", "Tags")}
    settings |= {key: int(settings[key]) for key in _COUNTS if key in settings}
    if "Threshold" in settings:
        settings["Threshold"] = float(settings["Threshold"])
    if "ActionsEnabled" in settings:
        settings["ActionsEnabled"] = str(settings["ActionsEnabled"]).lower() == "true"
    if "WarmUpConfiguration" in settings:
        settings["WarmUpConfiguration"] = _warm_up(settings["WarmUpConfiguration"])
    if "Metrics" in settings:
        settings["Metrics"] = [_query(query) for query in settings["Metrics"]]
    return {"AlarmName": properties.get("AlarmName", name), **settings}


def _warm_up(given: Properties) -> dict[str, Any]:
    typed: dict[str, Any] = {"WarmUpPeriodDurationInMinutes": int(given["WarmUpPeriodDurationInMinutes"])}
    if (whole := given.get("OnlyStartEvaluatingAfterWarmUpPeriodEnds")) is not None:
        typed["OnlyStartEvaluatingAfterWarmUpPeriodEnds"] = str(whole).lower() == "true"
    return typed


def _query(query: Properties) -> dict[str, Any]:
    """An entry of Metrics with its numbers and booleans parsed: templates may have them as strings."""
    typed = dict(query)
    if "ReturnData" in query:
        typed["ReturnData"] = str(query["ReturnData"]).lower() == "true"
    if "MetricStat" in query:
        typed["MetricStat"] = {**query["MetricStat"], "Period": int(query["MetricStat"]["Period"])}
    return typed


def _create_alarm(properties: Properties, name: str) -> Made:
    service, settings = client("cloudwatch"), _alarm(properties, name)
    service.put_metric_alarm(**settings)
    found = service.describe_alarms(AlarmNames=[settings["AlarmName"]])["MetricAlarms"][0]
    return Made(settings["AlarmName"], {"Arn": found["AlarmArn"]})


def _update_alarm(made: Made, properties: Properties, name: str) -> Made:
    """In place, which keeps the state; a new name needs a new alarm."""
    if properties.get("AlarmName", made.ref) != made.ref:
        _delete_alarm(made, properties)
        return _create_alarm(properties, name)
    return _create_alarm({**properties, "AlarmName": made.ref}, name)


def _delete_alarm(made: Made, _properties: Properties) -> None:
    client("cloudwatch").delete_alarms(AlarmNames=[made.ref])


def _put_dashboard(properties: Properties, name: str) -> Made:
    name = properties.get("DashboardName", name)
    body = properties["DashboardBody"]
    client("cloudwatch").put_dashboard(
        DashboardName=name, DashboardBody=body if isinstance(body, str) else json.dumps(body)
    )
    return Made(name)


def _update_dashboard(made: Made, properties: Properties, name: str) -> Made:
    if properties.get("DashboardName", made.ref) != made.ref:
        _delete_dashboard(made, properties)
        return _put_dashboard(properties, name)
    return _put_dashboard({**properties, "DashboardName": made.ref}, name)


def _delete_dashboard(made: Made, _properties: Properties) -> None:
    client("cloudwatch").delete_dashboards(DashboardNames=[made.ref])


def _create_metric_filter(properties: Properties, name: str) -> Made:
    transformations = [
        {_lower(key): value for key, value in transformation.items()}
        for transformation in properties["MetricTransformations"]
    ]
    client("logs").put_metric_filter(
        logGroupName=properties["LogGroupName"],
        filterName=properties.get("FilterName", name),
        filterPattern=properties["FilterPattern"],
        metricTransformations=transformations,
    )
    return Made(properties.get("FilterName", name))


def _lower(name: str) -> str:
    return name[0].lower() + name[1:]


def _delete_metric_filter(made: Made, properties: Properties) -> None:
    client("logs").delete_metric_filter(logGroupName=properties["LogGroupName"], filterName=made.ref)


PROVIDERS = (
    Provider("AWS::CloudWatch::Alarm", _create_alarm, _delete_alarm, frozenset({"Arn"}), "AlarmName", _update_alarm),
    Provider(
        "AWS::CloudWatch::Dashboard",
        _put_dashboard,
        _delete_dashboard,
        name_property="DashboardName",
        update=_update_dashboard,
    ),
    Provider("AWS::Logs::MetricFilter", _create_metric_filter, _delete_metric_filter, name_property="FilterName"),
)
