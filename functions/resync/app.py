"""Sweeps all ECS services and rings for what no event told; uninstalls; approves removals beyond the ceiling.

When the stack is deleted after an uninstall, it takes away what would outlive it (Custom::RetainedResources).
"""

from collections.abc import Mapping
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from ecs_lattice.bootstrap.resync import resync
from ecs_lattice.function_handler import entry
from ecs_lattice.messages.recognise import RESYNC
from ecs_lattice.telemetry import logger

_SHUTDOWN_MARGIN_SECONDS = 20


@entry(RESYNC)
def handler(event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Take the schedule's event, which sweeps, ``{"mode": "sweep" | "uninstall" | "approve-removals"}``, or a request of
    CloudFormation."""
    if "ResponseURL" in event:
        from ecs_lattice.bootstrap.retained import retained_resources  # noqa: PLC0415  only operations on the stack pay

        log = f"{context.log_group_name}, request {context.aws_request_id}"
        return dict(retained_resources(log).handle(event, context.get_remaining_time_in_millis() / 1000))
    seconds = context.get_remaining_time_in_millis() / 1000 - _SHUTDOWN_MARGIN_SECONDS
    done = resync().run(str(event.get("mode", "sweep")), seconds)
    logger.info("Resynced", **done)
    return done
