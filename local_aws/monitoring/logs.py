"""CloudWatch Logs extracts metrics from log events, whether of functions or of PutLogEvents."""

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
    """Record the metrics in a line of the log group.

    An invalid document counts as ``EMFValidationErrors`` of ``AWS/Logs`` (CloudWatch Logs User Guide, "Monitoring with
    CloudWatch metrics") and is reported on stderr for its author.
    """
    try:
        found = parse(message)
    except EmfError as error:
        print(f"{group}: invalid embedded metric: {error}", file=sys.stderr)
        record("AWS/Logs", "EMFValidationErrors", {"LogGroupName": group}, 1, at, "Count")
        return
    for recorded in found:
        backend().store.add(
            recorded.metric, recorded.at, Statistics.one(recorded.value), recorded.unit, recorded.resolution
        )


def install() -> None:
    """Process every log event from now on, and run CloudWatch Logs in the local AWS's time."""
    module: Any = moto_logs
    module.LogStream.put_log_events = _put_log_events
    module.utcnow = lambda: clock().now().replace(tzinfo=None)
