"""Looks at the targets of all routes each minute: publishes how they are, and keeps one alarm a route."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from ecs_lattice import deadline
from ecs_lattice.bootstrap.target_health import target_health
from ecs_lattice.function_handler import entry
from ecs_lattice.messages.recognise import TARGET_HEALTH
from ecs_lattice.telemetry import logger

_SHUTDOWN_MARGIN_SECONDS = 10


@entry(TARGET_HEALTH)
def handler(event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Take the schedule's event, or ``{"mode": "probe"}``."""
    seconds = context.get_remaining_time_in_millis() / 1000 - _SHUTDOWN_MARGIN_SECONDS
    with deadline.within(seconds):
        done = target_health().run(seconds)
    answer = dataclasses.asdict(done)
    logger.info("Probed", **answer)
    done.raise_for_alarms()
    return answer
