"""Frozen dataclasses as JSON and back, for the registry and for plans. Unknown members are ignored, missing ones default."""

import dataclasses
import json
import types
import typing
from typing import Any, Union, cast


def dumps(value: object) -> str:
    """``value`` as compact JSON with sorted members, so that equal values give equal text."""
    return json.dumps(to_data(value), separators=(",", ":"), sort_keys=True)


def loads[T](kind: type[T], text: str) -> T:
    """The ``kind`` that ``dumps`` wrote."""
    return cast(T, from_data(kind, json.loads(text)))


def to_data(value: object) -> Any:
    """``value`` as dicts, lists and scalars."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: to_data(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, tuple | list):
        return [to_data(item) for item in value]
    if isinstance(value, dict):
        return {str(key): to_data(item) for key, item in value.items()}
    return value


def from_data(kind: Any, data: Any) -> Any:
    """The value of type ``kind`` that ``to_data`` turned into ``data``."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in {Union, types.UnionType}:
        return None if data is None else from_data(next(a for a in arguments if a is not type(None)), data)
    if origin is tuple:
        if len(arguments) == 2 and arguments[1] is Ellipsis:  # noqa: PLR2004  tuple[X, ...]
            return tuple(from_data(arguments[0], item) for item in data)
        return tuple(from_data(argument, item) for argument, item in zip(arguments, data, strict=True))
    if origin is dict:
        return {key: from_data(arguments[1], item) for key, item in data.items()}
    if dataclasses.is_dataclass(kind):
        return _from_members(cast(type, kind), data)
    if kind is float and data is not None:
        return float(data)
    return data


def _from_members(kind: type, data: dict[str, Any]) -> Any:
    hints = typing.get_type_hints(kind)
    known = {field.name for field in dataclasses.fields(kind)}
    return kind(**{name: from_data(hints[name], item) for name, item in data.items() if name in known})
