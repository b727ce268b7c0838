"""Turns alarms, unhealthy targets and rejected routes into notifications that name the cause. Asked for it, it tells the cause
of what stands in the way of an ECS service's routes, and changes nothing."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from ecs_lattice.bootstrap.alarm import alarm_consumer, explainer
from ecs_lattice.bootstrap.common import wiring
from ecs_lattice.consumers.alarms import AlarmConsumer
from ecs_lattice.function_handler import LambdaContext, function_handler
from ecs_lattice.messages.recognise import ALARM


@cache
def _consumer() -> AlarmConsumer:
    return alarm_consumer(wiring())


@function_handler(ALARM)
def handler(event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Take a batch of the alarms' queue, an alarm directly from CloudWatch or Amazon SNS, or ``{"mode": "explain",
    "ecsService": "<long ARN>"}``."""
    if event.get("mode") == "explain":
        return explainer(wiring()).answer(event)
    return _consumer().work(event, context.get_remaining_time_in_millis() / 1000)
