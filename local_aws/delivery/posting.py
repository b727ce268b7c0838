"""How SNS reaches what it really can: endpoints on loopback by POST, with retries, and functions.

Headers, retries and the function's event: Amazon SNS Developer Guide, "HTTP/HTTPS headers", "Message delivery retries";
AWS Lambda Developer Guide, "Using Lambda with Amazon SNS".
"""

import http.client
import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from moto.sns.models import Subscription

from local_aws import certificates, clock
from local_aws.delivery.targets import DeliveryError, Parcel, deliver
from local_aws.runtime.values import Trigger

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
    """POST to an endpoint, again on the clock if it fails for a while; ``done`` gets how it ended."""
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
        status = _send(subscription.endpoint, body.encode(), headers)
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
        clock.call_later(_RETRY_SECONDS, lambda: post(subscription, message_id, body, **again))  # type: ignore[arg-type]


def to_function(subscription: Subscription, document: Mapping[str, Any]) -> str:
    """Invoke a function asynchronously with the event of one notification; how it ended, as a Delivery says it."""
    from local_aws.runtime import lambda_service  # the server's; it stands on delivery, too

    renamed = {"SigningCertURL": "SigningCertUrl", "UnsubscribeURL": "UnsubscribeUrl"}
    notification = {renamed.get(name, name): value for name, value in document.items()}
    record = {
        "EventSource": "aws:sns",
        "EventVersion": "1.0",
        "EventSubscriptionArn": subscription.arn,
        "Sns": {"Subject": None, "MessageAttributes": {}, **notification},
    }
    trigger = Trigger("sns", {"topic": subscription.topic_arn, "messageId": document["MessageId"]})
    parcel = Parcel(json.dumps({"Records": [record]}), trigger, "sns.amazonaws.com", subscription.topic_arn)
    try:
        deliver(subscription.endpoint, parcel, lambda_service.compute().asynchronous)
    except (DeliveryError, RuntimeError) as error:
        return f"failed: {error}"
    return "delivered"


def _send(endpoint: str, body: bytes, headers: Mapping[str, str]) -> int:
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
