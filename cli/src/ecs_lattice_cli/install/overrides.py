"""`parameter_overrides` of samconfig.toml: read as the SAM CLI reads it, and edited in the form that it has.

Forms: a string of ``Name=Value`` or ``ParameterKey=Name,ParameterValue=Value``, a list of such strings, or a table (SAM CLI,
CfnParameterOverridesType). References to files stay unread, so with one of them nothing is edited.
"""

import re
from collections.abc import Mapping
from typing import Any

from ecs_lattice_cli.errors import CommandError

_KEY = r"""[A-Za-z0-9"']+"""
_VALUE = r"""(?:"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|(?:\\.|[^ "\\])+)"""
_LONG = re.compile(rf"ParameterKey=(?P<key>{_KEY}),ParameterValue=(?P<value>{_VALUE})")
_SHORT = re.compile(rf"(?<= )(?P<key>{_KEY})=(?P<value>{_VALUE})")
_BARE = re.compile(r"[A-Za-z0-9@:/_.,*?+=-]+", re.ASCII)
_FORMS = "Write it as a string or a list of strings of Name=Value, or as a table."


def parsed(written: Any) -> dict[str, str]:
    """Parameters by name. CommandError for a form that is not edited here."""
    match written:
        case None | "":
            return {}
        case str():
            _is_no_reference(written)
            return {_unquoted(each["key"]): _unquoted(each["value"]) for each in _form(written).finditer(f" {written}")}
        case list():
            return {name: value for each in map(_string, written) for name, value in parsed(each).items()}
        case dict() if "$include" not in written:
            return {str(name): _unquoted(_plain(value)) for name, value in written.items()}
    raise CommandError(f"parameter_overrides has a form that is not edited here. {_FORMS}")


def edited(written: Any, changes: Mapping[str, str]) -> Any:
    """``written`` with the ``changes`` in it, everything else as it is. CommandError where a value cannot be written."""
    expected = {**parsed(written), **changes}
    match written:
        case dict():
            made: Any = {**written, **changes}
        case list():
            made = _list(list(map(str, written)), changes)
        case _:
            made = _text(written or "", changes)
    if parsed(made) != expected:
        raise CommandError(f"parameter_overrides cannot hold {', '.join(changes.values())}. {_FORMS}")
    return made


def _list(written: list[str], changes: Mapping[str, str]) -> list[str]:
    """What an element names is changed there; the others become elements."""
    named = [set(parsed(each)) & set(changes) for each in written]
    kept = [_text(each, {name: changes[name] for name in names}) for each, names in zip(written, named, strict=True)]
    return [*kept, *(_pair(name, value) for name, value in changes.items() if name not in set().union(*named))]


def _text(written: str, changes: Mapping[str, str]) -> str:
    """What is named is changed where it stands; the others follow."""
    form, there = _form(written), parsed(written)

    def changed(match: re.Match[str]) -> str:
        value = changes.get(_unquoted(match["key"]))
        return match[0] if value is None else match[0].removesuffix(match["value"]) + _quoted(value)

    kept = form.sub(changed, f" {written}").strip() if written else ""
    pair = _long_pair if form is _LONG else _pair
    return " ".join([*filter(None, [kept]), *(pair(*each) for each in changes.items() if each[0] not in there)])


def _form(written: str) -> re.Pattern[str]:
    """One long pair, and only long ones are read."""
    return _LONG if _LONG.search(written) else _SHORT


def _pair(name: str, value: str) -> str:
    return f"{name}={_quoted(value)}"


def _long_pair(name: str, value: str) -> str:
    return f"ParameterKey={name},ParameterValue={_quoted(value)}"


def _quoted(value: str) -> str:
    return value if _BARE.fullmatch(value) else '"' + value.replace('"', '\\"') + '"'


def _unquoted(text: str) -> str:
    inner = text[1:-1] if text[:1] in {'"', "'"} and text[0] == text[-1] else text
    return inner.replace("\\ ", " ").replace('\\"', '"').replace("\\'", "'")


def _plain(value: Any) -> str:
    """A value of a table; a list is joined, and booleans are written as Python writes them."""
    if isinstance(value, list):
        return ",".join(str(each).strip() for each in value if each not in (None, ""))
    return str(value)


def _string(element: Any) -> str:
    if not isinstance(element, str):
        raise CommandError(f"parameter_overrides has a list in a form that is not edited here. {_FORMS}")
    return element


def _is_no_reference(written: str) -> None:
    if written.startswith("file://"):
        raise CommandError(f"parameter_overrides refers to {written}, which is not edited here. {_FORMS}")


__all__ = ["edited", "parsed"]
