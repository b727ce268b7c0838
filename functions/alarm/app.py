"""Turns alarms, unhealthy targets and refusals into messages that name the cause."""

from collections.abc import Mapping
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from ecs_lattice.bootstrap.alarm import alarm
from ecs_lattice.function_handler import entry
from ecs_lattice.messages.recognise import ALARM


@entry(ALARM)
def handler(event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Take a batch of the alarms' queue, or an alarm as CloudWatch or Amazon SNS hand it over directly."""
    return alarm().work(event, context.get_remaining_time_in_millis() / 1000)
