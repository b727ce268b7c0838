"""What the two reconcilers' functions have in common: a worker that reads the queue of its kind of bells."""

import time
from collections.abc import Callable

from ecs_lattice.aws import clients
from ecs_lattice.aws.metrics import EmfMetrics
from ecs_lattice.aws.queues import SqsVisibility
from ecs_lattice.bootstrap.common import registry, request_queue, settings
from ecs_lattice.consumers.reconciles import ReconcileConsumer
from ecs_lattice.health.reconciles import ReconcileMetrics
from ecs_lattice.messages.requests import Kind
from ecs_lattice.outcome import Outcome


def worker(kind: Kind, queue_url: str, reconcile: Callable[[str], Outcome]) -> ReconcileConsumer:
    """The worker that answers bells of ``kind``."""
    visibility = SqsVisibility(clients.sqs(), queue_url)
    report = ReconcileMetrics(settings().owner, EmfMetrics())
    return ReconcileConsumer(kind, reconcile, request_queue(), registry(), visibility, time.time, report)
