"""AWS's Service Authorization Reference from cfn-lint: the actions, and the resources that they are authorized on."""

import functools
import re
from collections.abc import Mapping
from typing import Any

from cfnlint.data import AdditionalSpecs
from cfnlint.helpers import load_resource

_PREFIXES = {
    "resourcegroupstaggingapi": "tag",
    "vpclattice": "vpc-lattice",
    "monitoring": "cloudwatch",
    "tagging": "tag",
}
"""Service prefixes of actions that differ from the SDK's name of the service."""
_PLACEHOLDER = re.compile(r"\$\{[^}]*\}")


def prefix_of(service: str) -> str:
    """The prefix of a service's actions: ``tag`` for ``resourcegroupstaggingapi``."""
    return _PREFIXES.get(service, service)


def is_action(action: str) -> bool:
    """Whether the reference lists the action."""
    return _action(action) is not None


def resource_types(action: str) -> tuple[str, ...]:
    """The resource types that an action is authorized on; empty if it is authorized on ``*`` only."""
    return tuple((_action(action) or {}).get("Resources", ()))


@functools.lru_cache(maxsize=4096)
def is_resource_of(action: str, arn: str) -> bool:
    """Whether an ARN has the format of one of the action's resource types."""
    resources = _service(action.partition(":")[0])["Resources"]
    formats = (form for kind in resource_types(action) for form in resources[kind.lower()]["ARNFormats"])
    return any(_pattern(form).fullmatch(arn) for form in formats)


@functools.cache
def _pattern(form: str) -> re.Pattern[str]:
    """The reference has ``.*`` for the id and ``${...}`` for partition, Region and account."""
    parts = (re.escape(part) for part in _PLACEHOLDER.sub("\0", form).replace(".*", "\1").split("\0"))
    return re.compile("[^:]*".join(parts).replace("\1", ".*"))


def _action(action: str) -> Mapping[str, Any] | None:
    prefix, _, name = action.partition(":")
    found: Mapping[str, Any] | None = _service(prefix).get("Actions", {}).get(name.lower())
    return found


def _service(prefix: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = _reference().get(prefix, {})
    return found


@functools.cache
def _reference() -> Mapping[str, Any]:
    loaded: Mapping[str, Any] = load_resource(AdditionalSpecs, "Policies.json")
    return loaded


__all__ = ["is_action", "is_resource_of", "prefix_of", "resource_types"]
