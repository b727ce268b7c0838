"""Bucket policies with conditions: moto ignores conditions and would treat "deny without TLS" as "deny".

The local AWS speaks HTTP on loopback; requests count as sent over TLS, as to any AWS endpoint.
Source: IAM User Guide, global condition keys, aws:SecureTransport.
"""

from typing import Any

from moto.iam.access_control import PermissionResult
from moto.s3.models import FakeBucket

from local_aws.eventbus import ACCOUNT
from local_aws.iam.evaluation import Policy, Request, decide

_CONTEXT = {"aws:securetransport": "true", "aws:principalaccount": ACCOUNT}
_PRINCIPALS = frozenset({("AWS", f"arn:aws:iam::{ACCOUNT}:root"), ("AWS", ACCOUNT)})


def _permission(bucket: Any, action: str, resource: str) -> PermissionResult:
    """The decision of the bucket policy; NEUTRAL without a policy or an applicable statement."""
    if bucket.policy is None:
        return PermissionResult.NEUTRAL
    policy = Policy(f"bucket policy of {bucket.name}", bucket.policy.decode())
    decision = decide([policy], Request(action, resource, _CONTEXT, _PRINCIPALS))
    if decision.explicit_deny:
        return PermissionResult.DENIED
    return PermissionResult.PERMITTED if decision.allowed else PermissionResult.NEUTRAL


def install() -> None:
    """Replace moto's evaluation. Installing again is harmless."""
    bucket: Any = FakeBucket
    bucket.get_permission = _permission


__all__ = ["install"]
