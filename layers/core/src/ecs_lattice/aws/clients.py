"""The clients of the AWS SDK, each made when it is first used: an invocation pays only for the services that it calls.
Making EC2's takes as long as half a cold start, and most invocations need nothing of EC2.

They are botocore's own, which are the ones that boto3 gives: importing boto3 adds only what this application never uses
(resources, S3 transfers with their process pools) and doubles the time that the SDK takes to import at a cold start.

Adaptive retries stay inside one call's budget; what is throttled for longer comes back as an outcome.
"""

import threading
from functools import cache
from typing import TYPE_CHECKING, Any, cast

import botocore.session
from botocore.config import Config

from ecs_lattice import api_calls

if TYPE_CHECKING:
    from types_boto3_cloudwatch import CloudWatchClient
    from types_boto3_dynamodb import DynamoDBClient
    from types_boto3_ec2 import EC2Client
    from types_boto3_ecs import ECSClient
    from types_boto3_events import EventBridgeClient
    from types_boto3_resourcegroupstaggingapi import ResourceGroupsTaggingAPIClient
    from types_boto3_sns import SNSClient
    from types_boto3_sqs import SQSClient
    from types_boto3_vpc_lattice import VPCLatticeClient

_CONFIG = Config(
    connect_timeout=3,
    read_timeout=10,
    retries={"mode": "adaptive", "max_attempts": 4},
    user_agent_extra="ecs-lattice/0.1.0",
)


@cache
def ecs() -> "ECSClient":
    """ECS."""
    return cast("ECSClient", _client("ecs"))


@cache
def ec2() -> "EC2Client":
    """EC2."""
    return cast("EC2Client", _client("ec2"))


@cache
def lattice() -> "VPCLatticeClient":
    """VPC Lattice."""
    return cast("VPCLatticeClient", _client("vpc-lattice"))


@cache
def dynamodb() -> "DynamoDBClient":
    """DynamoDB."""
    return cast("DynamoDBClient", _client("dynamodb"))


@cache
def sqs() -> "SQSClient":
    """SQS."""
    return cast("SQSClient", _client("sqs"))


@cache
def tagging() -> "ResourceGroupsTaggingAPIClient":
    """Resource Groups Tagging API."""
    return cast("ResourceGroupsTaggingAPIClient", _client("resourcegroupstaggingapi"))


@cache
def cloudwatch() -> "CloudWatchClient":
    """CloudWatch."""
    return cast("CloudWatchClient", _client("cloudwatch"))


@cache
def events() -> "EventBridgeClient":
    """EventBridge."""
    return cast("EventBridgeClient", _client("events"))


@cache
def sns() -> "SNSClient":
    """SNS."""
    return cast("SNSClient", _client("sns"))


@cache
def iam() -> Any:  # its types are not installed: two calls are made, in one place
    """IAM."""
    return _client("iam")


@cache
def logs() -> Any:  # likewise
    """CloudWatch Logs."""
    return _client("logs")


@cache
def _session() -> botocore.session.Session:
    return botocore.session.Session()


def _client(service: str) -> Any:
    """The only way to a client. The layer's build reads from the calls of this which services' data it has to bring."""
    return _WhenUsed(service)


class _WhenUsed:
    """Stands for a client until an operation of it is asked for, and then hands everything on to it."""

    def __init__(self, service: str) -> None:
        self._service = service

    def __getattr__(self, name: str) -> Any:
        # A session makes clients for one thread at a time (Boto3 guide, multithreading); using them is safe in any.
        with _making:
            client = _made(self._service)
        return getattr(client, name)


_making = threading.Lock()


@cache
def _made(service: str) -> Any:
    client = _session().create_client(service, config=_CONFIG)
    client.meta.events.register("before-call", api_calls.note)
    return client
