"""What an alarm does when its state changes: it tells a topic, or invokes a function asynchronously."""

from moto.sns.models import sns_backends

from local_aws.delivery import permissions
from local_aws.delivery.targets import Parcel, deliver
from local_aws.eventbus import ACCOUNT, REGION
from local_aws.monitoring.shapes import Change, lambda_payload, notification, subject
from local_aws.runtime.values import Trigger

_INVOKES = "lambda.alarms.cloudwatch.amazonaws.com"
"""The principal that a function's policy must allow (CloudWatch User Guide, "Invoke a Lambda function from an alarm")."""


class ActionError(Exception):
    """An action that could not be executed; AWS writes it into the alarm's history and nowhere else."""


def act(change: Change, arn: str) -> None:
    """Execute one action. What goes wrong is raised, for the history to keep."""
    if ":sns:" in arn:
        _publish(change, arn)
    else:
        from local_aws.runtime import lambda_service  # which itself publishes metrics through this package

        trigger = Trigger("alarm", {"alarm": change.alarm.name})
        parcel = Parcel(lambda_payload(change), trigger, _INVOKES, change.alarm.alarm_arn)
        deliver(arn, parcel, lambda_service.compute().asynchronous)


def _publish(change: Change, arn: str) -> None:
    backend = sns_backends[ACCOUNT][REGION]
    if not permissions.key_admits_services(backend.get_topic(arn).kms_master_key_id):
        raise ActionError("CloudWatch Alarms does not have authorization to access the SNS topic encryption key.")
    backend.publish(notification(change), arn, subject=subject(change))
