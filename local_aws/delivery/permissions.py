"""May a service of AWS reach a queue, topic or function? Read from the resource's own policy.

EventBridge User Guide, "Resource-based policies": queues and functions must allow events.amazonaws.com; what is refused
goes to the rule's dead-letter queue at once, without a retry.
"""

import json
from collections.abc import Mapping
from typing import Any

from local_aws.eventbus import ACCOUNT
from local_aws.iam.evaluation import Policy, Request, decide
from local_aws.services import clock


def allows(policy: str | Mapping[str, Any] | None, service: str, action: str, resource: str, source_arn: str) -> bool:
    """Whether a statement allows ``service`` to do ``action`` on ``resource`` for ``source_arn``, and none denies it.

    PolicyError, a ValueError, if the policy cannot be evaluated.
    """
    if not policy:
        return False
    context = {
        "aws:sourcearn": source_arn,
        "aws:sourceaccount": ACCOUNT,
        "aws:securetransport": "true",
        "aws:currenttime": clock().iso(),
        "aws:epochtime": str(int(clock().time())),
    }
    request = Request(action, resource.removesuffix(":$LATEST"), context, frozenset({("Service", service)}))
    return decide([Policy(f"of {resource}", _unqualified(policy))], request).allowed


def key_admits_services(key_id: str) -> bool:
    """Whether AWS's services can publish to a topic that is encrypted with this key (none is the empty text).

    The policy of the AWS managed key ``alias/aws/sns`` lets none of them in and cannot be changed (Amazon SNS Developer
    Guide, "Enable compatibility between event sources from AWS services and encrypted topics").
    """
    return not str(key_id).endswith("alias/aws/sns")


def _unqualified(policy: str | Mapping[str, Any]) -> Mapping[str, Any]:
    """The policy, with functions named without the version that they run anyway."""
    document = json.loads(policy) if isinstance(policy, str) else policy
    statements = document.get("Statement") or []
    listed = statements if isinstance(statements, list) else [statements]
    return {**document, "Statement": [_statement(statement) for statement in listed]}


def _statement(statement: Mapping[str, Any]) -> Mapping[str, Any]:
    resource = statement.get("Resource")
    if isinstance(resource, str):
        return {**statement, "Resource": resource.removesuffix(":$LATEST")}
    return statement
