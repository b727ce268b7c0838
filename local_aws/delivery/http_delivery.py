"""SNS delivery to HTTP and HTTPS endpoints on loopback, with retries.

Sources: Amazon SNS Developer Guide, "HTTP/HTTPS headers", "Message delivery retries".
"""

import http.client
from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

from moto.sns.models import Subscription

from local_aws import certificates
from local_aws.services import clock

_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_RETRIES, _RETRY_SECONDS = 3, 20.0
"""The default delivery policy of HTTP and HTTPS endpoints."""
_TIMEOUT = 5.0
"""Real seconds; SNS waits 15."""


def is_loopback(endpoint: str) -> bool:
    return urlsplit(endpoint).hostname in _LOOPBACK


def post(
    subscription: Subscription,
    message_id: str,
    body: str,
    *,
    raw: bool,
    done: Callable[[str], None],
    attempt: int = 0,
) -> None:
    """POST to an endpoint, with retries on the clock; ``done`` receives the outcome."""
    headers = {
        "Content-Type": "text/plain; charset=UTF-8",
        "User-Agent": "Amazon Simple Notification Service Agent",
        "x-amz-sns-message-type": "Notification",
        "x-amz-sns-message-id": message_id,
        "x-amz-sns-topic-arn": subscription.topic_arn,
        "x-amz-sns-subscription-arn": subscription.arn,
        **({"x-amz-sns-rawdelivery": "true"} if raw else {}),
    }
    try:
        status = _status(subscription.endpoint, body.encode(), headers)
    except (OSError, http.client.HTTPException) as error:
        status, failure = 0, f"{type(error).__name__}: {error}"
    else:
        failure = f"the endpoint answered {status}"
    if 200 <= status < 300:
        done("delivered")
    elif attempt == _RETRIES or (400 <= status < 500 and status != 429):  # a client error is permanent
        done(f"failed: {failure}")
    else:
        again = {"raw": raw, "done": done, "attempt": attempt + 1}
        clock().call_later(_RETRY_SECONDS, lambda: post(subscription, message_id, body, **again))  # type: ignore[arg-type]


def _status(endpoint: str, body: bytes, headers: Mapping[str, str]) -> int:
    url = urlsplit(endpoint)
    connection: http.client.HTTPConnection
    host = url.hostname or ""
    if url.scheme == "https":
        context = certificates.client_context()
        connection = http.client.HTTPSConnection(host, url.port, timeout=_TIMEOUT, context=context)
    else:
        connection = http.client.HTTPConnection(host, url.port, timeout=_TIMEOUT)
    try:
        path = (url.path or "/") + (f"?{url.query}" if url.query else "")
        connection.request("POST", path, body, dict(headers))
        return connection.getresponse().status
    finally:
        connection.close()
