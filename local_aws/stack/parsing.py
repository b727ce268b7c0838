"""How moto resolves values and creates resources, with errors that name the resource, and with events of the stack."""

import json
from typing import TYPE_CHECKING, Any

import moto.cloudformation.models as moto_models
import moto.cloudformation.parsing as moto_parsing
from moto.cloudformation.exceptions import ValidationError
from moto.cloudformation.parsing import ResourceMap

from local_aws.stack import custom, progress, resources

if TYPE_CHECKING:
    from moto.cloudformation.models import Stack

_moto_clean = moto_parsing.clean_json
_moto_create = moto_parsing.parse_and_create_resource


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
    """Replace moto's functions. Installing again is harmless."""
    module: Any = moto_parsing
    module.clean_json = _clean
    module.parse_and_create_resource = _create
    models: Any = moto_models
    models.Stack.parse_template = staticmethod(_parsed)
