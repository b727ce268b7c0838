"""Turns alarms, unhealthy targets and refusals into messages that name the cause."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from ecs_lattice import bootstrap
from ecs_lattice.telemetry import logger


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Take a batch of the alarms' queue, or an alarm as CloudWatch or Amazon SNS hand it over directly."""
    return bootstrap.alarm().work(event, context.get_remaining_time_in_millis() / 1000)
