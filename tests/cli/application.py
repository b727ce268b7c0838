"""The whole application in this process with its functions behind Lambda's Invoke, as the command reaches it.

Which functions there are, and under which outputs, is read from the template, so that a new function is there by itself.
"""

import dataclasses
import importlib
import io
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any
from unittest.mock import patch

import boto3
from botocore.exceptions import ClientError
from samtranslator.yaml_helper import yaml_parse

from ecs_lattice import settings
from ecs_lattice_cli.app import App
from tests.functions.conftest import Context, forget
from tests.histories.labels import LABELS
from tests.world import ROOT, World

STACK = "ecs-lattice"
_PREFIXES = {"service-quotas": "servicequotas"}
"""The prefix of a service's IAM actions where it is not boto3's name for it."""


@cache
def functions() -> dict[str, str]:
    """Output with the name of a function, such as ``ResyncFunctionName``, to the module of its handler."""
    resources = yaml_parse((ROOT / "template.yaml").read_text())["Resources"]
    return {
        f"{name}Name": f"functions.{Path(resource['Properties']['CodeUri']).name}.app"
        for name, resource in resources.items()
        if resource["Type"] == "AWS::Serverless::Function"
    }


@dataclass
class Application:
    """The deployed stack. ``denied`` is what IAM does not allow the person at the terminal (``lambda:InvokeFunction``,
    ``cloudformation:DescribeStacks on *``); ``invoked`` is each request by output, ``asked`` each action with the ARN of its
    resource."""

    world: World
    denied: set[str] = field(default_factory=set)
    invoked: list[tuple[str, Any]] = field(default_factory=list)
    outputs: dict[str, str] = field(default_factory=lambda: {name: _physical(name) for name in functions()})
    asked: list[tuple[str, str]] = field(default_factory=list)

    def app(self) -> App:
        """What the command is given to reach this stack."""
        return App(connect=self.client, now=self.world.clock.time, wait=self.world.run)

    def client(self, service: str) -> Any:
        """A client as boto3 makes it; CloudFormation and Lambda know this stack alone."""
        match service:
            case "cloudformation":
                return _CloudFormation(self)
            case "lambda":
                return SimpleNamespace(invoke=self._invoke)
        client = boto3.client(service)
        client.meta.events.register(f"provide-client-params.{service}", self._noted(service))
        return client

    def _noted(self, service: str) -> Callable[..., None]:
        """Notes each call of a service of the local AWS with the resource that its parameters name."""

        def called(params: dict[str, Any], model: Any, **_: Any) -> None:
            queue = str(params.get("QueueUrl", params.get("SourceArn", ""))).replace(":", "/").rpartition("/")[2]
            role = params.get("RoleName")
            named = (
                params.get("resourceArn")
                or params.get("TopicArn")
                or (role and f"arn:aws:iam::123456789012:role/{role}")
            )
            arn = named or f"arn:aws:{service}:us-east-1:123456789012:{queue or '*'}"
            action = f"{_PREFIXES.get(service, service)}:{model.name}"
            self.asked.append((action, arn))
            if action in self.denied:
                raise _denied(action)

        return called

    def allowed(self, action: str, resource: str) -> None:
        """Raise what IAM answers if the action is denied."""
        arn = resource if resource == "*" else f"arn:aws:{action.partition(':')[0]}:us-east-1:123456789012:{resource}"
        self.asked.append((action, arn))
        if {action, f"{action} on {resource}"} & self.denied:
            raise _denied(action)

    def live(self, name: str = "orders", labels: dict[str, str] | None = None, **more: Any) -> str:
        """Scenario: the ECS service ``name`` is deployed with ``labels`` (``tests/histories/labels.py``) and its routes are
        live. Its ARN. ``more`` is what World.register and World.deploy take."""
        of_definition = {key: more.pop(key) for key in ("family", "ports", "environment") if key in more}
        wanted = {**LABELS, "lattice.service": name} if labels is None else labels
        arn = self.world.deploy(self.world.register(wanted, **{"family": name, **of_definition}), name=name, **more)
        self.world.run(1200)
        return arn

    def _invoke(self, FunctionName: str, Payload: bytes) -> dict[str, Any]:  # noqa: N803
        """Lambda's Invoke (RequestResponse): an exception is an answer with FunctionError."""
        self.allowed("lambda:InvokeFunction", f"function:{FunctionName}")
        output = next(name for name, function in self.outputs.items() if function == FunctionName)
        event = json.loads(Payload)
        self.invoked.append((output, event))
        try:
            answer, failed = importlib.import_module(functions()[output]).handler(event, Context()), {}
        except Exception as error:  # noqa: BLE001
            answer = {"errorMessage": str(error), "errorType": type(error).__name__}
            failed = {"FunctionError": "Unhandled"}
        return {"StatusCode": 200, "Payload": io.BytesIO(json.dumps(answer).encode()), **failed}


def _denied(action: str) -> ClientError:
    """What IAM answers."""
    message = f"User: arn:aws:iam::123456789012:user/dev is not authorized to perform: {action} on resource: * because"
    return ClientError({"Error": {"Code": "AccessDeniedException", "Message": message}}, action.partition(":")[2])


def _physical(output: str) -> str:
    """The name of a function, as CloudFormation makes it."""
    return f"{STACK}-{output.removesuffix('Name')}-A1B2C3D4E5F6"


class _CloudFormation:
    """DescribeStacks of one stack."""

    def __init__(self, application: Application) -> None:
        self._application = application
        self.meta = SimpleNamespace(region_name="us-east-1")

    def describe_stacks(self, StackName: str = STACK) -> dict[str, Any]:  # noqa: N803
        self._application.allowed("cloudformation:DescribeStacks", f"stack/{StackName}/0123abcd")
        if StackName != STACK:
            message = f"Stack with id {StackName} does not exist"
            raise ClientError({"Error": {"Code": "ValidationError", "Message": message}}, "DescribeStacks")
        outputs = [{"OutputKey": key, "OutputValue": value} for key, value in self._application.outputs.items()]
        return {"Stacks": [{"StackName": STACK, "Outputs": outputs}]}

    def get_paginator(self, _: str) -> Any:
        def paginate() -> list[dict[str, Any]]:
            self._application.allowed("cloudformation:DescribeStacks", "*")
            return [self.describe_stacks()]

        return SimpleNamespace(paginate=paginate)


@contextmanager
def deployed(world: World) -> Iterator[Application]:
    """The functions' handlers on the world's own collaborators, so that what they enqueue is worked by ``world.run``."""
    world.registry.put_document("stack", "marker", "{}")
    modules = [importlib.import_module(module) for module in functions().values()]
    with patch.dict("os.environ", _environment(world.settings)):
        forget()
        with _wired(modules, lambda: world.wiring):
            yield Application(world)
        forget()


@contextmanager
def _wired(modules: list[ModuleType], wiring: Callable[[], Any]) -> Iterator[None]:
    before = [(module, module.wiring) for module in modules]
    for module in modules:
        module.wiring = wiring
    try:
        yield
    finally:
        for module, own in before:
            module.wiring = own


def _environment(of_stack: settings.Settings) -> dict[str, str]:
    """The variables that the template would set: those without a default, and the owner."""
    required = [one for one in dataclasses.fields(settings.Settings) if one.default is dataclasses.MISSING]
    return {settings.variable_of(one): str(getattr(of_stack, one.name)) for one in required}


__all__ = ["STACK", "Application", "deployed", "functions"]
