"""Deletion of a stack's resources in a background operation: dependents first, with retries."""

from collections.abc import Iterable, Mapping
from typing import Any

from moto.cloudformation.models import Stack

from local_aws.stack import custom
from local_aws.stack.dependents import closure, references
from local_aws.stack.progress import note

KEPT = frozenset({"Retain", "RetainExceptOnCreate"})
KEPT_IN_ROLLBACK = frozenset({"Retain"})
"""Deletion policies that keep a resource, in general and in a rollback of its creation (Template Reference, DeletionPolicy)."""


def delete_all(
    stack: Stack, names: list[str], template: Mapping[str, Any] | None = None, *, keep: frozenset[str] = KEPT
) -> list[str]:
    """Delete the existing ones of these resources, dependents first; the names of those that could not be deleted.

    Resources that a remaining one refers to remain too, so that the deletion can be repeated. Failed deletions are
    retried as long as others succeed, because associations need a moment; a custom resource gets one request.
    """
    bodies = (template or stack.template_dict).get("Resources") or {}
    parsed = stack.resource_map._parsed_resources
    order = [name for name in reversed(closure(names, bodies)) if name in names and parsed.get(name) is not None]
    kept = [name for name in order if bodies[name].get("DeletionPolicy") in keep]
    waiting = [name for name in order if name not in kept]
    failed: list[str] = []
    while waiting:
        again: list[str] = []
        for name in waiting:
            if _is_referred_to(name, [*failed, *again], bodies):
                again.append(name)
            elif not _deleted(stack, name, bodies[name]):
                (failed if custom.is_custom(bodies[name]) else again).append(name)
        if len(again) == len(waiting):
            break
        waiting = again
    for name in kept:
        note(stack, name, bodies[name]["Type"], "DELETE_SKIPPED")
        del parsed[name]
    return failed + waiting


def _is_referred_to(name: str, by: Iterable[str], bodies: Mapping[str, Any]) -> bool:
    return any(name in set(references(bodies[other])) for other in by)


def _deleted(stack: Stack, name: str, body: dict[str, Any]) -> bool:
    note(stack, name, body["Type"], "DELETE_IN_PROGRESS")
    try:
        stack.resource_map._delete_resource(stack.resource_map._parsed_resources[name], body)
    except Exception as error:
        note(stack, name, body["Type"], "DELETE_FAILED", str(error))
        return False
    note(stack, name, body["Type"], "DELETE_COMPLETE")
    del stack.resource_map._parsed_resources[name]
    return True


__all__ = ["delete_all"]
