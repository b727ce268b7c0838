"""CloudFormation in moto, with SAM templates, refusals instead of silence, and change sets that leave a whole stack."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import moto.cloudformation.models as moto_models
import moto.cloudformation.parsing as moto_parsing
from moto.cloudformation.exceptions import AlreadyExistsException, ValidationError
from moto.cloudformation.models import ChangeSet, CloudFormationBackend, Stack
from moto.cloudformation.parsing import ResourceMap
from moto.cloudformation.utils import generate_stack_id

from local_aws import extend
from local_aws.stack import custom, dependents, operations, progress, resources
from local_aws.stack.transform import TemplateError, all_parameters, expand, parse

_moto_clean = moto_parsing.clean_json
_moto_create = moto_parsing.parse_and_create_resource


class LocalCloudFormationBackend(CloudFormationBackend):
    """moto's; every template passes :func:`local_aws.stack.transform.expand` first."""

    def create_stack(self, name: str, template: str, parameters: dict[str, Any], *args: Any, **kwargs: Any) -> Stack:
        expanded, parameters = _expanded(template, parameters)
        with _refusals():
            if operations.runs_in_background(json.loads(expanded)):
                return self._begin_stack(name, expanded, parameters, **kwargs)
            try:
                return super().create_stack(name, expanded, parameters, *args, **kwargs)
            except Exception as error:
                self._failed(name, error)
                raise

    def create_change_set(
        self,
        stack_name: str,
        change_set_name: str,
        template: str,
        parameters: dict[str, str],
        *args: Any,
        **kwargs: Any,
    ) -> tuple[str, str]:
        if args and args[-1] != "UPDATE" and kwargs.get("change_set_type") != "UPDATE":
            self._drop_empty(stack_name)
        expanded, parameters = _expanded(template, parameters)
        with _refusals():
            return super().create_change_set(stack_name, change_set_name, expanded, parameters, *args, **kwargs)

    def execute_change_set(self, change_set_name: str, stack_name: str | None = None) -> None:
        """Moto's leaves a stack with the old template, outputs and exports; this makes them new."""
        change_set: ChangeSet | None = self.describe_change_set(change_set_name)
        if change_set is None:
            raise ValidationError(change_set_name)
        stack = self.stacks[change_set.stack_id]
        if operations.runs_in_background(stack.template_dict, change_set.template_dict):
            with _refusals():
                self._execute_in_background(change_set, stack)
            return
        with _refusals():
            super().execute_change_set(change_set_name, stack_name)
        stack._parse_template()
        stack.parameters = change_set.parameters
        stack.description = stack.template_dict.get("Description")
        stack.output_map = stack._create_output_map()
        for export in stack.exports:
            self.exports[export.name] = export

    def describe_stacks(self, name_or_stack_id: str) -> list[Stack]:
        """moto's; a stack whose resources were not all ready is complete when they have become so."""
        for stack in self.stacks.values():
            if stack.status == "CREATE_IN_PROGRESS":
                stack.verify_readiness()
        return super().describe_stacks(name_or_stack_id)

    def update_stack(
        self,
        name: str,
        template: str,
        role_arn: str | None,
        parameters: list[dict[str, Any]],
        tags: dict[str, str] | None,
    ) -> Stack:
        stack = self.get_stack(name)
        _refuse_in_progress(stack, "updated")
        resolved = self._resolve_update_parameters(instance=stack, incoming_params=parameters)
        expanded, resolved = _expanded(template or json.dumps(stack.template_dict), resolved)
        with _refusals():
            if operations.runs_in_background(stack.template_dict, json.loads(expanded)):
                stack.role_arn, stack.tags = role_arn, stack.tags if tags is None else tags
                operations.update(self, stack, expanded, resolved)
            else:
                stack.update(expanded, role_arn, parameters=resolved, tags=tags)
        return stack

    def delete_stack(self, name_or_stack_id: str) -> None:
        """moto's; a stack with custom resources is deleted in the background."""
        found = [each for each in self.stacks.values() if name_or_stack_id in {each.name, each.stack_id}]
        if found and operations.runs_in_background(found[0].template_dict):
            _refuse_in_progress(found[0], "deleted")
            operations.delete(self, found[0])
        else:
            super().delete_stack(name_or_stack_id)

    def _begin_stack(self, name: str, template: str, parameters: dict[str, Any], **kwargs: Any) -> Stack:
        """What moto's create_stack does before it makes anything; it would work the exports out first."""
        if name in [stack.name for stack in self.stacks.values()]:
            raise AlreadyExistsException(f"Stack {name} already exists")
        stack_id = generate_stack_id(name, self.region_name, self.account_id)
        make: Any = Stack  # which leaves abstract methods of its base unmade
        stack: Stack = make(
            stack_id=stack_id,
            name=name,
            template=template,
            parameters=parameters,
            account_id=self.account_id,
            region_name=self.region_name,
            cross_stack_resources=self.exports,
            **kwargs,
        )
        self.stacks[stack_id] = stack
        operations.create(self, stack)
        return stack

    def _execute_in_background(self, change_set: ChangeSet, stack: Stack) -> None:
        _refuse_in_progress(stack, "updated")
        change_set.execution_status = "EXECUTE_COMPLETE"
        if change_set.change_set_type == "UPDATE":
            operations.update(self, stack, change_set.template, change_set.parameters)
            return
        stack.template, stack.parameters = change_set.template, change_set.parameters
        stack._parse_template()
        stack.description = stack.template_dict.get("Description")
        stack.cross_stack_resources = self.exports
        stack.resource_map = stack._create_resource_map()
        operations.create(self, stack)

    def _failed(self, name: str, error: Exception) -> None:
        """A stack whose creation failed stays as CREATE_FAILED, with the reason, as with OnFailure=DO_NOTHING."""
        for stack in self.stacks.values():
            if stack.name == name:
                stack.status = "CREATE_FAILED"
                stack._add_stack_event("CREATE_FAILED", resource_status_reason=str(error))

    def _drop_empty(self, name: str) -> None:
        for stack_id, stack in tuple(self.stacks.items()):
            if stack.name == name and stack.status == "REVIEW_IN_PROGRESS":
                del self.stacks[stack_id]


def _refuse_in_progress(stack: Stack, verb: str) -> None:
    if progress.is_in_progress(stack):
        raise ValidationError(message=f"Stack:{stack.stack_id} is in {stack.status} state and can not be {verb}.")


def _expanded(template: str | Mapping[str, Any], given: Mapping[str, Any]) -> tuple[str, dict[str, str]]:
    """The template that moto makes, as JSON, and the values of all its parameters."""
    try:
        parsed = parse(template)
        parameters = all_parameters(parsed, given)
        return json.dumps(expand(parsed, parameters)), parameters
    except TemplateError as error:
        raise ValidationError(message=str(error)) from error


@contextmanager
def _refusals() -> Iterator[None]:
    """What moto raises for a bad template becomes a ValidationError with a name in it."""
    try:
        yield
    except KeyError as error:
        raise ValidationError(message=f"Template error: unresolved reference {error.args[0]}") from error
    except resources.ResourceError as error:
        raise ValidationError(message=str(error)) from error


def _clean(value: Any, resource_map: ResourceMap) -> Any:
    """moto's; AWS::NoValue leaves lists too, and an attribute that moto does not know is an error, not nothing."""
    cleaned = _moto_clean(value, resource_map)
    if isinstance(value, list):
        return [element for element in cleaned if element is not None]
    if isinstance(value, dict) and "Fn::GetAtt" in value and cleaned is None:
        name, attribute = value["Fn::GetAtt"]
        raise ValidationError(message=f"Template error: the local AWS has no attribute {attribute} of {name}")
    return cleaned


def _create(logical_id: str, resource_json: dict[str, Any], resources_map: Any, *args: Any, **kwargs: Any) -> Any:
    """moto's, with the resource named in what goes wrong, and with events of it in a background operation."""
    stack: Stack | None = getattr(resources_map, "stack", None)
    type_ = resource_json["Type"]

    def note(status: str, reason: str | None = None) -> None:
        if stack is not None:
            progress.note(stack, logical_id, type_, status, reason)

    condition = resource_json.get("Condition")
    if condition and not resources_map.lazy_condition_map[condition]:
        return None
    note("CREATE_IN_PROGRESS")
    try:
        resource = _made(logical_id, resource_json, resources_map, *args, **kwargs)
    except custom.FailedCreationError as error:
        resources_map._parsed_resources[logical_id] = error.resource  # for the rollback to delete
        note("CREATE_FAILED", str(error))
        raise
    except Exception as error:
        note("CREATE_FAILED", getattr(error, "message", None) or str(error))
        raise
    if stack is not None:
        resources_map._parsed_resources[logical_id] = resource
        note("CREATE_COMPLETE")
    return resource


def _made(logical_id: str, resource_json: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
    try:
        resource = _moto_create(logical_id, resource_json, *args, **kwargs)
    except (ValidationError, resources.ResourceError, KeyError):
        raise
    except Exception as error:
        text = getattr(error, "message", None) or str(error) or type(error).__name__
        raise resources.ResourceError(f"{logical_id} ({resource_json['Type']}): {text}") from error
    if resource is not None and getattr(resource, "physical_resource_id", None) is None:
        resource.physical_resource_id = getattr(resource, "name", logical_id)
    return resource


def _parsed(template: str) -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(template)  # what comes here is always _expanded
    return parsed


def _parse_change_set(change_set: ChangeSet) -> None:
    change_set.template_dict = _parsed(change_set.template)


def install() -> None:
    """Put this CloudFormation in the place of moto's, and the types that moto lacks beside those it has."""
    extend.install("cloudformation", LocalCloudFormationBackend)
    parsing: Any = moto_parsing
    parsing.clean_json = _clean
    parsing.parse_and_create_resource = _create
    models: Any = moto_models
    models.Stack.parse_template = staticmethod(_parsed)
    models.ChangeSet._parse_template = _parse_change_set
    dependents.install()
    custom.install()
    progress.install()
    resources.install()
