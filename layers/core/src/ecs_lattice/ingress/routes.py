"""Ingress for the routes of an ECS service: enough that one of the security groups on its tasks lets VPC Lattice in.

The rules of all groups of a task add up (Amazon VPC User Guide, security groups), so what is open in any of them is left as
it is. What is closed is opened in the first group that is this account's, is not the VPC's default group, and has room.
"""

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from ecs_lattice.ingress import problems
from ecs_lattice.ingress.group import SecurityGroupRules, is_service, should_be_ours
from ecs_lattice.ingress.model import AllowedPorts, IngressRequirement, SecurityGroup
from ecs_lattice.ingress.open import Ingress, Settled
from ecs_lattice.ingress.ranges import covers
from ecs_lattice.outcome import Problem


@dataclass(frozen=True, slots=True, order=True)
class PortRequirement:
    """What the tasks of one deployment need. Without ``group_ids`` they are in the default group of the VPC ``vpc_id``
    (Amazon ECS API, AwsVpcConfiguration). ``default_allowed``: whether that one may be opened."""

    group_ids: tuple[str, ...]
    vpc_id: str
    opening: AllowedPorts
    default_allowed: bool = False


@dataclass(frozen=True, slots=True)
class Answered:
    """``closed``: the wants that are not met, and why. ``group_ids``: in which groups the needer has needs now."""

    closed: tuple[tuple[PortRequirement, Problem], ...] = ()
    notices: tuple[Problem, ...] = ()
    group_ids: tuple[str, ...] = ()


@dataclass
class TaskSecurityGroups:
    """The groups of one ECS service while its wants are worked: what is known of each, what was found full."""

    known: Mapping[str, SecurityGroup]
    gates: dict[str, SecurityGroupRules]
    ours: Collection[str]
    full: set[tuple[str, AllowedPorts]] = field(default_factory=set)

    def homes(self, want: PortRequirement) -> list[str]:
        """The groups that may be opened for ``want``, those first that are nobody's default."""
        own = [one for one in want.group_ids if one in self.ours]
        return [one for one in own if not self.known[one].is_default] + [
            one for one in own if self.known[one].is_default and want.default_allowed
        ]

    def home(self, want: PortRequirement) -> str | None:
        """The group that is to let VPC Lattice in for ``want``: an open one, else one with room, else the first one."""
        homes = self.homes(want)
        is_open = (one for one in homes if self.gates[one].rule_for(want.opening))
        has_room = (one for one in homes if (one, want.opening) not in self.full)
        return next(is_open, None) or next(has_room, None) or next(iter(homes), None)

    def lets_in(self, want: PortRequirement) -> bool:
        """Whether it is open without our doing: by a stranger's rule in a group that is not ours to open, or widely."""
        there = [self.gates[one] for one in want.group_ids if one in self.gates]
        closed_to_us = [gate for gate in there if gate.group_id not in self.homes(want)]
        is_open = any(covers(one, want.opening) for gate in closed_to_us for one in gate.foreign)
        return is_open or any(gate.wide_rule_for(want.opening) for gate in there)


@dataclass(frozen=True, slots=True)
class RouteIngress:
    """What the ECS side asks of :class:`~ecs_lattice.ingress.open.Ingress`; ``needer`` is the ECS service's ARN."""

    ingress: Ingress

    def resolved(self, wants: Sequence[PortRequirement]) -> tuple[PortRequirement, ...]:
        """``wants``, in their order, with the VPC's default group where tasks have no other."""
        vpcs = sorted({want.vpc_id for want in wants if not want.group_ids})
        defaults = {vpc_id: self.ingress.groups.default_group(vpc_id).id for vpc_id in vpcs}
        return tuple(
            want if want.group_ids else dataclasses.replace(want, group_ids=(defaults[want.vpc_id],)) for want in wants
        )

    def open(
        self, consumer: str, wants: Sequence[PortRequirement], before: Collection[str], description: str
    ) -> Answered:
        """Let VPC Lattice in for ``wants`` (:meth:`resolved`). ``before``: groups in which ``needer`` may have needs, which
        are taken back there unless they are wanted still."""
        street = self._street(consumer, wants)
        there = [want for want in wants if street.gates[want.group_ids[0]].lists_of(want.opening)]
        needed: dict[str, set[AllowedPorts]] = {}
        settled: dict[str, Settled] = {}
        while True:
            needed = self._needed(street, there)
            for group_id, openings in sorted(needed.items()):
                self.ingress.requirements.put_requirement(
                    IngressRequirement(group_id, consumer, tuple(sorted(openings)))
                )
            for group_id, openings in sorted(needed.items()):
                settled[group_id] = self.ingress.settle(group_id, sorted(openings), description)
                street.gates[group_id] = settled[group_id].gate
            found = {(group_id, one) for group_id in needed for one in settled[group_id].full}
            if found <= street.full:
                break
            street.full |= found
        tried = set(before) | {group_id for group_id, _ in street.full}
        self.ingress.forget(consumer, tried - set(needed))
        closed = self._closed(street, wants, {group_id: settled[group_id] for group_id in needed})
        return Answered(closed, _shared(consumer, [settled[one] for one in sorted(needed)]), tuple(sorted(needed)))

    def preview(self, consumer: str, wants: Sequence[PortRequirement]) -> tuple[IngressRequirement, ...]:
        """The rules that :meth:`open` would add now, a group; writes nothing."""
        street = self._street(consumer, wants)
        found = []
        for group_id, openings in sorted(self._needed(street, wants).items()):
            gate = street.gates[group_id]
            others = [one for one in self.ingress.requirements.requirements_on(group_id) if one.consumer != consumer]
            closed = [one for one in openings if not gate.rule_for(one)]
            rules = should_be_ours(gate, [*others, IngressRequirement(group_id, consumer, tuple(sorted(openings)))])
            missing = sorted(rule for rule in rules if any(covers(rule, one) for one in closed))
            found += [IngressRequirement(group_id, consumer, tuple(missing))] if missing else []
        return tuple(found)

    def closed(self, consumer: str, wants: Sequence[PortRequirement]) -> tuple[Problem, ...]:
        """For routes whose groups are not ours to open: which of them are closed, as notices."""
        street = self._street(consumer, wants)
        for group_id, gate in street.gates.items():
            # A rule of ours that only this service needed is about to go.
            others = [one for one in self.ingress.requirements.requirements_on(group_id) if one.consumer != consumer]
            kept = should_be_ours(gate, others)
            street.gates[group_id] = gate.without([rule.id for one, rule in gate.ours.items() if one not in kept])
        shut: dict[str, list[AllowedPorts]] = {}
        for want in wants:
            gates = [street.gates[one] for one in want.group_ids]
            if not any(gate.rule_for(want.opening) or gate.wide_rule_for(want.opening) for gate in gates):
                shut.setdefault(want.group_ids[0], []).append(want.opening)
        return tuple(problems.off(street.gates[one], openings) for one, openings in sorted(shut.items()))

    def _street(self, consumer: str, wants: Sequence[PortRequirement]) -> TaskSecurityGroups:
        ids = sorted({one for want in wants for one in want.group_ids})
        known = {one.id: one for one in self.ingress.groups.groups(ids)} if ids else {}
        ours = [one.id for one in known.values() if not self.ingress.is_of_another_account(one, consumer)]
        return TaskSecurityGroups(known, self.ingress.gates(ids), ours)

    @staticmethod
    def _needed(street: TaskSecurityGroups, wants: Sequence[PortRequirement]) -> dict[str, set[AllowedPorts]]:
        needed: dict[str, set[AllowedPorts]] = {}
        for want in wants:
            if home := street.home(want):
                needed.setdefault(home, set()).add(want.opening)
        return needed

    @staticmethod
    def _closed(
        street: TaskSecurityGroups, wants: Sequence[PortRequirement], settled: Mapping[str, Settled]
    ) -> tuple[tuple[PortRequirement, Problem], ...]:
        shut: dict[tuple[str, str], list[PortRequirement]] = {}
        for want in wants:
            home = street.home(want)
            if (home and street.gates[home].rule_for(want.opening)) or street.lets_in(want):
                continue
            shut.setdefault(_reason(street, want, home), []).append(want)
        found: list[tuple[PortRequirement, Problem]] = []
        for (code, group_id), ones in sorted(shut.items()):
            openings = sorted({want.opening for want in ones})
            found += [(want, _problem(street, code, group_id, openings, settled)) for want in ones]
        return tuple(found)


def _reason(street: TaskSecurityGroups, want: PortRequirement, home: str | None) -> tuple[str, str]:
    """Why a want is not met: a code, and the group that it is about."""
    first = want.group_ids[0]
    if street.gates[first].lists_of(want.opening) is None:
        return "INGRESS_NO_PREFIX_LIST", first
    if home is not None:
        return ("INGRESS_GROUP_FULL" if (home, want.opening) in street.full else "INGRESS_DENIED"), home
    defaults = [one for one in want.group_ids if one in street.ours]
    strangers = [one for one in want.group_ids if one in street.known]
    if defaults:
        return "INGRESS_DEFAULT_GROUP", defaults[0]
    return ("INGRESS_FOREIGN_GROUP", strangers[0]) if strangers else ("INGRESS_NO_GROUP", first)


def _problem(
    street: TaskSecurityGroups,
    code: str,
    group_id: str,
    openings: Sequence[AllowedPorts],
    settled: Mapping[str, Settled],
) -> Problem:
    gate = street.gates[group_id]
    match code:
        case "INGRESS_NO_PREFIX_LIST":
            return problems.no_prefix_list(openings[0].family)
        case "INGRESS_GROUP_FULL":
            return problems.full(gate, openings)
        case "INGRESS_DEFAULT_GROUP":
            return problems.default_group(gate, openings)
        case "INGRESS_FOREIGN_GROUP":
            return problems.foreign_group(gate, street.known[group_id], openings)
        case "INGRESS_DENIED":
            return settled[group_id].problem or problems.no_group(group_id)
        case _:
            return problems.no_group(group_id)


def _shared(consumer: str, settled: Sequence[Settled]) -> tuple[Problem, ...]:
    found = []
    for one in settled:
        others = {
            requirement.consumer
            for requirement in one.requirements
            if is_service(requirement.consumer) and requirement.consumer != consumer
        }
        found += [problems.shared(one.gate.group_id, others)] if others else []
    return tuple(found)
