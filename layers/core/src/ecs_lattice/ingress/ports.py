"""What ingress needs of EC2. The adapter is :mod:`ecs_lattice.aws.security_groups`."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from ecs_lattice.ingress.model import AllowedPorts, IngressRule, PrefixList, SecurityGroup


class SecurityGroups(Protocol):
    """Security groups and their inbound rules. All methods raise :class:`~ecs_lattice.errors.AwsError`."""

    def prefix_lists(self) -> tuple[PrefixList, ...]:
        """VPC Lattice's managed prefix lists that exist in this Region: one or two."""

    def groups(self, group_ids: Sequence[str]) -> tuple[SecurityGroup, ...]:
        """Those of ``group_ids`` that exist."""

    def default_group(self, vpc_id: str) -> SecurityGroup:
        """The VPC's ``default`` group, which ECS uses for services without security groups (Amazon ECS API, AwsVpcConfiguration)."""

    def rules(self, group_ids: Sequence[str]) -> tuple[IngressRule, ...]:
        """All inbound rules of these groups."""

    def owned_rules(self) -> tuple[IngressRule, ...]:
        """All inbound rules in this Region with our owner tag, in any group."""

    def authorize(
        self,
        group_id: str,
        sources: Sequence[tuple[AllowedPorts, PrefixList]],
        description: str,
        tags: Mapping[str, str],
    ) -> tuple[IngressRule, ...]:
        """Add one tagged rule for each of ``sources``, all or none. Raises QuotaError when the group is full. An equal rule that
        already exists is returned as it is."""

    def revoke(self, group_id: str, rule_ids: Sequence[str]) -> None:
        """Revoke rules by ID; rules that do not exist are ignored."""

    def tag(self, rule_ids: Sequence[str], tags: Mapping[str, str]) -> None:
        """Add tags to our rules."""

    def untag(self, rule_ids: Sequence[str], keys: Sequence[str]) -> None:
        """Remove tags from our rules."""
