"""Management calls as CloudTrail sends them to EventBridge: ``AWS API Call via CloudTrail``.

Shape: ECS Developer Guide, "Log Amazon ECS API calls using AWS CloudTrail"; failed calls carry ``errorCode`` and
``errorMessage`` (AWS CloudTrail User Guide, record contents).
"""

import uuid
from collections.abc import Mapping
from typing import Any

from moto.core.exceptions import ServiceException
from moto.sts.models import sts_backends

from local_aws.ecs.write_guard import WriteGuard
from local_aws.services import clock

RECORDED = frozenset({"CreateService", "UpdateService", "DeleteService", "TagResource", "UntagResource"})
_EVENT_SOURCE = "ecs.amazonaws.com"


def identity(account: str, access_key: str | None) -> dict[str, Any]:
    """The caller: the role session that STS issued the access key for, else an IAM user named after the key."""
    key = access_key or "AKIAIOSFODNN7EXAMPLE"
    role = _assumed(account, key)
    if role is None:
        arn = f"arn:aws:iam::{account}:user/{key}"
        return {
            "type": "IAMUser",
            "principalId": f"AIDA{key[:16].upper()}",
            "arn": arn,
            "accountId": account,
            "accessKeyId": key,
            "userName": key,
        }
    name = role.arn.split("/")[-2]
    return {
        "type": "AssumedRole",
        "principalId": role.user_id,
        "arn": role.arn,
        "accountId": account,
        "accessKeyId": key,
        "sessionContext": {
            "sessionIssuer": {
                "type": "Role",
                "principalId": role.user_id.partition(":")[0],
                "arn": role.role_arn,
                "accountId": account,
                "userName": name,
            },
            "attributes": {"creationDate": clock().iso(), "mfaAuthenticated": "false"},
        },
    }


def record(
    guard: WriteGuard,
    operation: str,
    parameters: Mapping[str, Any],
    answer: Mapping[str, Any],
    caller: Mapping[str, Any],
    region: str,
) -> None:
    """Publish the event of a call. ``answer`` is its JSON response, an error if it has a ``__type``."""
    error = answer.get("__type")
    detail: dict[str, Any] = {
        "eventVersion": "1.11",
        "userIdentity": dict(caller),
        "eventTime": clock().iso(),
        "eventSource": _EVENT_SOURCE,
        "eventName": operation,
        "awsRegion": region,
        "sourceIPAddress": "127.0.0.1",
        "userAgent": "local-aws",
        "requestParameters": dict(parameters),
        "responseElements": None if error else dict(answer) or None,
        "requestID": str(uuid.uuid4()),
        "eventID": str(uuid.uuid4()),
        "readOnly": False,
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "recipientAccountId": caller["accountId"],
        "eventCategory": "Management",
    }
    if error:
        detail["errorCode"] = str(error).rpartition("#")[2]
        detail["errorMessage"] = answer.get("message") or answer.get("Message") or ""
    with guard.held():
        guard.say("aws.ecs", "AWS API Call via CloudTrail", [], detail)


def _assumed(account: str, key: str) -> Any:
    try:
        return sts_backends[account]["aws"].get_assumed_role_from_access_key(key)
    except (KeyError, ServiceException):
        return None


__all__ = ["RECORDED", "identity", "record"]
