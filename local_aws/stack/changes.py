"""The changes of a stack operation: which resources it adds, modifies, replaces and removes, and why.

Two templates are compared after resolving parameters and conditions; what only the service knows (Ref and Fn::GetAtt of
resources) stays unresolved. Sources: CloudFormation API Reference, ResourceChange and
ResourceTargetDefinition; a resource's schema defines which properties cause replacement (createOnlyProperties).
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from local_aws.eventbus import REGION

_VARIABLE = re.compile(r"\$\{([^!{}][^{}]*)\}")
_ATTRIBUTES = ("Metadata", "DeletionPolicy", "UpdateReplacePolicy", "CreationPolicy", "UpdatePolicy")
_NOTHING = object()

Body = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Change:
    """One resource: ``action`` is Add, Modify or Remove, ``replacement`` of a Modify True, False or Conditional.

    ``scope`` lists the parts that change (Properties, Metadata, DeletionPolicy, ...). ``is_static``: it changes because of
    the template or parameters, otherwise because of what it refers to.
    """

    action: str
    name: str
    type: str
    replacement: str | None = None
    scope: tuple[str, ...] = ()
    is_static: bool = True


def settled(resource_map: Any) -> dict[str, Body]:
    """The resources of a stack's map (moto's) whose conditions hold, with parameters, conditions and mappings resolved.

    The map must have loaded its parameters and conditions.
    """
    template: Body = resource_map._template or {}
    conditions: Mapping[str, bool] = getattr(resource_map, "lazy_condition_map", {})
    values = {name: known for name, known in resource_map._parsed_resources.items() if name.startswith("AWS::")}
    values |= resource_map.resolved_parameters
    values["AWS::NoValue"] = _NOTHING
    mappings = template.get("Mappings") or {}
    return {
        name: {key: _settle(part, values, conditions, mappings) for key, part in body.items() if key != "Condition"}
        for name, body in (template.get("Resources") or {}).items()
        if body.get("Condition") is None or conditions[body["Condition"]]
    }


def between(before: Mapping[str, Body], after: Mapping[str, Body]) -> tuple[Change, ...]:
    """The changes from one set of resolved resources to another, in the order of the templates."""
    changes = {name: Change("Add", name, body["Type"]) for name, body in after.items() if name not in before}
    for name in before.keys() & after.keys():
        change = _modification(name, before[name], after[name])
        if change is not None:
            changes[name] = change
    _follow(before, after, changes)
    order = [*after, *(name for name in before if name not in after)]
    changes |= {name: Change("Remove", name, body["Type"]) for name, body in before.items() if name not in after}
    return tuple(changes[name] for name in order if name in changes)


def _modification(name: str, old: Body, new: Body) -> Change | None:
    """The change between two definitions of a resource; a new type means replacement."""
    # moto adds empty ones
    scope = [key for key in ("Properties", *_ATTRIBUTES) if (old.get(key) or {}) != (new.get(key) or {})]
    if old["Type"] != new["Type"]:
        return Change("Modify", name, new["Type"], "True", ("Properties",))
    if not scope:
        return None
    changed = _differing(old.get("Properties") or {}, new.get("Properties") or {})
    replaces = bool(changed & create_only(new["Type"]))
    return Change("Modify", name, new["Type"], str(replaces), tuple(scope))


def _differing(old: Body, new: Body) -> frozenset[str]:
    return frozenset(key for key in {*old, *new} if old.get(key) != new.get(key))


def _follow(before: Mapping[str, Body], after: Mapping[str, Body], changes: dict[str, Change]) -> None:
    """Add resources that refer to one that may be replaced, or to an attribute of one that is modified."""
    waiting = [name for name in after if name in before]
    while True:
        found = {name: change for name in waiting if (change := _following(name, after[name], changes)) is not None}
        found = {name: change for name, change in found.items() if changes.get(name) != change}
        if not found:
            return
        changes |= found


def _following(name: str, body: Body, changes: Mapping[str, Change]) -> Change | None:
    moved = frozenset(key for key, value in (body.get("Properties") or {}).items() if _is_touched(value, changes))
    if not moved:
        return None
    known = changes.get(name)
    may_replace = bool(moved & create_only(body["Type"]))
    if known is None:
        return Change(
            "Modify", name, body["Type"], "Conditional" if may_replace else "False", ("Properties",), is_static=False
        )
    if known.replacement == "False" and may_replace:
        return Change("Modify", name, known.type, "Conditional", known.scope, known.is_static)
    return known


def _is_touched(value: Any, changes: Mapping[str, Change]) -> bool:
    for name, is_attribute in _references(value):
        change = changes.get(name)
        if change is None:
            continue
        if change.action == "Add" or is_attribute or change.replacement != "False":
            return True
    return False


def _references(value: Any) -> Iterator[tuple[str, bool]]:
    """The resources that a value refers to, and whether by attribute."""
    if isinstance(value, list):
        for element in value:
            yield from _references(element)
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            if key == "Ref" and isinstance(inner, str):
                yield inner, False
            elif key == "Fn::GetAtt":
                yield (inner[0] if isinstance(inner, list) else str(inner).split(".")[0]), True
            elif key == "Fn::Sub":
                text = inner[0] if isinstance(inner, list) else inner
                for variable in _VARIABLE.findall(str(text)):
                    name, dot, _ = variable.strip().partition(".")
                    yield name, bool(dot)
                yield from _references(inner)
            else:
                yield from _references(inner)


@cache
def create_only(type_: str) -> frozenset[str]:
    """The top-level properties of a type whose change causes replacement; empty for custom resources."""
    from cfnlint.schema import (
        PROVIDER_SCHEMA_MANAGER,
        ResourceNotFoundError,
    )  # loaded here, because only updates need it

    if type_.startswith("Custom::") or type_ == "AWS::CloudFormation::CustomResource":
        return frozenset()
    try:
        schema: Body = PROVIDER_SCHEMA_MANAGER.get_resource_schema(REGION, type_).schema
    except ResourceNotFoundError:
        return frozenset()
    paths = [str(path).split("/") for path in schema.get("createOnlyProperties") or ()]
    return frozenset(path[2] for path in paths if path[:2] == ["", "properties"] and len(path) > 2)


def _settle(value: Any, values: Body, conditions: Mapping[str, bool], mappings: Body) -> Any:
    def settle(inner: Any) -> Any:
        return _settle(inner, values, conditions, mappings)

    if isinstance(value, list):
        return [each for element in value if (each := settle(element)) is not _NOTHING]
    if not isinstance(value, Mapping):
        return value
    if len(value) == 1:
        ((key, inner),) = value.items()
        if key == "Ref" and inner in values:
            return values[inner]
        if key == "Fn::If" and inner[0] in conditions:
            return settle(inner[1] if conditions[inner[0]] else inner[2])
        if key == "Fn::Sub":
            return _substituted(inner, values, settle)
        if key == "Fn::FindInMap":
            return _found(settle(inner), mappings, value)
    return {key: each for key, inner in value.items() if (each := settle(inner)) is not _NOTHING}


def _substituted(inner: Any, values: Body, settle: Any) -> Any:
    text, own = (inner[0], settle(inner[1])) if isinstance(inner, list) else (inner, {})

    def replace(match: re.Match[str]) -> str:
        name = match.group(1).strip()
        known = own.get(name, values.get(name))
        return str(known) if isinstance(known, str | int | float) else match.group(0)

    known_now = _VARIABLE.sub(replace, text)
    left = {name: value for name, value in own.items() if not isinstance(value, str | int | float)}
    return {"Fn::Sub": [known_now, left] if left else known_now}


def _found(keys: list[Any], mappings: Body, as_written: Any) -> Any:
    try:
        return mappings[keys[0]][keys[1]][keys[2]]
    except (KeyError, TypeError):
        return as_written


__all__ = ["Change", "between", "create_only", "settled"]
