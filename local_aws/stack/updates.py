"""Stack updates: modify in dependency order, roll back on failure, clean up at the end.

Sources: CloudFormation User Guide, "Stack failure options", "Update behaviors of stack resources".
"""

import contextlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

import moto.cloudformation.parsing as moto_parsing
from moto.cloudformation.models import CloudFormationBackend, Stack

from local_aws.stack import custom, progress, removal
from local_aws.stack.background import begin, publish_outputs, set_status, until_ready
from local_aws.stack.dependents import closure, is_same


def update(
    backend: CloudFormationBackend, stack: Stack, template: str, parameters: dict[str, Any], *, rolls_back: bool = True
) -> None:
    """Start to update a stack; a failure is rolled back to the previous template and parameters, or left as it is."""
    begin(stack, "UPDATE_IN_PROGRESS", lambda: _update(backend, stack, template, parameters, rolls_back=rolls_back))


def _update(
    backend: CloudFormationBackend, stack: Stack, template: str, parameters: dict[str, Any], *, rolls_back: bool
) -> None:
    before, before_parameters = stack.template_dict, dict(stack.resource_map.input_parameters)
    after = json.loads(template)
    touched: set[str] = set()
    try:
        removed = _apply(stack, after, parameters, touched)
        until_ready(stack)
        _describe_as(stack, template, after, parameters)
        publish_outputs(backend, stack)
    except Exception as error:
        reason = progress.why_failed(stack, "update", error)
        if not rolls_back:
            _describe_as(stack, template, after, parameters)
            set_status(stack, "UPDATE_FAILED", reason)
            return
        set_status(stack, "UPDATE_ROLLBACK_IN_PROGRESS", reason)
        _roll_back(backend, stack, before, before_parameters, touched)
    else:
        set_status(stack, "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
        _clean_up(stack, removed, before)
        set_status(stack, "UPDATE_COMPLETE")


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
        publish_outputs(backend, stack)
    except Exception as error:
        set_status(stack, "UPDATE_ROLLBACK_FAILED", progress.why_failed(stack, "update", error))
        return
    set_status(stack, "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS")
    _clean_up(stack, added, {"Resources": attempted}, removal.KEPT_IN_ROLLBACK)
    set_status(stack, "UPDATE_ROLLBACK_COMPLETE")


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


__all__ = ["update"]
