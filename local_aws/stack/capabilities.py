"""What a template asks to be acknowledged before it is deployed.

Source: CloudFormation API Reference, CreateChangeSet, Capabilities; the texts are those that stacks show.
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
"""The types that ask for it, and their property with a name of one's own."""


def lacking(template: Mapping[str, Any], given: Collection[str]) -> str | None:
    """What CloudFormation says when a template (expanded) needs a capability that was not given; None if none lacks."""
    bodies = [body for body in template["Resources"].values() if body.get("Type") in _NAMES]
    is_named = any(_NAMES[body["Type"]] in (body.get("Properties") or {}) for body in bodies)
    if is_named and NAMED_IAM not in given:
        return f"Requires capabilities : [{NAMED_IAM}]"
    if bodies and not {IAM, NAMED_IAM} & set(given):
        return f"Requires capabilities : [{IAM}]"
    return None


__all__ = ["AUTO_EXPAND", "IAM", "NAMED_IAM", "lacking"]
