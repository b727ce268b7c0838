"""Creation and deletion of stacks in the background, as in CloudFormation.

Sources: CloudFormation User Guide, "Stack failure options", "Stack status codes".
"""

from moto.cloudformation.models import CloudFormationBackend, Stack

from local_aws.stack import progress, removal
from local_aws.stack.background import begin, publish_outputs, set_status, until_ready


def create(backend: CloudFormationBackend, stack: Stack, *, rolls_back: bool = True) -> None:
    """Start to create a stack; a failure is rolled back, or left as it is."""
    begin(stack, "CREATE_IN_PROGRESS", lambda: _create(backend, stack, rolls_back=rolls_back))


def delete(backend: CloudFormationBackend, stack: Stack, retained: frozenset[str] = frozenset()) -> None:
    """Start to delete a stack, dependents first, except for the ``retained`` resources."""
    begin(stack, "DELETE_IN_PROGRESS", lambda: _delete(backend, stack, retained))


def _create(backend: CloudFormationBackend, stack: Stack, *, rolls_back: bool) -> None:
    try:
        stack.resource_map.create(stack.template_dict)
        until_ready(stack)
        publish_outputs(backend, stack)
    except Exception as error:
        reason = progress.why_failed(stack, "create", error)
        if not rolls_back:
            set_status(stack, "CREATE_FAILED", reason)
            return
        set_status(stack, "ROLLBACK_IN_PROGRESS", reason)
        left = removal.delete_all(stack, list(stack.template_dict["Resources"]), keep=removal.KEPT_IN_ROLLBACK)
        set_status(stack, "ROLLBACK_FAILED" if left else "ROLLBACK_COMPLETE", progress.why_not_deleted(left))
    else:
        set_status(stack, "CREATE_COMPLETE")


def _delete(backend: CloudFormationBackend, stack: Stack, retained: frozenset[str]) -> None:
    exports = [name for name, export in backend.exports.items() if export.exporting_stack_id == stack.stack_id]
    names = [name for name in stack.template_dict.get("Resources") or () if name not in retained]
    left = removal.delete_all(stack, names)
    if left:
        set_status(stack, "DELETE_FAILED", progress.why_not_deleted(left))
        return
    for name in exports:
        del backend.exports[name]
    backend.deleted_stacks[stack.stack_id] = stack
    backend.stacks.pop(stack.stack_id, None)
    set_status(stack, "DELETE_COMPLETE")


__all__ = ["create", "delete"]
