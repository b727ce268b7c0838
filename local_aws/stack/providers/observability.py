"""AWS::CloudWatch::Alarm and AWS::Logs::MetricFilter."""

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
    return {"AlarmName": properties.get("AlarmName", name), **settings}


def _create_alarm(properties: Properties, name: str) -> Made:
    service, settings = client("cloudwatch"), _alarm(properties, name)
    service.put_metric_alarm(**settings)
    found = service.describe_alarms(AlarmNames=[settings["AlarmName"]])["MetricAlarms"][0]
    return Made(settings["AlarmName"], {"Arn": found["AlarmArn"]})


def _update_alarm(made: Made, properties: Properties, name: str) -> Made:
    return _create_alarm({**properties, "AlarmName": made.ref}, name)


def _delete_alarm(made: Made, _properties: Properties) -> None:
    client("cloudwatch").delete_alarms(AlarmNames=[made.ref])


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
    Provider("AWS::Logs::MetricFilter", _create_metric_filter, _delete_metric_filter, name_property="FilterName"),
)
