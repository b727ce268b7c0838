"""Ingress for the routes of an ECS service: one of the security groups on its tasks has to let VPC Lattice in.

The rules of all groups of a task add up (Amazon VPC User Guide, security groups), so ports that are open in any of them are
left as they are. Closed ports are opened in the first group that belongs to this account, is not the VPC's default group, and
has room.
"""

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from ecs_lattice.ingress import problems
from ecs_lattice.ingress.group import SecurityGroupRules, desired_ports, is_service, missing_ports
from ecs_lattice.ingress.model import AllowedPorts, IngressRequirement, SecurityGroup, covered
from ecs_lattice.ingress.open import Ingress, OpenedGroup
from ecs_lattice.outcome import Problem


@dataclass(frozen=True, slots=True, order=True)
class PortRequirement:
    """The ports that the tasks of a deployment require open in one of ``group_ids``; without those, in the default group of
    the VPC ``vpc_id`` (Amazon ECS API, AwsVpcConfiguration). ``default_allowed``: whether the default group may be opened."""

    group_ids: tuple[str, ...]
    vpc_id: str
    ports: AllowedPorts
    default_allowed: bool = False


@dataclass(frozen=True, slots=True)
class OpenedRoutes:
    """``closed``: the requirements that are not met, and why. ``group_ids``: the groups of which the ECS service requires
    anything now."""

    closed: tuple[tuple[PortRequirement, Problem], ...] = ()
    notices: tuple[Problem, ...] = ()
    group_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TaskSecurityGroups:
    """The security groups on the tasks of one ECS service. ``known``: those that exist; ``ours``: those of this account;
    ``full``: the ports for which a group has no room."""

    known: Mapping[str, SecurityGroup]
    rules: Mapping[str, SecurityGroupRules]
    ours: Collection[str]
    full: frozenset[tuple[str, AllowedPorts]] = frozenset()

    def choose(self, requirements: Sequence[PortRequirement]) -> dict[str, list[AllowedPorts]]:
        """The ports to open in each group, in order; none where no group may be opened, or the Region has no prefix list."""
        chosen: dict[str, set[AllowedPorts]] = {}
        for requirement in requirements:
            group_id = self.group_for(requirement)
            if group_id and self.rules[group_id].prefix_list(requirement.ports.family):
                chosen.setdefault(group_id, set()).add(requirement.ports)
        return {group_id: sorted(ports) for group_id, ports in sorted(chosen.items())}

    def group_for(self, requirement: PortRequirement) -> str | None:
        """The group that has to let VPC Lattice in: an open one, else one with room, else the first one that may be opened."""
        candidates, ports = self._candidates(requirement), requirement.ports
        opened = (one for one in candidates if self.rules[one].prefix_list_rule(ports))
        with_room = (one for one in candidates if (one, ports) not in self.full)
        return next(opened, None) or next(with_room, None) or next(iter(candidates), None)

    def is_open(self, requirement: PortRequirement) -> bool:
        """Whether a group is open: by an address range, by a foreign rule, or by a rule of ours where we may open it."""
        candidates = self._candidates(requirement)
        return any(
            rules.is_open(requirement.ports)
            if rules.group_id in candidates
            else rules.cidr_rule(requirement.ports) or covered([requirement.ports], by=rules.foreign)
            for rules in map(self.rules.__getitem__, requirement.group_ids)
        )

    def reason(self, requirement: PortRequirement) -> tuple[str, str]:
        """Why the requirement is not met: the code of a problem, and the group that it is about."""
        first, group_id = requirement.group_ids[0], self.group_for(requirement)
        if not self.rules[first].prefix_list(requirement.ports.family):
            return "INGRESS_NO_PREFIX_LIST", first
        if group_id:
            return ("INGRESS_GROUP_FULL" if (group_id, requirement.ports) in self.full else "INGRESS_DENIED"), group_id
        ours = (one for one in requirement.group_ids if one in self.ours)
        if default := next(ours, None):
            return "INGRESS_DEFAULT_GROUP", default
        foreign = next((one for one in requirement.group_ids if one in self.known), None)
        return ("INGRESS_FOREIGN_GROUP", foreign) if foreign else ("INGRESS_NO_GROUP", first)

    def _candidates(self, requirement: PortRequirement) -> list[str]:
        """The groups that may be opened, the default group last."""
        groups = [self.known[one] for one in requirement.group_ids if one in self.ours]
        allowed = [group for group in groups if requirement.default_allowed or not group.is_default]
        return [group.id for group in sorted(allowed, key=lambda group: group.is_default)]


@dataclass(frozen=True, slots=True)
class RouteIngress:
    """What the ECS side asks of :class:`~ecs_lattice.ingress.open.Ingress`; ``consumer`` is the ECS service's ARN."""

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
        while True:
            chosen = groups.choose(requirements)
            for group_id, ports in chosen.items():
                self.ingress.require(consumer, group_id, ports)
            opened = {
                group_id: self.ingress.open_group(group_id, ports, description) for group_id, ports in chosen.items()
            }
            full = groups.full | {(group_id, ports) for group_id, group in opened.items() for ports in group.full}
            rules = {**groups.rules, **{group_id: group.rules for group_id, group in opened.items()}}
            is_final = full == groups.full
            groups = dataclasses.replace(groups, rules=rules, full=full)
            if is_final:
                break
        for group_id in sorted({*before, *(group_id for group_id, _ in full)} - set(chosen)):
            self.ingress.require(consumer, group_id, ())
        closed = self._closed(groups, requirements, opened)
        return OpenedRoutes(closed, _shared(consumer, opened), tuple(chosen))

    def preview(self, consumer: str, requirements: Sequence[PortRequirement]) -> tuple[IngressRequirement, ...]:
        """The rules that :meth:`open` would add now, by group; writes nothing."""
        groups = self._groups(consumer, requirements)
        missing = {}
        for group_id, ports in groups.choose(requirements).items():
            all_requirements = [*self._others(consumer, group_id), IngressRequirement(group_id, consumer, tuple(ports))]
            missing[group_id] = missing_ports(groups.rules[group_id], all_requirements, ports)
        return tuple(IngressRequirement(group_id, consumer, ports) for group_id, ports in missing.items() if ports)

    def closed(self, consumer: str, requirements: Sequence[PortRequirement]) -> tuple[Problem, ...]:
        """Notices of the groups that are closed for routes whose groups are not to be opened."""
        rules = {}
        for group_id, current in self._groups(consumer, requirements).rules.items():
            # A rule of ours that only this ECS service required is about to be revoked.
            kept = desired_ports(current, self._others(consumer, group_id))
            rules[group_id] = current.without([rule.id for ports, rule in current.ours.items() if ports not in kept])
        closed: dict[str, list[AllowedPorts]] = {}
        for requirement in requirements:
            if not any(rules[group_id].is_open(requirement.ports) for group_id in requirement.group_ids):
                closed.setdefault(requirement.group_ids[0], []).append(requirement.ports)
        prefix = self.ingress.label_prefix
        return tuple(problems.off(rules[group_id], ports, prefix) for group_id, ports in sorted(closed.items()))

    def _groups(self, consumer: str, requirements: Sequence[PortRequirement]) -> TaskSecurityGroups:
        ids = sorted({group_id for requirement in requirements for group_id in requirement.group_ids})
        known = {group.id: group for group in self.ingress.groups.groups(ids)} if ids else {}
        ours = [group.id for group in known.values() if not self.ingress.is_of_another_account(group, consumer)]
        return TaskSecurityGroups(known, self.ingress.read(ids), ours)

    def _others(self, consumer: str, group_id: str) -> list[IngressRequirement]:
        requirements = self.ingress.requirements.requirements_on(group_id)
        return [requirement for requirement in requirements if requirement.consumer != consumer]

    def _closed(
        self, groups: TaskSecurityGroups, requirements: Sequence[PortRequirement], opened: Mapping[str, OpenedGroup]
    ) -> tuple[tuple[PortRequirement, Problem], ...]:
        """The requirements that are not met, each with the problem of all that share the reason and the group."""
        unmet: dict[tuple[str, str], list[PortRequirement]] = {}
        for requirement in requirements:
            if not groups.is_open(requirement):
                unmet.setdefault(groups.reason(requirement), []).append(requirement)
        found: list[tuple[PortRequirement, Problem]] = []
        for (code, group_id), closed in sorted(unmet.items()):
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
        return None


def _shared(consumer: str, opened: Mapping[str, OpenedGroup]) -> tuple[Problem, ...]:
    others = {
        group_id: {one.consumer for one in group.requirements if is_service(one.consumer) and one.consumer != consumer}
        for group_id, group in opened.items()
    }
    return tuple(problems.shared(group_id, services) for group_id, services in others.items() if services)
