"""Hears ECS events, CloudTrail records and delayed bells, and rings for the services that they name."""

from collections.abc import Mapping
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from ecs_lattice.bootstrap.ecs_events import event_router
from ecs_lattice.function_handler import entry
from ecs_lattice.messages.recognise import ECS_EVENTS


@entry(ECS_EVENTS)
def handler(event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Take a batch of the events queue, or one event by itself; then the answer says what it rang for."""
    return event_router().work(event)
