"""AWS::EC2::SecurityGroup and its separate rules, which moto creates without prefix lists, IPv6 and outbound rules.

Properties, Ref, GetAtt and replacement: CloudFormation Template Reference, AWS::EC2::SecurityGroup,
AWS::EC2::SecurityGroupIngress and AWS::EC2::SecurityGroupEgress.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from local_aws.stack.resources import Made, Properties, Provider, ResourceError, client

Permission = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Direction:
    """The property names of inbound and outbound rules."""

    api: str
    """ingress or egress, as in the names of EC2's operations."""
    group: str
    """The property prefix of a rule's source or destination."""
    property: str

    def change(self, verb: str, group_id: str, permissions: list[Permission]) -> Any:
        return getattr(client("ec2"), f"{verb}_security_group_{self.api}")(GroupId=group_id, IpPermissions=permissions)

    def describe(self, group_id: str, permissions: list[Permission]) -> None:
        operation = getattr(client("ec2"), f"update_security_group_rule_descriptions_{self.api}")
        operation(GroupId=group_id, IpPermissions=permissions)


_INGRESS = _Direction("ingress", "Source", "SecurityGroupIngress")
_EGRESS = _Direction("egress", "Destination", "SecurityGroupEgress")
_EVERYWHERE: Permission = {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
"""The default outbound rule of a new group, which the rules of a template replace."""


def _permission(rule: Mapping[str, Any], direction: _Direction) -> Permission:
    """A rule of a template in the form of EC2's API. ResourceError unless it has exactly one source or destination."""
    group = direction.group
    peer = {"GroupId": rule.get(f"{group}SecurityGroupId"), "GroupName": rule.get(f"{group}SecurityGroupName")}
    peer |= {"UserId": rule.get(f"{group}SecurityGroupOwnerId")}
    ends = {
        "IpRanges": {"CidrIp": rule.get("CidrIp")},
        "Ipv6Ranges": {"CidrIpv6": rule.get("CidrIpv6")},
        "PrefixListIds": {"PrefixListId": rule.get(f"{group}PrefixListId")},
        "UserIdGroupPairs": peer,
    }
    named = {key: {name: value for name, value in end.items() if value} for key, end in ends.items()}
    named = {key: end for key, end in named.items() if end}
    if len(named) != 1 or "IpProtocol" not in rule:
        raise ResourceError(
            f"A rule of {direction.property} needs IpProtocol and exactly one of CidrIp, CidrIpv6, "
            f"{group}PrefixListId and {group}SecurityGroupId; this one has {', '.join(sorted(rule)) or 'nothing'}"
        )
    ((key, end),) = named.items()
    if "Description" in rule:
        end["Description"] = str(rule["Description"])
    ports = {name: int(rule[name]) for name in ("FromPort", "ToPort") if name in rule}
    return {"IpProtocol": str(rule["IpProtocol"]), **ports, key: [end]}


def _inline(properties: Properties, direction: _Direction) -> list[Permission]:
    return [_permission(rule, direction) for rule in properties.get(direction.property) or ()]


def _without(permissions: Iterable[Permission], others: list[Permission]) -> list[Permission]:
    return [permission for permission in permissions if permission not in others]


def _create_group(properties: Properties, name: str) -> Made:
    inbound, outbound = _inline(properties, _INGRESS), _inline(properties, _EGRESS)
    ec2 = client("ec2")
    vpc = {"VpcId": properties["VpcId"]} if "VpcId" in properties else {}
    tags = [{"ResourceType": "security-group", "Tags": properties["Tags"]}] if properties.get("Tags") else []
    group = ec2.create_security_group(
        GroupName=properties.get("GroupName", name),
        Description=properties["GroupDescription"],
        TagSpecifications=tags,
        **vpc,
    )["GroupId"]
    try:
        if outbound:
            _EGRESS.change("revoke", group, [_EVERYWHERE])
            _EGRESS.change("authorize", group, outbound)
        if inbound:
            _INGRESS.change("authorize", group, inbound)
    except BaseException:
        ec2.delete_security_group(GroupId=group)  # a failed creation leaves nothing
        raise
    found = ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"][0]
    return Made(group, {"GroupId": group, "Id": group, "VpcId": found["VpcId"]})


_REPLACING = ("GroupDescription", "GroupName", "VpcId")


def _update_group(made: Made, old: Properties, new: Properties, name: str) -> Made:
    if any(old.get(key) != new.get(key) for key in _REPLACING):
        replacement = _create_group(new, name)
        client("ec2").delete_security_group(GroupId=made.ref)
        return replacement
    _change_rules(made.ref, _INGRESS, _inline(old, _INGRESS), _inline(new, _INGRESS))
    _change_rules(made.ref, _EGRESS, _inline(old, _EGRESS) or [_EVERYWHERE], _inline(new, _EGRESS) or [_EVERYWHERE])
    _change_tags(made.ref, old, new)
    return made


def _change_rules(group: str, direction: _Direction, old: list[Permission], new: list[Permission]) -> None:
    if gone := _without(old, new):
        direction.change("revoke", group, gone)
    if come := _without(new, old):
        direction.change("authorize", group, come)


def _change_tags(resource: str, old: Properties, new: Properties) -> None:
    before, after = ({tag["Key"]: tag["Value"] for tag in body.get("Tags") or ()} for body in (old, new))
    if gone := [{"Key": key} for key in before if key not in after]:
        client("ec2").delete_tags(Resources=[resource], Tags=gone)
    if come := [{"Key": key, "Value": value} for key, value in after.items() if before.get(key) != value]:
        client("ec2").create_tags(Resources=[resource], Tags=come)


def _delete_group(made: Made, _properties: Properties) -> None:
    client("ec2").delete_security_group(GroupId=made.ref)


def _provider_of_rules(direction: _Direction) -> Provider:
    def create(properties: Properties, _name: str) -> Made:
        answer = direction.change("authorize", _group_of(properties), [_permission(properties, direction)])
        rule = answer["SecurityGroupRules"][0]["SecurityGroupRuleId"]
        return Made(rule, {"Id": rule})

    def delete(made: Made, properties: Properties) -> None:
        revoke = getattr(client("ec2"), f"revoke_security_group_{direction.api}")
        revoke(GroupId=_group_of(properties), SecurityGroupRuleIds=[made.ref])

    def update(made: Made, old: Properties, new: Properties, name: str) -> Made:
        """A description changes in place; any other change needs a new rule, created before the old one is deleted."""
        if _undescribed(old) == _undescribed(new):
            direction.describe(_group_of(new), [_permission({"Description": "", **new}, direction)])
            return made
        replacement = create(new, name)
        delete(made, old)
        return replacement

    return Provider(f"AWS::EC2::{direction.property}", create, delete, frozenset({"Id"}), update_from=update)


def _undescribed(properties: Properties) -> dict[str, str]:
    return {key: str(value) for key, value in properties.items() if key != "Description"}


def _group_of(properties: Properties) -> str:
    if "GroupId" in properties:
        return str(properties["GroupId"])
    named = [{"Name": "group-name", "Values": [properties["GroupName"]]}]
    found = client("ec2").describe_security_groups(Filters=named)["SecurityGroups"]
    if not found:
        raise ResourceError(f"There is no security group with the name {properties['GroupName']}")
    return str(found[0]["GroupId"])


PROVIDERS = (
    Provider(
        "AWS::EC2::SecurityGroup",
        _create_group,
        _delete_group,
        frozenset({"GroupId", "Id", "VpcId"}),
        "GroupName",
        update_from=_update_group,
    ),
    _provider_of_rules(_INGRESS),
    _provider_of_rules(_EGRESS),
)
