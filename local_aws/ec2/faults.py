"""Faults of the EC2 API, with its codes (EC2 API Reference, "Error codes"; EC2 Developer Guide, request throttling)."""

from typing import ClassVar

from moto.ec2.exceptions import EC2ClientError

from local_aws import faults
from local_aws.faults import ANY

DENIED = ("UnauthorizedOperation", "You are not authorized to perform this operation.")


class Ec2Faults(faults.Faults):
    """Upcoming faults, by operation (``AuthorizeSecurityGroupIngress``) or for any (``*``); each affects one call."""

    error = EC2ClientError
    throttled: ClassVar[tuple[str, str]] = ("RequestLimitExceeded", "Request limit exceeded.")
    failed: ClassVar[tuple[str, str]] = ("InternalError", "An internal error has occurred")

    def deny(self, operation: str = ANY, times: int = 1) -> None:
        """Reject the next calls as EC2 does where a permission is missing."""
        self.refuse(operation, *DENIED, times)


__all__ = ["DENIED", "Ec2Faults"]
