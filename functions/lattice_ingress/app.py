"""Answers custom resources of type Custom::LatticeIngress, of this stack's account and Region."""

from collections.abc import Mapping
from typing import Any

from ecs_lattice.bootstrap.common import wiring
from ecs_lattice.bootstrap.lattice_ingress import custom_resources
from ecs_lattice.function_handler import LambdaContext, function_handler
from ecs_lattice.messages.recognise import LATTICE_INGRESS


@function_handler(LATTICE_INGRESS, needs_settings=False)
def handler(event: Mapping[str, Any], context: LambdaContext) -> dict[str, str]:
    """Take a request of CloudFormation and answer it, whatever happens."""
    log = f"{context.log_group_name}, request {context.aws_request_id}"
    return custom_resources(wiring, log).handle(event, context.get_remaining_time_in_millis() / 1000)
