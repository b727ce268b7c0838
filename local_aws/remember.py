"""Caches what moto and botocore compute again in every API call although it never changes.

The most expensive of these is how moto reads the members of a response from its objects, a tenth of the processor time of a
test: it tries several names for each member (the key, its aliases, the snake-case form of each). They depend only on the
shape, its parent, the key and the class of the object.
"""

import functools
from typing import Any

from botocore import useragent
from moto.core import serialize
from moto.core.utils import get_value

_MISSING = object()
_get_value = serialize.ResponseSerializer.get_value
_sanitize = functools.lru_cache(maxsize=1024)(useragent.sanitize_user_agent_string_component)


def install() -> None:
    """Install the caches in this process. A second call changes nothing."""
    serialize.ResponseSerializer.get_value = _get_member  # type: ignore[method-assign]
    useragent.sanitize_user_agent_string_component = _sanitize


def _get_member(self: Any, value: Any, key: str, shape: Any) -> Any:
    """The same value as moto's ``get_value``."""
    picker = self._value_picker
    if type(picker) is not serialize.XFormedAttributePicker:
        return _get_value(self, value, key, shape)
    found = None
    for name in _names(tuple(picker.alias_providers), value.__class__, shape, getattr(shape, "parent", None), key):
        candidate = get_value(value, name, _MISSING)
        if candidate is not _MISSING:
            found = candidate
            break
    if picker.response_transformers:
        path = ".".join((*self.path, key))
        for end, transform in picker.response_transformers.items():
            if path.endswith(end):
                return transform(found)
    return found


@functools.lru_cache(maxsize=2**16)
def _names(aliases: tuple[Any, ...], kind: Any, shape: Any, _parent: Any, key: str) -> tuple[str, ...]:
    """The names that moto tries on an object of class ``kind``, without duplicates. ``shape`` refers to its parent."""
    # Aliases depend only on the class of the object, so an empty object represents all objects of the class.
    blank = type(kind.__name__, (), {"Meta": kind.Meta} if hasattr(kind, "Meta") else {})()
    context = serialize.AttributePickerContext(obj=blank, key=key, shape=shape)
    return tuple(dict.fromkeys(serialize.XFormedAttributePicker(list(aliases)).get_possible_keys(context)))
