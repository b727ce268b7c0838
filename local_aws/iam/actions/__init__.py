"""Where requests of each service name their resources, as far as the reference does not say so."""

import functools
from collections.abc import Mapping

from local_aws.iam.actions import ec2, ecs, identity, lattice, messaging, storage
from local_aws.iam.needs import Rule

_BY_SERVICE: Mapping[str, Mapping[str, Rule]] = {
    "cloudformation": messaging.CLOUDFORMATION,
    "cloudwatch": storage.CLOUDWATCH,
    "dynamodb": storage.DYNAMODB,
    "ec2": ec2.RULES,
    "ecs": ecs.RULES,
    "events": messaging.EVENTS,
    "iam": identity.IAM,
    "lambda": messaging.LAMBDA,
    "logs": storage.LOGS,
    "sns": messaging.SNS,
    "sqs": messaging.SQS,
    "sts": messaging.STS,
}


def rule_for(prefix: str, operation: str) -> Rule | None:
    """The rule for an operation; None if it is not known where its resources are named."""
    if prefix == "vpc-lattice":
        return functools.partial(lattice.needs, operation)
    return _BY_SERVICE.get(prefix, {}).get(operation)


__all__ = ["rule_for"]
