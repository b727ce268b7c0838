"""The adapter to CloudWatch's custom metrics: lines in the embedded metric format on standard output, made by Powertools.

CloudWatch Logs makes metrics of them (CloudWatch User Guide, embedded metric format): no call, nothing to be throttled.
"""

from collections.abc import Mapping

from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.metrics.provider.cloudwatch_emf.cloudwatch import AmazonCloudWatchEMFProvider

from ecs_lattice.health.metric_names import NAMESPACE


class EmfMetrics:
    """:class:`ecs_lattice.health.ports.MetricsSink` over Powertools; each call of ``publish`` is one line.

    Without a service name of its own, which Powertools would add as a fourth dimension.
    """

    def publish(self, dimensions: Mapping[str, str], values: Mapping[str, float]) -> None:
        line = AmazonCloudWatchEMFProvider(namespace=NAMESPACE, service="", dimension_set=dict(dimensions))
        for name, value in values.items():
            line.add_metric(name, MetricUnit.Count, value)
        line.flush_metrics()
