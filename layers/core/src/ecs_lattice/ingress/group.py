"""One security group as VPC Lattice meets it: what lets it in, which of that is ours, what should be ours. Pure.

Ours is a rule with our owner tag that lets TCP ports in from VPC Lattice's managed prefix list. Any other rule is somebody
else's, also one that carries our tag: it is counted and relied on, and never written.
"""

import dataclasses
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from ipaddress import ip_network

from ecs_lattice import ownership
from ecs_lattice.ingress.model import AllowedPorts, IngressRequirement, IngressRule, PortRange, PrefixList
from ecs_lattice.ingress.ranges import covers, is_covered, merged, outermost
from ecs_lattice.model import AddressFamily

_EVERY_PORT = PortRange(0, 65535)
_TCP, _EVERYTHING = {"tcp", "6"}, "-1"  # Amazon EC2 API, SecurityGroupRule, IpProtocol
_FROM: dict[AddressFamily, str] = {"IPV4": "169.254.171.0/24", "IPV6": "fd00:ec2:80::/64"}
"""From where VPC Lattice reaches targets: what its prefix lists hold (VPC Lattice User Guide, security groups)."""


@dataclass(frozen=True, slots=True)
class SecurityGroupRules:
    """The inbound rules of the group ``group_id``; ``lists`` are the prefix lists of this Region, ``owner`` our stack's."""

    group_id: str
    rules: tuple[IngressRule, ...]
    lists: tuple[PrefixList, ...]
    owner: str

    @property
    def ours(self) -> Mapping[AllowedPorts, IngressRule]:
        """Our rules by what they open; EC2 has no two equal ones."""
        return {opening: rule for rule in self.rules if self._is_ours(rule) and (opening := self._opening(rule))}

    @property
    def foreign(self) -> frozenset[AllowedPorts]:
        """What rules of others open for VPC Lattice's prefix lists."""
        openings = (self._opening(rule) for rule in self.rules if not self._is_ours(rule))
        return frozenset(opening for opening in openings if opening)

    def rule_for(self, opening: AllowedPorts) -> IngressRule | None:
        """The prefix-list rule, ours or not, that lets all of ``opening`` in: the narrowest one; None when there is none."""
        found = [
            (given.ports.last - given.ports.first, rule.id, rule)
            for rule in self.rules
            if (given := self._opening(rule)) and covers(given, opening)
        ]
        return min(found)[2] if found else None

    def wide_rule_for(self, opening: AllowedPorts) -> IngressRule | None:
        """A rule by addresses that lets ``opening`` in from everywhere that VPC Lattice comes from (``0.0.0.0/0``)."""
        return next((rule for rule in self.rules if rule.cidr and _lets_in(rule, opening)), None)

    def lists_of(self, opening: AllowedPorts) -> PrefixList | None:
        """The prefix list of the opening's family; None where this Region has none."""
        return next((one for one in self.lists if one.family == opening.family), None)

    def weight(self, family: AddressFamily) -> int:
        """What the rules of one family weigh, at least: another prefix list weighs what it says, which is not known here.

        Rules for IPv4 and for IPv6 are counted apart; one that names a group counts for both (Amazon VPC quotas).
        """
        return sum(self._weight(rule, family) for rule in self.rules)

    def without(self, rule_ids: Collection[str]) -> "SecurityGroupRules":
        """The gate after these rules were taken away, whatever a stale read still shows."""
        return dataclasses.replace(self, rules=tuple(rule for rule in self.rules if rule.id not in rule_ids))

    def _opening(self, rule: IngressRule) -> AllowedPorts | None:
        source = next((one for one in self.lists if one.id == rule.prefix_list_id), None)
        if source is None or rule.protocol not in {*_TCP, _EVERYTHING}:
            return None
        return AllowedPorts(source.family, rule.ports or _EVERY_PORT)

    def _is_ours(self, rule: IngressRule) -> bool:
        is_tagged = (ownership.OWNER, self.owner) in rule.tags
        return is_tagged and rule.protocol in _TCP and rule.ports is not None

    def _weight(self, rule: IngressRule, family: AddressFamily) -> int:
        if rule.cidr:
            return int((":" in rule.cidr) == (family == "IPV6"))
        source = next((one for one in self.lists if one.id == rule.prefix_list_id), None)
        return 1 if source is None else source.weight * (source.family == family)


def _lets_in(rule: IngressRule, opening: AllowedPorts) -> bool:
    if rule.protocol not in {*_TCP, _EVERYTHING} or not (rule.ports or _EVERY_PORT).covers(opening.ports):
        return False
    given, asked = ip_network(rule.cidr or "", strict=False), ip_network(_FROM[opening.family])
    return given.version == asked.version and asked.subnet_of(given)  # type: ignore[arg-type]  # of one version


def should_be_ours(gate: SecurityGroupRules, requirements: Iterable[IngressRequirement]) -> frozenset[AllowedPorts]:
    """The openings for which there should be a rule of ours, one rule each.

    What somebody else's prefix-list rule lets in needs none; but a rule of ours that is there stays as long as all of its
    ports are needed, so that nothing depends on a stranger's rule that did not before. Ranges that touch are one.
    """
    openings = {opening for requirement in requirements for opening in requirement.openings if gate.lists_of(opening)}
    foreign, needed = gate.foreign, merged(openings)
    standing = {opening for opening in gate.ours if is_covered(opening, needed)}
    wanted = merged({opening for opening in openings if not is_covered(opening, foreign)} | standing)
    # EC2 takes no rule that is there already: where a stranger's covers the merged one, ours stay as they are.
    relics = {one for one in standing for whole in wanted if covers(whole, one) and is_covered(whole, foreign)}
    return frozenset(one for one in wanted if not is_covered(one, foreign)) | frozenset(outermost(relics))


def unneeded(gate: SecurityGroupRules, requirements: Iterable[IngressRequirement]) -> tuple[IngressRule, ...]:
    """Our rules that may go: nobody needs them, and what is needed of their ports another rule lets in."""
    requirements = tuple(requirements)
    wanted = should_be_ours(gate, requirements)
    openings = {opening for requirement in requirements for opening in requirement.openings}
    going = {opening: rule for opening, rule in gate.ours.items() if opening not in wanted}
    without = gate.without([rule.id for rule in going.values()])
    bare = {opening for opening in openings if gate.rule_for(opening) and not without.rule_for(opening)}
    return tuple(rule for opening, rule in going.items() if not any(covers(opening, one) for one in bare))


def marks(gate: SecurityGroupRules, requirements: Iterable[IngressRequirement]) -> dict[IngressRule, dict[str, str]]:
    """The tags that our rules should carry beside the owner's: for each custom resource that needs the rule, which ports."""
    tags: dict[IngressRule, dict[str, str]] = {rule: {} for rule in gate.ours.values()}
    for requirement in requirements:
        if is_service(requirement.consumer):
            continue
        for opening, rule in gate.ours.items():
            inside = merged(one for one in requirement.openings if covers(opening, one))
            value = " ".join(str(one.ports) for one in inside)
            if inside and len(value) <= _TAG_VALUE_LIMIT:
                tags[rule][ownership.INGRESS + requirement.consumer] = value
    return tags


def is_service(consumer: str) -> bool:
    """Whether the needer is an ECS service, which says by itself what it needs; else it is a custom resource."""
    return consumer.startswith("arn:")


_TAG_VALUE_LIMIT = 256  # Amazon EC2 User Guide, tag restrictions
