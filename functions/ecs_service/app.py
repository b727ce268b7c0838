"""Reconciles ECS services: declaration, claims, attach. Invoked directly, shows the plan of one service or rings for it."""

import time
from collections.abc import Mapping
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from ecs_lattice.bootstrap.common import request_queue
from ecs_lattice.bootstrap.ecs_service import ecs_worker, plan_ecs_service
from ecs_lattice.consumers import reconciles
from ecs_lattice.function_handler import entry
from ecs_lattice.messages.recognise import ECS_SERVICE


@entry(ECS_SERVICE)
def handler(event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Take a message of the queue, or ``{"ecsService": "<arn>", "mode": "plan" | "apply"}``."""
    if reconciles.is_direct(event):
        return reconciles.answer(event, "ecsService", plan_ecs_service, request_queue(), time.time)
    return ecs_worker().work(event, context.get_remaining_time_in_millis() / 1000)
