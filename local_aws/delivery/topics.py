"""SNS: messages are validated as AWS does, and every delivery can be read afterwards.

Nothing leaves the machine: messages for mailboxes and for HTTPS endpoints elsewhere are recorded only. Queues, functions
and endpoints on loopback receive theirs. Subscriptions are confirmed at once, because nobody could click the link.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import moto.sns.models as moto_sns
from moto.sns.exceptions import InvalidParameterValue, SNSInvalidParameter
from moto.sns.models import MAXIMUM_MESSAGE_LENGTH, SNSBackend, Subscription, sns_backends
from moto.sqs.models import sqs_backends

from local_aws import extend
from local_aws.delivery import http_delivery, permissions
from local_aws.delivery.targets import Delivery, DeliveryError, deliver
from local_aws.eventbus import ACCOUNT, REGION
from local_aws.runtime.values import Trigger
from local_aws.services import clock, current

SERVICE = "sns.amazonaws.com"
_MOST_SUBJECT = 100
_RECORDED = ("email", "email-json", "sms", "application", "firehose")
_PROTOCOLS = (*_RECORDED, "http", "https", "lambda", "sqs")
_moto_publish = Subscription.publish


@dataclass(frozen=True, slots=True)
class TopicDelivery:
    """One message to one subscriber. ``at`` in seconds since the epoch.

    ``outcome`` is ``recorded`` where sending would leave the machine, ``delivered``, or ``failed:`` with the reason.
    """

    at: float
    topic_arn: str
    message_id: str
    protocol: str
    endpoint: str
    subject: str | None
    body: str
    outcome: str


class LocalSnsBackend(SNSBackend):
    """moto's, with a record of all deliveries."""

    def __init__(self, region_name: str, account_id: str) -> None:
        super().__init__(region_name, account_id)
        self.deliveries: list[TopicDelivery] = []

    def publish(
        self,
        message: str,
        arn: str | None,
        phone_number: str | None = None,
        subject: str | None = None,
        message_attributes: dict[str, Any] | None = None,
        group_id: str | None = None,
        deduplication_id: str | None = None,
        message_structure: str | None = None,
    ) -> str:
        for problem in _problems(message, subject, message_attributes or {}, message_structure):
            raise InvalidParameterValue(f"Invalid parameter: {problem}")
        return super().publish(
            message, arn, phone_number, subject, message_attributes, group_id, deduplication_id, message_structure
        )

    def subscribe(self, topic_arn: str, endpoint: str, protocol: str) -> Subscription:
        problem = _endpoint_problem(protocol, endpoint or "")
        if problem:
            raise SNSInvalidParameter(f"Invalid parameter: {problem}")
        return super().subscribe(topic_arn, endpoint, protocol)


def deliveries() -> tuple[TopicDelivery, ...]:
    """All deliveries of all topics, oldest first."""
    backend: Any = sns_backends[ACCOUNT][REGION]
    return tuple(getattr(backend, "deliveries", ()))


def install() -> None:
    """Replace moto's SNS."""
    extend.install("sns", LocalSnsBackend)
    module: Any = moto_sns
    module.Subscription.publish = _publish
    module.iso_8601_datetime_with_milliseconds = lambda: f"{clock().now():%Y-%m-%dT%H:%M:%S}.{_milliseconds():03d}Z"


def _milliseconds() -> int:
    return clock().now().microsecond // 1000


def _problems(message: str, subject: str | None, attributes: Mapping[str, Any], structure: str | None) -> list[str]:
    """The problems of a message (API Reference, Publish), in AWS's words."""
    found = []
    if subject is not None and not (0 < len(subject) <= _MOST_SUBJECT and subject.isprintable()):
        # According to moto's issue 1503, 100 characters pass, although the reference says "less than 100".
        found.append(f"Subject: 1 to {_MOST_SUBJECT} characters without line breaks, not {subject!r}")
    if not message:
        found.append("Empty message")
    size = len(message.encode()) + sum(_size(name, value) for name, value in attributes.items())
    if size > MAXIMUM_MESSAGE_LENGTH:
        found.append("Message too long")
    if structure is not None:
        found += _structure_problems(message, structure)
    return found


def _structure_problems(message: str, structure: str) -> list[str]:
    if structure != "json":
        return [f"MessageStructure: must be json, not {structure!r}"]
    try:
        parsed = json.loads(message)
    except ValueError:
        parsed = None
    if not isinstance(parsed, dict):
        return ["Message Structure - JSON message body failed to parse"]
    return (
        [] if isinstance(parsed.get("default"), str) else ["Message Structure - No default entry in JSON message body"]
    )


def _size(name: str, attribute: Mapping[str, Any]) -> int:
    return sum(len(str(part).encode()) for part in (name, attribute.get("Type", ""), attribute.get("Value", "")))


def _endpoint_problem(protocol: str, endpoint: str) -> str | None:
    if protocol not in _PROTOCOLS:
        return f"Amazon SNS does not support this protocol string: {protocol}"
    if protocol in ("http", "https") and urlsplit(endpoint).scheme != protocol:
        return f"Endpoint must match the specified protocol: {endpoint!r} does not begin with {protocol}://"
    if protocol in ("email", "email-json") and not all(endpoint.rpartition("@")):
        return f"Email address: {endpoint!r} is not one"
    if protocol == "lambda" and ":function:" not in endpoint:
        return f"Lambda endpoint ARN: {endpoint!r} is not one"
    return None


@dataclass(frozen=True, slots=True)
class _Message:
    """What one subscriber receives."""

    text: str
    id: str
    subject: str | None
    attributes: dict[str, Any] | None
    group_id: str | None
    deduplication_id: str | None


def _publish(
    subscription: Subscription,
    message: str,
    message_id: str,
    subject: str | None = None,
    message_attributes: dict[str, Any] | None = None,
    group_id: str | None = None,
    deduplication_id: str | None = None,
    message_structure: str | None = None,
) -> None:
    """Replaces moto's ``Subscription.publish``: a failing subscriber does not fail the publisher."""
    matcher = subscription._filter_policy_matcher
    if matcher is not None and not matcher.matches(message_attributes, message):
        return
    text = _text_for(subscription.protocol, message) if message_structure == "json" else message
    sent = _Message(text, message_id, subject, message_attributes, group_id, deduplication_id)
    if subscription.protocol == "sqs":
        _record(subscription, sent, text, _to_queue(subscription, sent))
    elif subscription.protocol == "lambda":
        _record(subscription, sent, text, _to_function(subscription, _document(subscription, sent)))
    elif subscription.protocol in ("http", "https"):
        _to_endpoint(subscription, sent)
    else:
        is_json = subscription.protocol == "email-json"
        _record(subscription, sent, json.dumps(_document(subscription, sent)) if is_json else text, "recorded")


def _record(subscription: Subscription, message: _Message, body: str, outcome: str) -> None:
    backend: Any = sns_backends[ACCOUNT][REGION]
    known = (subscription.topic_arn, message.id, subscription.protocol, subscription.endpoint, message.subject)
    backend.deliveries.append(TopicDelivery(clock().time(), *known, body, outcome))


def _document(subscription: Subscription, message: _Message) -> dict[str, Any]:
    """The JSON envelope of a notification."""
    return subscription.get_post_data(message.text, message.id, message.subject, message.attributes)


def _to_endpoint(subscription: Subscription, message: _Message) -> None:
    raw = str(subscription.attributes.get("RawMessageDelivery")).lower() == "true"
    body = message.text if raw else json.dumps(_document(subscription, message), indent=2)
    if http_delivery.is_loopback(subscription.endpoint):
        done = partial(_record, subscription, message, body)
        http_delivery.post(subscription, message.id, body, raw=raw, done=done)
    else:
        _record(subscription, message, body, "recorded")


def _to_queue(subscription: Subscription, message: _Message) -> str:
    queue = sqs_backends[ACCOUNT][REGION].queues.get(subscription.endpoint.rpartition(":")[2])
    if queue is None:
        return f"failed: there is no queue {subscription.endpoint}"
    if not permissions.allows(queue.policy, SERVICE, "sqs:SendMessage", subscription.endpoint, subscription.topic_arn):
        return f"failed: the policy of {subscription.endpoint} does not allow {SERVICE} to send"
    sent = (message.text, message.id, message.subject, message.attributes, message.group_id, message.deduplication_id)
    _moto_publish(subscription, *sent)
    return "delivered"


def _to_function(subscription: Subscription, document: Mapping[str, Any]) -> str:
    """Invoke a function asynchronously with the event of one notification; the outcome of the delivery.

    Event: AWS Lambda Developer Guide, "Using Lambda with Amazon SNS".
    """
    renamed = {"SigningCertURL": "SigningCertUrl", "UnsubscribeURL": "UnsubscribeUrl"}
    notification = {renamed.get(name, name): value for name, value in document.items()}
    record = {
        "EventSource": "aws:sns",
        "EventVersion": "1.0",
        "EventSubscriptionArn": subscription.arn,
        "Sns": {"Subject": None, "MessageAttributes": {}, **notification},
    }
    trigger = Trigger("sns", {"topic": subscription.topic_arn, "messageId": document["MessageId"]})
    delivery = Delivery(json.dumps({"Records": [record]}), trigger, SERVICE, subscription.topic_arn)
    try:
        deliver(subscription.endpoint, delivery, current().running_compute().asynchronous)
    except (DeliveryError, RuntimeError) as error:
        return f"failed: {error}"
    return "delivered"


def _text_for(protocol: str, message: str) -> str:
    """The text for a protocol, or the default text where the protocol has none; an empty text counts."""
    texts = json.loads(message)
    own = texts.get(protocol)
    return str(own if isinstance(own, str) else texts["default"])


__all__ = ["TopicDelivery", "deliveries", "install"]
