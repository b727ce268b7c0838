"""Sweeps all ECS services and rings for what no event told; uninstalls; approves removals beyond the ceiling."""

from collections.abc import Mapping
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from ecs_lattice.bootstrap.resync import resync
from ecs_lattice.entry import entry
from ecs_lattice.invocations import RESYNC
from ecs_lattice.telemetry import logger

_LAST_WORD_SECONDS = 20


@entry(RESYNC)
def handler(event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Take the schedule's event, which sweeps, or ``{"mode": "sweep" | "uninstall" | "approve-removals"}``."""
    seconds = context.get_remaining_time_in_millis() / 1000 - _LAST_WORD_SECONDS
    done = resync().run(str(event.get("mode", "sweep")), seconds)
    logger.info("Resynced", **done)
    return done
