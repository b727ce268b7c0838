"""A JSON schema of `dockerLabels`, from the table of keys, for editors: completion, descriptions, and most wrong values.

It never rejects what the parser takes. What needs more than one label, the task definition or the stack is found by `lint`.
Keys are compared without case, but completed in lower case.
"""

import re
from typing import Any

from ecs_lattice.declaration.keys import KEYS, Key
from ecs_lattice.declaration.values import Integer, Path, Word

ROUTE = "[a-zA-Z0-9][a-zA-Z0-9_-]{0,31}"
HEADER = r"[^\s].*"


def label_schema(prefix: str = "lattice") -> dict[str, Any]:
    """The schema, draft 2020-12, for labels that begin with ``prefix`` and a dot."""
    plain = [key for key in KEYS if not key.name.endswith(".<name>") and not key.named_only]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "dockerLabels of an ECS task definition, with the labels of ecs-lattice",
        "type": "object",
        "additionalProperties": {"type": "string"},
        "properties": {f"{prefix}.{key.name}": _value(key) for key in plain},
        "patternProperties": {
            **{_key_pattern(prefix, key, in_route=False): _value(key) for key in KEYS if not key.named_only},
            **{_key_pattern(prefix, key, in_route=True): _value(key) for key in KEYS},
            f"^(?!{_any_known(prefix)}){_any_case(prefix)}\\.": False,
        },
    }


def _value(key: Key) -> dict[str, Any]:
    """The schema of the key's values. Spaces around them are ignored."""
    allowed = key.allowed.replace("`", "")
    value = {"type": "string", "description": f"{key.description} Allowed: {allowed}. Default: {key.default}."}
    if pattern := _pattern(key):
        value["pattern"] = rf"^\s*{pattern}\s*$"
    return {**value, "examples": [key.example]}


def _pattern(key: Key) -> str:
    """What all values of the key match, as far as its parser says so; empty if it does not."""
    match key.parse:
        case Integer():
            return "[0-9]{1,10}"
        case Word(words):
            return f"({'|'.join(_any_case(word) for word in sorted(words))})"
        case Path(longest):
            return f"/[a-zA-Z0-9@:%_+.~#?&/=-]{{0,{longest - 1}}}"
    return r"\S.*"


def _key_pattern(prefix: str, key: Key, *, in_route: bool) -> str:
    return f"^{_written(prefix, key, in_route=in_route)}$"


def _written(prefix: str, key: Key, *, in_route: bool) -> str:
    family = key.name.removesuffix(".<name>")
    name = _any_case(family) + (rf"\.{HEADER}" if family != key.name else "")
    start = rf"{_any_case(prefix)}\."
    return rf"\s*{start}{_any_case('routes')}\.{ROUTE}\.{name}\s*" if in_route else rf"\s*{start}{name}\s*"


def _any_known(prefix: str) -> str:
    known = [_written(prefix, key, in_route=False) for key in KEYS if not key.named_only]
    known += [_written(prefix, key, in_route=True) for key in KEYS]
    return f"(?:{'|'.join(known)})$"


def _any_case(text: str) -> str:
    """A pattern for ``text`` in any case, which JSON Schema's patterns cannot ask for otherwise."""
    return "".join(f"[{one.lower()}{one.upper()}]" if one.isalpha() else re.escape(one) for one in text)
