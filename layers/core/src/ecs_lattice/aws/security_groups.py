"""The adapter to EC2's security groups, their rules and VPC Lattice's managed prefix lists."""

import re
from collections.abc import Mapping, Sequence
from itertools import batched
from typing import TYPE_CHECKING, Any

from ecs_lattice import ownership
from ecs_lattice.aws.clients import translating
from ecs_lattice.errors import ConflictError, NotFoundError
from ecs_lattice.ingress.model import AllowedPorts, IngressRule, PortRange, PrefixList, SecurityGroup
from ecs_lattice.model import AddressFamily

if TYPE_CHECKING:
    from types_boto3_ec2 import EC2Client

_FILTER_VALUES = 200  # a request (Amazon EC2 API, filtering)
_PAGE = 1000  # Amazon EC2 API, DescribeSecurityGroupRules, MaxResults
_DESCRIPTION_LIMIT = 255
_ATTEMPTS = 3  # DescribeSecurityGroupRules may not yet show a rule that was added a moment ago
_NOT_IN_A_DESCRIPTION = re.compile(r"[^a-zA-Z0-9 ._\-:/()#,@\[\]+=&;{}!$*]")  # Amazon EC2 API, IpRange, Description
_FAMILIES: dict[str, AddressFamily] = {"IPv4": "IPV4", "IPv6": "IPV6"}


class BotoSecurityGroups:
    """:class:`ecs_lattice.ingress.ports.SecurityGroups` over a boto3 client, for the rules of stack ``owner``."""

    def __init__(self, client: "EC2Client", owner: str) -> None:
        self._client = translating(client)
        self._owner = owner
        self._lists: tuple[PrefixList, ...] = ()

    def prefix_lists(self) -> tuple[PrefixList, ...]:
        if not self._lists:  # their ids are fixed within a Region
            region = self._client.meta.region_name
            names = [f"com.amazonaws.{region}.vpc-lattice", f"com.amazonaws.{region}.ipv6.vpc-lattice"]
            pages = self._client.get_paginator("describe_managed_prefix_lists").paginate(
                Filters=[{"Name": "prefix-list-name", "Values": names}]
            )
            found = [shape for page in pages for shape in page["PrefixLists"]]
            # A customer's prefix list may have any name; only AWS's own has the owner AWS.
            self._lists = tuple(
                sorted(
                    PrefixList(shape["PrefixListId"], shape["PrefixListName"], _FAMILIES[shape["AddressFamily"]])
                    for shape in found
                    if shape["PrefixListName"] in names and shape.get("OwnerId") == "AWS"
                )
            )
        return self._lists

    def groups(self, group_ids: Sequence[str]) -> tuple[SecurityGroup, ...]:
        found: list[Any] = []
        for part in batched(sorted(set(group_ids)), _FILTER_VALUES, strict=False):
            # A filter instead of GroupIds: a group that does not exist is not an error then.
            pages = self._client.get_paginator("describe_security_groups").paginate(
                Filters=[{"Name": "group-id", "Values": list(part)}]
            )
            found += [shape for page in pages for shape in page["SecurityGroups"]]
        return tuple(map(_group, found))

    def default_group(self, vpc_id: str) -> SecurityGroup:
        found = self._client.describe_security_groups(
            Filters=[{"Name": "vpc-id", "Values": [vpc_id]}, {"Name": "group-name", "Values": ["default"]}]
        )["SecurityGroups"]
        if not found:
            raise NotFoundError("DescribeSecurityGroups", "InvalidGroup.NotFound", f"{vpc_id} has no default group")
        return _group(found[0])

    def rules(self, group_ids: Sequence[str]) -> tuple[IngressRule, ...]:
        found: list[IngressRule] = []
        for part in batched(sorted(set(group_ids)), _FILTER_VALUES, strict=False):
            try:
                found += self._rules("group-id", list(part))
            except NotFoundError:  # one of them does not exist
                found += [rule for group_id in part if len(part) > 1 for rule in self.rules([group_id])]
        return tuple(found)

    def owned_rules(self) -> tuple[IngressRule, ...]:
        return self._rules(f"tag:{ownership.OWNER}", [self._owner])

    def authorize(
        self,
        group_id: str,
        openings: Sequence[tuple[AllowedPorts, PrefixList]],
        description: str,
        tags: Mapping[str, str],
    ) -> tuple[IngressRule, ...]:
        text = _NOT_IN_A_DESCRIPTION.sub("-", description)[:_DESCRIPTION_LIMIT]
        wanted = {(opening.ports, source.id): (opening, source) for opening, source in openings}
        there: tuple[IngressRule, ...] = ()
        missing = list(openings)
        for _ in range(_ATTEMPTS):
            try:
                answer = self._client.authorize_security_group_ingress(
                    GroupId=group_id,
                    IpPermissions=[
                        {
                            "IpProtocol": "tcp",
                            "FromPort": opening.ports.first,
                            "ToPort": opening.ports.last,
                            "PrefixListIds": [{"PrefixListId": source.id, "Description": text}],
                        }
                        for opening, source in missing
                    ],
                    TagSpecifications=[{"ResourceType": "security-group-rule", "Tags": _tags(tags)}],
                )
                return there + tuple(map(_rule, answer["SecurityGroupRules"]))
            except ConflictError:  # one of them exists already, so EC2 added none
                existing = _by_opening(self._rules("group-id", [group_id]))
                there = tuple(existing[key] for key in wanted if key in existing)
                missing = [opening for key, opening in wanted.items() if key not in existing]
                if not missing:
                    return there
        raise ConflictError("AuthorizeSecurityGroupIngress", "InvalidPermission.Duplicate", f"{group_id}: not seen yet")

    def revoke(self, group_id: str, rule_ids: Sequence[str]) -> None:
        try:
            self._client.revoke_security_group_ingress(GroupId=group_id, SecurityGroupRuleIds=list(rule_ids))
        except NotFoundError:
            for rule_id in rule_ids if len(rule_ids) > 1 else ():  # one of them does not exist, so EC2 revoked none
                self.revoke(group_id, [rule_id])

    def tag(self, rule_ids: Sequence[str], tags: Mapping[str, str]) -> None:
        self._client.create_tags(Resources=list(rule_ids), Tags=_tags(tags))

    def untag(self, rule_ids: Sequence[str], keys: Sequence[str]) -> None:
        self._client.delete_tags(Resources=list(rule_ids), Tags=[{"Key": key} for key in keys])

    def _rules(self, name: str, values: list[str]) -> tuple[IngressRule, ...]:
        pages = self._client.get_paginator("describe_security_group_rules").paginate(
            Filters=[{"Name": name, "Values": values}], PaginationConfig={"PageSize": _PAGE}
        )
        return tuple(_rule(shape) for page in pages for shape in page["SecurityGroupRules"] if not shape["IsEgress"])


def _group(shape: Any) -> SecurityGroup:
    name = shape["GroupName"]
    # No other group can have this name (Amazon VPC User Guide, default security groups).
    tags = {tag["Key"]: tag.get("Value", "") for tag in shape.get("Tags", [])}
    ingress = tags.get(ownership.INGRESS_ALLOWED, "").strip().lower()
    return SecurityGroup(
        shape["GroupId"],
        name,
        shape.get("VpcId", ""),
        shape["OwnerId"],
        is_default=name == "default",
        ingress="on" if ingress == "on" else "off" if ingress == "off" else "",
    )


def _rule(shape: Any) -> IngressRule:
    first, last = shape.get("FromPort", -1), shape.get("ToPort", -1)
    has_ports = shape["IpProtocol"] in {"tcp", "udp", "6", "17"} and first >= 0 and last >= 0
    return IngressRule(
        id=shape["SecurityGroupRuleId"],
        group_id=shape["GroupId"],
        protocol=shape["IpProtocol"],
        ports=PortRange(first, last) if has_ports else None,
        prefix_list_id=shape.get("PrefixListId"),
        cidr=shape.get("CidrIpv4") or shape.get("CidrIpv6"),
        source_group=shape.get("ReferencedGroupInfo", {}).get("GroupId"),
        tags=tuple(sorted((tag["Key"], tag.get("Value", "")) for tag in shape.get("Tags", []))),
    )


def _by_opening(rules: Sequence[IngressRule]) -> dict[tuple[PortRange | None, str | None], IngressRule]:
    return {(rule.ports, rule.prefix_list_id): rule for rule in rules if rule.protocol == "tcp"}


def _tags(tags: Mapping[str, str]) -> Any:
    return [{"Key": key, "Value": value} for key, value in sorted(tags.items())]
