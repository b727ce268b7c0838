"""The way into every function: its environment, its event, and failures that are told shortly.

A function whose environment lacks something says so once, when it starts, and every invocation fails with that sentence.
An event that the function does not take fails the invocation before anything is done. Both are logged as one line; the
stack trace that Lambda prints beside the error ends here instead of leading through the library.
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

type Handler[Answer] = Callable[[Mapping[str, Any], LambdaContext], Answer]


def entry[Answer](function: Function, *, needs_settings: bool = True) -> Callable[[Handler[Answer]], Handler[Answer]]:
    """Decorate the handler of ``function``. One that answers for a bad environment itself does not need its settings."""

    def decorate(handler: Handler[Answer]) -> Handler[Answer]:
        _say_what_is_missing(function)

        @logger.inject_lambda_context
        def checked(event: Mapping[str, Any], context: LambdaContext) -> Answer:
            own_queue = _own_queue(function) if needs_settings else ""
            try:
                recognise.check(function, event, own_queue)
                return handler(event, context)
            except UnknownEventError as error:
                logger.error("The invocation was refused", reason=str(error))
                raise

        @wraps(handler)
        def entered(event: Mapping[str, Any], context: LambdaContext) -> Answer:
            try:
                return checked(event, context)
            except (SettingsError, UnknownEventError) as error:
                refused = error
            raise refused.with_traceback(None) from None

        return entered

    return decorate


def _own_queue(function: Function) -> str:
    """The URL of the queue that the function reads, if it does. SettingsError where the environment lacks anything."""
    settings = common.settings()
    return str(getattr(settings, function.queue)) if function.queue else ""


def _say_what_is_missing(function: Function) -> None:
    """At the start, so that it is in the log before any event; the reading itself is kept for the invocations."""
    try:
        common.settings()
    except SettingsError as error:
        logger.error("The function cannot work", function=function.name, reason=str(error))
