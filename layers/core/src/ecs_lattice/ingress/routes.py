"""Ingress for the routes of an ECS service: one of the security groups on its tasks has to let VPC Lattice in.

The rules of all groups of a task add up (Amazon VPC User Guide, security groups), so ports that are open in any of them are
left as they are. Closed ports are opened in the first group that belongs to this account, is not the VPC's default group, has
room, and is within the limits of new requirements.
"""

import dataclasses
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ecs_lattice.ingress import problems
from ecs_lattice.ingress.group import SecurityGroupRules, covered, desired_ports, is_service, missing_ports
from ecs_lattice.ingress.limits import Limits
from ecs_lattice.ingress.model import AllowedPorts, IngressRequirement, PortRequirement, SecurityGroup
from ecs_lattice.ingress.open import Ingress, OpenedGroup
from ecs_lattice.model import AddressFamily
from ecs_lattice.outcome import Problem


@dataclass(frozen=True, slots=True)
class OpenedRoutes:
    """``closed``: the requirements that are not met, and why. ``group_ids``: the groups of which the consumer requires
    anything now. ``rules``: those of each group afterwards."""

    closed: tuple[tuple[PortRequirement, Problem], ...]
    notices: tuple[Problem, ...]
    group_ids: tuple[str, ...]
    rules: Mapping[str, SecurityGroupRules]


@dataclass(frozen=True, slots=True)
class TaskSecurityGroups:
    """The security groups on the tasks of one ECS service. ``known``: those that exist; ``ours``: those of this account;
    ``families``: those for which the Region has a prefix list; ``full``: the ports for which a group has no room;
    ``assigned``: the group that was to be opened for each requirement; ``violated``: the limit because
    of which none may be opened for it (the code of a problem, and the group)."""

    known: Mapping[str, SecurityGroup]
    rules: Mapping[str, SecurityGroupRules]
    ours: Mapping[str, SecurityGroup]
    families: Collection[AddressFamily]
    limits: Limits
    full: frozenset[tuple[str, AllowedPorts]] = frozenset()
    assigned: Mapping[PortRequirement, str] = field(default_factory=dict)
    violated: Mapping[PortRequirement, tuple[str, str]] = field(default_factory=dict)

    def assign(self, requirements: Sequence[PortRequirement]) -> "TaskSecurityGroups":
        """With the group that has to let VPC Lattice in, for each requirement for which one may be opened: a group that is open,
        else one with room, else the first one; the default group comes last."""
        assigned: dict[PortRequirement, str] = {}
        violated: dict[PortRequirement, tuple[str, str]] = {}
        accepted: dict[str, set[AllowedPorts]] = {}
        # What stands is counted first.
        for requirement in sorted(requirements, key=lambda requirement: not requirement.is_attached):
            candidates, limits = [], []
            for candidate in self._candidates(requirement):
                group_id = candidate[-1]
                group, rules, beside = self.ours[group_id], self.rules[group_id], accepted.get(group_id, ())
                if code := self.limits.violated(requirement, group, rules, beside):
                    limits.append((code, group_id))
                else:
                    candidates.append(candidate)
            if candidates:
                assigned[requirement] = min(candidates)[-1]
                accepted.setdefault(assigned[requirement], set()).add(requirement.ports)
            elif limits:
                violated[requirement] = limits[0]
        return dataclasses.replace(self, assigned=assigned, violated=violated)

    def _candidates(self, requirement: PortRequirement) -> Iterator[tuple[int, bool, int, str]]:
        """The groups that could be opened; the least is the best, and the last member is its id."""
        if requirement.ports.family not in self.families:
            return
        for place, group_id in enumerate(requirement.group_ids):
            group = self.ours.get(group_id)
            if group and (requirement.default_allowed or not group.is_default):
                is_full = (group_id, requirement.ports) in self.full
                order = 0 if self.rules[group_id].prefix_list_rule(requirement.ports) else 1 + is_full
                yield order, group.is_default, place, group_id

    def is_open(self, requirement: PortRequirement) -> bool:
        """Whether the assigned group is open, or any group by a foreign rule or an address range."""
        ports, assigned = requirement.ports, self.assigned.get(requirement)
        if assigned and self.rules[assigned].prefix_list_rule(ports):
            return True
        groups = [self.rules[group_id] for group_id in requirement.group_ids]
        return any(rules.cidr_rule(ports) or covered([ports], by=rules.foreign) for rules in groups)

    def reason(self, requirement: PortRequirement) -> tuple[str, str]:
        """Why the requirement is not met: the code of a problem, and the group that it is about."""
        first, assigned = requirement.group_ids[0], self.assigned.get(requirement)
        if requirement.ports.family not in self.families:
            return "INGRESS_NO_PREFIX_LIST", first
        if assigned:
            return ("INGRESS_GROUP_FULL" if (assigned, requirement.ports) in self.full else "INGRESS_DENIED"), assigned
        if ours := [group_id for group_id in requirement.group_ids if group_id in self.ours]:
            return "INGRESS_DEFAULT_GROUP", ours[0]
        if foreign := [group_id for group_id in requirement.group_ids if group_id in self.known]:
            return "INGRESS_FOREIGN_GROUP", foreign[0]
        return "INGRESS_NO_GROUP", first


@dataclass(frozen=True, slots=True)
class RouteIngress:
    """What the ECS side asks of :class:`~ecs_lattice.ingress.open.Ingress`; for ``consumer`` see
    :class:`~ecs_lattice.ingress.model.IngressRequirement`."""

    ingress: Ingress

    def resolved(self, requirements: Sequence[PortRequirement]) -> tuple[PortRequirement, ...]:
        """The requirements with the default group's id where they name no group."""
        vpcs = sorted({requirement.vpc_id for requirement in requirements if not requirement.group_ids})
        defaults = {vpc_id: (self.ingress.groups.default_group(vpc_id).id,) for vpc_id in vpcs}
        return tuple(
            dataclasses.replace(requirement, group_ids=requirement.group_ids or defaults[requirement.vpc_id])
            for requirement in requirements
        )

    def open(
        self, consumer: str, requirements: Sequence[PortRequirement], before: Collection[str], description: str
    ) -> OpenedRoutes:
        """Open groups for ``requirements`` (:meth:`resolved`). ``before``: groups in which ``consumer`` may have required
        ports until now; those requirements are withdrawn where they have ended."""
        groups = self._groups(consumer, requirements)
        opened: dict[str, OpenedGroup] = {}
        while (planned := groups.assign(requirements)) != groups:  # until no group turns out to be full
            assigned = planned.assigned
            opened = {
                group_id: self.ingress.open_group(
                    consumer,
                    group_id,
                    {requirement.ports for requirement, group in assigned.items() if group == group_id},
                    description,
                )
                for group_id in sorted(set(assigned.values()))
            }
            groups = dataclasses.replace(
                planned,
                rules={**groups.rules, **{group_id: group.rules for group_id, group in opened.items()}},
                full=groups.full.union(*(group.full for group in opened.values())),
            )
        for group_id in sorted({*before, *dict(groups.full)} - set(opened)):
            self.ingress.require(consumer, group_id, ())
        shared = [
            problems.shared(group_id, others)
            for group_id, group in opened.items()
            if (others := group.services - {consumer})
        ]
        notices = (*shared, *self._unmapped(groups, requirements))
        return OpenedRoutes(self._closed(groups, requirements, opened), notices, tuple(opened), groups.rules)

    def _unmapped(self, groups: TaskSecurityGroups, requirements: Sequence[PortRequirement]) -> Iterator[Problem]:
        """Notices of ports that stay open, because they were before, though no new requirement could open them."""
        ports = sorted(
            {
                requirement.ports
                for requirement in requirements
                if not requirement.is_mapped and groups.is_open(requirement)
            }
        )
        if ports:
            first = next(requirement for requirement in requirements if requirement.ports == ports[0])
            group_id = groups.assigned.get(first, first.group_ids[0])
            yield problems.not_mapped(groups.rules[group_id], ports, self.ingress.label_prefix)

    def preview(self, consumer: str, requirements: Sequence[PortRequirement]) -> tuple[IngressRequirement, ...]:
        """The rules that :meth:`open` would add now, by group; writes nothing."""
        groups = self._groups(consumer, requirements)
        assigned = groups.assign(requirements).assigned
        found = []
        for group_id in sorted(set(assigned.values())):
            ports = tuple(sorted({requirement.ports for requirement, group in assigned.items() if group == group_id}))
            required = [*groups.limits.others(group_id), IngressRequirement(group_id, consumer, ports)]
            if missing := missing_ports(groups.rules[group_id], required, ports):
                found.append(IngressRequirement(group_id, consumer, missing))
        return tuple(found)

    def closed(
        self, consumer: str, requirements: Sequence[PortRequirement]
    ) -> tuple[tuple[Problem, ...], dict[PortRequirement, Problem]]:
        """Notices of the groups that are closed for routes whose groups are not to be opened, and those of the requirements
        that are certainly not met: no rule for these ports has a source that is not known here."""
        rules = {}
        groups = self._groups(consumer, requirements)
        for group_id, current in groups.rules.items():
            # A rule of ours that only this ECS service required is about to be revoked.
            kept = desired_ports(current, groups.limits.others(group_id))
            rules[group_id] = current.without([rule.id for ports, rule in current.ours.items() if ports not in kept])
        closed: dict[str, list[PortRequirement]] = {}
        for unmet in requirements:
            if not any(rules[group_id].is_open(unmet.ports) for group_id in unmet.group_ids):
                closed.setdefault(unmet.group_ids[0], []).append(unmet)
        found: dict[PortRequirement, Problem] = {}
        for group_id, left in sorted(closed.items()):
            ports = {requirement.ports for requirement in left}
            found |= dict.fromkeys(left, problems.off(rules[group_id], ports, self.ingress.label_prefix))
        certain = {r: why for r, why in found.items() if not any(rules[g].may_be_open(r.ports) for g in r.group_ids)}
        return tuple(dict.fromkeys(found.values())), certain

    def _groups(self, consumer: str, requirements: Sequence[PortRequirement]) -> TaskSecurityGroups:
        ids = sorted({group_id for requirement in requirements for group_id in requirement.group_ids})
        known = {group.id: group for group in self.ingress.groups.groups(ids)}
        account = self.ingress.account or (consumer.split(":")[4] if is_service(consumer) else None)
        ours = {group_id: group for group_id, group in known.items() if account in {None, group.account}}
        rules = self.ingress.read(ids)
        families = {source.family for group_rules in rules.values() for source in group_rules.prefix_lists}
        return TaskSecurityGroups(known, rules, ours, families, self._limits(consumer, requirements, ids))

    def _limits(self, consumer: str, requirements: Sequence[PortRequirement], group_ids: Sequence[str]) -> Limits:
        recorded = {group_id: self.ingress.registry.requirements_on(group_id) for group_id in group_ids}
        asked = frozenset(requirement.ports for requirement in requirements)
        return Limits(consumer, self.ingress.mode, recorded, asked, self.ingress.quota)

    def _closed(
        self, groups: TaskSecurityGroups, requirements: Sequence[PortRequirement], opened: Mapping[str, OpenedGroup]
    ) -> tuple[tuple[PortRequirement, Problem], ...]:
        """The requirements that are not met; those with the same reason and group have one problem together."""
        unmet: dict[tuple[str, str], list[PortRequirement]] = {}
        for requirement in requirements:
            if not groups.is_open(requirement):
                reason = groups.violated.get(requirement) or groups.reason(requirement)
                unmet.setdefault(reason, []).append(requirement)
        found: list[tuple[PortRequirement, Problem]] = []
        for (code, group_id), closed in unmet.items():
            ports = sorted({requirement.ports for requirement in closed})
            problem = self._problem(groups, code, group_id, ports) or opened[group_id].problem
            found += [(requirement, problem or problems.no_group(group_id)) for requirement in closed]
        return tuple(found)

    def _problem(
        self, groups: TaskSecurityGroups, code: str, group_id: str, ports: Sequence[AllowedPorts]
    ) -> Problem | None:
        rules = groups.rules[group_id]
        match code:
            case "INGRESS_NO_PREFIX_LIST":
                return problems.no_prefix_list(ports[0].family)
            case "INGRESS_GROUP_FULL":
                return problems.full(rules, ports)
            case "INGRESS_DEFAULT_GROUP":
                return problems.default_group(rules, ports, self.ingress.label_prefix)
            case "INGRESS_FOREIGN_GROUP":
                return problems.foreign_group(rules, groups.known[group_id], ports)
            case "INGRESS_NO_GROUP":
                return problems.no_group(group_id)
            case "INGRESS_TAGGED_OFF":
                return problems.tagged_off(rules, ports)
            case "INGRESS_NOT_TAGGED":
                return problems.not_tagged(rules, ports)
            case "HEALTH_PORT_NOT_MAPPED":
                return problems.not_mapped(rules, ports, self.ingress.label_prefix)
            case "INGRESS_HALF_USED":
                return problems.half_used(rules, ports, self.ingress.quota)
        return None
