"""Frozen dataclasses as JSON and back, for the registry and for plans. Unknown members are ignored, missing ones default."""

import dataclasses
import json
import types
import typing
from collections.abc import Callable
from functools import cache
from typing import Any, Union, cast

type Decoder = Callable[[Any], Any]


def dumps(value: object) -> str:
    """``value`` as compact JSON with sorted members, so that equal values give equal text."""
    return json.dumps(value, default=_members, separators=(",", ":"), sort_keys=True)


def loads[T](kind: type[T], text: str) -> T:
    """The ``kind`` that ``dumps`` wrote."""
    return cast(T, from_data(kind, json.loads(text)))


def to_data(value: object) -> Any:
    """``value`` as dicts, lists and scalars."""
    return json.loads(json.dumps(value, default=_members))


def from_data(kind: Any, data: Any) -> Any:
    """The value of type ``kind`` that ``to_data`` turned into ``data``."""
    return _decoder(kind)(data)


def _members(value: Any) -> dict[str, Any]:
    kind: Any = type(value)
    return {name: getattr(value, name) for name in _names(kind)}


@cache
def _names(kind: type) -> tuple[str, ...]:
    return tuple(field.name for field in dataclasses.fields(kind))


@cache
def _decoder(kind: Any) -> Decoder:
    """What turns data into a value of ``kind``; made once per type, because reading type hints is slow."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in {Union, types.UnionType}:
        decode = _decoder(next(argument for argument in arguments if argument is not type(None)))
        return lambda data: None if data is None else decode(data)
    if origin is tuple:
        return _tuple_decoder(arguments)
    if origin is dict:
        decode = _decoder(arguments[1])
        return lambda data: {key: decode(item) for key, item in data.items()}
    if dataclasses.is_dataclass(kind):
        return _object_decoder(cast(type, kind))
    return float if kind is float else lambda data: data


def _tuple_decoder(arguments: tuple[Any, ...]) -> Decoder:
    if arguments[-1] is Ellipsis:
        decode = _decoder(arguments[0])
        return lambda data: tuple(map(decode, data))
    decoders = [_decoder(argument) for argument in arguments]
    return lambda data: tuple(decode(item) for decode, item in zip(decoders, data, strict=True))


def _object_decoder(kind: type) -> Decoder:
    hints = typing.get_type_hints(kind)
    decoders = {name: _decoder(hints[name]) for name in _names(kind)}
    return lambda data: kind(**{name: decoders[name](item) for name, item in data.items() if name in decoders})
