"""Policy variables: ``${aws:username}`` in a resource or a condition's value is replaced by a value of the request.

Source: IAM User Guide, "IAM policy elements: Variables and tags".
"""

import re
from collections.abc import Mapping

from local_aws.iam.operators import glob

Value = str | tuple[str, ...]
_VARIABLE = re.compile(r"\$\{([^}]*)\}")
_LITERAL = {"*": "*", "?": "?", "$": "$"}
_WITH_DEFAULT = re.compile(r"\s*([^,\s]+)\s*(?:,\s*'([^']*)'\s*)?")
_MARKS = {"*": "\ue000", "?": "\ue001"}
"""Placeholders for a literal star or question mark in a text where the plain characters are wildcards."""


def matches(actual: str, pattern: str, context: Mapping[str, Value]) -> bool:
    """Whether ``actual`` matches the pattern with its variables filled in.

    Values of variables are literal, including stars. A variable without a value and without a default matches nothing.
    """
    if "${" not in pattern:
        return glob(pattern).fullmatch(actual) is not None
    filled = filled_in(pattern, context, wildcards=True)
    return filled is not None and glob(filled).fullmatch(marked(actual)) is not None


def marked(text: str) -> str:
    """The text with placeholders for its literal stars and question marks."""
    return text.replace("*", _MARKS["*"]).replace("?", _MARKS["?"])


def filled_in(pattern: str, context: Mapping[str, Value], *, wildcards: bool) -> str | None:
    """The pattern with its variables filled in, or None if one has no value.

    With ``wildcards``, stars and question marks from variables become placeholders, so that they stay literal.
    """
    missing = False

    def fill(found: re.Match[str]) -> str:
        nonlocal missing
        value = _value(found[1], context)
        if value is None:
            missing = True
            return ""
        return marked(value) if wildcards else value

    text = _VARIABLE.sub(fill, pattern)
    return None if missing else text


def _value(inner: str, context: Mapping[str, Value]) -> str | None:
    if inner in _LITERAL:
        return _LITERAL[inner]
    parsed = _WITH_DEFAULT.fullmatch(inner)
    if parsed is None:
        return None
    value = context.get(parsed[1].lower())
    return value if isinstance(value, str) else parsed[2]


__all__ = ["Value", "filled_in", "marked", "matches"]
