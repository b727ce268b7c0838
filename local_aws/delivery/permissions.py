"""May a service of AWS reach a queue, topic or function? Read from the resource's own policy.

EventBridge User Guide, "Resource-based policies": queues and functions must allow events.amazonaws.com; what is refused
goes to the rule's dead-letter queue at once, without a retry.
"""

import json
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any


def allows(policy: str | Mapping[str, Any] | None, service: str, action: str, resource: str, source_arn: str) -> bool:
    """Whether a statement allows ``service`` to do ``action`` on ``resource`` for ``source_arn``, and none denies it."""
    document = json.loads(policy) if isinstance(policy, str) else policy or {}
    applying = [
        statement
        for statement in _listed(document.get("Statement"))
        if _applies(statement, service, action, resource, source_arn)
    ]
    effects = {statement.get("Effect") for statement in applying}
    return "Allow" in effects and "Deny" not in effects


def key_admits_services(key_id: str) -> bool:
    """Whether AWS's services can publish to a topic that is encrypted with this key (none is the empty text).

    The policy of the AWS managed key ``alias/aws/sns`` lets none of them in and cannot be changed (Amazon SNS Developer
    Guide, "Enable compatibility between event sources from AWS services and encrypted topics").
    """
    return not str(key_id).endswith("alias/aws/sns")


def _applies(statement: Mapping[str, Any], service: str, action: str, resource: str, source_arn: str) -> bool:
    actions = [str(name).lower() for name in _listed(statement.get("Action"))]
    resources = [str(arn).removesuffix(":$LATEST") for arn in _listed(statement.get("Resource"))]
    return (
        _is_principal(statement.get("Principal"), service)
        and any(fnmatchcase(action.lower(), pattern) for pattern in actions)
        and any(fnmatchcase(resource, pattern) for pattern in resources)
        and _meets(statement.get("Condition") or {}, {"aws:sourcearn": source_arn, "aws:securetransport": "true"})
    )


def _is_principal(principal: Any, service: str) -> bool:
    return principal == "*" or (
        isinstance(principal, dict)
        and (service in _listed(principal.get("Service")) or "*" in _listed(principal.get("AWS")))
    )


def _meets(condition: Mapping[str, Mapping[str, Any]], context: Mapping[str, str]) -> bool:
    return all(
        _meets_one(operator, context.get(key.lower()), [str(value) for value in _listed(values)])
        for operator, keys in condition.items()
        for key, values in keys.items()
    )


def _meets_one(operator: str, actual: str | None, values: Sequence[str]) -> bool:
    match operator:
        case "ArnEquals" | "ArnLike" | "StringLike":
            return actual is not None and any(fnmatchcase(actual, value) for value in values)
        case "StringEquals":
            return actual is None or actual in values  # an unknown key, such as aws:SourceAccount, is this account's
        case "Bool":
            return actual is not None and actual in [value.lower() for value in values]
    raise ValueError(f"The local AWS does not know the condition operator {operator} of a resource policy")


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
