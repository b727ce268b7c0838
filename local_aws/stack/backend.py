"""moto's CloudFormation with SAM templates, change sets that list their changes, and errors instead of omissions."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import moto.cloudformation.models as moto_models
import moto.cloudformation.parsing as moto_parsing
from moto.cloudformation.exceptions import AlreadyExistsException, ValidationError
from moto.cloudformation.models import CloudFormationBackend, Stack
from moto.cloudformation.parsing import ResourceMap
from moto.cloudformation.utils import generate_stack_id

from local_aws import extend
from local_aws.stack import capabilities, change_sets, custom, dependents, operations, progress, providers, resources
from local_aws.stack.change_sets import Asked, ChangeSet, ChangeSetNotFoundError, InvalidChangeSetStatusError
from local_aws.stack.responses import LocalCloudFormationResponse

_moto_clean = moto_parsing.clean_json
_moto_create = moto_parsing.parse_and_create_resource
ALL = (capabilities.IAM, capabilities.NAMED_IAM, capabilities.AUTO_EXPAND)
_UPDATABLE = re.compile(r"^(CREATE|UPDATE|UPDATE_ROLLBACK|IMPORT)_COMPLETE$|^UPDATE_FAILED$")


class LocalCloudFormationBackend(CloudFormationBackend):
    """moto's; :func:`local_aws.stack.transform.expand` processes every template first."""

    def create_stack(
        self,
        name: str,
        template: str,
        parameters: dict[str, Any],
        notification_arns: list[str] | None = None,
        tags: dict[str, str] | None = None,
        role_arn: str | None = None,
        enable_termination_protection: bool | None = False,
        timeout_in_mins: int | None = None,
        stack_policy_body: str | None = None,
        acknowledged: tuple[str, ...] = ALL,
    ) -> Stack:
        """Execute a change set at once; if it fails, its reason is the error of the call."""
        if any(stack.name == name for stack in self.stacks.values()):
            raise AlreadyExistsException(f"Stack {name} already exists")
        arns = tuple(notification_arns or ())
        asked = Asked("create", "CREATE", template, parameters, tags or {}, acknowledged, None, arns, role_arn)
        stack = self._to_be_made(name, asked)
        change_set = _unfailed(change_sets.make(stack, asked))
        self.stacks[stack.stack_id] = stack
        stack.enable_termination_protection = bool(enable_termination_protection)
        stack.timeout_in_minutes, stack.policy = timeout_in_mins, stack_policy_body or ""
        self._carry_out(change_set)
        if not custom.uses(stack.template_dict):
            operations.wait(stack)
        if operations.is_nested() and stack.status != "CREATE_COMPLETE":
            raise resources.ResourceError(f"Embedded stack {stack.stack_id} was not successfully created")
        return stack

    # Change sets.

    def make_change_set(self, stack_name: str, asked: Asked) -> ChangeSet:
        """CreateChangeSet. Type CREATE also creates the stack, without resources."""
        stack = self._to_be_made(stack_name, asked) if asked.kind == "CREATE" else self._to_be_changed(stack_name)
        if any(known.asked.name == asked.name for known in self.change_sets_of(stack.stack_id)):
            raise change_sets.NameTakenError(asked.name)
        change_set = change_sets.make(stack, asked)
        if stack.stack_id not in self.stacks:
            self.stacks[stack.stack_id] = stack
            stack.status = "REVIEW_IN_PROGRESS"
            stack._add_stack_event("REVIEW_IN_PROGRESS", resource_status_reason="User Initiated")
        self._change_sets[change_set.id] = change_set
        return change_set

    def change_set(self, name: str, stack_name: str | None) -> ChangeSet:
        """By ARN, or by name and stack."""
        if name in self._change_sets:
            return self._change_sets[name]
        if not name.startswith("arn:") and stack_name:
            for change_set in self.change_sets_of(stack_name):
                if change_set.asked.name == name:
                    return change_set
        raise ChangeSetNotFoundError(name)

    def change_sets_of(self, stack_name: str) -> list[ChangeSet]:
        return [
            change_set
            for change_set in self._change_sets.values()
            if stack_name in {change_set.stack.name, change_set.stack.stack_id}
        ]

    def execute(self, change_set: ChangeSet, *, rolls_back: bool = True) -> None:
        """ExecuteChangeSet. Deletes the stack's other change sets, because they no longer match the stack."""
        if change_set.execution_status != "AVAILABLE":
            raise InvalidChangeSetStatusError(change_set)
        _refuse_in_progress(change_set.stack, "updated")
        change_set.execution_status = "EXECUTE_COMPLETE"
        for other in self.change_sets_of(change_set.stack.stack_id):
            if other is not change_set:
                del self._change_sets[other.id]
        self._carry_out(change_set, rolls_back=rolls_back)
        operations.wait(change_set.stack, operations.A_LITTLE)

    def _carry_out(self, change_set: ChangeSet, *, rolls_back: bool = True) -> None:
        stack, asked = change_set.stack, change_set.asked
        stack.tags, stack.notification_arns, stack.role_arn = (
            dict(asked.tags), list(asked.notification_arns), asked.role_arn,
        )  # fmt: skip
        with _refusals():
            if asked.kind == "UPDATE":
                operations.update(self, stack, change_set.expanded, change_set.parameters, rolls_back=rolls_back)
            else:
                self._give(stack, change_set.expanded, change_set.parameters)
                operations.create(self, stack, rolls_back=rolls_back)
        progress.keep_original(stack, asked.template)

    def templates(self, stack_name: str, change_set_name: str | None = None) -> tuple[str, str]:
        """The template of a stack or a change set: original and processed."""
        if change_set_name:
            change_set = self.change_set(change_set_name, stack_name)
            return change_set.asked.template, change_set.expanded
        stack = self.get_stack(stack_name)
        processed: Any = stack.template  # empty while the stack is REVIEW_IN_PROGRESS
        return progress.original(stack) or processed or "", processed or ""

    @property
    def _change_sets(self) -> dict[str, ChangeSet]:
        held: Any = self.change_sets  # moto's own are never created
        return held

    def _to_be_made(self, name: str, asked: Asked) -> Stack:
        for stack in self.stacks.values():
            if stack.name != name:
                continue
            if stack.status == "REVIEW_IN_PROGRESS":
                return stack
            text = f"Stack [{name}] already exists and cannot be created again with the changeSet [{asked.name}]."
            raise ValidationError(message=text)
        make: Any = Stack  # it leaves abstract methods of its base unimplemented
        stack = make(
            stack_id=generate_stack_id(name, self.region_name, self.account_id),
            name=name,
            template={},
            parameters={},
            account_id=self.account_id,
            region_name=self.region_name,
            tags=dict(asked.tags),
            role_arn=asked.role_arn,
        )
        made: Stack = stack
        return made

    def _to_be_changed(self, name: str) -> Stack:
        stack = self.get_stack(name)
        if not _UPDATABLE.match(stack.status):
            text = f"Stack:{stack.stack_id} is in {stack.status} state and can not be updated."
            raise ValidationError(message=text)
        return stack

    def _give(self, stack: Any, template: str, parameters: dict[str, str]) -> None:
        """Set the template of a stack without one."""
        stack.template, stack.parameters = template, parameters
        stack._parse_template()
        stack.description = stack.template_dict.get("Description")
        stack.cross_stack_resources = self.exports
        stack.resource_map = stack._create_resource_map()

    # Stacks.

    def update_stack(  # type: ignore[override]  # the one who calls it is local_aws.stack.responses
        self,
        name: str,
        template: str | None,
        role_arn: str | None,
        parameters: dict[str, str],
        tags: dict[str, str] | None,
        acknowledged: tuple[str, ...] = ALL,
    ) -> Stack:
        """Execute a change set at once, by default with the stack's current template."""
        stack = self._to_be_changed(name)
        wanted = dict(stack.tags) if tags is None else tags
        arns = tuple(stack.notification_arns)
        original = template or self.templates(name)[0]
        asked = Asked("update", "UPDATE", original, parameters, wanted, acknowledged, None, arns, role_arn)
        self._carry_out(_unfailed(change_sets.make(stack, asked)))
        if not custom.uses(stack.template_dict):
            operations.wait(stack)
        return stack

    def delete_stack(self, name_or_stack_id: str, retained: frozenset[str] = frozenset()) -> None:
        """Delete in the background; the call waits a moment. Deleting an unknown stack succeeds."""
        for stack in tuple(self.stacks.values()):
            if name_or_stack_id not in {stack.name, stack.stack_id}:
                continue
            _refuse_in_progress(stack, "deleted")
            if retained and stack.status != "DELETE_FAILED":
                raise ValidationError(message="RetainResources is for stacks that are in the state DELETE_FAILED.")
            for change_set in self.change_sets_of(stack.stack_id):
                del self._change_sets[change_set.id]
            if stack.enable_termination_protection:
                text = f"Stack [{stack.name}] cannot be deleted while TerminationProtection is enabled"
                raise ValidationError(message=text)
            operations.delete(self, stack, retained)
            operations.wait(stack, operations.A_WHILE)


def _unfailed(change_set: ChangeSet) -> ChangeSet:
    """The change set; its failure is the error of UpdateStack and CreateStack."""
    if change_set.status != "FAILED":
        return change_set
    if change_set.reason == change_sets.EMPTY:
        raise ValidationError(message="No updates are to be performed.")
    raise ValidationError(message=change_set.reason)


def _refuse_in_progress(stack: Stack, verb: str) -> None:
    if progress.is_in_progress(stack):
        raise ValidationError(message=f"Stack:{stack.stack_id} is in {stack.status} state and can not be {verb}.")


@contextmanager
def _refusals() -> Iterator[None]:
    """Turn moto's errors for an invalid template into a ValidationError that names the resource."""
    try:
        yield
    except KeyError as error:
        raise ValidationError(message=f"Template error: unresolved reference {error.args[0]}") from error
    except resources.ResourceError as error:
        raise ValidationError(message=str(error)) from error


def _clean(value: Any, resource_map: ResourceMap) -> Any:
    """moto's, with AWS::NoValue removed from lists and an error for unknown attributes."""
    cleaned = _moto_clean(value, resource_map)
    if isinstance(value, list):
        return [element for element in cleaned if element is not None]
    if isinstance(value, dict) and "Fn::GetAtt" in value and cleaned is None:
        name, attribute = value["Fn::GetAtt"]
        raise ValidationError(message=f"Template error: the local AWS has no attribute {attribute} of {name}")
    return cleaned


def _create(logical_id: str, resource_json: dict[str, Any], resources_map: Any, *args: Any, **kwargs: Any) -> Any:
    """moto's, with the resource's name in errors, and with its events during a background operation."""
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
    parsed: dict[str, Any] = json.loads(template)  # always expanded
    return parsed


def install() -> None:
    """Replace moto's CloudFormation, and add the resource types that moto lacks."""
    extend.install("cloudformation", LocalCloudFormationBackend, LocalCloudFormationResponse)
    parsing: Any = moto_parsing
    parsing.clean_json = _clean
    parsing.parse_and_create_resource = _create
    models: Any = moto_models
    models.Stack.parse_template = staticmethod(_parsed)
    dependents.install()
    custom.install()
    progress.install()
    providers.install()
