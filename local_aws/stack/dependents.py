"""Stack updates follow references: resources that refer to a replaced one are updated after it.

moto updates only resources whose definition or parameters changed, in the order of the template; a service would keep the
old revision of its task definition. As in CloudFormation, a dependent with the same resolved properties is not updated.
"""

import copy
import re
from collections.abc import Iterator, Mapping
from typing import Any

import moto.cloudformation.parsing as moto_parsing
from moto.cloudformation.parsing import ResourceMap

from local_aws.stack import changes

_moto_update = moto_parsing.parse_and_update_resource


def references(value: Any) -> Iterator[str]:
    """The names that a part of a template refers to with Ref, Fn::GetAtt, Fn::Sub or DependsOn."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if key == "Ref" and isinstance(inner, str):
                yield inner
            elif key == "Fn::GetAtt":
                yield inner[0] if isinstance(inner, list) else str(inner).split(".")[0]
            elif key == "Fn::Sub":
                text = inner[0] if isinstance(inner, list) else inner
                yield from (name.split(".")[0] for name in re.findall(r"\$\{([^!}]+)\}", str(text)))
                yield from references(inner)
            elif key == "DependsOn":
                yield from [inner] if isinstance(inner, str) else inner
            else:
                yield from references(inner)
    elif isinstance(value, list):
        for item in value:
            yield from references(item)


def closure(changed: list[str], resources: Mapping[str, Any]) -> list[str]:
    """``changed`` and their direct and indirect dependents, in dependency order."""
    refers = {name: {r for r in references(body) if r in resources} for name, body in resources.items()}
    reached = set(changed)
    while more := {name for name in refers if name not in reached and refers[name] & reached}:
        reached |= more
    ordered: list[str] = []

    def put(name: str, above: frozenset[str]) -> None:
        for referenced in sorted(refers.get(name, ())):
            if referenced not in above:
                put(referenced, above | {name})
        if name in reached and name not in ordered:
            ordered.append(name)

    for name in resources:
        put(name, frozenset())
    return ordered


def _diff(self: Any, other_template: dict[str, Any], parameters: dict[str, Any] | None = None) -> dict[str, Any]:
    """moto's, based on the resolved template, and with dependents."""
    resources = other_template["Resources"]
    before, after = changes.settled(self), changes.settled(_loaded(self, other_template, parameters))
    found = changes.between(before, after)
    by_action = {action: [change.name for change in found if change.action == action] for action in ("Add", "Remove")}
    changed = [change.name for change in found if change.action == "Modify" and change.is_static]
    everything = [name for name in closure([*changed, *by_action["Add"]], resources) if name in after]
    dependents = [name for name in everything if name not in changed and name in before]
    self.resolved_before = {name: _resolved(self._resource_json_map[name], self) for name in dependents}
    return {**by_action, "Modify": [name for name in everything if name not in by_action["Add"]]}


def _loaded(current: Any, template: dict[str, Any], parameters: dict[str, Any] | None) -> ResourceMap:
    """A map of the other template, without resources."""
    values = current.input_parameters if parameters is None else parameters
    name, region, account = current["AWS::StackName"], current._region_name, current._account_id
    other = ResourceMap(current.stack_id, name, values, {}, region, account, template, {})
    other.load_mapping()
    other.load_parameters()
    other.load_conditions()
    return other


def is_same(name: str, resource_json: dict[str, Any], resources_map: Any) -> bool:
    """Whether a dependent resolves to the same properties as before the update."""
    before = getattr(resources_map, "resolved_before", {})
    return name in before and _resolved(resource_json, resources_map) == before[name]


def _update(logical_id: str, resource_json: dict[str, Any], resources_map: Any, *args: Any, **kwargs: Any) -> Any:
    if is_same(logical_id, resource_json, resources_map):
        return resources_map[logical_id]
    return _moto_update(logical_id, resource_json, resources_map, *args, **kwargs)


def _resolved(resource_json: dict[str, Any], resources_map: ResourceMap) -> Any:
    return copy.deepcopy(moto_parsing.clean_json(resource_json.get("Properties", {}), resources_map))


def install() -> None:
    """Make stack updates follow references."""
    parsing: Any = moto_parsing
    parsing.ResourceMap.build_resource_diff = _diff
    parsing.parse_and_update_resource = _update
