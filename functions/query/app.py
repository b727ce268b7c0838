"""Answers questions about the state of the stack and the history of its changes. Reads only."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from ecs_lattice import api_calls
from ecs_lattice.bootstrap.common import wiring
from ecs_lattice.bootstrap.query import query
from ecs_lattice.function_handler import LambdaContext, function_handler
from ecs_lattice.messages.recognise import QUERY
from ecs_lattice.query.answer import Query

_SHUTDOWN_MARGIN_SECONDS = 5


@cache
def _query() -> Query:
    return query(wiring())


@function_handler(QUERY)
def handler(event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Take ``{"mode": "status"}``, also with ``"ecsService": "<long ARN>"``, or ``{"mode": "history"}``, also with
    ``"since"`` (epoch seconds) and ``"key"``."""
    seconds = context.get_remaining_time_in_millis() / 1000 - _SHUTDOWN_MARGIN_SECONDS
    with api_calls.within(seconds):
        return _query().answer(event, seconds)
