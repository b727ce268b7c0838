"""moto's CloudFormation with SAM templates, change sets that list their changes, and errors instead of omissions."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from moto.cloudformation.exceptions import AlreadyExistsException, ValidationError
from moto.cloudformation.models import CloudFormationBackend, Stack
from moto.cloudformation.utils import generate_stack_id

from local_aws import extend
from local_aws.stack import (
    background,
    capabilities,
    change_sets,
    custom,
    dependents,
    operations,
    parsing,
    progress,
    providers,
    resources,
    updates,
)
from local_aws.stack.change_sets import ChangeSet, ChangeSetNotFoundError, ChangeSetRequest, InvalidChangeSetStatusError
from local_aws.stack.responses import LocalCloudFormationResponse

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
        request = ChangeSetRequest(
            "create", "CREATE", template, parameters, tags or {}, acknowledged, None, arns, role_arn
        )
        stack = self._new_stack(name, request)
        change_set = _require_success(change_sets.make(stack, request))
        self.stacks[stack.stack_id] = stack
        stack.enable_termination_protection = bool(enable_termination_protection)
        stack.timeout_in_minutes, stack.policy = timeout_in_mins, stack_policy_body or ""
        self._execute(change_set)
        if not custom.uses(stack.template_dict):
            background.wait(stack)
        if background.is_nested() and stack.status != "CREATE_COMPLETE":
            raise resources.ResourceError(f"Embedded stack {stack.stack_id} was not successfully created")
        return stack

    # Change sets.

    def make_change_set(self, stack_name: str, request: ChangeSetRequest) -> ChangeSet:
        """CreateChangeSet. Type CREATE also creates the stack, without resources."""
        stack = self._new_stack(stack_name, request) if request.kind == "CREATE" else self._updatable_stack(stack_name)
        if any(known.request.name == request.name for known in self.change_sets_of(stack.stack_id)):
            raise change_sets.NameTakenError(request.name)
        change_set = change_sets.make(stack, request)
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
                if change_set.request.name == name:
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
        self._execute(change_set, rolls_back=rolls_back)
        background.wait(change_set.stack, background.A_LITTLE)

    def _execute(self, change_set: ChangeSet, *, rolls_back: bool = True) -> None:
        stack, request = change_set.stack, change_set.request
        stack.tags, stack.notification_arns, stack.role_arn = (
            dict(request.tags), list(request.notification_arns), request.role_arn,
        )  # fmt: skip
        with _refusals():
            if request.kind == "UPDATE":
                updates.update(self, stack, change_set.expanded, change_set.parameters, rolls_back=rolls_back)
            else:
                self._set_template(stack, change_set.expanded, change_set.parameters)
                operations.create(self, stack, rolls_back=rolls_back)
        progress.keep_original(stack, request.template)

    def templates(self, stack_name: str, change_set_name: str | None = None) -> tuple[str, str]:
        """The template of a stack or a change set: original and processed."""
        if change_set_name:
            change_set = self.change_set(change_set_name, stack_name)
            return change_set.request.template, change_set.expanded
        stack = self.get_stack(stack_name)
        processed: Any = stack.template  # empty while the stack is REVIEW_IN_PROGRESS
        return progress.original(stack) or processed or "", processed or ""

    @property
    def _change_sets(self) -> dict[str, ChangeSet]:
        held: Any = self.change_sets  # moto's own are never created
        return held

    def _new_stack(self, name: str, request: ChangeSetRequest) -> Stack:
        for stack in self.stacks.values():
            if stack.name != name:
                continue
            if stack.status == "REVIEW_IN_PROGRESS":
                return stack
            text = f"Stack [{name}] already exists and cannot be created again with the changeSet [{request.name}]."
            raise ValidationError(message=text)
        make: Any = Stack  # it leaves abstract methods of its base unimplemented
        stack = make(
            stack_id=generate_stack_id(name, self.region_name, self.account_id),
            name=name,
            template={},
            parameters={},
            account_id=self.account_id,
            region_name=self.region_name,
            tags=dict(request.tags),
            role_arn=request.role_arn,
        )
        made: Stack = stack
        return made

    def _updatable_stack(self, name: str) -> Stack:
        stack = self.get_stack(name)
        if not _UPDATABLE.match(stack.status):
            text = f"Stack:{stack.stack_id} is in {stack.status} state and can not be updated."
            raise ValidationError(message=text)
        return stack

    def _set_template(self, stack: Any, template: str, parameters: dict[str, str]) -> None:
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
        stack = self._updatable_stack(name)
        wanted = dict(stack.tags) if tags is None else tags
        arns = tuple(stack.notification_arns)
        original = template or self.templates(name)[0]
        request = ChangeSetRequest("update", "UPDATE", original, parameters, wanted, acknowledged, None, arns, role_arn)
        self._execute(_require_success(change_sets.make(stack, request)))
        if not custom.uses(stack.template_dict):
            background.wait(stack)
        return stack

    def describe_stack_resource(self, stack_name: str, logical_resource_id: str) -> Any:
        """The resource's members in AWS's names. A deleted stack is described by its id (API Reference, DescribeStackResource)."""
        stack = self.stacks.get(stack_name) or self.deleted_stacks.get(stack_name)
        stack = stack or next((known for known in self.stacks.values() if known.name == stack_name), None)
        if stack is None:
            raise ValidationError(message=f"Stack '{stack_name}' does not exist")  # boto/boto3 #2352
        detail = progress.described(stack, logical_resource_id)
        if detail is None:
            # aws-samples/amazon-rekognition-video-analyzer #23
            raise ValidationError(message=f"Resource {logical_resource_id} does not exist for stack {stack_name}")
        return detail

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
            background.wait(stack, background.A_WHILE)


def _require_success(change_set: ChangeSet) -> ChangeSet:
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


def install() -> None:
    """Replace moto's CloudFormation, and add the resource types that moto lacks."""
    extend.install("cloudformation", LocalCloudFormationBackend, LocalCloudFormationResponse)
    parsing.install()
    dependents.install()
    custom.install()
    progress.install()
    providers.install()
