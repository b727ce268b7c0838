"""Stack operations in the background, as in CloudFormation: change sets, and deletions.

The function of a custom resource calls the local AWS and may take long, so the call that starts the operation must have
returned. CreateStack and UpdateStack without custom resources complete within the call.
Sources: CloudFormation User Guide, "Stack failure options", "Stack status codes", "Update behaviors of stack resources".
"""

import contextlib
import json
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import moto.cloudformation.parsing as moto_parsing
from moto.cloudformation.models import CloudFormationBackend, Stack

from local_aws.stack import custom, progress, removal
from local_aws.stack.dependents import closure, is_same

_READY_SECONDS = 30.0
A_LITTLE, A_WHILE = 5.0, 20.0
_THREAD = "local-aws-stack-"


def create(backend: CloudFormationBackend, stack: Stack, *, rolls_back: bool = True) -> None:
    """Start to create a stack; a failure is rolled back, or left as it is."""
    _begin(stack, "CREATE_IN_PROGRESS", lambda: _create(backend, stack, rolls_back=rolls_back))


def update(
    backend: CloudFormationBackend, stack: Stack, template: str, parameters: dict[str, Any], *, rolls_back: bool = True
) -> None:
    """Start to update a stack; a failure is rolled back to the previous template and parameters, or left as it is."""
    _begin(stack, "UPDATE_IN_PROGRESS", lambda: _update(backend, stack, template, parameters, rolls_back=rolls_back))


def delete(backend: CloudFormationBackend, stack: Stack, retained: frozenset[str] = frozenset()) -> None:
    """Start to delete a stack, dependents first, except for the ``retained`` resources."""
    _begin(stack, "DELETE_IN_PROGRESS", lambda: _delete(backend, stack, retained))


def wait(stack: Any, seconds: float | None = None) -> None:
    """Wait for an operation before its call returns, at most ``seconds``; by default until it has processed all resources.
    AWS responds at once, but clients poll only every 15 or 30 seconds."""
    resource_map = stack.resource_map
    if seconds is None:
        resource_map.worked.wait(_READY_SECONDS)
    else:
        resource_map.worker.join(seconds)


def is_nested() -> bool:
    """Whether this thread processes a stack, so that a stack that it creates is nested."""
    return threading.current_thread().name.startswith(_THREAD)


def _begin(stack: Stack, status: str, work: Callable[[], None]) -> None:
    _turn(stack, status, "User Initiated")
    resource_map: Any = stack.resource_map
    thread = threading.Thread(target=_watched, args=(stack, work), name=_THREAD + stack.name, daemon=True)
    resource_map.worker, resource_map.stack, resource_map.worked = thread, stack, threading.Event()
    thread.start()


def _watched(stack: Stack, work: Callable[[], None]) -> None:
    try:
        work()
    except Exception as error:  # nothing catches a thread's error: the stack shows it, and the terminal the traceback
        traceback.print_exc()
        _turn(stack, stack.status.replace("_IN_PROGRESS", "_FAILED"), f"The local AWS failed: {error!r}")
    finally:
        resource_map: Any = stack.resource_map
        resource_map.worked.set()


def _turn(stack: Any, status: str, reason: str | None = None) -> None:
    stack._add_stack_event(status, resource_status_reason=reason)
    stack.status_reason = reason
    stack.status = status  # last, because others wait for it


# Creating.


def _create(backend: CloudFormationBackend, stack: Stack, *, rolls_back: bool) -> None:
    try:
        stack.resource_map.create(stack.template_dict)
        _until_ready(stack)
        _publish_outputs(backend, stack)
    except Exception as error:
        reason = progress.why_failed(stack, "create", error)
        if not rolls_back:
            _turn(stack, "CREATE_FAILED", reason)
            return
        _turn(stack, "ROLLBACK_IN_PROGRESS", reason)
        left = removal.delete_all(stack, list(stack.template_dict["Resources"]), keep=removal.KEPT_IN_ROLLBACK)
        _turn(stack, "ROLLBACK_FAILED" if left else "ROLLBACK_COMPLETE", progress.why_not_deleted(left))
    else:
        _turn(stack, "CREATE_COMPLETE")


def _until_ready(stack: Stack) -> None:
    """Wait for associations, which become active in the local AWS's time."""
    resource_map: Any = stack.resource_map
    if not stack.resource_map.creation_complete():
        resource_map.worked.set()
    deadline = time.monotonic() + _READY_SECONDS
    while not stack.resource_map.creation_complete():
        if time.monotonic() > deadline:
            raise TimeoutError(f"Resources of {stack.name} did not become ready within {_READY_SECONDS:.0f} s")
        time.sleep(0.05)


def _publish_outputs(backend: CloudFormationBackend, stack: Stack) -> None:
    """Resolve the outputs, and replace the exports of the stack."""
    before = {name for name, export in backend.exports.items() if export.exporting_stack_id == stack.stack_id}
    stack.output_map = stack._create_output_map()
    list(stack.output_map.values())
    exports = stack.output_map.exports
    taken = [export.name for export in exports if export.name in backend.exports and export.name not in before]
    if taken:
        raise ValueError(f"Export with name {taken[0]} is already exported by another stack")
    for name in before:
        del backend.exports[name]
    backend.exports.update({export.name: export for export in exports})


# Updating.


def _update(
    backend: CloudFormationBackend, stack: Stack, template: str, parameters: dict[str, Any], *, rolls_back: bool
) -> None:
    before, before_parameters = stack.template_dict, dict(stack.resource_map.input_parameters)
    after = json.loads(template)
    touched: set[str] = set()
    try:
        removed = _apply(stack, after, parameters, touched)
        _until_ready(stack)
        _describe_as(stack, template, after, parameters)
        _publish_outputs(backend, stack)
    except Exception as error:
        reason = progress.why_failed(stack, "update", error)
        if not rolls_back:
            _describe_as(stack, template, after, parameters)
            _turn(stack, "UPDATE_FAILED", reason)
            return
        _turn(stack, "UPDATE_ROLLBACK_IN_PROGRESS", reason)
        _roll_back(backend, stack, before, before_parameters, touched)
    else:
        _turn(stack, "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
        _clean_up(stack, removed, before)
        _turn(stack, "UPDATE_COMPLETE")


def _describe_as(stack: Stack, text: str, template: dict[str, Any], parameters: dict[str, Any]) -> None:
    stack.template, stack.template_dict, stack.parameters = text, template, parameters
    stack.description = template.get("Description")


def _apply(stack: Stack, template: dict[str, Any], parameters: dict[str, Any], touched: set[str]) -> list[str]:
    """Add and modify resources in dependency order; the names of the resources to remove.

    ``touched`` gets the name of every attempted resource.
    """
    resource_map = stack.resource_map
    changes = resource_map.build_resource_diff(template, parameters)
    resource_map._template = template
    resource_map.input_parameters = parameters
    resource_map.load_mapping()
    resource_map.load_parameters()
    resource_map.load_conditions()
    resource_map._resource_json_map = template["Resources"]
    changed = {*changes["Add"], *changes["Modify"]}
    removed = list(changes["Remove"])
    for name in closure(list(changed), template["Resources"]):
        if name not in changed:
            continue
        if name not in resource_map._parsed_resources or not is_same(name, template["Resources"][name], resource_map):
            touched.add(name)
            _make_or_change(stack, name)
    return removed


def _make_or_change(stack: Stack, name: str) -> None:
    resource_map = stack.resource_map
    if name not in resource_map._parsed_resources:
        _ = resource_map[name]  # creates it, with its events
        return
    body = resource_map._resource_json_map[name]
    progress.note(stack, name, body["Type"], "UPDATE_IN_PROGRESS")
    try:
        resource_map._parsed_resources[name] = moto_parsing.parse_and_update_resource(
            name, body, resource_map, account_id=resource_map._account_id, region_name=resource_map._region_name
        )
    except Exception as error:
        progress.note(stack, name, body["Type"], "UPDATE_FAILED", str(error))
        raise
    progress.note(stack, name, body["Type"], "UPDATE_COMPLETE")


def _roll_back(
    backend: CloudFormationBackend,
    stack: Stack,
    template: dict[str, Any],
    parameters: dict[str, Any],
    touched: set[str],
) -> None:
    """Update touched resources back, and delete added ones.

    A custom resource gets an Update with its old properties, whether its update failed or succeeded; after a
    replacement for the new id, and the id that does not remain is deleted (assumption: the User Guide says only that a
    rollback is an update).
    """
    attempted = stack.resource_map._resource_json_map
    try:
        with _only(stack.resource_map, touched):
            added = _apply(stack, template, parameters, set())
        _describe_as(stack, json.dumps(template), template, parameters)
        _publish_outputs(backend, stack)
    except Exception as error:
        _turn(stack, "UPDATE_ROLLBACK_FAILED", progress.why_failed(stack, "update", error))
        return
    _turn(stack, "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS")
    _clean_up(stack, added, {"Resources": attempted}, removal.KEPT_IN_ROLLBACK)
    _turn(stack, "UPDATE_ROLLBACK_COMPLETE")


@contextlib.contextmanager
def _only(resource_map: Any, names: set[str]) -> Iterator[None]:
    """Restrict the modifications of the next difference to these resources."""
    whole = resource_map.build_resource_diff

    def narrowed(*args: Any) -> dict[str, Any]:
        changes = whole(*args)
        return {**changes, "Modify": [name for name in changes["Modify"] if name in names]}

    resource_map.build_resource_diff = narrowed
    try:
        yield
    finally:
        del resource_map.build_resource_diff


def _clean_up(
    stack: Stack, removed: list[str], template: Mapping[str, Any], keep: frozenset[str] = removal.KEPT
) -> None:
    """Delete removed resources at the end. Failed deletions do not fail the update."""
    for name, resource in list(stack.resource_map._parsed_resources.items()):
        if isinstance(resource, custom.CustomResource) and name not in removed:
            try:
                resource.clean_up()
            except Exception as error:
                progress.note(stack, name, resource.type, "DELETE_FAILED", str(error))
    removal.delete_all(stack, removed, template, keep=keep)


# Deleting.


def _delete(backend: CloudFormationBackend, stack: Stack, retained: frozenset[str]) -> None:
    exports = [name for name, export in backend.exports.items() if export.exporting_stack_id == stack.stack_id]
    names = [name for name in stack.template_dict.get("Resources") or () if name not in retained]
    left = removal.delete_all(stack, names)
    if left:
        _turn(stack, "DELETE_FAILED", progress.why_not_deleted(left))
        return
    for name in exports:
        del backend.exports[name]
    backend.deleted_stacks[stack.stack_id] = stack
    backend.stacks.pop(stack.stack_id, None)
    _turn(stack, "DELETE_COMPLETE")


__all__ = ["A_LITTLE", "A_WHILE", "create", "delete", "is_nested", "update", "wait"]
