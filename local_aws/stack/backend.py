"""CloudFormation in moto, with SAM templates, refusals instead of silence, and change sets that leave a whole stack."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import moto.cloudformation.models as moto_models
import moto.cloudformation.parsing as moto_parsing
from moto.cloudformation.exceptions import ValidationError
from moto.cloudformation.models import ChangeSet, CloudFormationBackend, Stack
from moto.cloudformation.parsing import ResourceMap

from local_aws import extend
from local_aws.stack import dependents, resources
from local_aws.stack.transform import TemplateError, all_parameters, expand, parse

_moto_clean = moto_parsing.clean_json
_moto_create = moto_parsing.parse_and_create_resource


class LocalCloudFormationBackend(CloudFormationBackend):
    """moto's; every template passes :func:`local_aws.stack.transform.expand` first."""

    def create_stack(self, name: str, template: str, parameters: dict[str, Any], *args: Any, **kwargs: Any) -> Stack:
        expanded, parameters = _expanded(template, parameters)
        with _refusals():
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
        with _refusals():
            super().execute_change_set(change_set_name, stack_name)
        stack = self.stacks[change_set.stack_id]
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
        resolved = self._resolve_update_parameters(instance=stack, incoming_params=parameters)
        expanded, resolved = _expanded(template or json.dumps(stack.template_dict), resolved)
        with _refusals():
            stack.update(expanded, role_arn, parameters=resolved, tags=tags)
        return stack

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


def _create(logical_id: str, resource_json: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
    """moto's, with the resource named in what goes wrong."""
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
    resources.install()
