"""Answers custom resources of type Custom::LatticeIngress, of this stack's account and Region."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from ecs_lattice import bootstrap
from ecs_lattice.telemetry import logger


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, str]:
    """Take a request of CloudFormation and answer it, whatever happens."""
    log = f"{context.log_group_name}, request {context.aws_request_id}"
    return bootstrap.custom_resources(log).handle(event, context.get_remaining_time_in_millis() / 1000)
