"""Sweeps all ECS services and rings for what no event told; uninstalls; approves removals beyond the ceiling."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from ecs_lattice import bootstrap
from ecs_lattice.telemetry import logger

_LAST_WORD_SECONDS = 20


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Take the schedule's event, or ``{"mode": "sweep" | "uninstall" | "approve-removals"}``."""
    seconds = context.get_remaining_time_in_millis() / 1000 - _LAST_WORD_SECONDS
    done = bootstrap.resync().run(str(event.get("mode", "sweep")), seconds)
    logger.info("Resynced", **done)
    return done
