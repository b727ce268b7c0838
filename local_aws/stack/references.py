"""Validation of a template's references, which moto checks during the creation, or not at all."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

_VARIABLE = re.compile(r"\$\{([^!{}][^{}]*)\}")


def dangling(template: Mapping[str, Any]) -> list[str]:
    """The unresolved references of resources and outputs, as ``<name> in <where>``."""
    resources = set(template.get("Resources") or {})
    known = resources | set(template.get("Parameters") or {})
    places = {**(template.get("Resources") or {}), **(template.get("Outputs") or {})}
    return [
        f"{name} in {place}"
        for place, content in places.items()
        for name, needs_resource in _references(content)
        if not name.startswith("AWS::") and name not in (resources if needs_resource else known)
    ]


def _references(value: Any) -> Iterator[tuple[str, bool]]:
    """The names that ``value`` refers to, and whether each must be a resource."""
    if isinstance(value, list):
        for element in value:
            yield from _references(element)
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _of_function(key, inner)


def _of_function(key: str, inner: Any) -> Iterator[tuple[str, bool]]:
    match key, inner:
        case "Ref", str():
            yield inner, False
        case "Fn::GetAtt", [str() as name, *_]:
            yield name, True
        case "Fn::GetAtt", str():
            yield inner.split(".")[0], True
        case "Fn::Sub", str():
            yield from _variables(inner)
        case "Fn::Sub", [str() as text, dict() as own]:
            yield from (found for found in _variables(text) if found[0] not in own)
            yield from _references(own)
        case "DependsOn", str():
            yield inner, True
        case "DependsOn", list():
            yield from ((name, True) for name in inner)
        case _:
            yield from _references(inner)


def _variables(text: str) -> Iterator[tuple[str, bool]]:
    for variable in _VARIABLE.findall(text):
        name, dot, _ = variable.strip().partition(".")
        yield name, bool(dot)
