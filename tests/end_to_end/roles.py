"""The policies of the functions' roles, statement by statement, and what the roles were asked for, to hold one against the other."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from samtranslator.yaml_helper import yaml_parse

from local_aws.iam.authorization_log import Authorization
from local_aws.iam.evaluation import Policy, Request, decide

ROOT = Path(__file__).parents[2]
# They differ from call to call, and no policy of the stack looks at them.
_PASSING = {"aws:currenttime", "aws:epochtime"}

type Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Asked:
    """One action on one resource that a role was allowed, in the context it was asked in; each but once."""

    action: str
    resource: str
    conditions: tuple[tuple[str, str | tuple[str, ...]], ...]

    @property
    def context(self) -> dict[str, str | tuple[str, ...]]:
        return dict(self.conditions)

    @classmethod
    def of(cls, one: Authorization) -> "Asked":
        kept = {key: value for key, value in one.context.items() if key not in _PASSING}
        return cls(one.action, one.resource, tuple(sorted((key, _value(value)) for key, value in kept.items())))

    def with_condition(self, key: str, value: str | None) -> Request:
        """The same with another value of a condition key, or without it."""
        context = {name: each for name, each in self.conditions if name != key}
        return Request(self.action, self.resource, context if value is None else {**context, key: value})

    def on(self, resource: str) -> Request:
        """The same on another resource."""
        return Request(self.action, resource, self.context)


@dataclass(frozen=True, slots=True)
class Grant:
    """One action, or one resource, of one statement in the template; ``role`` is the logical id."""

    role: str
    sid: str
    action: str = ""
    resource: int = 0

    def __str__(self) -> str:
        return f"{self.role}-{self.sid}-{self.action or self.resource}"


@cache
def of_the_template() -> dict[str, Document]:
    """The policy of each function's role, as written: intrinsic functions and all."""
    resources = yaml_parse((ROOT / "template.yaml").read_text())["Resources"]
    functions = {key for key, one in resources.items() if one["Type"] == "AWS::Serverless::Function"}
    return {f"{key}Role": _only_policy(resources[f"{key}Role"]["Properties"]["Policies"]) for key in functions}


def _only_policy(policies: list[dict[str, Any]]) -> Document:
    (policy,) = policies
    return policy["PolicyDocument"]


def actions() -> list[Grant]:
    """Every action of every statement."""
    return [
        Grant(role, statement["Sid"], action=action)
        for role, document in sorted(of_the_template().items())
        for statement in document["Statement"]
        for action in listed(statement["Action"])
    ]


def resources() -> list[Grant]:
    """Every resource of the statements that have several."""
    return [
        Grant(role, statement["Sid"], resource=place)
        for role, document in sorted(of_the_template().items())
        for statement in document["Statement"]
        for place in range(len(listed(statement["Resource"])))
        if len(listed(statement["Resource"])) > 1
    ]


def listed(value: Any) -> list[Any]:
    """A list, or what stands alone, as a list."""
    return value if isinstance(value, list) else [value]


def without(document: Document, grant: Grant) -> Document:
    """The policy without what ``grant`` names; a statement without any action, or any resource, allows nothing."""
    left = []
    for statement in document["Statement"]:
        allowed, named = listed(statement["Action"]), listed(statement["Resource"])
        if statement["Sid"] == grant.sid:
            allowed = [action for action in allowed if action != grant.action]
            named = [one for place, one in enumerate(named) if grant.action or place != grant.resource]
        if allowed and named:
            left.append({**statement, "Action": allowed, "Resource": named})
    return {**document, "Statement": left}


def allows(document: Document, request: Asked | Request) -> bool:
    """Whether the policy by itself allows the request."""
    return decide([Policy("OwnWork", json.dumps(document, sort_keys=True))], request).allowed


def refused(document: Document, asked: Iterable[Asked], action: str = "") -> list[Asked]:
    """What a role could not have done with this policy, of what it did (of one action, if that is given)."""
    wanted = [one for one in asked if not action or one.action.lower() == action.lower()]
    return [one for one in wanted if not allows(document, one)]


def _value(value: Any) -> str | tuple[str, ...]:
    return value if isinstance(value, str) else tuple(value)
