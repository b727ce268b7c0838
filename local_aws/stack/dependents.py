"""Stack updates follow references: what refers to a resource that was replaced is updated, too, and after it.

moto updates only resources whose own text or parameters changed, in the order of the template; a service whose task
definition got a new revision would keep the old one. A dependent whose resolved properties stay the same is left alone,
as CloudFormation leaves it.
"""

import copy
import re
from collections.abc import Iterator, Mapping
from typing import Any

import moto.cloudformation.parsing as moto_parsing
from moto.cloudformation.parsing import ResourceMap

_moto_diff = ResourceMap.build_resource_diff
_moto_update = moto_parsing.parse_and_update_resource


def references(value: Any) -> Iterator[str]:
    """Names that a piece of a template refers to by Ref, Fn::GetAtt, Fn::Sub or DependsOn."""
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
    """``changed`` and all that refers to them, directly or not; what is referred to comes first."""
    refers = {name: {r for r in references(body) if r in resources} for name, body in resources.items()}
    reached = set(changed)
    while more := {name for name in refers if name not in reached and refers[name] & reached}:
        reached |= more
    ordered: list[str] = []

    def put(name: str, above: frozenset[str]) -> None:
        for each in sorted(refers.get(name, ())):
            if each not in above:
                put(each, above | {name})
        if name in reached and name not in ordered:
            ordered.append(name)

    for name in resources:
        put(name, frozenset())
    return ordered


def _diff(self: Any, other_template: dict[str, Any], parameters: dict[str, Any] | None = None) -> dict[str, Any]:
    changes: dict[str, Any] = _moto_diff(self, other_template, parameters)
    resources = other_template["Resources"]
    changed = [*changes["Modify"], *changes["Add"]]
    everything = closure(changed, resources)
    dependents = [name for name in everything if name not in changed and name in self._resource_json_map]
    before = {name: _resolved(self._resource_json_map[name], self) for name in dependents}
    self.resolved_before = before
    changes["Modify"] = [name for name in everything if name not in changes["Add"]]
    return changes


def _update(logical_id: str, resource_json: dict[str, Any], resources_map: Any, *args: Any, **kwargs: Any) -> Any:
    before = getattr(resources_map, "resolved_before", {})
    if logical_id in before and _resolved(resource_json, resources_map) == before[logical_id]:
        return resources_map[logical_id]
    return _moto_update(logical_id, resource_json, resources_map, *args, **kwargs)


def _resolved(resource_json: dict[str, Any], resources_map: ResourceMap) -> Any:
    return copy.deepcopy(moto_parsing.clean_json(resource_json.get("Properties", {}), resources_map))


def install() -> None:
    """Make stack updates follow references."""
    parsing: Any = moto_parsing
    parsing.ResourceMap.build_resource_diff = _diff
    parsing.parse_and_update_resource = _update
