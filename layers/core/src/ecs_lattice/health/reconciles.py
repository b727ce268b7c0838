"""What is published of each reconcile, for the dashboard: how many there are, what became of them, what they cost."""

from dataclasses import dataclass

from ecs_lattice.health import words
from ecs_lattice.health.ports import MetricsSink
from ecs_lattice.outcome import Outcome, Refused


@dataclass(frozen=True, slots=True)
class ReconcileMetrics:
    """Publishes one set of metrics a reconcile, of stack ``owner``."""

    owner: str
    metrics: MetricsSink

    def __call__(self, kind: str, outcome: Outcome | None, aws_calls: int) -> None:
        """``kind``: which side; ``outcome``: None when it failed; ``aws_calls``: how many calls it made."""
        values = {
            words.RECONCILES: 1.0,
            words.REFUSALS: float(isinstance(outcome, Refused)),
            words.FAILURES: float(outcome is None),
            words.AWS_CALLS: float(aws_calls),
        }
        self.metrics.publish({words.SIDE: kind, words.OWNER: self.owner}, values)
