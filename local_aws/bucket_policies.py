"""Bucket policies with their conditions: moto reads no condition, and would take "deny without TLS" for "deny".

The local AWS speaks HTTP on loopback; a request counts as one over TLS, as every client of an AWS endpoint sends it.
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
    """moto's: what the bucket's own policy says. NEUTRAL where there is none, or none of its statements applies."""
    if bucket.policy is None:
        return PermissionResult.NEUTRAL
    policy = Policy(f"bucket policy of {bucket.name}", bucket.policy.decode())
    decision = decide([policy], Request(action, resource, _CONTEXT, _PRINCIPALS))
    if decision.explicit_deny:
        return PermissionResult.DENIED
    return PermissionResult.PERMITTED if decision.allowed else PermissionResult.NEUTRAL


def install() -> None:
    """Put this in the place of moto's. Installing again is harmless."""
    bucket: Any = FakeBucket
    bucket.get_permission = _permission


__all__ = ["install"]
