"""Amazon DynamoDB, CloudWatch and CloudWatch Logs (Service Authorization Reference of each)."""

import functools
from collections.abc import Iterator, Mapping

from local_aws.iam.needs import Need, Params, Rule, arn, as_arn, on, tags_in_request


def _table(name: str, index: str | None = None) -> str:
    table = as_arn("dynamodb", name, "table/")
    return f"{table}/index/{index}" if index else table


def _on_table(action: str, params: Params) -> list[Need]:
    """A read of an index is authorized on the index (Amazon DynamoDB Developer Guide, "IAM and DynamoDB")."""
    return on(f"dynamodb:{action}", _table(params["TableName"], params.get("IndexName")))


def _on_tables(action: str, params: Params) -> list[Need]:
    return on(f"dynamodb:{action}", *(_table(name) for name in params["RequestItems"]))


def _transaction(params: Params) -> Iterator[Need]:
    """Each part as its own action (Amazon DynamoDB Developer Guide, transactions and IAM)."""
    for item in params["TransactItems"]:
        for kind, what in item.items():
            yield Need(f"dynamodb:{kind}Item", _table(what["TableName"]))


_TABLE_ACTIONS = ("DeleteItem", "DeleteTable", "DescribeTable", "GetItem", "PutItem", "Query", "Scan", "UpdateItem")
DYNAMODB: Mapping[str, Rule] = {
    **{name: functools.partial(_on_table, name) for name in _TABLE_ACTIONS},
    "BatchGetItem": functools.partial(_on_tables, "BatchGetItem"),
    "BatchWriteItem": functools.partial(_on_tables, "BatchWriteItem"),
    "TransactGetItems": _transaction,
    "TransactWriteItems": _transaction,
}


def _alarms(action: str, params: Params) -> list[Need]:
    """Alarms by name are authorized individually, a list or a prefix on all alarms."""
    names = params.get("AlarmNames") or ([params["AlarmName"]] if params.get("AlarmName") else ["*"])
    return on(f"cloudwatch:{action}", *(arn("cloudwatch", f"alarm:{name}") for name in names))


def _put_alarm(params: Params) -> Iterator[Need]:
    """With tags, also cloudwatch:TagResource (Amazon CloudWatch API Reference, PutMetricAlarm, Tags)."""
    alarm = arn("cloudwatch", f"alarm:{params['AlarmName']}")
    requested = tags_in_request(params.get("Tags"))
    yield Need("cloudwatch:PutMetricAlarm", alarm, requested)


def _tagged(action: str, params: Params) -> list[Need]:
    return on(f"cloudwatch:{action}", params["ResourceARN"], context=tags_in_request(params.get("Tags")))


CLOUDWATCH: Mapping[str, Rule] = {
    **{name: functools.partial(_alarms, name) for name in ("DeleteAlarms", "DescribeAlarmHistory", "DescribeAlarms")},
    "ListTagsForResource": functools.partial(_tagged, "ListTagsForResource"),
    "PutMetricAlarm": _put_alarm,
    "TagResource": functools.partial(_tagged, "TagResource"),
}  # fmt: skip


def log_stream(group: str, stream: str) -> str:
    """The ARN of a log stream as policies use it."""
    return arn("logs", f"log-group:{group}:log-stream:{stream}")


LOGS: Mapping[str, Rule] = {
    "CreateLogGroup": lambda p: on(
        "logs:CreateLogGroup", arn("logs", f"log-group:{p['logGroupName']}"), context=tags_in_request(p.get("tags"))
    ),
    "CreateLogStream": lambda p: on("logs:CreateLogStream", log_stream(p["logGroupName"], p["logStreamName"])),
    # Policies name a log group with ":*" for everything but its tags (Amazon CloudWatch Logs User Guide, "Log group ARNs").
    "DeleteLogGroup": lambda p: on("logs:DeleteLogGroup", arn("logs", f"log-group:{p['logGroupName']}:*")),
    "PutLogEvents": lambda p: on("logs:PutLogEvents", log_stream(p["logGroupName"], p["logStreamName"])),
}


__all__ = ["CLOUDWATCH", "DYNAMODB", "LOGS", "log_stream"]
