"""Delivery to a resource by its ARN, for EventBridge, the scheduler and Lambda's destinations."""

import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from moto.awslambda.utils import get_backend
from moto.sns.models import sns_backends
from moto.sqs.models import sqs_backends

from local_aws.delivery import permissions
from local_aws.delivery.inputs import is_missing, resolve
from local_aws.eventbus import ACCOUNT, REGION
from local_aws.iam import service_principals
from local_aws.runtime.asynchronous import AsynchronousInvocations
from local_aws.runtime.values import Trigger


class DeliveryError(Exception):
    """A delivery failed; ``code`` is the dead letter's ERROR_CODE."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Delivery:
    """A delivery. ``service`` is the principal that delivers, ``source_arn`` its rule or schedule."""

    text: str
    trigger: Trigger
    service: str = ""
    source_arn: str = ""
    role_arn: str | None = None
    group_id: str | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)


def deliver(arn: str, delivery: Delivery, asynchronous: AsynchronousInvocations) -> None:
    """Send ``delivery`` to a queue, a topic, or asynchronously to a function; DeliveryError if that fails."""
    service, resource = arn.split(":")[2], arn.split(":", 5)[5]
    if service == "sqs":
        _to_queue(arn, resource, delivery)
    elif service == "lambda":
        _to_function(arn, resource.removeprefix("function:"), delivery, asynchronous)
    elif service == "sns":
        _to_topic(arn, delivery)
    else:
        raise DeliveryError(
            "UNSUPPORTED_TARGET", f"The local AWS cannot deliver to {arn}: it knows SQS, Lambda and SNS"
        )


@dataclass(frozen=True, slots=True)
class Sender:
    """The sender to a destination or dead-letter queue: a service for its resource, with a role if it has one."""

    service: str
    source_arn: str
    role_arn: str | None = None


def send(
    arn: str, text: str, attributes: Mapping[str, str], sender: Sender, asynchronous: AsynchronousInvocations
) -> None:
    """Send a text to a destination or dead-letter queue; a failure is printed to stderr, its last resort."""
    delivery = Delivery(
        text,
        Trigger("destination"),
        service=sender.service,
        source_arn=sender.source_arn,
        role_arn=sender.role_arn,
        attributes=attributes,
    )
    try:
        deliver(arn, delivery, asynchronous)
    except DeliveryError as error:
        print(f"Lost, because {arn} did not accept it: {error}: {text[:500]}", file=sys.stderr)


def group_id_of(target: Mapping[str, Any], event: Mapping[str, Any]) -> str | None:
    """A target's MessageGroupId: a constant, or the text at its JSON path in the event."""
    setting = (target.get("SqsParameters") or {}).get("MessageGroupId")
    if setting is None or not setting.startswith("$."):
        return setting
    found = resolve(setting, event)
    return None if is_missing(found) else str(found)


def _to_queue(arn: str, name: str, delivery: Delivery) -> None:
    backend = sqs_backends[ACCOUNT][REGION]
    queue = backend.queues.get(name)
    if queue is None:
        raise DeliveryError("RESOURCE_NOT_FOUND", f"There is no queue {arn}")
    _check(delivery, "sqs:SendMessage", arn, queue.policy)
    if queue.fifo_queue and queue.attributes.get("ContentBasedDeduplication") != "true":
        raise DeliveryError("INVALID_PARAMETER", f"{name} needs ContentBasedDeduplication to be a target")
    attributes: Any = {k: {"DataType": "String", "StringValue": v} for k, v in delivery.attributes.items()}
    try:
        backend.send_message(name, delivery.text, attributes, group_id=delivery.group_id)
    except Exception as error:
        raise DeliveryError("SDK_CLIENT_ERROR", f"{name} rejected the message: {error}") from error


def _to_topic(arn: str, delivery: Delivery) -> None:
    backend = sns_backends[ACCOUNT][REGION]
    topic = backend.topics.get(arn)
    if topic is None:
        raise DeliveryError("RESOURCE_NOT_FOUND", f"There is no topic {arn}")
    if delivery.role_arn:
        _check(delivery, "sns:Publish", arn, None)
    if delivery.service and not permissions.key_allows_services(topic.kms_master_key_id):
        raise DeliveryError("NO_PERMISSIONS", f"The key of {arn} does not allow {delivery.service}")
    try:
        backend.publish(delivery.text, arn=arn)
    except Exception as error:
        message = getattr(error, "message", None) or error
        raise DeliveryError("SDK_CLIENT_ERROR", f"{arn} rejected the message: {message}") from error


def _to_function(arn: str, name: str, delivery: Delivery, asynchronous: AsynchronousInvocations) -> None:
    functions = {function.function_name: function for function in get_backend(ACCOUNT, REGION).list_functions()}
    function = functions.get(name.partition(":")[0])
    if function is None:
        raise DeliveryError("RESOURCE_NOT_FOUND", f"There is no function {arn}")
    policy = {"Statement": function.policy.statements} if function.policy.statements else None
    _check(delivery, "lambda:InvokeFunction", function.function_arn, policy)
    asynchronous.submit(function.function_name, delivery.text.encode(), delivery.trigger)


def _check(delivery: Delivery, action: str, arn: str, policy: Any) -> None:
    """Check the role's permissions if there is a role, else the resource-based policy."""
    if delivery.role_arn:
        session = re.split("[:/]", delivery.source_arn)[-1] or delivery.service
        principal = service_principals.ServicePrincipal(
            delivery.role_arn, delivery.service, session, delivery.source_arn
        )
        why = service_principals.refusal(principal, service_principals.side_needs([action], arn))
    elif delivery.service and not permissions.allows(policy, delivery.service, action, arn, delivery.source_arn):
        why = f"The policy of {arn} does not allow {delivery.service} to {action} for {delivery.source_arn}"
    else:
        return
    if why is not None:
        raise DeliveryError("NO_PERMISSIONS", why)
