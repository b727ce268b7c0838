"""Values of the runtime: functions and outcomes of invocations."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class FunctionSettings:
    """A function as an execution environment sees it. Two equal values can share an environment."""

    name: str
    arn: str
    version: str
    handler: str
    task: Path
    """The unpacked code."""
    layers: tuple[Path, ...]
    """The unpacked layers, in the order in which the function lists them."""
    variables: Mapping[str, str]
    timeout: float
    """Seconds, of real time."""
    memory: int
    """MB; reported to the function, not enforced."""
    log_group: str
    log_format: str = "Text"
    log_level: str = ""
    role: str = ""
    """The execution role's ARN."""
    traces: bool = False
    """Whether tracing is active; the local AWS sends no traces, but the role must allow Lambda to."""


@dataclass(frozen=True, slots=True)
class Trigger:
    """What triggered an invocation: ``source`` is sqs, eventbridge, schedule, invoke or async; ``detail`` has its identifiers."""

    source: str
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an invocation ended. ``error`` is Lambda's X-Amz-Function-Error: ``Unhandled`` or None."""

    request_id: str
    payload: bytes
    error: str | None = None
    duration: float = 0.0
    """Seconds, of real time."""
    logs: tuple[str, ...] = ()


def is_error(answer: str | bytes) -> bool:
    """Whether a response is Lambda's error object (Developer Guide, "Python function errors"), or invalid.

    For containers: SAM recognizes an error object only without requestId, which Python's runtime adds.
    """
    try:
        said = json.loads(answer)
    except ValueError:
        return True
    return isinstance(said, Mapping) and {"errorType", "errorMessage"} <= said.keys()


class ThrottledError(Exception):
    """The function's reserved concurrency is used up (Lambda answers 429 TooManyRequestsException)."""
