"""Change sets: what an operation would do to a stack, worked out before it is done, and refused if it cannot be.

Sources: CloudFormation API Reference, CreateChangeSet, DescribeChangeSet, ExecuteChangeSet; User Guide, "Update stacks
using change sets". A template with a transform is processed after the call, so its errors are the reason of a FAILED
change set; the errors of a plain template are those of the call.
"""

import copy
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from moto.cloudformation.exceptions import CloudFormationError, ValidationError
from moto.cloudformation.models import Stack
from moto.cloudformation.parsing import ResourceMap
from moto.cloudformation.utils import generate_changeset_id, validate_create_change_set
from moto.core.utils import utcnow

from local_aws.stack import capabilities, changes
from local_aws.stack.changes import Change
from local_aws.stack.transform import TemplateError, all_parameters, expand, has_transform, parse

EMPTY = "The submitted information didn't contain changes. Submit different information to create a change set."  # aws/aws-cli, awscli/customizations/cloudformation/deployer.py reads it


class ChangeSetNotFoundError(CloudFormationError):
    """There is no such change set."""

    code = "ChangeSetNotFoundException"

    def __init__(self, name: str) -> None:
        super().__init__(f"ChangeSet [{name}] does not exist")


class InvalidChangeSetStatusError(CloudFormationError):
    """A change set that cannot be executed as it is."""

    code = "InvalidChangeSetStatusException"

    def __init__(self, change_set: "ChangeSet") -> None:
        status = change_set.status if change_set.status == "FAILED" else change_set.execution_status
        super().__init__(f"ChangeSet [{change_set.id}] cannot be executed in its current status of [{status}]")


class InsufficientCapabilitiesError(CloudFormationError):
    """The template needs a capability."""

    code = "InsufficientCapabilitiesException"

    def __init__(self, lacking: str) -> None:
        super().__init__(lacking)


class NameTakenError(CloudFormationError):
    """The stack has a change set of this name."""

    code = "AlreadyExistsException"

    def __init__(self, name: str) -> None:
        super().__init__(f"ChangeSet {name} cannot be created due to a mismatch with existing attribute Name")


@dataclass(frozen=True, slots=True)
class Asked:
    """The parameters of CreateChangeSet."""

    name: str
    kind: str
    template: str
    parameters: Mapping[str, str]
    tags: Mapping[str, str] = field(default_factory=dict)
    capabilities: tuple[str, ...] = ()
    description: str | None = None
    notification_arns: tuple[str, ...] = ()
    role_arn: str | None = None


@dataclass(slots=True, eq=False)
class ChangeSet:
    """A change set of a stack. ``expanded`` is the processed template as JSON; empty if it FAILED."""

    id: str
    asked: Asked
    stack: Stack
    expanded: str = ""
    parameters: dict[str, str] = field(default_factory=dict)
    changes: tuple[Change, ...] = ()
    status: str = "CREATE_COMPLETE"
    reason: str | None = None
    execution_status: str = "AVAILABLE"
    creation_time: datetime = field(default_factory=utcnow)

    def fail(self, reason: str) -> None:
        self.status, self.reason, self.execution_status = "FAILED", reason, "UNAVAILABLE"


def make(stack: Stack, asked: Asked) -> ChangeSet:
    """Compute the changes of ``asked``. Raises the error of the call if it is rejected."""
    validate_create_change_set(asked.name)
    identifier = generate_changeset_id(asked.name, stack.region_name, stack.account_id)
    change_set = ChangeSet(identifier, asked, stack)
    try:
        parsed = parse(asked.template)
        change_set.parameters = all_parameters(parsed, asked.parameters)
    except TemplateError as error:
        raise ValidationError(message=str(error)) from error
    is_late = has_transform(parsed)
    try:
        _work_out(change_set, parsed)
    except (TemplateError, KeyError, CloudFormationError) as error:
        if not is_late:
            raise _refusal(error) from error
        change_set.fail(_refusal(error).message)
    return change_set


def _work_out(change_set: ChangeSet, parsed: dict[str, Any]) -> None:
    stack, asked = change_set.stack, change_set.asked
    template = expand(parsed, change_set.parameters)
    lacking = capabilities.lacking(template, asked.capabilities)
    if lacking:
        raise InsufficientCapabilitiesError(lacking)
    change_set.expanded = json.dumps(template)
    after = _map_of(stack, template, change_set.parameters)
    change_set.changes = changes.between(_standing(stack, asked.kind), changes.settled(after))
    if asked.kind == "UPDATE" and not change_set.changes and not _is_otherwise_new(stack, asked, template):
        change_set.fail(EMPTY)


def _standing(stack: Stack, kind: str) -> dict[str, Any]:
    return {} if kind == "CREATE" else changes.settled(stack.resource_map)


def _is_otherwise_new(stack: Stack, asked: Asked, template: Mapping[str, Any]) -> bool:
    """Whether outputs or tags of the stack change without a change of a resource."""
    outputs = (stack.template_dict.get("Outputs") or {}) != (template.get("Outputs") or {})
    return outputs or dict(asked.tags) != dict(stack.tags)


def _map_of(stack: Stack, template: dict[str, Any], parameters: dict[str, str]) -> ResourceMap:
    """Moto's map of a template, loaded, without resources; KeyError and ValidationError for invalid references."""
    resource_map = ResourceMap(
        stack.stack_id, stack.name, parameters, {}, stack.region_name, stack.account_id, copy.deepcopy(template), {}
    )
    resource_map.load()
    return resource_map


def _refusal(error: Exception) -> Any:
    if isinstance(error, CloudFormationError):
        return error
    if isinstance(error, KeyError):
        return ValidationError(message=f"Template error: unresolved reference {error.args[0]}")
    return ValidationError(message=str(error))


def described(change_set: ChangeSet) -> dict[str, Any]:
    """The response of DescribeChangeSet."""
    asked = change_set.asked
    return {
        **summary(change_set),
        "Parameters": [{"ParameterKey": key, "ParameterValue": value} for key, value in change_set.parameters.items()],
        "NotificationARNs": list(asked.notification_arns),
        "RollbackConfiguration": {},
        "Capabilities": list(asked.capabilities),
        "Tags": [{"Key": key, "Value": value} for key, value in asked.tags.items()],
        "Changes": [_described(change, change_set.stack) for change in change_set.changes],
        "IncludeNestedStacks": False,
    }


def summary(change_set: ChangeSet) -> dict[str, Any]:
    """An entry of ListChangeSets."""
    return {
        "ChangeSetName": change_set.asked.name,
        "ChangeSetId": change_set.id,
        "StackId": change_set.stack.stack_id,
        "StackName": change_set.stack.name,
        "Description": change_set.asked.description,
        "CreationTime": change_set.creation_time,
        "ExecutionStatus": change_set.execution_status,
        "Status": change_set.status,
        "StatusReason": change_set.reason,
    }


def _described(change: Change, stack: Stack) -> dict[str, Any]:
    made = stack.resource_map._parsed_resources.get(change.name) if change.action != "Add" else None
    source = "DirectModification" if change.is_static else "ResourceReference"
    details = [
        {
            "Target": {"Attribute": attribute, "RequiresRecreation": _recreation(change)},
            "Evaluation": "Static" if change.is_static else "Dynamic",
            "ChangeSource": source,
        }
        for attribute in change.scope
    ]
    resource = {
        "Action": change.action,
        "LogicalResourceId": change.name,
        "PhysicalResourceId": getattr(made, "physical_resource_id", None),
        "ResourceType": change.type,
        "Replacement": change.replacement,
        "Scope": list(change.scope),
        "Details": details,
    }
    return {"Type": "Resource", "ResourceChange": {key: value for key, value in resource.items() if value is not None}}


def _recreation(change: Change) -> str:
    return {"True": "Always", "Conditional": "Conditionally"}.get(change.replacement or "", "Never")


__all__ = [
    "EMPTY",
    "Asked",
    "ChangeSet",
    "ChangeSetNotFoundError",
    "InsufficientCapabilitiesError",
    "InvalidChangeSetStatusError",
    "NameTakenError",
    "described",
    "make",
    "summary",
]
