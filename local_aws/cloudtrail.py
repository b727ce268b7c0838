"""Management calls as CloudTrail sends them to EventBridge: ``AWS API Call via CloudTrail``.

Failed calls carry ``errorCode`` and ``errorMessage``; for a call of an AWS service, ``sourceIPAddress`` is its DNS name (AWS
CloudTrail User Guide, record contents).
"""

import uuid
from collections.abc import Mapping
from typing import Any

from moto.core.exceptions import ServiceException
from moto.sts.models import sts_backends

from local_aws.services import clock

DETAIL_TYPE = "AWS API Call via CloudTrail"


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


def service(name: str, account: str) -> dict[str, Any]:
    """An AWS service as the caller, by its DNS name."""
    return {"type": "AWSService", "invokedBy": name, "accountId": account}


def detail_of(
    event_source: str,
    operation: str,
    parameters: Mapping[str, Any],
    answer: Mapping[str, Any] | None,
    failure: tuple[str, str] | None,
    caller: Mapping[str, Any],
    region: str,
) -> dict[str, Any]:
    """The event's detail for a call that writes; ``failure``: the code and message of a call that failed."""
    detail: dict[str, Any] = {
        "eventVersion": "1.11",
        "userIdentity": dict(caller),
        "eventTime": clock().iso(),
        "eventSource": event_source,
        "eventName": operation,
        "awsRegion": region,
        "sourceIPAddress": caller.get("invokedBy", "127.0.0.1"),
        "userAgent": "local-aws",
        "requestParameters": dict(parameters),
        "responseElements": dict(answer or {}) or None,
        "requestID": str(uuid.uuid4()),
        "eventID": str(uuid.uuid4()),
        "readOnly": False,
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "recipientAccountId": caller["accountId"],
        "eventCategory": "Management",
    }
    if failure:
        detail["errorCode"], detail["errorMessage"] = failure
    return detail


def _assumed(account: str, key: str) -> Any:
    try:
        return sts_backends[account]["aws"].get_assumed_role_from_access_key(key)
    except (KeyError, ServiceException):
        return None


__all__ = ["DETAIL_TYPE", "detail_of", "identity", "service"]
