"""The capabilities that a template requires.

Source: CloudFormation API Reference, CreateChangeSet, Capabilities; the texts are those of stacks.
"""

from collections.abc import Collection, Mapping
from typing import Any

IAM, NAMED_IAM, AUTO_EXPAND = "CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"
_NAMES = {
    "AWS::IAM::AccessKey": "",
    "AWS::IAM::Group": "GroupName",
    "AWS::IAM::InstanceProfile": "InstanceProfileName",
    "AWS::IAM::ManagedPolicy": "ManagedPolicyName",
    "AWS::IAM::Policy": "",
    "AWS::IAM::Role": "RoleName",
    "AWS::IAM::User": "UserName",
    "AWS::IAM::UserToGroupAddition": "",
}
"""The types that require it, and their property for a custom name."""


def lacking(template: Mapping[str, Any], given: Collection[str]) -> str | None:
    """CloudFormation's error if an expanded template needs a capability that was not given; else None."""
    bodies = [body for body in template["Resources"].values() if body.get("Type") in _NAMES]
    is_named = any(_NAMES[body["Type"]] in (body.get("Properties") or {}) for body in bodies)
    if is_named and NAMED_IAM not in given:
        return f"Requires capabilities : [{NAMED_IAM}]"
    if bodies and not {IAM, NAMED_IAM} & set(given):
        return f"Requires capabilities : [{IAM}]"
    return None


__all__ = ["AUTO_EXPAND", "IAM", "NAMED_IAM", "lacking"]
