"""CloudWatch Logs takes metrics out of what is logged, whether a function printed it or PutLogEvents brought it."""

import sys
from typing import Any

import moto.logs.models as moto_logs

from local_aws.monitoring.emf import EmfError, parse
from local_aws.monitoring.metrics import backend, record
from local_aws.monitoring.store import Statistics
from local_aws.services import clock

_moto_put = moto_logs.LogStream.put_log_events


def _put_log_events(stream: Any, log_events: list[dict[str, Any]]) -> str:
    token: str = _moto_put(stream, log_events)
    for event in log_events:
        take(stream.log_group.name, event["message"], event["timestamp"] / 1000)
    return token


def take(group: str, message: str, at: float) -> None:
    """Record the metrics that a line of the log group carries.

    A broken document counts as ``EMFValidationErrors`` of ``AWS/Logs`` (CloudWatch Logs User Guide, "Monitoring with
    CloudWatch metrics") and is said on stderr, for whoever wrote it wants to know.
    """
    try:
        found = parse(message)
    except EmfError as error:
        print(f"{group}: a line is no embedded metric: {error}", file=sys.stderr)
        record("AWS/Logs", "EMFValidationErrors", {"LogGroupName": group}, 1, at, "Count")
        return
    for recorded in found:
        backend().store.add(
            recorded.metric, recorded.at, Statistics.one(recorded.value), recorded.unit, recorded.resolution
        )


def install() -> None:
    """Look at every log event from now on, and let CloudWatch Logs live in the local AWS's time."""
    module: Any = moto_logs
    module.LogStream.put_log_events = _put_log_events
    module.utcnow = lambda: clock().now().replace(tzinfo=None)
