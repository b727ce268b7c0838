"""AWS::IAM::Role. moto's ignores managed policies and updates of inline policies."""

import json
from typing import Any

from local_aws.stack.resources import Made, Properties, Provider, ResourceError, client

_LONGEST_NAME = 64
_SUFFIX = 13
"""The random suffix of a generated name, with its hyphen; it survives truncation."""
_KNOWN = frozenset({
    "AssumeRolePolicyDocument", "Description", "ManagedPolicyArns", "MaxSessionDuration", "Path", "PermissionsBoundary",
    "Policies", "RoleName", "Tags",
})  # fmt: skip


def _create(properties: Properties, name: str) -> Made:
    _check(properties, name)
    role_name = properties.get("RoleName") or _cut(name)
    given = {
        key: properties[key] for key in ("Description", "Path", "PermissionsBoundary", "Tags") if key in properties
    }
    if "MaxSessionDuration" in properties:
        given["MaxSessionDuration"] = int(properties["MaxSessionDuration"])
    iam = client("iam")
    role = iam.create_role(
        RoleName=role_name, AssumeRolePolicyDocument=_document(properties["AssumeRolePolicyDocument"]), **given
    )["Role"]
    _give(iam, role_name, {}, properties)
    return Made(role_name, {"Arn": role["Arn"], "RoleId": role["RoleId"]})


def _update(made: Made, before: Properties, properties: Properties, name: str) -> Made:
    """In place, except for name and path (CloudFormation Template Reference, AWS::IAM::Role)."""
    _check(properties, made.ref)
    if any(before.get(key) != properties.get(key) for key in ("Path", "RoleName")):
        new = _create(properties, name)
        _delete(made, before)
        return new
    iam = client("iam")
    trust = _document(properties["AssumeRolePolicyDocument"])
    iam.update_assume_role_policy(RoleName=made.ref, PolicyDocument=trust)
    iam.update_role(
        RoleName=made.ref,
        Description=properties.get("Description", ""),
        MaxSessionDuration=int(properties.get("MaxSessionDuration", 3600)),
    )
    _bound(iam, made.ref, properties.get("PermissionsBoundary"))
    _give(iam, made.ref, before, properties)
    _tag(iam, made.ref, before, properties)
    return made


def _delete(made: Made, _properties: Properties) -> None:
    """With its policies, as CloudFormation does; policies that others attached block the deletion, as on AWS."""
    iam = client("iam")
    for policy in iam.list_attached_role_policies(RoleName=made.ref)["AttachedPolicies"]:
        iam.detach_role_policy(RoleName=made.ref, PolicyArn=policy["PolicyArn"])
    for policy_name in iam.list_role_policies(RoleName=made.ref)["PolicyNames"]:
        iam.delete_role_policy(RoleName=made.ref, PolicyName=policy_name)
    iam.delete_role(RoleName=made.ref)


def _give(iam: Any, role: str, before: Properties, properties: Properties) -> None:
    """Put the inline policies and attach the managed ones, and remove the previous ones that are no longer listed."""
    wanted = {policy["PolicyName"]: policy["PolicyDocument"] for policy in properties.get("Policies") or ()}
    for gone in {policy["PolicyName"] for policy in before.get("Policies") or ()} - wanted.keys():
        iam.delete_role_policy(RoleName=role, PolicyName=gone)
    for policy_name, document in wanted.items():
        iam.put_role_policy(RoleName=role, PolicyName=policy_name, PolicyDocument=_document(document))
    attached, arns = set(before.get("ManagedPolicyArns") or ()), set(properties.get("ManagedPolicyArns") or ())
    for arn in sorted(attached - arns):
        iam.detach_role_policy(RoleName=role, PolicyArn=arn)
    for arn in sorted(arns - attached):
        iam.attach_role_policy(RoleName=role, PolicyArn=arn)


def _bound(iam: Any, role: str, boundary: str | None) -> None:
    if boundary:
        iam.put_role_permissions_boundary(RoleName=role, PermissionsBoundary=boundary)
    else:
        iam.delete_role_permissions_boundary(RoleName=role)


def _tag(iam: Any, role: str, before: Properties, properties: Properties) -> None:
    wanted = {tag["Key"]: tag["Value"] for tag in properties.get("Tags") or ()}
    gone = [tag["Key"] for tag in before.get("Tags") or () if tag["Key"] not in wanted]
    if gone:
        iam.untag_role(RoleName=role, TagKeys=gone)
    if wanted:
        iam.tag_role(RoleName=role, Tags=[{"Key": key, "Value": value} for key, value in wanted.items()])


def _check(properties: Properties, name: str) -> None:
    if strange := sorted(properties.keys() - _KNOWN):
        raise ResourceError(f"{name} (AWS::IAM::Role): there are no properties {', '.join(strange)}")


def _cut(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else name[: _LONGEST_NAME - _SUFFIX] + name[-_SUFFIX:]


def _document(policy: Any) -> str:
    """JSON; YAML parses an unquoted version as a date."""
    return policy if isinstance(policy, str) else json.dumps(policy, default=str)


PROVIDERS = (
    Provider(
        "AWS::IAM::Role",
        _create,
        _delete,
        attributes=frozenset({"Arn", "RoleId"}),
        name_property="RoleName",
        update_from=_update,
    ),
)
