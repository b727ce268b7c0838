"""Amazon EC2: security groups, their rules, tags (Service Authorization Reference, Amazon EC2).

Reads are authorized on ``*``, as the reference says.
"""

import functools
from collections.abc import Iterator, Mapping

from moto.ec2.models import ec2_backends

from local_aws.eventbus import ACCOUNT, REGION
from local_aws.iam.needs import Need, Params, Rule, arn, tags_in_request
from local_aws.iam.variables import Value

_TYPES = {
    "sgr": "security-group-rule", "sg": "security-group", "subnet": "subnet", "vpc": "vpc", "eni": "network-interface",
    "rtb": "route-table", "igw": "internet-gateway", "pl": "prefix-list", "i": "instance", "acl": "network-acl",
}  # fmt: skip
"""The resource type for the prefix of an id."""
_NEW_RULE = arn("ec2", "security-group-rule/*")


def _group(params: Params) -> tuple[str, dict[str, Value]]:
    identifier = params.get("GroupId") or _id_of(params["GroupName"])
    return arn("ec2", f"security-group/{identifier}"), _vpc_of(identifier)


def _backend() -> object:
    return ec2_backends[ACCOUNT][REGION]


def _id_of(name: str) -> str:
    """The id of a group that a request names by its name, in the default VPC."""
    groups = getattr(_backend(), "groups", {}).values()
    return next((group.id for vpc in groups for group in vpc.values() if group.name == name), name)


def _vpc_of(identifier: str) -> dict[str, Value]:
    for vpc_id, groups in getattr(_backend(), "groups", {}).items():
        if identifier in groups and vpc_id:
            return {"ec2:vpc": arn("ec2", f"vpc/{vpc_id}")}
    return {}


def _new_tags(params: Params) -> list[Mapping[str, str]]:
    return [tag for specification in params.get("TagSpecifications") or () for tag in specification.get("Tags") or ()]


def _authorize(operation: str, params: Params) -> Iterator[Need]:
    """On the group, and on the new rule for its tags."""
    group, vpc = _group(params)
    requested = tags_in_request(_new_tags(params))
    yield Need(f"ec2:{operation}", group, {**vpc, **requested})
    yield Need(f"ec2:{operation}", _NEW_RULE, requested)


def _on_group(operation: str, params: Params) -> Iterator[Need]:
    group, vpc = _group(params)
    yield Need(f"ec2:{operation}", group, vpc)


def _tags(operation: str, params: Params) -> Iterator[Need]:
    for identifier in params["Resources"]:
        kind = _TYPES[identifier.partition("-")[0]]
        yield Need(f"ec2:{operation}", arn("ec2", f"{kind}/{identifier}"), tags_in_request(params.get("Tags")))


_ON_GROUP = (
    "DeleteSecurityGroup", "RevokeSecurityGroupEgress", "RevokeSecurityGroupIngress",
    "UpdateSecurityGroupRuleDescriptionsEgress", "UpdateSecurityGroupRuleDescriptionsIngress",
)  # fmt: skip
RULES: Mapping[str, Rule] = {
    **{name: functools.partial(_on_group, name) for name in _ON_GROUP},
    **{f"AuthorizeSecurityGroup{way}": functools.partial(_authorize, f"AuthorizeSecurityGroup{way}")
       for way in ("Ingress", "Egress")},
    "CreateTags": functools.partial(_tags, "CreateTags"),
    "DeleteTags": functools.partial(_tags, "DeleteTags"),
}  # fmt: skip

__all__ = ["RULES"]
