"""Reconciles Lattice services: claims to graph. Invoked directly, it shows a plan or enqueues a service."""

from collections.abc import Mapping
from functools import cache, partial
from typing import Any

from ecs_lattice.bootstrap.common import wiring
from ecs_lattice.bootstrap.lattice_service import lattice_consumer, plan_lattice_service
from ecs_lattice.consumers import reconciles
from ecs_lattice.consumers.reconciles import ReconcileConsumer
from ecs_lattice.function_handler import LambdaContext, function_handler
from ecs_lattice.messages.recognise import LATTICE_SERVICE


@cache
def _consumer() -> ReconcileConsumer:
    return lattice_consumer(wiring())


@function_handler(LATTICE_SERVICE)
def handler(event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Take a batch of the queue, or ``{"latticeService": "<name>", "mode": "plan" | "apply"}``."""
    if reconciles.is_direct(event):
        own = wiring()
        return reconciles.answer(event, "latticeService", partial(plan_lattice_service, own), own.requests, own.now)
    return _consumer().work(event, context.get_remaining_time_in_millis() / 1000)
