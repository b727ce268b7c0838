"""What a new requirement may not do to a security group (decision 48). Pure.

A requirement is *standing* when two of these hold: the registry has recorded it, tasks that need it are attached, a rule of
ours opens it. One is enough for a custom resource, which CloudFormation may roll back. Nothing here applies to standing requirements, so that what is open and required stays open. All others are
new, and are bounded by the group's tag ``ecs-lattice:ingress``, the stack's parameter IngressGroups, the port mappings of the
task definition, and half of the group's quota.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Literal

from ecs_lattice.ingress.group import SecurityGroupRules, covered, desired_ports, is_service, merged
from ecs_lattice.ingress.model import AllowedPorts, IngressRequirement, PortRequirement, SecurityGroup

GroupsMode = Literal["any", "tagged"]
"""Which groups get new rules: any, or only those with the tag ``ecs-lattice:ingress = on``."""
DEFAULT_QUOTA = 60
"""Inbound rules of a security group, IPv4 and IPv6 counted separately (Amazon VPC quotas). EC2 alone knows the real quota."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits for the requirements of ``consumer``, which are for the ports ``asked``. ``recorded``: what the registry says
    is required of each group."""

    consumer: str
    mode: GroupsMode = "any"
    recorded: Mapping[str, Collection[IngressRequirement]] = field(default_factory=dict)
    asked: frozenset[AllowedPorts] = frozenset()
    quota: int = DEFAULT_QUOTA

    def violated(
        self,
        requirement: PortRequirement,
        group: SecurityGroup,
        rules: SecurityGroupRules,
        accepted: Collection[AllowedPorts],
    ) -> str:
        """The code of the problem for which ``group`` may not be opened; empty when it may be. ``accepted``: the ports that
        the consumer requires of it beside this one."""
        own = self._own(group.id)
        if self._stands(requirement, own, rules):
            return ""
        if group.ingress == "off":
            return "INGRESS_TAGGED_OFF"
        # A release of attached tasks may move the port within a group of which they require ports already.
        is_moved = requirement.is_attached and own
        if self.mode == "tagged" and group.ingress != "on" and not is_moved:
            return "INGRESS_NOT_TAGGED"
        if not requirement.is_mapped and not is_moved:
            return "HEALTH_PORT_NOT_MAPPED"
        return "INGRESS_HALF_USED" if self._is_beyond_half(requirement.ports, rules, accepted) else ""

    def others(self, group_id: str) -> list[IngressRequirement]:
        """What other consumers require of the group."""
        return [requirement for requirement in self.recorded.get(group_id, ()) if requirement.consumer != self.consumer]

    def _stands(self, requirement: PortRequirement, own: Collection[AllowedPorts], rules: SecurityGroupRules) -> bool:
        is_recorded, has_rule = requirement.ports in own, bool(covered([requirement.ports], by=rules.ours))
        if is_service(self.consumer):
            return requirement.is_attached + is_recorded + has_rule > 1
        return is_recorded or has_rule

    def _own(self, group_id: str) -> set[AllowedPorts]:
        recorded = self.recorded.get(group_id, ())
        return {
            ports for requirement in recorded if requirement.consumer == self.consumer for ports in requirement.ports
        }

    def _is_beyond_half(
        self, ports: AllowedPorts, rules: SecurityGroupRules, accepted: Collection[AllowedPorts]
    ) -> bool:
        """Whether the ECS services of one cluster would use more than half of the quota for rules of this address family. Custom
        resources are not bounded."""
        source = rules.prefix_list(ports.family)
        if source is None or not is_service(self.consumer):
            return False
        before, after = (
            {rule for rule in self._used(rules, required) if rule.family == ports.family}
            for required in ({*accepted}, {*accepted, ports})
        )
        return len(after) > len(before) and len(after) * source.weight > self.quota // 2

    def _used(self, rules: SecurityGroupRules, required: Collection[AllowedPorts]) -> frozenset[AllowedPorts]:
        """The rules that the services of this cluster need, and those that nobody needs and that are yet to be revoked."""
        others = self.others(rules.group_id)
        own = IngressRequirement(rules.group_id, self.consumer, tuple(sorted(required)))
        neighbours = [
            requirement for requirement in others if _cluster(requirement.consumer) == _cluster(self.consumer)
        ]
        needed = merged([*self.asked, *(ports for requirement in others for ports in requirement.ports)])
        leftovers = rules.ours.keys() - covered(rules.ours, by=needed)
        return desired_ports(rules, [*neighbours, own]) | leftovers


def _cluster(consumer: str) -> str:
    """The cluster's part of an ECS service's ARN; for a custom resource another text."""
    return consumer.rpartition("/")[0]
