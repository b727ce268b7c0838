"""Condition operators: does a value of a request match a value of a policy?

Source: IAM User Guide, "IAM JSON policy elements: Condition operators".
"""

import functools
import ipaddress
import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

Test = Callable[[str, str], bool]
"""Whether the request's value (first) matches the policy's."""


@dataclass(frozen=True, slots=True)
class Operator:
    """A parsed condition operator."""

    name: str
    test: Test | None
    """None for ``Null``, which checks whether there is a value."""
    negated: bool
    """Must match none of the policy's values, and holds where the key is absent."""
    if_exists: bool = False
    quantifier: str | None = None
    """``all`` or ``any`` for ForAllValues and ForAnyValue."""
    wildcards: bool = False
    """Whether ``*`` and ``?`` in the policy's value are wildcards."""
    variables: bool = False
    """Whether ``${...}`` in the policy's value is a variable: in texts and ARNs only (IAM User Guide, "Where you can
    use policy variables")."""


def operator_of(text: str) -> Operator:
    """The operator with this name, prefix and suffix. ValueError if the local AWS does not know it."""
    name, quantifier = text, None
    for prefix, which in (("ForAllValues:", "all"), ("ForAnyValue:", "any")):
        if text.startswith(prefix):
            name, quantifier = text.removeprefix(prefix), which
    base, if_exists = name.removesuffix("IfExists"), name.endswith("IfExists")
    if base == "Null" and not if_exists and quantifier is None:
        return Operator(base, None, negated=False)
    if base not in _OPERATORS:
        raise ValueError(f"the local AWS does not know the condition operator {text}")
    test, negated = _OPERATORS[base]
    return Operator(
        base,
        test,
        negated,
        if_exists,
        quantifier,
        wildcards="Like" in base or base.startswith("Arn"),
        variables=base.startswith(("String", "Arn")),
    )


@functools.lru_cache(maxsize=8192)
def glob(pattern: str) -> re.Pattern[str]:
    """The compiled pattern: ``*`` matches any characters and ``?`` one; nothing else is special."""
    parts = (".*" if part == "*" else "." if part == "?" else re.escape(part) for part in re.split(r"([*?])", pattern))
    return re.compile("".join(parts), re.DOTALL)


def like(actual: str, pattern: str) -> bool:
    """Whether the text matches a pattern with ``*`` and ``?``."""
    return glob(pattern).fullmatch(actual) is not None


def _equal(actual: str, wanted: str) -> bool:
    return actual == wanted


def _equal_but_for_case(actual: str, wanted: str) -> bool:
    return actual.lower() == wanted.lower()


def _arn(actual: str, pattern: str) -> bool:
    """Compares the six parts individually: ``*`` in one does not extend into the next."""
    if pattern == "*":
        return True
    parts, wanted = actual.split(":", 5), pattern.split(":", 5)
    return len(parts) == len(wanted) == 6 and all(map(like, parts, wanted))


def _bool(actual: str, wanted: str) -> bool:
    return actual.lower() == wanted.lower()


def _number(compare: Callable[[float, float], bool]) -> Test:
    return lambda actual, wanted: _is_number(actual) and compare(float(actual), float(wanted))


def _date(compare: Callable[[float, float], bool]) -> Test:
    return lambda actual, wanted: compare(_seconds(actual), _seconds(wanted))


def _address(actual: str, wanted: str) -> bool:
    return ipaddress.ip_address(actual) in ipaddress.ip_network(wanted, strict=False)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _seconds(text: str) -> float:
    """A date in ISO 8601 or in seconds since 1970."""
    if _is_number(text):
        return float(text)
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


_ORDERS: dict[str, Callable[[float, float], bool]] = {
    "LessThan": operator.lt,
    "LessThanEquals": operator.le,
    "GreaterThan": operator.gt,
    "GreaterThanEquals": operator.ge,
}
_OPERATORS: dict[str, tuple[Test, bool]] = {
    "StringEquals": (_equal, False),
    "StringNotEquals": (_equal, True),
    "StringEqualsIgnoreCase": (_equal_but_for_case, False),
    "StringNotEqualsIgnoreCase": (_equal_but_for_case, True),
    "StringLike": (like, False),
    "StringNotLike": (like, True),
    "ArnEquals": (_arn, False),
    "ArnLike": (_arn, False),
    "ArnNotEquals": (_arn, True),
    "ArnNotLike": (_arn, True),
    "Bool": (_bool, False),
    "IpAddress": (_address, False),
    "NotIpAddress": (_address, True),
    "NumericEquals": (_number(operator.eq), False),
    "NumericNotEquals": (_number(operator.eq), True),
    "DateEquals": (_date(operator.eq), False),
    "DateNotEquals": (_date(operator.eq), True),
    **{f"Numeric{name}": (_number(order), False) for name, order in _ORDERS.items()},
    **{f"Date{name}": (_date(order), False) for name, order in _ORDERS.items()},
}

__all__ = ["Operator", "glob", "like", "operator_of"]
