"""Reconciles ECS services: declaration, claims, attach. Invoked directly, it shows a plan or enqueues a service."""

from collections.abc import Mapping
from functools import cache, partial
from typing import Any

from ecs_lattice.bootstrap.common import wiring
from ecs_lattice.bootstrap.ecs_service import ecs_consumer, plan_ecs_service
from ecs_lattice.consumers import reconciles
from ecs_lattice.consumers.reconciles import ReconcileConsumer
from ecs_lattice.function_handler import LambdaContext, function_handler
from ecs_lattice.messages.recognise import ECS_SERVICE


@cache
def _consumer() -> ReconcileConsumer:
    return ecs_consumer(wiring())


@function_handler(ECS_SERVICE)
def handler(event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Take a batch of the queue, or ``{"ecsService": "<arn>", "mode": "plan" | "apply" | "retry"}``."""
    if reconciles.is_direct(event):
        own = wiring()
        return reconciles.answer(event, "ecsService", partial(plan_ecs_service, own), own.requests, own.now)
    return _consumer().work(event, context.get_remaining_time_in_millis() / 1000)
