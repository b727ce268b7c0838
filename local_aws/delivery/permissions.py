"""May an AWS service access a queue, topic or function? Decided by the resource-based policy.

EventBridge User Guide, "Resource-based policies": queues and functions must allow events.amazonaws.com; denied
events go to the rule's dead-letter queue at once, without a retry.
"""

import json
from collections.abc import Mapping
from typing import Any

from local_aws.eventbus import ACCOUNT
from local_aws.iam.evaluation import Policy, Request, decide
from local_aws.services import clock


def allows(policy: str | Mapping[str, Any] | None, service: str, action: str, resource: str, source_arn: str) -> bool:
    """Whether the policy allows ``service`` to perform ``action`` on ``resource`` for ``source_arn``.

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


def key_allows_services(key_id: str) -> bool:
    """Whether AWS services can publish to a topic encrypted with this key (empty: not encrypted).

    The policy of the AWS managed key ``alias/aws/sns`` allows none of them and cannot be changed (Amazon SNS Developer
    Guide, "Enable compatibility between event sources from AWS services and encrypted topics").
    """
    return not str(key_id).endswith("alias/aws/sns")


def _unqualified(policy: str | Mapping[str, Any]) -> Mapping[str, Any]:
    """The policy with function ARNs reduced to their unqualified form."""
    document = json.loads(policy) if isinstance(policy, str) else policy
    statements = document.get("Statement") or []
    listed = statements if isinstance(statements, list) else [statements]
    return {**document, "Statement": [_statement(statement) for statement in listed]}


def _statement(statement: Mapping[str, Any]) -> Mapping[str, Any]:
    resource = statement.get("Resource")
    if isinstance(resource, str):
        return {**statement, "Resource": resource.removesuffix(":$LATEST")}
    return statement
