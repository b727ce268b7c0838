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
    return json.dumps(value, default=dataclasses.asdict, separators=(",", ":"), sort_keys=True)


def loads[T](kind: type[T], text: str) -> T:
    """The ``kind`` that ``dumps`` wrote."""
    decode: Callable[[Any], T] = _decoder(cast(Any, kind))
    return decode(json.loads(text))


def to_data(value: object) -> Any:
    """``value`` as dicts, lists and scalars."""
    return json.loads(json.dumps(value, default=dataclasses.asdict))


def from_data(kind: Any, data: Any) -> Any:
    """The value of type ``kind`` that ``to_data`` turned into ``data``."""
    return _decoder(kind)(data)


@cache
def _decoder(kind: Any) -> Decoder:
    """What turns data into a value of ``kind``; made once per type, because reading type hints is slow."""
    if dataclasses.is_dataclass(kind):
        hints = typing.get_type_hints(kind)
        decoders = {field.name: _decoder(hints[field.name]) for field in dataclasses.fields(kind)}
        make: Callable[..., Any] = cast(Any, kind)
        return lambda data: make(**{name: decoders[name](item) for name, item in data.items() if name in decoders})
    if isinstance(kind, type) and issubclass(kind, tuple):  # a NamedTuple of scalars
        return lambda data: kind(*data)
    arguments = typing.get_args(kind)
    of = [_decoder(argument) for argument in arguments if argument not in (type(None), ...)]
    if ... in arguments:  # tuple[X, ...]
        return lambda data: tuple(map(of[0], data))
    if generic := _GENERIC.get(typing.get_origin(kind)):
        return generic(*of)
    return float if kind is float else lambda data: data


_GENERIC: dict[Any, Callable[..., Decoder]] = {
    **dict.fromkeys(  # X | None
        (Union, types.UnionType), lambda decode: lambda data: None if data is None else decode(data)
    ),
    tuple: lambda *of: lambda data: tuple(decode(item) for decode, item in zip(of, data, strict=True)),
    dict: lambda _, decode: lambda data: {key: decode(item) for key, item in data.items()},
}
