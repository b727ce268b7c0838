"""What the functions of both reconcilers have in common: the consumer of a queue of reconcile requests."""

from collections.abc import Callable

from ecs_lattice.bootstrap.common import Wiring
from ecs_lattice.consumers.reconciles import ReconcileConsumer
from ecs_lattice.messages.requests import Kind
from ecs_lattice.outcome import Outcome


def reconcile_consumer(
    wiring: Wiring, kind: Kind, queue_url: str, reconcile: Callable[[str, str], Outcome]
) -> ReconcileConsumer:
    """The consumer of requests of ``kind``."""
    queue = wiring.queue(queue_url)
    return ReconcileConsumer(kind, reconcile, wiring.requests, wiring.registry, queue, wiring.history, wiring.now)
