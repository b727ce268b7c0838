"""EC2's security groups and the registry's requirements in memory, for thousands of histories a minute.

Both behave as ``tests/adapters/test_security_groups.py`` finds the real adapters to behave.
"""

import dataclasses
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ecs_lattice import ownership
from ecs_lattice.custom_resource import resource
from ecs_lattice.errors import NotFoundError, QuotaError
from ecs_lattice.ingress.model import (
    AllowedPorts,
    AuthorizedRule,
    IngressRequirement,
    IngressRule,
    PortRange,
    PrefixList,
    SecurityGroup,
)

ACCOUNT, OWNER, LABEL_PREFIX = "123456789012", "ecs-lattice", "mesh"
LISTS = (
    PrefixList("pl-4", "com.amazonaws.us-east-1.vpc-lattice", "IPV4"),
    PrefixList("pl-6", "com.amazonaws.us-east-1.ipv6.vpc-lattice", "IPV6"),
)
VPC = "vpc-1"


def allowed(first: int, last: int | None = None, family: Any = "IPV4") -> AllowedPorts:
    return AllowedPorts(family, PortRange(first, last or first))


@dataclass
class Groups:
    """:class:`ecs_lattice.ingress.ports.SecurityGroups`; the group ``sg-default`` is the VPC's own."""

    known: dict[str, SecurityGroup] = field(default_factory=dict)
    standing: dict[str, IngressRule] = field(default_factory=dict)
    quota: int = 60
    ids: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def add(self, group_id: str, account: str = ACCOUNT) -> str:
        name = "default" if group_id == "sg-default" else group_id
        self.known[group_id] = SecurityGroup(group_id, name, VPC, account, is_default=name == "default")
        return group_id

    def by_hand(self, group_id: str, **rule: Any) -> IngressRule:
        """A rule that somebody else creates."""
        made = IngressRule(**{"id": f"sgr-{next(self.ids)}", "group_id": group_id, "protocol": "tcp", **rule})
        self.standing[made.id] = made
        return made

    def prefix_lists(self) -> tuple[PrefixList, ...]:
        return LISTS

    def groups(self, group_ids: Sequence[str]) -> tuple[SecurityGroup, ...]:
        return tuple(self.known[one] for one in group_ids if one in self.known)

    def default_group(self, vpc_id: str) -> SecurityGroup:
        return next(one for one in self.known.values() if one.is_default and one.vpc_id == vpc_id)

    def rules(self, group_ids: Sequence[str]) -> tuple[IngressRule, ...]:
        return tuple(rule for rule in self.standing.values() if rule.group_id in group_ids)

    def owned_rules(self) -> tuple[IngressRule, ...]:
        return tuple(rule for rule in self.standing.values() if (ownership.OWNER, OWNER) in rule.tags)

    def authorize(
        self,
        group_id: str,
        sources: Sequence[tuple[AllowedPorts, PrefixList]],
        description: str,
        tags: Mapping[str, str],
    ) -> tuple[IngressRule, ...]:
        if group_id not in self.known:
            raise NotFoundError("AuthorizeSecurityGroupIngress", "InvalidGroup.NotFound", group_id)
        listed = [rule for rule in self.rules([group_id]) if rule.prefix_list_id]
        there = {(rule.protocol, rule.ports, rule.prefix_list_id): rule for rule in listed}
        keys = [("tcp", one.ports, source.id) for one, source in sources]
        for _, source in sources:
            old = [rule for rule in self.rules([group_id]) if self._counts(rule, source)]
            new = [key for key in keys if key not in there and key[2] == source.id]
            if sum(map(self._weight, old)) + source.weight * len(new) > self.quota and new:
                raise QuotaError("AuthorizeSecurityGroupIngress", "RulesPerSecurityGroupLimitExceeded", group_id)
        made = []
        for key, (one, source) in zip(keys, sources, strict=True):
            pairs = tuple(sorted(tags.items()))
            rule = there.get(key) or self.by_hand(group_id, ports=one.ports, prefix_list_id=source.id, tags=pairs)
            made.append(rule)
        return tuple(made)

    def revoke(self, group_id: str, rule_ids: Sequence[str]) -> None:
        for one in rule_ids:
            self.standing.pop(one, None)

    def tag(self, rule_ids: Sequence[str], tags: Mapping[str, str]) -> None:
        for one in rule_ids:
            self._retag(one, {**dict(self._there(one).tags), **tags})

    def untag(self, rule_ids: Sequence[str], keys: Sequence[str]) -> None:
        for one in rule_ids:
            self._retag(one, {key: value for key, value in self._there(one).tags if key not in keys})

    def _there(self, rule_id: str) -> IngressRule:
        if rule_id not in self.standing:
            raise NotFoundError("CreateTags", "InvalidSecurityGroupRuleId.NotFound", rule_id)
        return self.standing[rule_id]

    def _retag(self, rule_id: str, tags: Mapping[str, str]) -> None:
        self.standing[rule_id] = dataclasses.replace(self._there(rule_id), tags=tuple(sorted(tags.items())))

    @staticmethod
    def _counts(rule: IngressRule, source: PrefixList) -> bool:
        if rule.cidr:
            return (":" in rule.cidr) == (source.family == "IPV6")
        return rule.prefix_list_id in {None, source.id}

    @staticmethod
    def _weight(rule: IngressRule) -> int:
        return 10 if rule.prefix_list_id else 1


@dataclass
class Requirements:
    """The requirements and the rules in the registry."""

    written: dict[tuple[str, str], IngressRequirement] = field(default_factory=dict)
    rules: dict[tuple[str, AllowedPorts], AuthorizedRule] = field(default_factory=dict)
    tokens: Iterator[int] = field(default_factory=itertools.count)

    def requirements_on(self, group_id: str) -> tuple[IngressRequirement, ...]:
        return tuple(requirement for (group, _), requirement in sorted(self.written.items()) if group == group_id)

    def requirements(self) -> Iterator[IngressRequirement]:
        yield from [requirement for _, requirement in sorted(self.written.items())]

    def put_requirement(self, requirement: IngressRequirement) -> None:
        if requirement.ports:
            self.written[requirement.group_id, requirement.consumer] = requirement
        else:
            self.written.pop((requirement.group_id, requirement.consumer), None)

    def authorized_on(self, group_id: str) -> tuple[AuthorizedRule, ...]:
        return tuple(rule for (group, _), rule in sorted(self.rules.items()) if group == group_id)

    def authorized(self) -> Iterator[AuthorizedRule]:
        yield from [rule for _, rule in sorted(self.rules.items())]

    def put_authorized(self, group_id: str, ports: Iterable[AllowedPorts]) -> None:
        for one in ports:
            self.rules[group_id, one] = AuthorizedRule(group_id, one, str(next(self.tokens)))

    def delete_authorized(self, rule: AuthorizedRule) -> None:
        if self.rules.get((rule.group_id, rule.ports)) == rule:
            del self.rules[rule.group_id, rule.ports]


class Crashed(BaseException):
    """The function's process ends here; nothing catches it."""


@dataclass
class Hooked:
    """Forwards every call to ``inner``, and calls ``before`` first."""

    inner: Any
    before: Callable[[str], None]

    def __getattr__(self, name: str) -> Any:
        method = getattr(self.inner, name)
        if not callable(method):
            return method

        def called(*args: Any, **kwargs: Any) -> Any:
            self.before(name)
            return method(*args, **kwargs)

        return called


def open_groups(ingress, consumer, group_ids, ports, description):
    """What a custom resource opens that may open default groups, too."""
    return resource.open_groups(ingress, consumer, dict.fromkeys(group_ids, True), ports, description)
