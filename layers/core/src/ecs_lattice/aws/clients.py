"""The clients of the AWS SDK, and their errors as AwsErrors (decision 43).

Making the client of Amazon EC2 takes half as long as a cold start, and most invocations do not need it. So each client
is made when it is first used: an invocation pays only for the services that it calls.
"""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, cast

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from ecs_lattice import api_calls
from ecs_lattice.aws.errors import translated, translated_of_stack
from ecs_lattice.errors import AwsError

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

# Adaptive retries stay within one call; a call that is throttled for longer fails with ThrottledError.
_CONFIG = Config(
    connect_timeout=3,
    read_timeout=10,
    retries={"mode": "adaptive", "max_attempts": 4},
    user_agent_extra="ecs-lattice/0.1.0",
)


class Clients:
    """All clients of one session (default: a new one). Their calls are counted and timed by :mod:`~ecs_lattice.api_calls`."""

    def __init__(self, session: boto3.Session | None = None, config: Config = _CONFIG) -> None:
        self._session = session or boto3.Session()
        self._config = config
        self._making = threading.Lock()
        # The build of the layer reads from these calls which services' data the layer needs.
        self.cloudformation: Any = self._client("cloudformation")  # without types: one call is made
        self.cloudwatch: CloudWatchClient = self._client("cloudwatch")
        self.dynamodb: DynamoDBClient = self._client("dynamodb")
        self.ec2: EC2Client = self._client("ec2")
        self.ecs: ECSClient = self._client("ecs")
        self.events: EventBridgeClient = self._client("events")
        self.iam: Any = self._client("iam")  # without types: two calls are made, in one place
        self.lattice: VPCLatticeClient = self._client("vpc-lattice")
        self.logs: Any = self._client("logs")  # likewise
        self.sns: SNSClient = self._client("sns")
        self.sqs: SQSClient = self._client("sqs")
        self.tagging: ResourceGroupsTaggingAPIClient = self._client("resourcegroupstaggingapi")

    def _client(self, service: str) -> Any:
        return _Client(lambda: self._make(service), self._making)

    def _make(self, service: str) -> Any:
        client = self._session.client(service, config=self._config)  # type: ignore[call-overload]  # any service
        client.meta.events.register("before-call", api_calls.start)
        return client


type _Translate = Callable[[str, Any], AwsError]


def translating[Client](client: Client, *, of_stack: bool = False) -> Client:
    """``client`` whose operations and paginators raise AwsErrors instead of botocore's errors. ``of_stack``: what it calls is
    the stack's own, so that a refusal is a StackResourceError."""
    translate = translated_of_stack if of_stack else translated
    return cast(Client, _Client(lambda: client, threading.Lock(), translate))


class _Client:
    """Stands for a client, which is made when its first attribute is read."""

    def __init__(self, make: Callable[[], Any], making: threading.Lock, translate: _Translate | None = None) -> None:
        self._make, self._making, self._translate = make, making, translate
        self._client: Any = None

    def __getattr__(self, name: str) -> Any:
        if self._client is None:
            # A session makes clients for one thread at a time (Boto3 guide, multithreading); every thread may use them.
            with self._making:
                self._client = self._client or self._make()
        attribute = getattr(self._client, name)
        if self._translate:
            if name == "get_paginator":
                attribute = partial(_Paginator, attribute, self._translate)
            elif callable(attribute):
                attribute = partial(_call, self._translate, name, attribute)
            setattr(self, name, attribute)
        return attribute


@dataclass(frozen=True, slots=True)
class _Paginator:
    get: Callable[[str], Any]
    translate: _Translate
    method: str

    def paginate(self, **parameters: Any) -> Iterator[Any]:
        pages = iter(self.get(self.method).paginate(**parameters))
        return iter(partial(_call, self.translate, self.method, next, pages, None), None)


def _call(translate: _Translate, method: str, function: Callable[..., Any], *arguments: Any, **parameters: Any) -> Any:
    try:
        return function(*arguments, **parameters)
    except (ClientError, BotoCoreError) as error:
        operation = "".join(map(str.capitalize, method.split("_")))  # AWS's name: CreateRule of create_rule
        raise translate(operation, error) from error
