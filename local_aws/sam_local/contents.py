"""The contents of the files for `sam local` (decision 40): a template of the built functions, and the environment of
the stack.

SAM resolves ``!Ref`` of a queue to its logical id, passes only variables that the template declares, and prefers the
shell's variables to the template's (AWS SAM Developer Guide, "sam local invoke", environment variables). So this
template declares every variable that Lambda would set, and the file of environment variables, which takes precedence
over the shell, has the values.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from samtranslator.yaml_helper import yaml_parse

from local_aws.sam_local.engine import NotReadyError

_FUNCTION, _LAYER = "AWS::Serverless::Function", "AWS::Serverless::LayerVersion"


class BuildMissingError(NotReadyError):
    """There is no build or no stack, or they do not match."""


@dataclass(frozen=True, slots=True)
class Built:
    """A function of the build: the path of its code, its layers as in the template, and the paths of the built layers."""

    logical_id: str
    code: Path
    layers: Sequence[Any]
    built_layers: Mapping[str, Path]
    """By logical id."""


@dataclass(frozen=True, slots=True)
class Deployed:
    """A function of the running stack: its configuration as Lambda describes it."""

    logical_id: str
    configuration: Mapping[str, Any]

    @property
    def name(self) -> str:
        return str(self.configuration["FunctionName"])


def built(build: Path) -> dict[str, Built]:
    """The functions of a ``sam build`` by logical id. BuildMissingError if there is none."""
    path = build / "template.yaml"
    if not path.is_file():
        raise BuildMissingError(f"There is no build in {build}: run sam build.")
    template = yaml_parse(path.read_text(encoding="utf-8"))
    resources, defaults = template["Resources"], template.get("Globals", {}).get("Function", {})
    layers = {
        key: build / resource["Properties"]["ContentUri"]
        for key, resource in resources.items()
        if resource["Type"] == _LAYER
    }
    found = {}
    for logical_id, resource in resources.items():
        if resource["Type"] == _FUNCTION:
            properties = resource["Properties"]
            named = [*defaults.get("Layers", ()), *properties.get("Layers", ())]
            ours = {key: path for key, path in layers.items() if {"Ref": key} in named}
            found[logical_id] = Built(logical_id, build / properties["CodeUri"], named, ours)
    return found


def deployed(cloudformation: Any, functions: Any, stack_name: str) -> list[Deployed]:
    """The functions of a stack, by clients of CloudFormation and Lambda. BuildMissingError if there is no such stack."""
    try:
        resources = cloudformation.describe_stack_resources(StackName=stack_name)["StackResources"]
    except cloudformation.exceptions.ClientError as error:
        raise BuildMissingError(
            f"The local AWS has no stack {stack_name} (make local loads it; so does sam deploy)."
        ) from error
    return [
        Deployed(
            resource["LogicalResourceId"],
            functions.get_function_configuration(FunctionName=resource["PhysicalResourceId"]),
        )
        for resource in resources
        if resource["ResourceType"] == "AWS::Lambda::Function"
    ]


def template(running: Iterable[Deployed], build: Mapping[str, Built], architecture: str) -> dict[str, Any]:
    """A template with the running stack's functions and their layers, from the build, for containers here.

    BuildMissingError if the build lacks a function of the stack.
    """
    resources: dict[str, Any] = {}
    for function in running:
        found = build.get(function.logical_id)
        if found is None:
            raise BuildMissingError(
                f"The stack has {function.logical_id}, but the build does not ({', '.join(sorted(build))}): run sam build."
            )
        for logical_id, directory in found.built_layers.items():
            resources[logical_id] = {"Type": _LAYER, "Properties": {"ContentUri": str(directory.resolve())}}
        resources[function.logical_id] = {
            "Type": _FUNCTION,
            "Properties": _properties(function, found, architecture),
        }
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Transform": "AWS::Serverless-2016-10-31",
        "Description": "For sam local, written by the local AWS while it runs; template.yaml is the real one.",
        "Resources": resources,
    }


def _properties(function: Deployed, built: Built, architecture: str) -> dict[str, Any]:
    configuration = function.configuration
    declared = dict.fromkeys(sorted(variables(function, "", {})), "")
    return {
        "FunctionName": function.name,
        "CodeUri": str(built.code.resolve()),
        "Handler": configuration["Handler"],
        "Runtime": configuration["Runtime"],
        "Architectures": [architecture],
        "Timeout": configuration["Timeout"],
        "MemorySize": configuration["MemorySize"],
        "LoggingConfig": dict(configuration.get("LoggingConfig", {})),
        "Layers": list(built.layers),
        "Environment": {"Variables": declared},
    }


def environment(
    running: Iterable[Deployed], endpoint_url: str, credentials: Callable[[Deployed], Mapping[str, str]]
) -> dict[str, dict[str, str]]:
    """The variables of each function, by its logical id: the stack's own, Lambda's, and the connection to the local AWS.

    ``credentials`` gives a function's AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN.
    """
    return {function.logical_id: variables(function, endpoint_url, credentials(function)) for function in running}


def variables(function: Deployed, endpoint_url: str, credentials: Mapping[str, str]) -> dict[str, str]:
    """The environment of a container of ``function``, besides what SAM sets itself."""
    configuration = function.configuration
    return {
        **configuration.get("Environment", {}).get("Variables", {}),
        "AWS_ENDPOINT_URL": endpoint_url,
        "AWS_REGION": str(configuration["FunctionArn"]).split(":")[3],
        "AWS_DEFAULT_REGION": str(configuration["FunctionArn"]).split(":")[3],
        "AWS_ACCESS_KEY_ID": "",
        "AWS_SECRET_ACCESS_KEY": "",
        "AWS_SESSION_TOKEN": "",
        **credentials,
        "AWS_LAMBDA_FUNCTION_NAME": function.name,
        "AWS_LAMBDA_LOG_GROUP_NAME": str(
            configuration.get("LoggingConfig", {}).get("LogGroup") or f"/aws/lambda/{function.name}"
        ),
    }
