"""Delivers answers of custom resources: an HTTP PUT to the presigned URL that CloudFormation gave."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import urllib3

from ecs_lattice.errors import InvalidError, UnavailableError

_OPERATION = "PutCustomResourceResponse"
_CONNECT_SECONDS, _ATTEMPT_SECONDS = 2.0, 4.0
_FIRST_WAIT_SECONDS = 0.25
_BAD_URL = "The ResponseURL of the request is no URL."
_OK, _REDIRECT, _SERVER_ERROR = 200, 300, 500


def _pool() -> urllib3.PoolManager:
    return urllib3.PoolManager(retries=False)


@dataclass(frozen=True, slots=True)
class HttpDelivery:
    """PUTs over HTTP, with time and waiting as arguments. The URL is a credential: no message of an error contains it."""

    sleep: Callable[[float], None] = time.sleep
    monotonic: Callable[[], float] = time.monotonic
    pool: urllib3.PoolManager = field(default_factory=_pool)

    def put(self, url: str, body: bytes, seconds: float) -> None:
        """Deliver ``body``, trying again for ``seconds`` where the server failed or the connection did.

        Raises UnavailableError when the time is over, and InvalidError when the server refuses (a URL that expired, a
        redirect): trying again does not help.
        """
        ends_at, wait = self.monotonic() + seconds, _FIRST_WAIT_SECONDS
        while True:
            failure = self._attempt(url, body, max(ends_at - self.monotonic(), 0.1))
            if not failure:
                return
            if self.monotonic() + wait >= ends_at:
                raise UnavailableError(_OPERATION, "NotDelivered", f"CloudFormation could not be answered: {failure}.")
            self.sleep(wait)
            wait *= 2

    def _attempt(self, url: str, body: bytes, seconds: float) -> str:
        """What went wrong so that another attempt may help; empty when it was delivered."""
        if not url.startswith(("https://", "http://")):
            raise InvalidError(_OPERATION, "BadUrl", _BAD_URL)
        limit = min(_ATTEMPT_SECONDS, seconds)
        try:
            # No content type: the URL is signed without one (CloudFormation User Guide, custom resource response objects).
            response = self.pool.request(
                "PUT",
                url,
                body=body,
                headers={"Content-Type": ""},
                redirect=False,
                timeout=urllib3.Timeout(connect=min(_CONNECT_SECONDS, limit), read=limit),
            )
        except (urllib3.exceptions.LocationParseError, urllib3.exceptions.LocationValueError):
            raise InvalidError(_OPERATION, "BadUrl", _BAD_URL) from None
        except urllib3.exceptions.HTTPError as error:
            return type(error).__name__
        if _OK <= response.status < _REDIRECT:
            return ""
        if response.status >= _SERVER_ERROR:
            return f"HTTP {response.status}"
        raise InvalidError(
            _OPERATION, f"HTTP{response.status}", f"The ResponseURL of the request answered HTTP {response.status}."
        )
