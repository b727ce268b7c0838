"""The adapter to CloudWatch's custom metrics: Powertools prints lines in the embedded metric format.

CloudWatch Logs turns them into metrics (CloudWatch User Guide, embedded metric format): no call that could be throttled.
"""

from collections.abc import Mapping

from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.metrics.provider.cloudwatch_emf.cloudwatch import AmazonCloudWatchEMFProvider

from ecs_lattice.health.metric_names import NAMESPACE


class EmfMetrics:
    """:class:`ecs_lattice.health.ports.MetricsSink`; each call of ``publish`` prints a line.

    The service name is empty: Powertools would add it as a fourth dimension.
    """

    def publish(self, dimensions: Mapping[str, str], values: Mapping[str, float]) -> None:
        line = AmazonCloudWatchEMFProvider(namespace=NAMESPACE, service="", dimension_set=dict(dimensions))
        for name, value in values.items():
            line.add_metric(name, MetricUnit.Count, value)
        line.flush_metrics()
