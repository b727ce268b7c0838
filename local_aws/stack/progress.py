"""The visible state of a stack during an operation: its events and its resources so far. Reading creates nothing."""

import threading
from datetime import timedelta
from typing import Any

import moto.cloudformation.models as moto_models
from moto.cloudformation.models import Event, Stack
from moto.cloudformation.parsing import ResourceMap


def is_in_progress(stack: Stack) -> bool:
    """Whether a background operation on the stack is in progress."""
    return getattr(stack.resource_map, "worker", None) is not None and stack.status.endswith("_IN_PROGRESS")


def note(stack: Stack, name: str, type_: str, status: str, reason: str | None = None) -> None:
    """Add an event of one resource of a stack."""
    resource = stack.resource_map._parsed_resources.get(name)
    physical = getattr(resource, "physical_resource_id", None) or ""
    event = Event(stack.stack_id, stack.name, name, physical, type_, status, reason, None)
    add(stack, event)


def described(stack: Stack, name: str) -> dict[str, Any] | None:
    """One resource as DescribeStackResource shows it: the status of its last event, and its id as soon as it has one; None if
    no event was about it. While a replaced id is deleted, it shows the current one (assumption)."""
    events = [event for event in tuple(stack.events) if event.logical_resource_id == name and name != stack.name]
    if not events:
        return None
    resource = stack.resource_map._parsed_resources.get(name)
    begun = max(
        (place for place, event in enumerate(events) if event.resource_status == "CREATE_IN_PROGRESS"), default=0
    )
    events = events[begun:]  # one of this name that was deleted before is another resource
    ids = [getattr(resource, "physical_resource_id", None), *(event.physical_resource_id for event in reversed(events))]
    physical_id = next((str(physical_id) for physical_id in ids if physical_id), None)
    detail = {
        "StackName": stack.name,
        "StackId": stack.stack_id,
        "LogicalResourceId": name,
        "PhysicalResourceId": physical_id,
        "ResourceType": events[-1].resource_type,
        "LastUpdatedTimestamp": events[-1].timestamp,
        "ResourceStatus": events[-1].resource_status,
        "ResourceStatusReason": events[-1].resource_status_reason,
        "DriftInformation": {"StackResourceDriftStatus": "NOT_CHECKED"},
    }
    return {member: value for member, value in detail.items() if value is not None}


def add(stack: Stack, event: Event) -> None:
    """Append an event, at least a millisecond after the previous one: SAM CLI remembers the time of the last event that it
    has seen, and times have a precision of milliseconds."""
    if stack.events:
        event.timestamp = max(event.timestamp, stack.events[-1].timestamp + timedelta(milliseconds=1))
    stack.events.append(event)


def keep_original(stack: Stack, template: str) -> None:
    """Keep the original template, before transforms."""
    holder: Any = stack
    holder.original_template = template


def original(stack: Stack) -> str | None:
    return getattr(stack, "original_template", None)


def why_failed(stack: Stack, verb: str, error: Exception) -> str:
    """The failed resources in the words of the stack's event, or else the error itself."""
    names = [
        event.logical_resource_id
        for event in stack.events
        if event.resource_status in {"CREATE_FAILED", "UPDATE_FAILED"} and event.logical_resource_id != stack.name
    ]
    return f"The following resource(s) failed to {verb}: [{names[-1]}]. " if names else str(error)


def why_not_deleted(names: list[str]) -> str | None:
    return f"The following resource(s) failed to delete: [{', '.join(sorted(names))}]. " if names else None


_moto_get = ResourceMap.__getitem__
_moto_outputs: Any = Stack.outputs
_moto_ready = Stack.verify_readiness
_WHOLE = {"CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"}


def _get(resource_map: Any, name: str) -> Any:
    """moto's, which creates a resource when it is read; during a background operation only the operation does."""
    worker = getattr(resource_map, "worker", None)
    if worker is None or worker is threading.current_thread() or name in resource_map._parsed_resources:
        return _moto_get(resource_map, name)
    return None


def _outputs(stack: Stack) -> Any:
    worker = getattr(stack.resource_map, "worker", None)
    return None if worker is not None and stack.status not in _WHOLE else _moto_outputs.fget(stack)


def _stack_resources(stack: Stack) -> list[Any]:
    return [resource for resource in stack.resource_map.values() if resource is not None]


def _add_stack_event(stack: Stack, status: str, resource_status_reason: str | None = None, **_more: Any) -> None:
    event = Event(
        stack.stack_id,
        stack.name,
        stack.name,
        stack.stack_id,
        "AWS::CloudFormation::Stack",
        status,
        resource_status_reason,
        None,
    )
    event.sendToSns(stack.account_id, stack.region_name, stack.notification_arns)
    add(stack, event)


def _verify(stack: Stack) -> None:
    if getattr(stack.resource_map, "worker", None) is None:
        _moto_ready(stack)


def install() -> None:
    """Make stacks readable during operations. Installing again is harmless."""
    models: Any = moto_models
    models.Stack.outputs = property(_outputs)
    models.Stack.stack_resources = property(_stack_resources)
    models.Stack.verify_readiness = _verify
    models.Stack._add_stack_event = _add_stack_event
    map_class: Any = ResourceMap
    map_class.__getitem__ = _get


__all__ = [
    "described",
    "install",
    "is_in_progress",
    "keep_original",
    "note",
    "original",
    "why_failed",
    "why_not_deleted",
]
