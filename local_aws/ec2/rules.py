"""Security group rules as EC2 stores and shows them: identity, weight, validation.

Sources: botocore's EC2 model (SecurityGroupRule); VPC User Guide, "Amazon VPC quotas" and "AWS-managed prefix lists".
Error texts are those that users report; ``assumption`` marks texts without a public source.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from moto.ec2.exceptions import EC2ClientError, InvalidParameterValue
from moto.ec2.models.security_groups import GroupedSecurityRuleView, SecurityGroup, SecurityGroupRule

Key = tuple[Any, ...]
_WITH_PORTS = {"tcp": "TCP", "udp": "UDP"}
_LAST_PORT = 65535
_AWS_WEIGHTS = {"vpc-lattice": 10, "s3": 1, "dynamodb": 1, "origin-facing": 55, "groundstation": 5}
"""The weights of AWS's lists, by the last part of the name (VPC User Guide, "AWS-managed prefix list weight")."""


def key(rule: SecurityGroupRule) -> Key:
    """The identity of a rule: protocol, ports, source or destination; not its description (EC2 error codes, Duplicate)."""
    source = rule.source_group or {}
    peer = (rule.cidr_ipv4, rule.cidr_ipv6, rule.prefix_list_id, source.get("GroupId"))
    return (rule.ip_protocol, rule.from_port, rule.to_port, *peer)


def weight(rule: SecurityGroupRule, lists: Mapping[str, Any]) -> tuple[int, int]:
    """How much a rule counts towards the separate quotas for IPv4 and IPv6 (VPC quotas).

    A CIDR block counts in its family, another security group in both. A prefix list counts with its maximum number
    of entries, AWS's lists with their weights; that they count in their own family only is an assumption.
    """
    if rule.cidr_ipv4:
        return 1, 0
    if rule.cidr_ipv6:
        return 0, 1
    listed = lists.get(rule.prefix_list_id) if rule.prefix_list_id else None
    if listed is None:
        return 1, 1
    heavy = _weight_of(listed)
    return (0, heavy) if listed.address_family == "IPv6" else (heavy, 0)


def _weight_of(listed: Any) -> int:
    if listed.owner_id == "AWS":
        return _AWS_WEIGHTS.get(listed.prefix_list_name.rpartition(".")[2], 1)
    return int(listed.max_entries or 0)


def load(rules: Iterable[SecurityGroupRule], lists: Mapping[str, Any]) -> tuple[int, int]:
    """The total weight of the rules of one direction, for IPv4 and IPv6."""
    weights = [weight(rule, lists) for rule in rules]
    return sum(ipv4 for ipv4, _ in weights), sum(ipv6 for _, ipv6 in weights)


def check_request(request: Mapping[str, Any], lists: Mapping[str, Any]) -> None:
    """Reject a permission that EC2 rejects before it checks the group; with EC2's errors."""
    protocol = str(request["ip_protocol"] or "").lower()
    if not protocol:
        raise InvalidParameterValue(
            "Invalid value 'null' for protocol. VPC security group rules must specify protocols explicitly."
        )
    first, last = request["from_port"], request["to_port"]
    if {"6": "tcp", "17": "udp"}.get(protocol, protocol) in _WITH_PORTS:
        if first is None or last is None:
            raise InvalidParameterValue(
                "Invalid value for portRange. Must specify both from and to ports with TCP/UDP."
            )
        if not 0 <= int(first) <= int(last) <= _LAST_PORT:
            raise InvalidParameterValue(f"Invalid TCP/UDP port range ({first}:{last})")
    for source in request["prefix_list_ids"] or ():
        check_list(source.get("PrefixListId"), lists)


def check_list(name: Any, lists: Mapping[str, Any]) -> None:
    """Reject a prefix list that does not exist. hashicorp/terraform-provider-aws looks for this code; the text:
    assumption."""
    if name not in lists:
        raise EC2ClientError("InvalidPrefixListID.NotFound", f"The prefix list ID '{name}' does not exist")


def check_new(new: Sequence[SecurityGroupRule], old: Iterable[SecurityGroupRule]) -> None:
    """Reject rules that exist already, and duplicates in the request."""
    known = {key(rule) for rule in old}
    for rule in new:
        if key(rule) in known:
            raise EC2ClientError("InvalidPermission.Duplicate", f'the specified rule "{_told(rule)}" already exists')
    if len({key(rule) for rule in new}) < len(new):
        raise InvalidParameterValue("The same permission must not appear multiple times")


def _told(rule: SecurityGroupRule) -> str:
    peer = rule.cidr_ipv4 or rule.cidr_ipv6 or rule.prefix_list_id or rule.source_group.get("GroupId")
    if rule.ip_protocol == "-1":
        return f"peer: {peer}, ALL, ALLOW"
    protocol = _WITH_PORTS.get(str(rule.ip_protocol), str(rule.ip_protocol).upper())
    return f"peer: {peer}, {protocol}, from port: {rule.from_port}, to port: {rule.to_port}, ALLOW"


def revoked_view(rule: SecurityGroupRule) -> dict[str, Any]:
    """A removed rule as RevokeSecurityGroupIngress shows it (botocore, RevokedSecurityGroupRule)."""
    any_port = -1
    view = {
        "SecurityGroupRuleId": rule.id,
        "GroupId": rule.group_id,
        "IsEgress": rule.is_egress,
        "IpProtocol": rule.ip_protocol,
        "FromPort": any_port if rule.from_port is None else rule.from_port,
        "ToPort": any_port if rule.to_port is None else rule.to_port,
        "CidrIpv4": rule.cidr_ipv4,
        "CidrIpv6": rule.cidr_ipv6,
        "PrefixListId": rule.prefix_list_id,
        "ReferencedGroupId": (rule.source_group or {}).get("GroupId"),
        "Description": rule.description,
    }
    return {name: value for name, value in view.items() if value is not None}


# Patches moto's classes, because moto creates rules in several places.


def _description(rule: SecurityGroupRule) -> str | None:
    return rule.ip_range.get("Description") or rule.source_group.get("Description") or listed_description(rule)


def listed_description(rule: SecurityGroupRule) -> str | None:
    """The description of a rule with a prefix list, which moto does not keep."""
    return getattr(rule, "prefix_list_description", None)


def _group_owner(rule: SecurityGroupRule) -> str:
    backend: Any = rule.ec2_backend
    group = backend.get_security_group_from_id(rule.group_id)
    return str(group.owner_id if group is not None else backend.account_id)


def _arn(rule: SecurityGroupRule) -> str:
    backend: Any = rule.ec2_backend
    return f"arn:aws:ec2:{backend.region_name}:{_group_owner(rule)}:security-group-rule/{rule.id}"


_moto_grouped = SecurityGroup._flattened_rules


def _grouped(group: SecurityGroup, rules: list[SecurityGroupRule]) -> list[GroupedSecurityRuleView]:
    """moto's, with the descriptions of prefix lists."""
    views = _moto_grouped(group, rules)
    told = {(*key(rule)[:3], rule.prefix_list_id): listed_description(rule) for rule in rules if rule.prefix_list_id}
    for view in views:
        for entry in view.prefix_list_ids:
            text = told.get((view.ip_protocol, view.from_port, view.to_port, entry["PrefixListId"]))
            if text:
                entry["Description"] = text
    return views


def install() -> None:
    """Extend moto's rules to what EC2 shows. Installing again is harmless."""
    rule: Any = SecurityGroupRule
    rule.description = property(_description)
    rule.group_owner_id = property(_group_owner)
    rule.security_group_rule_arn = property(_arn)
    rule.__eq__ = lambda self, other: isinstance(other, SecurityGroupRule) and key(self) == key(other)
    group: Any = SecurityGroup
    group._flattened_rules = _grouped


__all__ = ["check_list", "check_new", "check_request", "install", "key", "load", "revoked_view", "weight"]
