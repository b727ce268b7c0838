"""Does what it is told: records into a table, fails, waits, ends its process, tells of itself."""

import datetime as dt
import importlib.util
import json
import os
import sys
import time
from pathlib import Path

import boto3
import fixture_layer

STARTED = time.time()
BUILTIN = dt.datetime.__mro__[1](2026, 1, 1, tzinfo=dt.UTC)
"""A datetime that C code may make: not of the type that ``datetime.datetime`` is in here."""
runs = []


def handler(event, context):
    if "Records" in event:
        failures = []
        for record in event["Records"]:
            try:
                act(json.loads(record["body"]), record, len(event["Records"]))
            except ValueError:
                failures.append({"itemIdentifier": record["messageId"]})
        return {"batchItemFailures": failures}
    return act(event, None, 1, context)


def act(order, record, batch, context=None):
    runs.append(order)
    match order["do"]:
        case "record":
            key = order["key"]
            item = {"pk": key, "at": repr(time.time()), "batch": batch, "order": json.dumps(order)}
            table().put_item(Item=item)
        case "append":
            if order.get("sleep"):
                time.sleep(order["sleep"])
            table().update_item(
                Key={"pk": order["key"]},
                UpdateExpression="SET seen = list_append(if_not_exists(seen, :none), :one)",
                ExpressionAttributeValues={":none": [], ":one": [order["value"]]},
            )
        case "fail":
            table().update_item(
                Key={"pk": order["key"]},
                UpdateExpression="ADD failures :one",
                ExpressionAttributeValues={":one": 1},
            )
            raise ValueError(order["key"])
        case "sleep":
            if "key" in order:
                table().put_item(Item={"pk": order["key"], "pid": os.getpid()})
            time.sleep(order["seconds"])
        case "exit":
            sys.stdout.flush()
            os._exit(3)
        case "measure":
            at = int(dt.datetime.now(dt.UTC).timestamp() * 1000)
            metrics = [{"Name": "Orders", "Unit": "Count"}]
            directive = {"Namespace": "Fixture", "Dimensions": [["Kind"], []], "Metrics": metrics}
            document = {"_aws": {"Timestamp": at, "CloudWatchMetrics": [directive]}}
            print(json.dumps({**document, "Kind": order["kind"], "Orders": order["values"]}))  # noqa: T201
            return {"at": at / 1000, "is_datetime": isinstance(BUILTIN, dt.datetime)}
        case "tell":
            print(json.dumps({"level": "INFO", "message": "telling"}))  # noqa: T201  a function's output is its log
            return {
                "layer": fixture_layer.__file__,
                "time": time.time(),
                "left": context.get_remaining_time_in_millis(),
                "environment": dict(os.environ),
                "path": sys.path,
                "cwd": str(Path.cwd()),
                "foreign": [m for m in ("local_aws", "ecs_lattice", "moto", "pytest") if importlib.util.find_spec(m)],
                "pid": os.getpid(),
                "runs": len(runs),
            }
    return {"did": order["do"]}


def table():
    return boto3.resource("dynamodb").Table(os.environ["TABLE"])
