"""Delivers responses of custom resources: an HTTP PUT to the presigned URL that CloudFormation gave (decision 25)."""

import contextlib
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import urlsplit

from ecs_lattice.errors import InvalidError, UnavailableError

_OPERATION = "PutCustomResourceResponse"
_ATTEMPT_SECONDS = 4.0
_FIRST_WAIT_SECONDS, _LEAST_SECONDS = 0.25, 0.1
_OK, _REDIRECT, _SERVER_ERROR = 200, 300, 500


@dataclass(frozen=True, slots=True)
class HttpDelivery:
    """PUTs over HTTP, with time and waiting as arguments. The URL is a credential: no message of an error contains it.

    ``seconds`` end every attempt, whatever the server does: a limit of the socket would begin anew with every byte. No redirect
    is followed, and of the server's answer only the status is read.
    """

    sleep: Callable[[float], None] = time.sleep
    monotonic: Callable[[], float] = time.monotonic

    def put(self, url: str, body: bytes, seconds: float) -> None:
        """Deliver ``body``, trying again for ``seconds`` where the server failed or the connection did.

        Raises UnavailableError when the time is over, and InvalidError when the server refuses (a URL that expired, a
        redirect): trying again does not help.
        """
        ends_at, wait = self.monotonic() + seconds, _FIRST_WAIT_SECONDS
        while True:
            left = max(ends_at - self.monotonic(), _LEAST_SECONDS)
            failure = _attempt(url, body, min(_ATTEMPT_SECONDS, left))
            if not failure:
                return
            if self.monotonic() + wait >= ends_at:
                raise UnavailableError(_OPERATION, "NotDelivered", f"CloudFormation could not be answered: {failure}.")
            self.sleep(wait)
            wait *= 2


def _attempt(url: str, body: bytes, seconds: float) -> str:
    """What went wrong so that another attempt may help; empty when it was delivered."""
    result = _put(url, body, seconds)
    if isinstance(result, Exception):
        return type(result).__name__
    if _OK <= result < _REDIRECT:
        return ""
    if result >= _SERVER_ERROR:
        return f"HTTP {result}"
    raise InvalidError(_OPERATION, f"HTTP{result}", f"The ResponseURL of the request answered HTTP {result}.")


def _put(url: str, body: bytes, seconds: float) -> int | Exception:
    """The status of the answer, or why there is none after ``seconds``."""
    try:
        parts = urlsplit(url)
        kind = {"https": HTTPSConnection, "http": HTTPConnection}[parts.scheme]
        connection = kind(parts.hostname or "", parts.port, timeout=seconds)
    except (KeyError, ValueError, HTTPException):
        raise InvalidError(_OPERATION, "BadUrl", "The ResponseURL of the request is no URL.") from None
    target = f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}"
    results: list[int | Exception] = []

    def exchange() -> None:
        try:
            # No content type: the URL is signed without one (CloudFormation User Guide, custom resource response objects).
            connection.request("PUT", target, body, {"Content-Type": ""})
            results.append(connection.getresponse().status)
        except (OSError, HTTPException, ValueError) as error:
            results.append(error)

    thread = threading.Thread(target=exchange, daemon=True)
    thread.start()
    thread.join(seconds)
    result = results[0] if results else TimeoutError()  # before the end of the connection is an error of its own
    _hang_up(connection)
    return result


def _hang_up(connection: HTTPConnection) -> None:
    """End the connection, also one in which another thread still waits."""
    with contextlib.suppress(OSError, AttributeError):  # never connected, or closed by the other side
        connection.sock.shutdown(socket.SHUT_RDWR)
    connection.close()
