"""The stack: its outputs, its functions, and what AWS's errors mean for the person at the terminal."""

import json
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from typing import Any

import boto3
import botocore.exceptions as failures
from botocore.config import Config

from ecs_lattice_cli.aws_errors import explained
from ecs_lattice_cli.errors import UNAVAILABLE, USAGE, CommandError
from ecs_lattice_cli.nearest import suggestion

type Connect = Callable[[str], Any]
"""The name of an AWS service, as boto3 writes it, to its client."""

_ANY_FUNCTION = "EcsServiceFunctionName"
"""An output that every version of the stack has, by which its stacks are recognized."""
_INVOKE_SECONDS = 910
"""Beyond the longest that a function may run (15 minutes: AWS Lambda Developer Guide, quotas)."""
_INVOKING = {"read_timeout": _INVOKE_SECONDS, "retries": {"max_attempts": 0}}


def connecting(region: str | None, profile: str | None, endpoint_url: str | None) -> Connect:
    """Clients of one session. What is None comes from the environment and the AWS configuration.

    A request to a function waits until the function has ended and is sent once: sent again, it would run twice.
    """
    with explained():
        session: Any = boto3.Session(profile_name=profile, region_name=region)
        if not session.region_name:  # of an empty variable botocore makes an endpoint without a Region
            raise failures.NoRegionError

    def connect(service: str) -> Any:
        own: dict[str, Any] = _INVOKING if service == "lambda" else {}
        return session.client(service, endpoint_url=endpoint_url, config=Config(user_agent_extra="ecs-lattice", **own))

    return connect


class Stack:
    """A deployed stack by its name. Its methods raise CommandError."""

    def __init__(self, name: str, connect: Connect, region: str = "") -> None:
        self.name = name
        self._connect = connect
        self._region = region
        self._clients: dict[str, Any] = {}

    def client(self, service: str) -> Any:
        """The boto3 client of ``service``. Call it inside :func:`~ecs_lattice_cli.aws_errors.explained`."""
        if service not in self._clients:
            with explained():
                self._clients[service] = self._connect(service)
        return self._clients[service]

    @cached_property
    def outputs(self) -> Mapping[str, str]:
        """The stack's outputs by name."""
        return {output["OutputKey"]: output["OutputValue"] for output in self._described.get("Outputs", [])}

    @property
    def parameters(self) -> Mapping[str, str]:
        """The stack's parameters by name."""
        return {each["ParameterKey"]: each["ParameterValue"] for each in self._described.get("Parameters", [])}

    def output(self, name: str) -> str:
        """One output. An older stack lacks those that came later."""
        if name in self.outputs:
            return self.outputs[name]
        if _ANY_FUNCTION not in self.outputs:
            raise CommandError(f"Stack {self.name} in {self.region} is no ecs-lattice stack: it has no output {name}.")
        raise CommandError(
            f"Stack {self.name} in {self.region} has no output {name}: it is older than this command. Update the stack.",
            UNAVAILABLE,
        )

    def invoke(self, output: str, payload: Mapping[str, Any]) -> Any:
        """The answer to ``payload`` of the function whose name is in ``output``."""
        function = self.output(output)
        with explained():
            answer = self.client("lambda").invoke(FunctionName=function, Payload=json.dumps(payload).encode())
        body = json.loads(answer["Payload"].read() or b"null")
        if "FunctionError" in answer:
            said = body.get("errorMessage") if isinstance(body, dict) else None
            raise CommandError(f"{function}: {said or body}", UNAVAILABLE)
        return body

    @property
    def region(self) -> str:
        """The Region in which the stack is looked for."""
        return str(self._region or self.client("cloudformation").meta.region_name)

    @cached_property
    def _described(self) -> Mapping[str, Any]:
        try:
            with explained():
                found: Mapping[str, Any] = self.client("cloudformation").describe_stacks(StackName=self.name)["Stacks"][
                    0
                ]
        except CommandError as error:
            if _is_missing(error.__cause__):
                raise CommandError(self._not_there(), USAGE) from error
            raise
        return found

    def _not_there(self) -> str:
        """What was looked for and where, with the nearest name if the stacks may be listed."""
        told = f"There is no stack {self.name} in Region {self.region}"
        try:
            with explained():
                names = list(self._others())
        except CommandError:
            return f"{told}. Write --stack and --region of the stack."
        if names:
            return f"{told}; {suggestion(self.name, names)}"
        return f"{told}, nor any other ecs-lattice stack. Is it in another Region (--region) or account (--profile)?"

    def _others(self) -> Iterator[str]:
        for page in self.client("cloudformation").get_paginator("describe_stacks").paginate():
            for stack in page["Stacks"]:
                if any(output["OutputKey"] == _ANY_FUNCTION for output in stack.get("Outputs", [])):
                    yield stack["StackName"]


def _is_missing(error: BaseException | None) -> bool:
    """CloudFormation's answer to an unknown name: ValidationError, "Stack with id x does not exist"."""
    return isinstance(error, failures.ClientError) and "does not exist" in error.response["Error"].get("Message", "")


__all__ = ["Connect", "Stack", "connecting"]
