"""Is a request allowed? Pure (decision 37): policies and a request in, a decision out.

Source: IAM User Guide, "Policy evaluation logic": everything is denied unless a statement allows it, and a statement
that denies it wins. No library evaluates conditions without an account; AWS's policy simulator is a service.

Usage::

    decide([Policy("reads", document)], Request("ecs:ListClusters", "*")).allowed
"""

import functools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from local_aws.iam import variables
from local_aws.iam.documents import Condition, PolicyError, Statement, statements_of
from local_aws.iam.operators import like
from local_aws.iam.variables import Value


class Authorizable(Protocol):
    """What can be decided: a Request, or an entry of the authorization log."""

    @property
    def action(self) -> str: ...
    @property
    def resource(self) -> str: ...
    @property
    def context(self) -> Mapping[str, Value]: ...


@dataclass(frozen=True, slots=True)
class Request:
    """One action on one resource. ``context`` holds the condition keys, in lower case, that the request has."""

    action: str
    resource: str
    context: Mapping[str, Value] = field(default_factory=dict)
    principals: frozenset[tuple[str, str]] = frozenset()
    """The caller, by every name that a resource-based policy may use: ``("Service", "ecs.amazonaws.com")``."""


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy and its display name."""

    name: str
    document: str | Mapping[str, Any]
    """JSON, or the parsed document."""


@dataclass(frozen=True, slots=True)
class Decision:
    """``statements`` are those that allow it, or, for an explicit deny, those that deny it.

    Each is the policy's name and the statement's Sid, or its index such as ``[2]``.
    """

    allowed: bool
    explicit_deny: bool = False
    statements: tuple[tuple[str, str], ...] = ()


def decide(policies: Iterable[Policy], request: Authorizable) -> Decision:
    """Whether the policies together allow the request. PolicyError if one of them cannot be evaluated."""
    allowing: list[tuple[str, str]] = []
    denying: list[tuple[str, str]] = []
    for policy in policies:
        for statement in _statements(policy):
            if _applies(statement, request, policy.name):
                (allowing if statement.allows else denying).append((policy.name, statement.name))
    if denying:
        return Decision(allowed=False, explicit_deny=True, statements=tuple(denying))
    return Decision(bool(allowing), statements=tuple(allowing))


def mentions(policies: Iterable[Policy], action: str) -> bool:
    """Whether any statement allows the action on any resource under any condition."""
    return any(s.allows and _is_action(s, action) for policy in policies for s in _statements(policy))


def _statements(policy: Policy) -> tuple[Statement, ...]:
    try:
        return statements_of(policy.document)
    except PolicyError as error:
        raise PolicyError(f"Policy {policy.name}: {error}") from error


def _applies(statement: Statement, request: Authorizable, policy: str) -> bool:
    try:
        return (
            _is_action(statement, request.action)
            and _is_principal(statement, request)
            and _is_resource(statement, request)
            and all(_holds(condition, statement, request.context) for condition in statement.conditions)
        )
    except ValueError as error:
        raise PolicyError(f"Policy {policy}, statement {statement.name}: {error}") from error


def _is_action(statement: Statement, action: str) -> bool:
    """Actions are case-insensitive (IAM User Guide, Action)."""
    return _is_named(statement.actions, action) != statement.all_but_actions


@functools.lru_cache(maxsize=65536)
def _is_named(patterns: tuple[str, ...], action: str) -> bool:
    """Cached, because every call checks every statement of a role, and there are few actions."""
    return any(like(action.lower(), pattern) for pattern in patterns)


def _is_resource(statement: Statement, request: Authorizable) -> bool:
    if statement.resources is None:
        return True
    if not statement.variables:
        found = any(like(request.resource, pattern) for pattern in statement.resources)
    else:
        found = any(variables.matches(request.resource, pattern, request.context) for pattern in statement.resources)
    return found != statement.all_but_resources


def _is_principal(statement: Statement, request: Authorizable) -> bool:
    if statement.principals is None:
        return True
    if ("AWS", "*") in statement.principals:
        return True
    return not statement.principals.isdisjoint(getattr(request, "principals", frozenset()))


def _holds(condition: Condition, statement: Statement, context: Mapping[str, Value]) -> bool:
    operator, actual = condition.operator, context.get(condition.key)
    if operator.test is None:
        return any((actual is None) == (value.lower() == "true") for value in condition.values)
    if operator.quantifier is not None:
        values = (actual,) if isinstance(actual, str) else actual or ()
        # An absent key, or a key without values, satisfies ForAllValues and not ForAnyValue (IAM User Guide, set operators).
        results = (_matches(value, condition, statement, context) != operator.negated for value in values)
        if not values and operator.if_exists:
            return True
        return all(results) if operator.quantifier == "all" else any(results)
    if actual is None:
        return operator.negated or operator.if_exists
    if not isinstance(actual, str):
        raise ValueError(f"{condition.key} has many values here; ForAllValues: or ForAnyValue: is needed")  # noqa: TRY004  a fault of the policy
    return _matches(actual, condition, statement, context) != operator.negated


def _matches(actual: str, condition: Condition, statement: Statement, context: Mapping[str, Value]) -> bool:
    return any(_matches_one(actual, wanted, condition, statement, context) for wanted in condition.values)


def _matches_one(
    actual: str, wanted: str, condition: Condition, statement: Statement, context: Mapping[str, Value]
) -> bool:
    operator = condition.operator
    assert operator.test is not None  # Null was decided before
    if not (operator.variables and statement.variables and "${" in wanted):
        return operator.test(actual, wanted)
    filled = variables.filled_in(wanted, context, wildcards=operator.wildcards)
    if filled is None:
        if operator.negated:
            raise ValueError(f"{wanted} has no value here, and what {operator.name} makes of that is not published")
        return False
    return operator.test(variables.marked(actual) if operator.wildcards else actual, filled)


__all__ = ["Authorizable", "Decision", "Policy", "PolicyError", "Request", "decide", "mentions"]
