"""What every function does around its work: it checks its environment and its event, and fails in one log line.

A function whose environment is incomplete says so when it starts, and every invocation fails with that sentence. An event
that the function does not take fails the invocation before anything is done. The stack trace that Lambda prints beside such
an error ends in this module instead of inside the library.
"""

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from ecs_lattice.bootstrap import common
from ecs_lattice.errors import SettingsError, UnknownEventError
from ecs_lattice.messages import recognise
from ecs_lattice.messages.recognise import Function
from ecs_lattice.telemetry import logger

__all__ = ["LambdaContext", "function_handler"]

type Handler[Answer] = Callable[[Mapping[str, Any], LambdaContext], Answer]


def function_handler[Answer](
    function: Function, *, needs_settings: bool = True
) -> Callable[[Handler[Answer]], Handler[Answer]]:
    """Decorate the handler of ``function``. Without ``needs_settings`` it reports a wrong environment itself."""

    def decorate(handler: Handler[Answer]) -> Handler[Answer]:
        _log_settings_error(function)

        @logger.inject_lambda_context
        def checked(event: Mapping[str, Any], context: LambdaContext) -> Answer:
            own_queue = _own_queue(function) if needs_settings else ""
            try:
                recognise.check(function, event, own_queue)
                return handler(event, context)
            except UnknownEventError as error:
                logger.error("The event was rejected", reason=str(error))
                raise

        @wraps(handler)
        def without_trace(event: Mapping[str, Any], context: LambdaContext) -> Answer:
            try:
                return checked(event, context)
            except (SettingsError, UnknownEventError) as error:
                rejected = error
            raise rejected.with_traceback(None) from None

        return without_trace

    return decorate


def _own_queue(function: Function) -> str:
    """The URL of the queue that the function reads, if it does. Raises SettingsError."""
    settings = common.settings()
    return str(getattr(settings, function.queue)) if function.queue else ""


def _log_settings_error(function: Function) -> None:
    """Log it at the start of the function, before any event. The settings are kept for the invocations."""
    try:
        common.settings()
    except SettingsError as error:
        logger.error("The environment is wrong; every invocation will fail", function=function.name, reason=str(error))
