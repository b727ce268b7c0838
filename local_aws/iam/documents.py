"""Parsing of policy documents. What cannot be evaluated correctly is rejected, never skipped.

Source: IAM User Guide, "IAM JSON policy element reference" and "Grammar of the IAM JSON policy language".
"""

import functools
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from local_aws.iam import keys
from local_aws.iam.operators import Operator, operator_of

_VERSIONS = ("2012-10-17", "2008-10-17")
_ELEMENTS = frozenset(
    {"Sid", "Effect", "Principal", "Action", "NotAction", "Resource", "NotResource", "Condition"}
)  # fmt: skip
_PRINCIPALS = ("AWS", "Service", "Federated", "CanonicalUser")


class PolicyError(ValueError):
    """A policy that the local AWS cannot evaluate like AWS; the message names the element."""


@dataclass(frozen=True, slots=True)
class Condition:
    """One operator on one key: ``values`` are alternatives."""

    operator: Operator
    key: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement. ``name`` is its Sid, or its index as in ``[2]``."""

    name: str
    allows: bool
    actions: tuple[str, ...]
    """Lower case, with ``*`` and ``?``; the excluded ones with ``all_but_actions``."""
    all_but_actions: bool
    resources: tuple[str, ...] | None
    """None in a trust policy, which applies to its role."""
    all_but_resources: bool
    principals: frozenset[tuple[str, str]] | None
    """Kind and name, such as ``("Service", "ecs.amazonaws.com")``; None in an identity-based policy."""
    conditions: tuple[Condition, ...]
    variables: bool
    """Whether ``${...}`` is a variable: from version 2012-10-17 on (IAM User Guide, "Version")."""


def statements_of(document: str | Mapping[str, Any]) -> tuple[Statement, ...]:
    """The statements of a policy. PolicyError if it is invalid or not supported."""
    text = document if isinstance(document, str) else json.dumps(document, sort_keys=True)
    return _parse(text)


@functools.lru_cache(maxsize=4096)
def _parse(text: str) -> tuple[Statement, ...]:
    try:
        document = json.loads(text)
    except ValueError as error:
        raise PolicyError(f"A policy is not JSON: {error}") from error
    if not isinstance(document, dict) or "Statement" not in document:
        raise PolicyError(f"A policy is an object with a Statement, not {text[:80]}")
    if unknown := document.keys() - {"Version", "Id", "Statement"}:
        raise PolicyError(f"A policy has no element {_words(unknown)}")
    version = document.get("Version", "2008-10-17")
    if version not in _VERSIONS:
        raise PolicyError(f"There is no policy version {version!r}, only {_words(_VERSIONS)}")
    statements = enumerate(_listed(document["Statement"]))
    return tuple(_statement(index, statement, variables=version == _VERSIONS[0]) for index, statement in statements)


def _statement(index: int, statement: Mapping[str, Any], *, variables: bool) -> Statement:
    name = str(statement.get("Sid") or f"[{index}]")
    try:
        return _read(name, statement, variables=variables)
    except ValueError as error:
        raise PolicyError(f"Statement {name}: {error}") from error


def _read(name: str, statement: Mapping[str, Any], *, variables: bool) -> Statement:
    if "NotPrincipal" in statement:
        raise ValueError("the local AWS does not evaluate NotPrincipal; name the principals")
    if unknown := statement.keys() - _ELEMENTS:
        raise ValueError(f"there is no element {_words(unknown)}")
    if statement.get("Effect") not in ("Allow", "Deny"):
        raise ValueError(f"Effect is {statement.get('Effect')!r}; Allow or Deny is needed")
    actions, all_but_actions = _one_of(statement, "Action", "NotAction")
    resources, all_but_resources = _one_of(statement, "Resource", "NotResource")
    if actions is None:
        raise ValueError("Action or NotAction is missing")
    principals = frozenset(_principals(statement["Principal"])) if "Principal" in statement else None
    if resources is None and principals is None:
        raise ValueError("Resource or NotResource is missing")
    return Statement(
        name=name,
        allows=statement["Effect"] == "Allow",
        actions=tuple(action.lower() for action in actions),
        all_but_actions=all_but_actions,
        resources=None if resources is None else tuple(_completed(resource) for resource in resources),
        all_but_resources=all_but_resources,
        principals=principals,
        conditions=tuple(_conditions(statement.get("Condition") or {})),
        variables=variables,
    )


def _one_of(statement: Mapping[str, Any], name: str, negated: str) -> tuple[list[str] | None, bool]:
    if name in statement and negated in statement:
        raise ValueError(f"{name} and {negated} are mutually exclusive")
    for element in (name, negated):
        if element in statement:
            values = _listed(statement[element])
            if not values or not all(isinstance(value, str) for value in values):
                raise ValueError(f"{element} is {values!r}; a text or a list of texts is needed")
            return values, element == negated
    return None, False


def _completed(resource: str) -> str:
    """An ARN with fewer than six parts matches all ARNs with that prefix (IAM User Guide, Resource)."""
    missing = 5 - resource.count(":")
    return resource + ":*" * missing if resource.startswith("arn:") and missing > 0 else resource


def _principals(principal: Any) -> Iterator[tuple[str, str]]:
    if principal == "*":
        yield "AWS", "*"
        return
    if not isinstance(principal, Mapping) or not principal or principal.keys() - set(_PRINCIPALS):
        raise ValueError(f"Principal is {principal!r}; '*' or an object of {_words(_PRINCIPALS)} is needed")
    for kind, names in principal.items():
        for name in _listed(names):
            yield kind, str(name)


def _conditions(block: Mapping[str, Any]) -> Iterator[Condition]:
    for text, tests in block.items():
        operator = operator_of(text)
        for key, values in tests.items():
            name = key.lower()
            if not keys.is_known(name):
                raise ValueError(f"the local AWS does not know the condition key {key}, so it cannot say if it holds")
            if operator.test is not None and operator.quantifier is None and keys.has_many_values(name):
                raise ValueError(f"{key} has many values: {text} needs ForAllValues: or ForAnyValue: before it")
            yield Condition(operator, name, tuple(_text(value) for value in _listed(values)))


def _text(value: Any) -> str:
    return json.dumps(value) if isinstance(value, bool | int | float) else str(value)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _words(names: Any) -> str:
    return ", ".join(sorted(names))


__all__ = ["Condition", "PolicyError", "Statement", "statements_of"]
