"""Reconciles Lattice services: claims to graph. Invoked directly, shows the plan of one service or rings for it."""

import time
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from ecs_lattice import bootstrap, direct
from ecs_lattice.telemetry import logger


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Take a message of the queue, or ``{"latticeService": "<name>", "mode": "plan" | "apply"}``."""
    if direct.is_direct(event):
        return direct.answer(event, "latticeService", bootstrap.plan_lattice_service, bootstrap.bells(), time.time)
    return bootstrap.lattice_worker().work(event, context.get_remaining_time_in_millis() / 1000)
