"""A copy of EC2's security groups: reads their rules once, and keeps what is added and revoked."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from ecs_lattice.ingress.model import AllowedPorts, IngressRule, PrefixList, SecurityGroup
from ecs_lattice.ingress.ports import SecurityGroups


@dataclass(slots=True)
class SimulatedSecurityGroups:
    """:class:`ecs_lattice.ingress.ports.SecurityGroups`. No group is ever full: EC2's quota is not simulated."""

    ec2: SecurityGroups
    _rules: dict[str, list[IngressRule]] = field(default_factory=dict)
    _made: int = 0

    def prefix_lists(self) -> tuple[PrefixList, ...]:
        return self.ec2.prefix_lists()

    def groups(self, group_ids: Sequence[str]) -> tuple[SecurityGroup, ...]:
        return self.ec2.groups(group_ids)

    def default_group(self, vpc_id: str) -> SecurityGroup:
        return self.ec2.default_group(vpc_id)

    def rules(self, group_ids: Sequence[str]) -> tuple[IngressRule, ...]:
        if unread := sorted(set(group_ids) - self._rules.keys()):
            found = self.ec2.rules(unread)
            self._rules |= {group: [rule for rule in found if rule.group_id == group] for group in unread}
        return tuple(rule for group in group_ids for rule in self._rules[group])

    def owned_rules(self) -> tuple[IngressRule, ...]:
        return self.ec2.owned_rules()

    def authorize(
        self,
        group_id: str,
        sources: Sequence[tuple[AllowedPorts, PrefixList]],
        description: str,  # noqa: ARG002  nobody reads it here
        tags: Mapping[str, str],
    ) -> tuple[IngressRule, ...]:
        self.rules([group_id])
        added = []
        for allowed, source in sources:
            self._made += 1
            added.append(
                IngressRule(
                    f"sgr-planned{self._made}",
                    group_id,
                    "tcp",
                    allowed.ports,
                    source.id,
                    tags=tuple(sorted(tags.items())),
                )
            )
        self._rules[group_id] += added
        return tuple(added)

    def revoke(self, group_id: str, rule_ids: Sequence[str]) -> None:
        self.rules([group_id])
        self._rules[group_id] = [rule for rule in self._rules[group_id] if rule.id not in rule_ids]

    def tag(self, rule_ids: Sequence[str], tags: Mapping[str, str]) -> None:
        self._retag(rule_ids, lambda before: {**before, **tags})

    def untag(self, rule_ids: Sequence[str], keys: Sequence[str]) -> None:
        self._retag(rule_ids, lambda before: {key: value for key, value in before.items() if key not in keys})

    def _retag(self, rule_ids: Sequence[str], change: Callable[[dict[str, str]], dict[str, str]]) -> None:
        for group, rules in self._rules.items():
            self._rules[group] = [
                dataclasses.replace(rule, tags=tuple(sorted(change(dict(rule.tags)).items())))
                if rule.id in rule_ids
                else rule
                for rule in rules
            ]
