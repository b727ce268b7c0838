"""Reconciles ECS services: declaration, claims, attach. Invoked directly, shows the plan of one service or rings for it."""

import time
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from ecs_lattice import bootstrap, direct
from ecs_lattice.telemetry import logger


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Take a message of the queue, or ``{"ecsService": "<arn>", "mode": "plan" | "apply"}``."""
    if direct.is_direct(event):
        return direct.answer(event, "ecsService", bootstrap.plan_ecs_service, bootstrap.bells(), time.time)
    return bootstrap.ecs_worker().work(event, context.get_remaining_time_in_millis() / 1000)
