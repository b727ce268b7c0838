"""Functions that `sam local start-lambda` runs in Docker containers, instead of worker processes (decision 42).

It serves Lambda's Invoke (AWS SAM Developer Guide, "sam local start-lambda"). Its containers keep real time, and the
logs of functions are in its terminal.
"""

import contextlib
import http.client
import json
import os
import socket
import time
import uuid
from urllib.parse import quote, urlsplit

from local_aws.clock import Clock
from local_aws.runtime.values import FunctionSettings, Outcome, is_error

_START_SECONDS = 120.0
"""In addition to the function's timeout: the first container of a function waits for its image to be built."""


class AddressError(ValueError):
    """The address of `sam local start-lambda` is invalid."""


def url() -> str | None:
    """LOCAL_AWS_START_LAMBDA: the address of a `sam local start-lambda` that runs the functions; None for worker processes."""
    return os.environ.get("LOCAL_AWS_START_LAMBDA") or None


def address(url: str) -> tuple[str, int]:
    """Host and port of an ``http://host:port``; AddressError otherwise."""
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError:
        port = None
    if parts.scheme != "http" or not parts.hostname or port is None or parts.path.strip("/"):
        raise AddressError(f"{url!r} is not the address of sam local start-lambda, such as http://127.0.0.1:3001")
    return parts.hostname, port


class ContainerEnvironment:
    """A function's container in `sam local start-lambda`; it runs one invocation at a time."""

    def __init__(self, settings: FunctionSettings, url: str) -> None:
        self.settings = settings
        self.alive = True  # SAM starts the container, and a new one when it has ended
        self._url = url
        self._connection: http.client.HTTPConnection | None = None

    def invoke(self, payload: bytes) -> Outcome:
        """Run the function; if SAM is unreachable or cannot run it, the outcome says so."""
        request_id, started = str(uuid.uuid4()), time.monotonic()
        result, error = self._ask(payload)
        return Outcome(request_id, result, error, time.monotonic() - started)

    def close(self) -> None:
        """Stop waiting for the running invocation; the container is SAM's."""
        self.alive = False
        connection = self._connection
        if connection is not None and connection.sock is not None:
            with contextlib.suppress(OSError):  # it has ended meanwhile
                connection.sock.shutdown(socket.SHUT_RDWR)

    def _ask(self, payload: bytes) -> tuple[bytes, str | None]:
        host, port = address(self._url)
        connection = http.client.HTTPConnection(host, port, timeout=self.settings.timeout + _START_SECONDS)
        self._connection = connection
        try:
            connection.request("POST", f"/2015-03-31/functions/{quote(self.settings.name)}/invocations", payload)
            response = connection.getresponse()
            body = response.read()
        except (OSError, http.client.HTTPException) as error:
            return _failed("StartLambda.Unreachable", f"sam local start-lambda does not answer at {self._url}: {error}")
        finally:
            self._connection = None
            connection.close()
        if response.status != http.client.OK:
            return _failed("StartLambda.Refused", f"HTTP {response.status}: {body.decode(errors='replace')}")
        if not body:
            return _failed("Sandbox.Timedout", f"No answer within {self.settings.timeout:.2f} seconds")
        return body, "Unhandled" if is_error(body) else None


def _failed(kind: str, message: str) -> tuple[bytes, str]:
    return json.dumps({"errorType": kind, "errorMessage": message}).encode(), "Unhandled"


class StartLambda:
    """A `sam local start-lambda` that runs the functions once it listens.

    It cannot run from the start: its containers need files that are written after the stack is loaded, and loading the
    stack may need a function (for a custom resource).
    """

    def __init__(self, at: str) -> None:
        """AddressError if ``at`` is not an address."""
        self._host, self._port = address(at)
        self._at = at
        self._seen = False

    def has_started(self) -> bool:
        """Whether it has ever listened. If it ends later, invocations fail."""
        if not self._seen:
            with contextlib.suppress(OSError), socket.create_connection((self._host, self._port), timeout=0.5):
                self._seen = True
        return self._seen

    def container(self, settings: FunctionSettings) -> ContainerEnvironment:
        """The function's container."""
        return ContainerEnvironment(settings, self._at)


def from_environment(clock: Clock) -> StartLambda | None:
    """The `sam local start-lambda` that LOCAL_AWS_START_LAMBDA names; None if it is not set.

    AddressError if it is not an address. ValueError if the local AWS does not run in real time, as containers do.
    """
    at = url()
    if at is None:
        return None
    speed = clock.speed or 1.0
    if speed != 1:
        raise ValueError(
            f"LOCAL_AWS_START_LAMBDA goes with LOCAL_AWS_SPEED=1 only (it is {speed:g}): containers keep real time."
        )
    return StartLambda(at)
