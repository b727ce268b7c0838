"""Hears ECS events, CloudTrail records and delayed bells, and rings for the services that they name."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from ecs_lattice import bootstrap
from ecs_lattice.errors import UnknownEventError
from ecs_lattice.telemetry import logger


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Take a batch of the events queue."""
    if "Records" not in event:
        raise UnknownEventError(f"ecs_events takes batches of its queue; it got an object with {sorted(event)}.")
    return bootstrap.intake().work(event)
