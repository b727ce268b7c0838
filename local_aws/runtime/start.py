"""The entry point of a worker process: prepares it like Lambda's Python runtime, then runs awslambdaric.

Run as a file by ``python -I -S``: nothing of the repository and of the virtual environment is importable except
``LOCAL_AWS_IMPORT_PATH``. The order of the import path is Lambda's: the function, its layers, the standard
library, and last the runtime's own packages (AWS Lambda Developer Guide, "Python: search path").
"""

import datetime as dt
import http.client
import json
import os
import sys
import time
import types
from typing import Any, Self

_API = "/2018-06-01/runtime"
_real_time = time.time
_real_datetime = dt.datetime


class _AnyDatetime(type):
    """Makes every datetime an instance of the replacement: C code creates the built-in type."""

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, _real_datetime)

    def __subclasscheck__(cls, subclass: type) -> bool:
        return issubclass(subclass, _real_datetime)


class _LocalDatetime(_real_datetime, metaclass=_AnyDatetime):
    """``datetime.datetime`` at the time of the local AWS; the built-in one does not call ``time.time``."""

    @classmethod
    def now(cls, tz: dt.tzinfo | None = None) -> Self:
        return cls.fromtimestamp(time.time(), tz)

    @classmethod
    def utcnow(cls) -> Self:
        return cls.now(dt.UTC).replace(tzinfo=None)

    @classmethod
    def today(cls) -> Self:
        return cls.now()


def _scale_time(epoch: float, speed: float) -> None:
    """Run the function's time ``speed`` times as fast, from ``epoch`` (the start of the local AWS).

    Metrics and logs thus have the time of the local AWS.
    """
    time.time = lambda: epoch + (_real_time() - epoch) * speed
    time.time_ns = lambda: int(time.time() * 1_000_000_000)
    dt.datetime = _LocalDatetime  # type: ignore[misc]


class RuntimeClient(types.ModuleType):
    """awslambdaric's ``runtime_client`` without its compiled part, which exists on Linux only."""

    def __init__(self, address: str) -> None:
        super().__init__("runtime_client")
        self._address = address

    def initialize_client(self, user_agent: str) -> None:
        """Nothing to prepare: each request opens its own connection."""

    def next(self) -> tuple[bytes, dict[str, Any]]:
        """Wait for the next invocation; the process ends when its local AWS has ended."""
        try:
            _, headers, body = self._request("GET", f"{_API}/invocation/next")
        except (OSError, http.client.HTTPException):
            os._exit(0)
        deadline = int(headers["Lambda-Runtime-Deadline-Ms"])
        return body, {**headers, "Lambda-Runtime-Deadline-Ms": deadline}

    def post_invocation_result(self, invoke_id: str, result: bytes, content_type: str, *_: object) -> None:
        self._request("POST", f"{_API}/invocation/{invoke_id}/response", result, {"Content-Type": content_type})

    def post_error(self, invoke_id: str, error: str, *_: object) -> None:
        kind = str(json.loads(error).get("errorType", "Error"))
        self._request(
            "POST",
            f"{_API}/invocation/{invoke_id}/error",
            error.encode(),
            {"Lambda-Runtime-Function-Error-Type": kind},
        )

    def _request(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPConnection(self._address)
        try:
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            return response.status, dict(response.getheaders()), response.read()
        finally:
            connection.close()


def main() -> None:
    """Prepare this process by its environment variables and serve invocations until its end."""
    sys.path[:0] = os.environ.pop("LOCAL_AWS_IMPORT_PATH").split(os.pathsep)
    sys.path.append(os.environ["LAMBDA_RUNTIME_DIR"])
    speed, epoch = float(os.environ.pop("LOCAL_AWS_SPEED")), float(os.environ.pop("LOCAL_AWS_EPOCH"))
    sys.modules["runtime_client"] = RuntimeClient(os.environ["AWS_LAMBDA_RUNTIME_API"])
    _scale_time(epoch, speed)

    import awslambdaric.__main__
    import awslambdaric.lambda_context

    # The remaining time is real time, like the timeout: the platform's clock is not the function's.
    awslambdaric.lambda_context.time = types.SimpleNamespace(time=_real_time)
    awslambdaric.__main__.main(["awslambdaric", os.environ["_HANDLER"]])


if __name__ == "__main__":
    main()
