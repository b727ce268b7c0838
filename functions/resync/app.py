"""Full resync of all ECS services, in case an event was missed; uninstall; approval of removals beyond the budget.

When the stack is deleted after an uninstall, it deletes what the stack retains (Custom::RetainedResources).
"""

from collections.abc import Mapping
from typing import Any

from ecs_lattice.bootstrap.common import wiring
from ecs_lattice.bootstrap.resync import run
from ecs_lattice.function_handler import LambdaContext, function_handler
from ecs_lattice.messages.recognise import RESYNC
from ecs_lattice.telemetry import logger

_SHUTDOWN_MARGIN_SECONDS = 20


@function_handler(RESYNC)
def handler(event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Take the schedule's event (a sweep), ``{"mode": "sweep" | "uninstall" | "approve-removals"}``, or a request of
    CloudFormation."""
    remaining = context.get_remaining_time_in_millis() / 1000
    if "ResponseURL" in event:
        from ecs_lattice.bootstrap.retained import retained_resources  # noqa: PLC0415  only stack operations need it

        log = f"{context.log_group_name}, request {context.aws_request_id}"
        return dict(retained_resources(wiring(), log).handle(event, remaining))
    done = run(wiring(), str(event.get("mode", "sweep")), remaining - _SHUTDOWN_MARGIN_SECONDS)
    logger.info("Resynced", **done)
    return done
