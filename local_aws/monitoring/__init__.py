"""CloudWatch of the local AWS: metrics, alarms that evaluate on its clock, and metrics from logs.

``alarms`` is the evaluation, ``settings`` the configuration of alarms, ``shapes`` and ``reasons`` their notifications,
``backend`` the service that replaces moto's, ``minutes`` its timer. ``emf`` and ``logs`` extract metrics from log lines;
``service_metrics`` are the metrics of Lambda and SQS.
"""

from local_aws import extend
from local_aws.monitoring import logs, service_metrics
from local_aws.monitoring.backend import LocalCloudWatchBackend
from local_aws.monitoring.metrics import backend, record
from local_aws.monitoring.responses import LocalCloudWatchResponse


def install() -> None:
    """Replace moto's CloudWatch. Alarms evaluate on any clock, from the first alarm on."""
    extend.install("cloudwatch", LocalCloudWatchBackend, LocalCloudWatchResponse)
    logs.install()


def start() -> None:
    """Publish the metrics of queues every minute, for the server. ``stop`` ends it."""
    backend().minutes.sample(service_metrics.sample_queues)


def stop() -> None:
    backend().minutes.stop()


__all__ = ["backend", "install", "record", "start", "stop"]
