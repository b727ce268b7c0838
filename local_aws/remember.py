"""Makes moto and botocore remember what they work out again in every call though it never changes.

Half of the processor time of a test on the local AWS went there. The largest part is how moto takes the members of a
response out of its objects: it tries several names for each (the key, aliases, the snake-case form of each), although
these depend only on the shape, its parent, the key and the class of the object.
"""

import functools
from typing import Any

from botocore import useragent
from moto.core import serialize
from moto.core.utils import get_value

_MISSING = object()
_get_value = serialize.ResponseSerializer.get_value
_sanitize = functools.cache(useragent.sanitize_user_agent_string_component)


def install() -> None:
    """Do so from now on, in this process. Installing again is harmless."""
    serialize.ResponseSerializer.get_value = _get_member  # type: ignore[method-assign]
    useragent.sanitize_user_agent_string_component = _sanitize


def _get_member(self: Any, value: Any, key: str, shape: Any) -> Any:
    """What moto's ``get_value`` finds."""
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
    """The names that moto would try on an object of class ``kind``, each once. ``shape`` knows its parent."""
    # Aliases look at nothing but the object's class, so that an empty object stands for all of them.
    blank = type(kind.__name__, (), {"Meta": kind.Meta} if hasattr(kind, "Meta") else {})()
    context = serialize.AttributePickerContext(obj=blank, key=key, shape=shape)
    return tuple(dict.fromkeys(serialize.XFormedAttributePicker(list(aliases)).get_possible_keys(context)))
