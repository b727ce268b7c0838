"""AWS::ECS::Service and AWS::ECS::TaskDefinition with all their properties; moto supports a few of them.

Properties are the API's members in Pascal case (CloudFormation Template Reference), so botocore's model of the API
defines what each becomes. Unlike CloudFormation, a stack does not wait until its services are steady."""

import re
from collections.abc import Mapping
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape
from moto.ecs.models import Service as MotoService
from moto.ecs.models import TaskDefinition, ecs_backends

from local_aws.ecs import cloudtrail, describe, shapes
from local_aws.ecs.backend import EcsBackend
from local_aws.ecs.ecs_events import plain
from local_aws.ecs.model import Document, Service

_SNAKE = re.compile(r"(?<=[a-z])(?=[A-Z])")


def install() -> None:
    """Register the two resource types with CloudFormation."""
    model: Any = MotoService
    model.create_from_cloudformation_json = classmethod(_create_service)
    model.update_from_cloudformation_json = classmethod(_update_service)
    model.delete_from_cloudformation_json = classmethod(_delete_service)
    definition: Any = TaskDefinition
    definition.create_from_cloudformation_json = classmethod(_register)
    definition.update_from_cloudformation_json = classmethod(_register_again)
    definition.delete_from_cloudformation_json = classmethod(_deregister)


def api_request(operation: str, properties: Mapping[str, Any]) -> Document:
    """Properties of a resource as the request of an operation; unknown ones are left out.

    Keys of maps (docker labels, log options) are the author's and stay unchanged. Numbers and booleans may be
    strings, because template parameters are.
    """
    return _converted(shapes.input_of(operation), properties)


def _create_service(
    _: type, /, resource_name: str, cloudformation_json: Any, account_id: str, region_name: str, **__: Any
) -> Service:
    request = {**api_request("CreateService", cloudformation_json["Properties"]), "serviceName": resource_name}
    if request.get("schedulingStrategy") != "DAEMON":
        request.setdefault("desiredCount", 1)  # CloudFormation Template Reference, AWS::ECS::Service, DesiredCount
    service = _performed("CreateService", request, account_id, region_name)
    service.stack_lattice = request.get("vpcLatticeConfigurations")
    return service


def _update_service(
    kind: type,
    /,
    original_resource: Service,
    new_resource_name: str,  # noqa: ARG001  a generated name; a service keeps its own
    cloudformation_json: Any,
    account_id: str,
    region_name: str,
) -> Service:
    """Update a service in place; a new name or cluster needs a new service, created before the old one is deleted."""
    properties = cloudformation_json["Properties"]
    cluster = str(properties.get("Cluster") or "default").rpartition("/")[2]
    named = properties.get("ServiceName") or original_resource.name
    if named != original_resource.name or cluster != original_resource.cluster.name:
        made = _create_service(kind, named, cloudformation_json, account_id, region_name)
        _delete_service(kind, original_resource.arn, None, account_id, region_name)
        return made
    request = api_request("UpdateService", properties)
    # CloudFormation compares templates, not the service: a list removed from the template is emptied, an unchanged one
    # is not sent (User Guide, updating stacks; how the service's handler sends it: assumption).
    wanted, before = request.pop("vpcLatticeConfigurations", None), original_resource.stack_lattice
    if wanted != before:
        request["vpcLatticeConfigurations"] = wanted or []
    request["service"] = named
    service = _performed("UpdateService", request, account_id, region_name)
    service.stack_lattice = wanted
    return service


def _delete_service(_: type, /, resource_name: str, _json: Any, account_id: str, region_name: str) -> None:
    cluster, name = resource_name.split("/")[-2:]
    request = {"cluster": cluster, "service": name, "force": True}
    _performed("DeleteService", request, account_id, region_name)


def _performed(operation: str, request: Document, account: str, region: str) -> Service:
    """Perform an operation as CloudFormation: with the lock held, and recorded by CloudTrail."""
    backend = _backend(account, region)
    caller = cloudtrail.identity(account, None)
    with backend.guard.held():
        match operation:
            case "CreateService":
                service = backend.operations.create(request, caller["arn"])
            case "UpdateService":
                service = backend.operations.update(request)
            case _:
                service = backend.operations.delete(request)
        answer = {"service": plain(describe.service(service))}
    cloudtrail.record(backend.guard, operation, request, answer, caller, region)
    return service


def _register(
    _: type, /, resource_name: str, cloudformation_json: Any, account_id: str, region_name: str, **__: Any
) -> TaskDefinition:
    request = api_request("RegisterTaskDefinition", cloudformation_json["Properties"])
    family = re.sub(r"[^A-Za-z0-9_-]", "-", request.pop("family", resource_name))
    members = {_SNAKE.sub("_", name).lower(): value for name, value in request.items()}
    members.pop("enable_fault_injection", None)  # moto does not keep it
    backend = _backend(account_id, region_name)
    with backend.guard.held():
        return backend.register_task_definition(family=family, **members)


def _register_again(
    kind: type,
    /,
    original_resource: TaskDefinition,
    new_resource_name: str,
    cloudformation_json: Any,
    account_id: str,
    region_name: str,
) -> TaskDefinition:
    """Register a new revision and deregister the previous one, as CloudFormation does after a replacement."""
    properties = {"Family": original_resource.family, **cloudformation_json["Properties"]}
    made = _register(kind, new_resource_name, {"Properties": properties}, account_id, region_name)
    _deregister(kind, original_resource.arn, None, account_id, region_name)
    return made


def _deregister(_: type, /, resource_name: str, _json: Any, account_id: str, region_name: str) -> None:
    backend = _backend(account_id, region_name)
    with backend.guard.held():
        backend.deregister_task_definition(resource_name)


def _backend(account: str, region: str) -> EcsBackend:
    return ecs_backends[account][region]  # type: ignore[return-value]


def _converted(shape: Shape, value: Any) -> Any:
    match shape:
        case StructureShape() if isinstance(value, Mapping):
            members = {name.lower(): name for name in shape.members}
            return {
                members[key.lower()]: _converted(shape.members[members[key.lower()]], item)
                for key, item in value.items()
                if key.lower() in members and item is not None
            }
        case ListShape() if isinstance(value, list | tuple):
            return [_converted(shape.member, item) for item in value]
        case MapShape() if isinstance(value, Mapping):
            return {key: _converted(shape.value, item) for key, item in value.items()}
    return _scalar(shape.type_name, value)


def _scalar(kind: str, value: Any) -> Any:
    match kind:
        case "integer" | "long" if isinstance(value, str):
            return int(value)
        case "double" | "float" if isinstance(value, str):
            return float(value)
        case "boolean" if isinstance(value, str):
            return value.lower() == "true"
        case "string" if isinstance(value, bool):
            return str(value).lower()
        case "string" if isinstance(value, int | float):
            return str(value)
    return value


__all__ = ["api_request", "install"]
