"""The inbound rules of a security group as VPC Lattice sees them (decision 13): what is open, which rules are ours,
which should be. Pure.

A rule is ours when it has our owner tag and allows TCP ports from a prefix list of VPC Lattice. Every other rule is
foreign, even with our tag on it: it counts as open, and is never changed.
"""

import dataclasses
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from ipaddress import ip_network

from ecs_lattice import ownership
from ecs_lattice.ingress.model import (
    AllowedPorts,
    IngressRequirement,
    IngressRule,
    PortRange,
    PrefixList,
)
from ecs_lattice.model import AddressFamily

LATTICE_ADDRESSES: dict[AddressFamily, str] = {"IPV4": "169.254.171.0/24", "IPV6": "fd00:ec2:80::/64"}
"""The source addresses of VPC Lattice's requests and health checks: the content of its managed prefix lists (VPC Lattice
User Guide, "Control traffic using security groups")."""
_ALL_PORTS = PortRange(0, 65535)
_TCP = {"tcp", "6"}
_TCP_OR_ALL = {*_TCP, "-1"}  # Amazon EC2 API, SecurityGroupRule, IpProtocol
_TAG_VALUE_LIMIT = 256  # Amazon EC2 User Guide, tag restrictions


@dataclass(frozen=True)
class SecurityGroupRules:
    """The inbound ``rules`` of the group ``group_id``, or of several groups of one task, whose rules add up.

    ``prefix_lists`` are VPC Lattice's in this Region; ``owner`` is this stack (empty where no rule is to count as ours).
    """

    group_id: str
    rules: tuple[IngressRule, ...]
    prefix_lists: tuple[PrefixList, ...]
    owner: str = ""

    def is_open(self, ports: AllowedPorts) -> bool:
        """Whether a single rule lets VPC Lattice in at all of ``ports``."""
        return self.open_rule(ports) is not None

    def open_rule(self, ports: AllowedPorts) -> IngressRule | None:
        """The rule that lets VPC Lattice in at all of ``ports``; None when they are closed."""
        return self.prefix_list_rule(ports) or self.cidr_rule(ports)

    def prefix_list_rule(self, ports: AllowedPorts) -> IngressRule | None:
        """The narrowest rule with VPC Lattice's prefix list as its source that covers ``ports``, whoever owns it."""
        return next((rule for rule, allowed in self._prefix_list_rules if covers(allowed, ports)), None)

    def cidr_rule(self, ports: AllowedPorts) -> IngressRule | None:
        """A rule with an address range as its source, such as ``0.0.0.0/0``, that contains all addresses of VPC Lattice."""
        addresses = ip_network(LATTICE_ADDRESSES[ports.family])
        for rule in self.rules:
            if (
                rule.cidr
                and rule.protocol in _TCP_OR_ALL
                and covers(AllowedPorts(ports.family, rule.ports or _ALL_PORTS), ports)
            ):
                source = ip_network(rule.cidr, strict=False)
                if source.version == addresses.version and addresses.subnet_of(source):  # type: ignore[arg-type]  # one version
                    return rule
        return None

    def may_be_open(self, ports: AllowedPorts) -> bool:
        """Whether a rule covers ``ports`` whose source is another prefix list: its addresses are not known here."""
        lists = {source.id for source in self.prefix_lists}
        return any(
            rule.prefix_list_id not in {None, *lists}
            and rule.protocol in _TCP_OR_ALL
            and covers(AllowedPorts(ports.family, rule.ports or _ALL_PORTS), ports)
            for rule in self.rules
        )

    def prefix_list(self, family: AddressFamily) -> PrefixList | None:
        """VPC Lattice's prefix list of ``family``; None where this Region has none."""
        return next((source for source in self.prefix_lists if source.family == family), None)

    def command(self, ports: Iterable[AllowedPorts]) -> tuple[str, ...]:
        """The words of the AWS CLI command that lets VPC Lattice in; empty where this Region has no prefix list for it."""
        sources = [(allowed.ports, source) for allowed in merged(ports) if (source := self.prefix_list(allowed.family))]
        permissions = [
            f"IpProtocol=tcp,FromPort={range_.first},ToPort={range_.last},PrefixListIds=[{{PrefixListId={source.id}}}]"
            for range_, source in sources
        ]
        if not permissions:
            return ()
        group, region = ("--group-id", self.group_id), ("--region", sources[0][1].region)
        return ("aws", "ec2", "authorize-security-group-ingress", *group, "--ip-permissions", *permissions, *region)

    @property
    def allowed(self) -> frozenset[AllowedPorts]:
        """The ports at which rules with VPC Lattice's prefix lists let it in."""
        return frozenset(allowed for _, allowed in self._prefix_list_rules)

    @cached_property
    def ours(self) -> Mapping[AllowedPorts, IngressRule]:
        """Our rules by the ports that they open; EC2 accepts no duplicates."""
        tag = (ownership.OWNER, self.owner)
        return {
            allowed: rule
            for rule, allowed in self._prefix_list_rules
            if tag in rule.tags and rule.protocol in _TCP and rule.ports
        }

    @property
    def foreign(self) -> frozenset[AllowedPorts]:
        """The ports that foreign rules open for VPC Lattice's prefix lists."""
        ours = set(self.ours.values())
        return frozenset(allowed for rule, allowed in self._prefix_list_rules if rule not in ours)

    def weight(self, family: AddressFamily) -> int:
        """How much of the quota the rules of one family use, at least: the weight of other prefix lists is unknown here.

        IPv4 and IPv6 rules count separately; a rule that references a security group counts for both (Amazon VPC quotas).
        """
        weights = {source.id: source.weight * (source.family == family) for source in self.prefix_lists}
        cidrs = [rule.cidr for rule in self.rules if rule.cidr]
        others = [weights.get(rule.prefix_list_id or "", 1) for rule in self.rules if not rule.cidr]
        return sum(others) + sum((":" in cidr) == (family == "IPV6") for cidr in cidrs)

    def without(self, rule_ids: Iterable[str]) -> "SecurityGroupRules":
        """The rules after these were revoked, whatever a stale read still shows."""
        revoked = frozenset(rule_ids)
        return dataclasses.replace(self, rules=tuple(rule for rule in self.rules if rule.id not in revoked))

    def with_added(self, rules: Iterable[IngressRule]) -> "SecurityGroupRules":
        """The rules after these were added."""
        by_id = {rule.id: rule for rule in (*self.rules, *rules)}
        return dataclasses.replace(self, rules=tuple(by_id.values()))

    @cached_property
    def _prefix_list_rules(self) -> list[tuple[IngressRule, AllowedPorts]]:
        """Narrow rules first."""
        families = {source.id: source.family for source in self.prefix_lists}
        found = [
            (rule, AllowedPorts(families[rule.prefix_list_id], rule.ports or _ALL_PORTS))
            for rule in self.rules
            if rule.prefix_list_id in families and rule.protocol in _TCP_OR_ALL
        ]
        return sorted(found, key=lambda entry: (entry[1].ports.last - entry[1].ports.first, entry[0].id))


def covers(wider: AllowedPorts, ports: AllowedPorts) -> bool:
    """Whether ``wider`` includes all of ``ports``, of the same family."""
    first, last = ports.ports.first, ports.ports.last
    return wider.family == ports.family and wider.ports.first <= first and last <= wider.ports.last


def covered(ports: Iterable[AllowedPorts], by: Iterable[AllowedPorts]) -> set[AllowedPorts]:
    """Those of ``ports`` that a single one of ``by`` covers."""
    covering = tuple(by)
    return {narrow for narrow in ports if any(covers(wide, narrow) for wide in covering)}


def merged(ports: Iterable[AllowedPorts]) -> tuple[AllowedPorts, ...]:
    """The fewest ranges with exactly the same ports of each family: overlapping and adjacent ranges become one. Sorted."""
    found: list[AllowedPorts] = []
    for allowed in sorted(ports):
        last = found[-1] if found else None
        if last and last.family == allowed.family and allowed.ports.first <= last.ports.last + 1:
            both = PortRange(last.ports.first, max(last.ports.last, allowed.ports.last))
            found[-1] = AllowedPorts(last.family, both)
        else:
            found.append(allowed)
    return tuple(found)


def maximal(ports: Iterable[AllowedPorts]) -> tuple[AllowedPorts, ...]:
    """Those of ``ports`` that none of the others covers. Sorted."""
    distinct = set(ports)
    return tuple(sorted(ports for ports in distinct if not covered([ports], distinct - {ports})))


def desired_ports(rules: SecurityGroupRules, requirements: Iterable[IngressRequirement]) -> frozenset[AllowedPorts]:
    """The ports for which the group should have a rule of ours, one rule each; adjacent ranges are one.

    Ports that a foreign rule opens need none; but an existing rule of ours is kept as long as all of its ports are required,
    so that nobody comes to depend on a foreign rule.
    """
    required = {ports for ports in _required(requirements) if rules.prefix_list(ports.family)}
    foreign = rules.foreign
    kept = covered(rules.ours, by=merged(required))
    desired = set(merged((required - covered(required, by=foreign)) | kept))
    # EC2 rejects a duplicate of a rule: where a foreign rule covers the merged range, our narrower ones stay as they are.
    duplicates = covered(desired, by=foreign)
    return frozenset((desired - duplicates) | set(maximal(covered(kept, by=duplicates))))


def missing_ports(
    rules: SecurityGroupRules, requirements: Iterable[IngressRequirement], ports: Iterable[AllowedPorts]
) -> tuple[AllowedPorts, ...]:
    """The rules to add, by their ports, to open those of ``ports`` that no prefix-list rule opens. Sorted."""
    closed = [allowed for allowed in ports if not rules.prefix_list_rule(allowed)]
    desired = desired_ports(rules, requirements) if closed else ()
    return tuple(sorted(allowed for allowed in desired if covered(closed, by=[allowed])))


def unneeded_rules(rules: SecurityGroupRules, requirements: Collection[IngressRequirement]) -> tuple[str, ...]:
    """The ids of our rules to revoke: not desired, and every required port of theirs is open by another rule."""
    desired, required = desired_ports(rules, requirements), _required(requirements)
    undesired = {ports: rule.id for ports, rule in rules.ours.items() if ports not in desired}
    remaining = rules.without(undesired.values())
    uncovered = covered(required, by=rules.allowed) - covered(required, by=remaining.allowed)
    return tuple(rule_id for ports, rule_id in undesired.items() if not covered(uncovered, by=[ports]))


def requirement_tags(
    rules: SecurityGroupRules, requirements: Iterable[IngressRequirement]
) -> dict[IngressRule, dict[str, str]]:
    """The tags of our rules beside the owner's: one for each custom resource that requires the rule, with the ports."""
    resources = [requirement for requirement in requirements if not is_service(requirement.consumer)]
    tags: dict[IngressRule, dict[str, str]] = {}
    for allowed, rule in rules.ours.items():
        values = {
            requirement.consumer: " ".join(str(part.ports) for part in merged(covered(requirement.ports, by=[allowed])))
            for requirement in resources
        }
        tags[rule] = {
            ownership.INGRESS + key: value for key, value in values.items() if 0 < len(value) <= _TAG_VALUE_LIMIT
        }
    return tags


def is_service(consumer: str) -> bool:
    """Whether the consumer is an ECS service, which declares its requirements itself; else it is a custom resource."""
    return consumer.startswith("arn:")


def _required(requirements: Iterable[IngressRequirement]) -> set[AllowedPorts]:
    return {ports for requirement in requirements for ports in requirement.ports}
