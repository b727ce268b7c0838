"""The adapter to CloudWatch's custom metrics: Powertools prints lines in the embedded metric format.

CloudWatch Logs turns them into metrics (CloudWatch User Guide, embedded metric format): no call that could be throttled.
"""

import json
from collections.abc import Mapping

from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.metrics.provider.cloudwatch_emf.cloudwatch import AmazonCloudWatchEMFProvider

from ecs_lattice.health.metric_names import NAMESPACE


class EmfMetrics:
    """:class:`ecs_lattice.health.ports.MetricsSink`; each call of ``publish`` prints a line.

    The service name is empty: Powertools would add it as a fourth dimension.
    """

    def publish(
        self,
        dimensions: Mapping[str, str],
        values: Mapping[str, float],
        members: Mapping[str, float] | None = None,
        at: float | None = None,
    ) -> None:
        if not values:  # Powertools prints no line without a metric
            print(json.dumps({**dimensions, **(members or {})}))  # noqa: T201
            return
        line = AmazonCloudWatchEMFProvider(namespace=NAMESPACE, service="", dimension_set=dict(dimensions))
        if at is not None:
            line.set_timestamp(int(at * 1000))
        for name, value in values.items():
            line.add_metric(name, MetricUnit.Count, value)
        for name, value in (members or {}).items():
            line.add_metadata(name, value)
        line.flush_metrics()
