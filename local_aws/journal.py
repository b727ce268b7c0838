"""What happened in the local AWS: API calls and runs of functions, and which function an access key belongs to."""

import itertools
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import parse_qs, urlsplit

from moto.core.responses import BaseResponse

from local_aws.clock import Clock

_READS = (
    "BatchGet", "BatchCheck", "Describe", "Discover", "Filter", "Get", "Head", "List", "Lookup",
    "Query", "ReceiveMessage", "Scan", "Search", "Select", "Simulate", "TransactGet", "Validate",
)  # fmt: skip


class Refusal(Protocol):
    """The answer to a request that IAM denies (:class:`local_aws.iam.denials.Refused`)."""

    @property
    def answer(self) -> tuple[int, dict[str, Any], Any]: ...
    @property
    def code(self) -> str: ...


Authorize = Callable[[BaseResponse], Refusal | None]
"""Decides whether a request may proceed: None, or the answer to give instead."""


@dataclass(frozen=True, slots=True)
class Call:
    """One API call: ``caller`` is the function that made it, or ``client``; ``error`` its error code, or None."""

    service: str
    operation: str
    caller: str
    time: float
    write: bool
    status: int
    error: str | None
    request: Any
    """The parameters, where the protocol carries them as JSON or as a query; with the path for REST protocols."""


@dataclass(frozen=True, slots=True)
class Invocation:
    """One run of a function: ``start`` in seconds of the local AWS's time, ``duration`` in real seconds."""

    function: str
    request_id: str
    start: float
    duration: float
    error: str | None
    source: str
    trigger: Mapping[str, Any]


@dataclass
class Journal:
    """The calls and invocations of a running local AWS, oldest first. Thread-safe."""

    calls: list[Call] = field(default_factory=list)
    invocations: list[Invocation] = field(default_factory=list)
    _callers: dict[str, str] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=itertools.count)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def access_key_of(self, function: str) -> str:
        """A new access key id for the function, 20 characters long as AWS's are."""
        with self._lock:
            key = f"ASIALOCAL{next(self._numbers):011d}"
            self._callers[key] = function
        return key

    def caller_of(self, access_key: str) -> str:
        """The function that was given the access key, else ``client``."""
        return self._callers.get(access_key, "client")

    def function_of(self, access_key: str) -> str | None:
        """The function that was given the access key; None if none was."""
        return self._callers.get(access_key)

    def called(self, call: Call) -> None:
        with self._lock:
            self.calls.append(call)

    def invoked(self, invocation: Invocation) -> None:
        with self._lock:
            self.invocations.append(invocation)


@contextmanager
def recording(journal: Journal, clock: Clock, authorize: Authorize) -> Iterator[None]:
    """Write every API call of every service into ``journal`` until the block ends.

    ``authorize`` sees each call first; where it refuses one, the service does not see it.
    """
    moto_call_action = BaseResponse.call_action

    def call_action(response: BaseResponse) -> Any:
        status, error = 500, None
        try:
            refused = authorize(response)
            answer = moto_call_action(response) if refused is None else refused.answer
            status = int(answer[0])
            error = _error_code(status, answer[1], answer[2]) if refused is None else refused.code
        except Exception as raised:
            status = int(getattr(raised, "code", 500) or 500)
            error = str(getattr(raised, "error_type", type(raised).__name__))
            raise
        else:
            return answer
        finally:
            journal.called(_call(response, journal, clock, status, error))

    BaseResponse.call_action = call_action  # type: ignore[assignment, method-assign]
    try:
        yield
    finally:
        BaseResponse.call_action = moto_call_action  # type: ignore[method-assign]


def _call(response: BaseResponse, journal: Journal, clock: Clock, status: int, error: str | None) -> Call:
    operation = str(response._get_action() or "")
    return Call(
        service=str(response.boto3_service_name),
        operation=operation,
        caller=journal.caller_of(getattr(response, "access_key", "")),
        time=clock.time(),
        write=not operation.startswith(_READS),
        status=status,
        error=error,
        request=_request(response),
    )


def _request(response: BaseResponse) -> Any:
    body = response.body
    parameters: Any = body if isinstance(body, dict) else {}
    try:
        parameters = json.loads(body) if body and isinstance(body, str | bytes) else parameters
    except ValueError:
        parameters = {name: values[0] for name, values in parse_qs(body).items()} if isinstance(body, str) else {}
    path = urlsplit(response.uri).path
    return {"path": path, **parameters} if path != "/" and isinstance(parameters, dict) else parameters


def _error_code(status: int, headers: Mapping[str, Any], body: Any) -> str | None:
    if status < 400:
        return None
    for name, value in headers.items():
        if name.lower() == "x-amzn-errortype":
            return str(value).split(":")[0]
    try:
        parsed = json.loads(body)
        return str(parsed.get("__type") or parsed.get("code") or status).rpartition("#")[2]
    except (ValueError, TypeError, AttributeError):
        return str(status)


__all__ = ["Authorize", "Call", "Invocation", "Journal", "Refusal", "recording"]
