"""Reads the targets of all routes each minute, publishes their health, and keeps an alarm per route in sync."""

import dataclasses
from collections.abc import Mapping
from functools import cache
from typing import Any

from ecs_lattice import api_calls
from ecs_lattice.bootstrap import target_health
from ecs_lattice.bootstrap.common import wiring
from ecs_lattice.function_handler import LambdaContext, function_handler
from ecs_lattice.health.probe import Probe
from ecs_lattice.messages.recognise import TARGET_HEALTH
from ecs_lattice.telemetry import logger

_SHUTDOWN_MARGIN_SECONDS = 10


@cache
def _probe() -> Probe:
    return target_health.probe(wiring())


@function_handler(TARGET_HEALTH)
def handler(event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Take the schedule's event, or ``{"mode": "probe"}``."""
    seconds = context.get_remaining_time_in_millis() / 1000 - _SHUTDOWN_MARGIN_SECONDS
    with api_calls.within(seconds):
        done = target_health.run(wiring(), _probe(), seconds)
    answer = dataclasses.asdict(done)
    logger.info("Probed", **answer)
    done.raise_for_alarms()
    return answer
