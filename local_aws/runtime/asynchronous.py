"""Asynchronous invocations: retried, then handed to the failure destination (Lambda Developer Guide, "Asynchronous").

Lambda tries a failed asynchronous invocation twice more, after one and after two minutes; throttled
invocations are retried until the event is too old (6 hours by default).
"""

import json
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from moto.awslambda.models import LambdaFunction

from local_aws.clock import Clock
from local_aws.runtime.values import Outcome, ThrottledError, Trigger

_RETRY_SECONDS = (60, 120)
_MAX_AGE_SECONDS = 6 * 3600
_THROTTLED_SECONDS = 5.0

Invoke = Callable[[str, bytes, Trigger], Outcome]
Find = Callable[[str], LambdaFunction]
Send = Callable[[str, str, dict[str, str], LambdaFunction], None]
"""Send a text with attributes to the resource with this ARN, with the function's role."""


@dataclass(frozen=True, slots=True)
class _Event:
    function: str
    payload: bytes
    trigger: Trigger
    accepted: float
    attempt: int = 0


class AsynchronousInvocations:
    """Lambda's internal queue of asynchronous invocations."""

    def __init__(self, find: Find, invoke: Invoke, send: Send, clock: Clock) -> None:
        self._find = find
        self._invoke = invoke
        self._send = send
        self._clock = clock
        self._threads = ThreadPoolExecutor(8, thread_name_prefix="local-aws-async")
        self._closed = False

    def submit(self, function: str, payload: bytes, trigger: Trigger) -> None:
        """Accept an event; it is processed in the background, in the local AWS's time."""
        self._enqueue(_Event(function, payload, trigger, self._clock.time()))

    def close(self) -> None:
        self._closed = True
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _enqueue(self, event: _Event) -> None:
        if not self._closed:
            self._threads.submit(self._run, event)

    def _run(self, event: _Event) -> None:
        try:
            self._attempt(event)
        except Exception as error:
            if not self._closed:
                print(f"An asynchronous invocation of {event.function} was lost: {error}", file=sys.stderr)

    def _attempt(self, event: _Event) -> None:
        settings = self._settings(event.function)
        try:
            outcome = self._invoke(event.function, event.payload, event.trigger)
        except ThrottledError:
            self._later(event, settings, _THROTTLED_SECONDS, None)
            return
        if outcome.error is None:
            self._report(settings, "OnSuccess", event, outcome, "Success")
            return
        if event.attempt >= min(settings.get("MaximumRetryAttempts", 2), len(_RETRY_SECONDS)):
            self._give_up(event, settings, outcome, "RetriesExhausted")
            return
        retry = _Event(event.function, event.payload, event.trigger, event.accepted, event.attempt + 1)
        self._later(retry, settings, _RETRY_SECONDS[event.attempt], outcome)

    def _later(self, event: _Event, settings: dict[str, Any], seconds: float, outcome: Outcome | None) -> None:
        age = self._clock.time() + seconds - event.accepted
        if age > settings.get("MaximumEventAgeInSeconds", _MAX_AGE_SECONDS):
            self._give_up(event, settings, outcome, "EventAgeExceeded")
        else:
            self._clock.call_later(seconds, lambda: self._enqueue(event))

    def _give_up(self, event: _Event, settings: dict[str, Any], outcome: Outcome | None, condition: str) -> None:
        self._report(settings, "OnFailure", event, outcome, condition)
        function = self._find(event.function)
        dead_letters = getattr(function, "dead_letter_arn", None)
        if dead_letters:
            message = outcome.payload.decode(errors="replace")[:1024] if outcome else condition
            attributes = {"ErrorMessage": message, "ErrorCode": "200"}
            self._send(dead_letters, event.payload.decode(), attributes, function)

    def _report(
        self, settings: dict[str, Any], which: str, event: _Event, outcome: Outcome | None, condition: str
    ) -> None:
        destination = settings.get("DestinationConfig", {}).get(which, {}).get("Destination")
        if destination:
            function = self._find(event.function)
            record = _record(function, event, outcome, condition, self._clock.iso())
            self._send(destination, json.dumps(record), {}, function)

    def _settings(self, function: str) -> dict[str, Any]:
        configured = self._find(function).event_invoke_config
        return dict(configured[-1].config) if configured else {}


def _record(
    function: LambdaFunction, event: _Event, outcome: Outcome | None, condition: str, at: str
) -> dict[str, Any]:
    """The invocation record of a destination (Lambda Developer Guide, "Destinations")."""
    record: dict[str, Any] = {
        "version": "1.0",
        "timestamp": at,
        "requestContext": {
            "requestId": outcome.request_id if outcome else "",
            "functionArn": f"{function.function_arn}:$LATEST",
            "condition": condition,
            "approximateInvokeCount": event.attempt + 1,
        },
        "requestPayload": json.loads(event.payload),
    }
    if outcome is not None:
        record["responseContext"] = {"statusCode": 200, "executedVersion": "$LATEST"}
        if outcome.error:
            record["responseContext"]["functionError"] = outcome.error
        record["responsePayload"] = json.loads(outcome.payload)
    return record
