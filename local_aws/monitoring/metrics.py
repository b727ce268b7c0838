"""Recording of metrics, for simulated services and tests."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from moto.cloudwatch.models import cloudwatch_backends

from local_aws.eventbus import ACCOUNT, REGION
from local_aws.monitoring.backend import LocalCloudWatchBackend
from local_aws.monitoring.store import Metric, Statistics
from local_aws.services import clock


def record(
    namespace: str,
    name: str,
    dimensions: Mapping[str, str],
    value: float,
    at: datetime | float | None = None,
    unit: str = "None",
) -> None:
    """Record one value of a metric at a time (seconds since the epoch, or an aware datetime), by default now."""
    moment = at.timestamp() if isinstance(at, datetime) else at
    seconds = clock().time() if moment is None else moment
    backend().store.add(Metric.of(namespace, name, dimensions), seconds, Statistics.one(value), unit)


def backend() -> LocalCloudWatchBackend:
    """The CloudWatch of the local AWS. RuntimeError if it is not installed."""
    found: Any = cloudwatch_backends[ACCOUNT][REGION]
    if not isinstance(found, LocalCloudWatchBackend):
        raise RuntimeError(  # noqa: TRY004  what is wrong is what was started, not an argument
            "CloudWatch is moto's own here: call local_aws.monitoring.install() first"
        )
    return found
