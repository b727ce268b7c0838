"""Opens security groups for VPC Lattice, and closes them when nobody requires them open, by
:mod:`ecs_lattice.ingress.group` (decision 12).

ECS services, custom resources and other owners share security groups, and nothing locks them. So every consumer records
its requirement *before* it reads the rules, and whoever revokes a rule reads the requirements *after* that and restores
what has become required meanwhile: no interleaving leaves a requirement unmet. Rules may be added anywhere; a rule that
routes required is revoked by the sweep alone (:mod:`ecs_lattice.ingress.sweep`).

Anybody may put our tag on a rule. So the registry also records every rule *before* it is added, and a rule is revoked only
if it has our tag and is recorded (decision 47).
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from ecs_lattice import ownership
from ecs_lattice.bounds import listed
from ecs_lattice.errors import AwsError, DeniedError, InvalidError, NotFoundError, QuotaError
from ecs_lattice.history import note
from ecs_lattice.ingress import problems
from ecs_lattice.ingress.group import (
    SecurityGroupRules,
    covered,
    desired_ports,
    is_service,
    missing_ports,
    requirement_tags,
    unneeded_rules,
)
from ecs_lattice.ingress.limits import DEFAULT_QUOTA, GroupsMode
from ecs_lattice.ingress.model import AllowedPorts, IngressRequirement, IngressRule, PrefixList
from ecs_lattice.ingress.ports import SecurityGroups
from ecs_lattice.model import AddressFamily
from ecs_lattice.outcome import Problem
from ecs_lattice.ports import Registry


@dataclass(frozen=True, slots=True)
class OpenedGroup:
    """The rules of a group after it was opened. ``full``: its id with the ports for which it has no room; ``problem``: why no
    rule could be added; ``services``: the ECS services (ARNs) that require ports of it."""

    rules: SecurityGroupRules
    full: frozenset[tuple[str, AllowedPorts]] = frozenset()
    problem: Problem | None = None
    services: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Ingress:
    """Ingress for the stack ``owner``. Only groups of ``account`` are opened (None: the consumer's, where it is an ARN), and of
    those for new requirements only the ones that ``mode`` allows. ``quota``: how many inbound rules a group may have.

    Raises ThrottledError and UnavailableError of EC2 and the registry: every method may be repeated.
    """

    groups: SecurityGroups
    registry: Registry
    owner: str
    label_prefix: str
    account: str | None = None
    mode: GroupsMode = "any"
    quota: int = DEFAULT_QUOTA

    def families(self) -> tuple[AddressFamily, ...]:
        """The address families for which this Region has a prefix list of VPC Lattice."""
        return tuple(sorted(source.family for source in self.groups.prefix_lists()))

    def close(
        self, consumer: str, group_ids: Iterable[str], keep: Mapping[str, Collection[AllowedPorts]] | None = None
    ) -> tuple[str, ...]:
        """Delete what ``consumer`` requires of the groups, except ``keep``, and revoke at once what nobody else requires.

        Returns the ids of the revoked rules. Where the registry does not know the requirement, nothing is revoked: the table,
        and with it the requirements of others, may have been lost. The resync revokes such rules once it has rebuilt them.
        """
        revoked: list[str] = []
        for group_id in sorted(set(group_ids)):
            before = self._required_by(consumer, group_id)
            self.require(consumer, group_id, (keep or {}).get(group_id, ()))
            if not before:
                continue
            try:
                # A wide rule that is required in part is revoked once that part has a rule of its own.
                rules = self.restore(self.read([group_id])[group_id])
                unneeded = unneeded_rules(rules, self.registry.requirements_on(group_id))
                revoked += self.revoke(rules, self._recorded(rules, unneeded) if unneeded else ())
            except AwsError:
                # A repetition must find the requirement again, and so must an opening that has come meanwhile.
                self.require(consumer, group_id, before | self._required_by(consumer, group_id))
                raise
        return tuple(revoked)

    def require(self, consumer: str, group_id: str, ports: Collection[AllowedPorts]) -> None:
        """Record what ``consumer`` requires of the group. Without ``ports`` the rules are revoked by the sweep."""
        self.registry.put_requirement(IngressRequirement(group_id, consumer, tuple(sorted(set(ports)))))

    def read(self, group_ids: Collection[str]) -> dict[str, SecurityGroupRules]:
        """The rules of each group as of now, with as few calls as possible; none for a group that does not exist."""
        if not group_ids:
            return {}
        prefix_lists, rules = self.groups.prefix_lists(), self.groups.rules(sorted(group_ids))
        return {
            group_id: SecurityGroupRules(
                group_id, tuple(rule for rule in rules if rule.group_id == group_id), prefix_lists, self.owner
            )
            for group_id in group_ids
        }

    def open_group(
        self, consumer: str, group_id: str, ports: Collection[AllowedPorts], description: str
    ) -> OpenedGroup:
        """Record that ``consumer`` requires ``ports`` of the group, then add the rules that are missing for them."""
        self.require(consumer, group_id, ports)
        requirements, rules = self.registry.requirements_on(group_id), self.read([group_id])[group_id]
        try:
            rules, without_room = self.authorize(rules, missing_ports(rules, requirements, ports), description)
            self.tag(rules, requirements)
        except DeniedError as error:
            return OpenedGroup(rules, problem=problems.denied([group_id], error, self.label_prefix))
        except NotFoundError:
            return OpenedGroup(rules, problem=problems.no_group(group_id))
        closed = [allowed for allowed in ports if not rules.prefix_list_rule(allowed)]
        full = frozenset((group_id, allowed) for allowed in closed if covered([allowed], by=without_room))
        services = frozenset(requirement.consumer for requirement in requirements if is_service(requirement.consumer))
        return OpenedGroup(rules, full, services=services)

    def authorize(
        self, rules: SecurityGroupRules, ports: Collection[AllowedPorts], description: str
    ) -> tuple[SecurityGroupRules, tuple[AllowedPorts, ...]]:
        """Add a rule for each of ``ports``; the rules afterwards, and the ports for which there was no room."""
        sources = [(allowed, source) for allowed in ports if (source := rules.prefix_list(allowed.family))]
        if not sources:
            return rules, ()
        try:
            added = self._add(rules.group_id, sources, description)
        except QuotaError:
            if len(sources) == 1:
                return rules, tuple(ports)
            full: list[AllowedPorts] = []
            for allowed in ports:  # some may fit, and IPv4 and IPv6 have a quota each
                rules, rejected = self.authorize(rules, [allowed], description)
                full += rejected
            return rules, tuple(full)
        note(
            f"open security group {rules.group_id} for VPC Lattice on {listed([str(allowed) for allowed, _ in sources])}",
            "AuthorizeSecurityGroupIngress",
        )
        return rules.with_added(added), ()

    def _add(
        self, group_id: str, sources: list[tuple[AllowedPorts, PrefixList]], description: str
    ) -> tuple[IngressRule, ...]:
        """Record the rules, then add them: a rule that a crash leaves behind is known. Those that EC2 has rejected are not:
        somebody else may add them by hand."""
        self.registry.put_authorized(group_id, [allowed for allowed, _ in sources])
        try:
            return self.groups.authorize(group_id, sources, description, {ownership.OWNER: self.owner})
        except (QuotaError, DeniedError, NotFoundError, InvalidError):
            rejected = {allowed for allowed, _ in sources}
            for rule in self.registry.authorized_on(group_id):
                if rule.ports in rejected:
                    self.registry.delete_authorized(rule)
            raise

    def restore(self, rules: SecurityGroupRules) -> SecurityGroupRules:
        """Add every rule that is required and missing, as far as there is room."""
        missing = desired_ports(rules, self.registry.requirements_on(rules.group_id)) - set(rules.ours)
        try:
            return self.authorize(rules, sorted(missing), "VPC Lattice, required by several consumers")[0]
        except NotFoundError:
            return rules

    def revoke(self, rules: SecurityGroupRules, rule_ids: tuple[str, ...]) -> tuple[str, ...]:
        """Revoke these rules of ours, then restore what has become required meanwhile; returns ``rule_ids``."""
        if rule_ids:
            self.groups.revoke(rules.group_id, rule_ids)
            note(
                f"revoke the rules {listed(rule_ids)} of security group {rules.group_id}", "RevokeSecurityGroupIngress"
            )
        rules, requirements = rules.without(rule_ids), self.registry.requirements_on(rules.group_id)
        if any(not rules.prefix_list_rule(allowed) for requirement in requirements for allowed in requirement.ports):
            rules = self.restore(rules)
        self.tag(rules, requirements)
        return rule_ids

    def tag(self, rules: SecurityGroupRules, requirements: Iterable[IngressRequirement]) -> None:
        """Tag our rules with the custom resources that require them: a lost table is rebuilt from these tags."""
        for rule, desired in requirement_tags(rules, requirements).items():
            existing = {key: value for key, value in rule.tags if key.startswith(ownership.INGRESS)}
            changed = dict(desired.items() - existing.items())
            stale = sorted(existing.keys() - desired.keys())
            try:
                if changed:
                    self.groups.tag([rule.id], changed)
                if stale:
                    self.groups.untag([rule.id], stale)
            except (NotFoundError, QuotaError, InvalidError):
                continue  # deleted meanwhile, or it has as many tags as EC2 allows: the rule goes without

    def _recorded(self, rules: SecurityGroupRules, rule_ids: Collection[str]) -> tuple[str, ...]:
        """Those of our rules ``rule_ids`` that the registry has recorded."""
        recorded = {rule.ports for rule in self.registry.authorized_on(rules.group_id)}
        return tuple(rule.id for ports, rule in rules.ours.items() if rule.id in rule_ids and ports in recorded)

    def _required_by(self, consumer: str, group_id: str) -> frozenset[AllowedPorts]:
        requirements = self.registry.requirements_on(group_id)
        return frozenset(
            allowed for requirement in requirements if requirement.consumer == consumer for allowed in requirement.ports
        )
