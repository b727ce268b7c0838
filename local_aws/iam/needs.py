"""The permissions that a call needs (decision 38): values and helpers for the modules of
:mod:`local_aws.iam.actions`."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from local_aws.eventbus import ACCOUNT, REGION
from local_aws.iam.variables import Value

Params = Mapping[str, Any]
"""The parameters of a request, in the spelling of botocore's model."""


@dataclass(frozen=True, slots=True)
class Need:
    """An action on a resource; ``context`` holds the condition keys (lower case) of this call besides the global ones."""

    action: str
    resource: str = "*"
    context: Mapping[str, Value] = field(default_factory=dict)
    side: bool = False
    """Whether it is a side permission."""


Rule = Callable[[Params], Iterable[Need]]
"""The permissions that one operation needs."""


def arn(service: str, resource: str, region: str = REGION) -> str:
    """An ARN of the local AWS's account."""
    return f"arn:aws:{service}:{region}:{ACCOUNT}:{resource}"


def as_arn(service: str, identifier: str, prefix: str = "") -> str:
    """The identifier if it is an ARN, else the ARN of ``prefix`` and the name."""
    return identifier if identifier.startswith("arn:") else arn(service, prefix + identifier)


def tags_in_request(tags: Mapping[str, str] | Iterable[Mapping[str, str]] | None) -> dict[str, Value]:
    """aws:RequestTag/... and aws:TagKeys; ``tags`` in the service's form: a map, or a list of keys and values."""
    if not tags:
        return {}
    pairs = dict(_pairs(tags))
    return {**{f"aws:requesttag/{key.lower()}": value for key, value in pairs.items()}, "aws:tagkeys": tuple(pairs)}


def _pairs(tags: Mapping[str, str] | Iterable[Mapping[str, str]]) -> Iterator[tuple[str, str]]:
    if isinstance(tags, Mapping):
        yield from tags.items()
        return
    for tag in tags:
        lower = {name.lower(): value for name, value in tag.items()}
        yield lower["key"], lower.get("value") or ""


def on(action: str, *resources: str, context: Mapping[str, Value] | None = None) -> list[Need]:
    """One action on each of some resources."""
    return [Need(action, resource, context or {}) for resource in resources]


__all__ = ["Need", "Params", "Rule", "arn", "as_arn", "on", "tags_in_request"]
