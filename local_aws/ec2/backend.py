"""moto's EC2 with AWS's rules for security groups: quota, duplicates, atomic calls, owners."""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from moto.ec2.exceptions import (
    EC2ClientError,
    InvalidCIDRSubnetError,
    InvalidPermissionNotFoundError,
    InvalidSecurityGroupNotFoundError,
    InvalidSecurityGroupRuleIdNotFoundError,
    MissingParameterError,
    RulesPerSecurityGroupLimitExceededError,
)
from moto.ec2.models import EC2Backend, vpcs
from moto.ec2.models.managed_prefixes import ManagedPrefixList
from moto.ec2.models.security_groups import SecurityGroup, SecurityGroupRule
from moto.ec2.utils import is_valid_cidr, is_valid_ipv6_cidr, is_valid_security_group_id

from local_aws.ec2 import rules
from local_aws.ec2.faults import DENIED, Ec2Faults

if TYPE_CHECKING:
    from local_aws.faults import Call

DEFAULT_VPC = "vpc-0defa0170defa0170"
Request = Mapping[str, Any]
"""One permission of a call, as moto's responses pass it on."""


@dataclass(slots=True)
class Quotas:
    """Change its attributes at any time."""

    rules_per_security_group: int = 60
    """Inbound, and the same number outbound, for IPv4 and IPv6 each (VPC User Guide, "Amazon VPC quotas")."""


@dataclass(frozen=True, slots=True)
class Revoked:
    """The rules that a Revoke call removed, and the permissions that a group of a default VPC did not have."""

    rules: tuple[SecurityGroupRule, ...]
    unknown: tuple[Request, ...] = ()


class LocalEc2Backend(EC2Backend):
    """EC2 of one account in one Region."""

    def __init__(self, region_name: str, account_id: str) -> None:
        super().__init__(region_name, account_id)
        self.quotas = Quotas()
        self.faults = Ec2Faults()
        """Errors and lost responses for upcoming calls."""
        self.calls: list[Call] = []
        """All API calls since the start, oldest first."""
        self._lock = threading.RLock()

    def _load_amis(self) -> None:
        """Wait with moto's images (a tenth of a second at every start) until somebody asks for them."""

    def describe_images(self, *arguments: Any, **more: Any) -> Any:
        if not self.amis:
            super()._load_amis()
        return super().describe_images(*arguments, **more)

    def create_default_vpc(self) -> Any:
        """moto's, with a fixed id: samconfig.toml names it."""
        drawing: Any = vpcs
        drawn = drawing.random_vpc_id
        drawing.random_vpc_id = lambda: DEFAULT_VPC
        try:
            return super().create_default_vpc()
        finally:
            drawing.random_vpc_id = drawn

    def authorize(self, name: str, requests: Sequence[Request], *, egress: bool) -> list[SecurityGroupRule]:
        """Add rules to a group: all rules of the call or none."""
        with self._lock:
            group = self._own(name)
            for request in requests:
                rules.check_request(request, self.managed_prefix_lists)
            new = [rule for request in requests for rule in self._rules(group, request, egress=egress)]
            if not new:
                raise MissingParameterError("ipPermissions")
            old = group.egress_rules if egress else group.ingress_rules
            rules.check_new(new, old)
            if max(rules.load([*old, *new], self.managed_prefix_lists)) > self.quotas.rules_per_security_group:
                raise RulesPerSecurityGroupLimitExceededError
            self._set(group, [*old, *new], egress=egress)
            return new

    def revoke(self, name: str, requests: Sequence[Request], ids: Sequence[str], *, egress: bool) -> Revoked:
        """Remove rules by id or by permission: all rules of the call or none.

        A missing rule is an error, except in a default VPC, where the response lists permissions without a rule
        (botocore, RevokeSecurityGroupIngress).
        """
        with self._lock:
            group = self._own(name)
            old = group.egress_rules if egress else group.ingress_rules
            unknown: list[Request] = []
            if ids:
                by_id = {rule.id: rule for rule in old}
                for rule_id in ids:
                    if rule_id not in by_id:
                        raise InvalidSecurityGroupRuleIdNotFoundError(rule_id)
                gone = [by_id[rule_id] for rule_id in ids]
            else:
                gone, unknown = self._matching(group, requests, old, egress=egress)
            if unknown and group.vpc_id != self.default_vpc.id:
                raise InvalidPermissionNotFoundError
            taken = {rule.id for rule in gone}
            self._set(group, [rule for rule in old if rule.id not in taken], egress=egress)
            for rule_id in taken:
                self.tags.pop(rule_id, None)
            return Revoked(tuple(gone), tuple(unknown))

    def describe(self, name: str, descriptions: Mapping[str, str], *, egress: bool) -> None:
        """Change descriptions by rule id."""
        with self._lock:
            group = self._own(name)
            by_id = {rule.id: rule for rule in (group.egress_rules if egress else group.ingress_rules)}
            for rule_id in descriptions:
                if rule_id not in by_id:
                    raise InvalidSecurityGroupRuleIdNotFoundError(rule_id)
            for rule_id, text in descriptions.items():
                _describe(by_id[rule_id], text)

    def foreign_group(self, owner: str, name: str = "foreign", vpc_id: str | None = None) -> str:
        """For tests: a security group of another account that is shared with this one (VPC User Guide, "Share security
        groups"); its id. It can be read and used; only its owner can change it.
        """
        group = self.create_security_group(name, f"{name} of {owner}", vpc_id=vpc_id)
        group.owner_id = owner
        group.arn = f"arn:aws:ec2:{self.region_name}:{owner}:security-group/{group.id}"
        return str(group.id)

    def describe_security_groups(
        self, group_ids: list[str] | None = None, groupnames: list[str] | None = None, filters: Any = None
    ) -> list[SecurityGroup]:
        """moto's; the error names the id that does not exist."""
        for group_id in group_ids or ():
            self._group(group_id)
        return super().describe_security_groups(group_ids, groupnames, filters)

    def get_managed_prefix_list_entries(self, prefix_list_id: str) -> ManagedPrefixList | None:
        """moto's; a list that does not exist is an error."""
        rules.check_list(prefix_list_id, self.managed_prefix_lists)
        return super().get_managed_prefix_list_entries(prefix_list_id)

    def _iterate_security_rules(self, *args: Any, **kwargs: Any) -> Any:
        """moto's; a rule with a prefix list keeps its description."""
        sources = kwargs.get("prefix_list_ids") or (args[6] if len(args) > 6 else ())
        told = {source["PrefixListId"]: source.get("Description") for source in sources}
        for rule in super()._iterate_security_rules(*args, **kwargs):
            if rule.prefix_list_id:
                _describe(rule, told.get(rule.prefix_list_id))
            yield rule

    def _sg_update_description(self, security_rule: SecurityGroupRule, rule: SecurityGroupRule) -> None:
        _describe(rule, security_rule.description)

    def _rules(self, group: SecurityGroup, request: Request, *, egress: bool) -> list[SecurityGroupRule]:
        blocks = request["ip_ranges"] or []
        for block in blocks:
            if not is_valid_cidr(block.get("CidrIp", "")) and not is_valid_ipv6_cidr(block.get("CidrIpv6", "")):
                raise InvalidCIDRSubnetError(cidr=block)
        return list(
            self._iterate_security_rules(
                request["ip_protocol"],
                group.id,
                request["from_port"],
                request["to_port"],
                blocks,
                self._add_source_group(request["source_groups"], group.vpc_id),
                request["prefix_list_ids"] or [],
                is_egress=egress,
                tags=request.get("sgrule_tags") or {},
            )
        )

    def _matching(
        self, group: SecurityGroup, requests: Sequence[Request], old: Sequence[SecurityGroupRule], *, egress: bool
    ) -> tuple[list[SecurityGroupRule], list[Request]]:
        """The rules that match permissions, and the permissions without a rule."""
        known = {rules.key(rule): rule for rule in old}
        gone: list[SecurityGroupRule] = []
        unknown: list[Request] = []
        for request in requests:
            rules.check_request(request, self.managed_prefix_lists)
            wanted = [rules.key(rule) for rule in self._rules(group, {**request, "sgrule_tags": {}}, egress=egress)]
            gone += [known[rule] for rule in wanted if rule in known]
            unknown += [request] if any(rule not in known for rule in wanted) else []
        return gone, unknown

    def _own(self, name: str) -> SecurityGroup:
        group = self._group(name)
        if group.owner_id != self.account_id:
            # the error for a participant: assumption
            raise EC2ClientError(*DENIED)
        return group

    def _group(self, name: str) -> SecurityGroup:
        group = self.get_security_group_by_name_or_id(name)
        if group is None:
            if not is_valid_security_group_id(name):
                raise EC2ClientError("InvalidGroupId.Malformed", f'Invalid id: "{name}" (expecting "sg-...")')
            raise InvalidSecurityGroupNotFoundError(name)
        return group

    @staticmethod
    def _set(group: SecurityGroup, changed: list[SecurityGroupRule], *, egress: bool) -> None:
        """One assignment, so that concurrent readers see the rules before or after."""
        if egress:
            group.egress_rules = changed
        else:
            group.ingress_rules = changed


def _describe(rule: SecurityGroupRule, text: str | None) -> None:
    if rule.prefix_list_id:
        rule.prefix_list_description = text or None  # type: ignore[attr-defined]
        return
    place = rule.source_group or rule.ip_range
    place.pop("Description", None)
    if text:
        place["Description"] = text


__all__ = ["LocalEc2Backend", "Quotas", "Revoked"]
