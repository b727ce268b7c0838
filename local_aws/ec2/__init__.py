"""EC2 of the local AWS: moto's, with security groups that take effect and AWS's validation of their rules."""

from moto.ec2.models import ec2_backends

from local_aws import eventbus, extend
from local_aws.ec2 import rules
from local_aws.ec2.backend import LocalEc2Backend
from local_aws.ec2.responses import LocalEc2Response


def install() -> None:
    """Serve EC2 from the next request on, under ``mock_aws`` and in moto's server."""
    extend.install("ec2", LocalEc2Backend, LocalEc2Response)
    rules.install()


def backend(account: str = eventbus.ACCOUNT, region: str = eventbus.REGION) -> LocalEc2Backend:
    """The backend of one account and Region: quotas, faults, calls, groups of other accounts, without HTTP."""
    return ec2_backends[account][region]  # type: ignore[return-value]


__all__ = ["LocalEc2Backend", "LocalEc2Response", "backend", "install"]
