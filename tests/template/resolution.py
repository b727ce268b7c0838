"""Intrinsic functions of the template, resolved as CloudFormation would."""

import re
from typing import Any

OWNER = "the-owner"
# The conditions with the parameters' defaults, and with what an operator may set.
DEFAULTS = {"OwnerIsStackName": True, "HasFallbackTopic": False}
FALLBACK = "arn:aws:sns:us-east-1:123456789012:fallback"


def resolved(value: Any, conditions: dict[str, bool] = DEFAULTS) -> Any:
    """``value`` as CloudFormation would make it; a resource is ``<its logical id>``, an attribute ``<id.attribute>``."""
    if isinstance(value, list):
        return [resolved(item, conditions) for item in value]
    if not isinstance(value, dict):
        return value
    ((function, argument),) = value.items() if len(value) == 1 else ((None, None),)
    known = {"AWS::StackName": OWNER, "FallbackTopic": FALLBACK}
    if function == "Ref":
        return known.get(argument, f"<{argument}>")
    if function == "Fn::GetAtt":
        return f"<{argument if isinstance(argument, str) else '.'.join(argument)}>"
    if function == "Fn::If":
        return resolved(argument[1 if conditions[argument[0]] else 2], conditions)
    if function == "Fn::Join":
        return argument[0].join(map(str, resolved(argument[1], conditions)))
    if function == "Fn::Sub":
        text, values = argument if isinstance(argument, list) else (argument, {})
        values = resolved(values, conditions)
        text = re.sub(r"\$\{([A-Za-z0-9:.]+)\}", lambda m: str(values.get(m[1], f"<{m[1]}>")), text)
        return text.replace("${!", "${")
    return {key: resolved(item, conditions) for key, item in value.items()}
