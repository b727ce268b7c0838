"""The metrics of each reconcile for the dashboard: count, outcome and AWS API calls."""

from dataclasses import dataclass

from ecs_lattice.health import metric_names
from ecs_lattice.health.ports import MetricsSink
from ecs_lattice.outcome import Outcome, Refused


@dataclass(frozen=True, slots=True)
class ReconcileMetrics:
    """Publishes one set of metrics per reconcile of stack ``owner``."""

    owner: str
    metrics: MetricsSink

    def __call__(self, kind: str, outcome: Outcome | None, aws_calls: int) -> None:
        """``kind``: which side; ``outcome``: None when it failed; ``aws_calls``: the number of its AWS API calls."""
        values = {
            metric_names.RECONCILES: 1.0,
            metric_names.REFUSALS: float(isinstance(outcome, Refused)),
            metric_names.FAILURES: float(outcome is None),
            metric_names.AWS_CALLS: float(aws_calls),
        }
        self.metrics.publish({metric_names.SIDE: kind, metric_names.OWNER: self.owner}, values)
