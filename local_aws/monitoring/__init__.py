"""CloudWatch of the local AWS: metrics, alarms that evaluate on its clock, and metrics out of logs.

``alarms`` is the rule, ``settings`` what an alarm may say, ``shapes`` and ``reasons`` what it tells, ``backend`` the
service in moto's place, ``minutes`` its heartbeat. ``emf`` and ``logs`` take metrics out of log lines; ``services`` are
the numbers that Lambda and SQS publish of themselves.
"""

from local_aws import extend
from local_aws.monitoring import logs, service_metrics
from local_aws.monitoring.backend import LocalCloudWatchBackend
from local_aws.monitoring.metrics import backend, record
from local_aws.monitoring.responses import LocalCloudWatchResponse


def install() -> None:
    """Put this CloudWatch in the place of moto's. Alarms evaluate from the first one on, whatever the clock."""
    extend.install("cloudwatch", LocalCloudWatchBackend, LocalCloudWatchResponse)
    logs.install()


def start() -> None:
    """Let queues publish their metrics every minute, too: for the server. ``stop`` ends it."""
    backend().minutes.sample(service_metrics.sample_queues)


def stop() -> None:
    backend().minutes.stop()


__all__ = ["backend", "install", "record", "start", "stop"]
