"""The actions of an alarm when its state changes: publish to a topic, or invoke a function asynchronously."""

from moto.sns.models import sns_backends

from local_aws.delivery import permissions
from local_aws.delivery.targets import Delivery, deliver
from local_aws.eventbus import ACCOUNT, REGION
from local_aws.monitoring.shapes import Change, lambda_payload, notification, subject
from local_aws.runtime.values import Trigger
from local_aws.services import current

_INVOKES = "lambda.alarms.cloudwatch.amazonaws.com"
"""The principal that a function's policy must allow (CloudWatch User Guide, "Invoke a Lambda function from an alarm")."""


class ActionError(Exception):
    """An action that could not be executed; as in AWS, only the alarm's history shows it."""


def act(change: Change, arn: str) -> None:
    """Execute one action; errors are raised for the alarm's history."""
    if ":sns:" in arn:
        _publish(change, arn)
    else:
        trigger = Trigger("alarm", {"alarm": change.alarm.name})
        delivery = Delivery(lambda_payload(change), trigger, _INVOKES, change.alarm.alarm_arn)
        deliver(arn, delivery, current().running_compute().asynchronous)


def _publish(change: Change, arn: str) -> None:
    backend = sns_backends[ACCOUNT][REGION]
    if not permissions.key_allows_services(backend.get_topic(arn).kms_master_key_id):
        raise ActionError("CloudWatch Alarms does not have authorization to access the SNS topic encryption key.")
    backend.publish(notification(change), arn, subject=subject(change))
