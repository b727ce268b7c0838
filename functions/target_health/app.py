"""Looks at the targets of all routes each minute: publishes how they are, and keeps one alarm a route."""

import dataclasses
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from ecs_lattice import bootstrap, deadline, direct
from ecs_lattice.telemetry import logger

_LAST_WORD_SECONDS = 10


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Take the schedule's event, or ``{"mode": "probe"}``."""
    direct.only_probe(event)
    seconds = context.get_remaining_time_in_millis() / 1000 - _LAST_WORD_SECONDS
    with deadline.within(seconds):
        done = bootstrap.target_health().run(seconds)
    answer = dataclasses.asdict(done)
    logger.info("Probed", **answer)
    done.raise_for_alarms()
    return answer
