"""Receives ECS events, CloudTrail records and delayed requests, and enqueues the services that they name."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from ecs_lattice.bootstrap.common import wiring
from ecs_lattice.bootstrap.ecs_events import event_router
from ecs_lattice.consumers.ecs_events import EventRouter
from ecs_lattice.function_handler import LambdaContext, function_handler
from ecs_lattice.messages.recognise import ECS_EVENTS


@cache
def _router() -> EventRouter:
    return event_router(wiring())


@function_handler(ECS_EVENTS)
def handler(event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Take a batch of the events queue, or a single event, for which the answer names what it enqueued."""
    return _router().work(event)
