"""What ingress needs of EC2; its adapter is :mod:`ecs_lattice.aws.security_groups`."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from ecs_lattice.ingress.model import AllowedPorts, IngressRule, PrefixList, SecurityGroup


class SecurityGroups(Protocol):
    """Security groups and their inbound rules. All methods raise :class:`~ecs_lattice.errors.AwsError`s."""

    def prefix_lists(self) -> tuple[PrefixList, ...]:
        """VPC Lattice's managed prefix lists that exist in this Region: one or two."""

    def groups(self, group_ids: Sequence[str]) -> tuple[SecurityGroup, ...]:
        """Those of ``group_ids`` that exist."""

    def default_group(self, vpc_id: str) -> SecurityGroup:
        """The VPC's ``default`` group, which ECS uses where a service names none (Amazon ECS API, AwsVpcConfiguration)."""

    def rules(self, group_ids: Sequence[str]) -> tuple[IngressRule, ...]:
        """All inbound rules of these groups."""

    def owned_rules(self) -> tuple[IngressRule, ...]:
        """All inbound rules in this Region that carry our owner tag, in any group."""

    def authorize(
        self,
        group_id: str,
        openings: Sequence[tuple[AllowedPorts, PrefixList]],
        description: str,
        tags: Mapping[str, str],
    ) -> tuple[IngressRule, ...]:
        """Add one rule an opening, all or none, tagged. Raises QuotaError when the group is full; an equal rule that
        exists already is no error and is given as it is."""

    def revoke(self, group_id: str, rule_ids: Sequence[str]) -> None:
        """Take rules away by id; those that do not exist (any more) are fine."""

    def tag(self, rule_ids: Sequence[str], tags: Mapping[str, str]) -> None:
        """Add tags to rules of ours."""

    def untag(self, rule_ids: Sequence[str], keys: Sequence[str]) -> None:
        """Take tags off rules of ours."""
