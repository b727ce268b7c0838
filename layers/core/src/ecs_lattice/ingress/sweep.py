"""The resync's part of ingress: restores rules that are required and missing, and revokes those that nobody requires.

A rule of ours is revoked by the second sweep in a row that finds it unneeded: a consumer may be about to require it.
"""

import json
import re
from collections.abc import Collection
from dataclasses import dataclass

from ecs_lattice import ownership
from ecs_lattice.errors import DeniedError, NotFoundError
from ecs_lattice.ingress import problems
from ecs_lattice.ingress.group import SecurityGroupRules, desired_ports, unneeded_rules
from ecs_lattice.ingress.model import AllowedPorts, IngressRequirement, IngressRule, PortRange
from ecs_lattice.ingress.open import Ingress
from ecs_lattice.outcome import Problem
from ecs_lattice.ports import Registry

_UNNEEDED = ("stack", "unneeded-rules")  # the document with the ids of the rules that the last sweep found unneeded
_PORTS = re.compile(r"(\d+)(?:-(\d*))?")  # in the value of a tag
_DESCRIPTION = "VPC Lattice, restored by the resync"


@dataclass(frozen=True, slots=True)
class SweptGroups:
    """``unneeded``: ids of our rules that nobody requires and that still exist. ``helped``: consumers for whom ports were
    opened. ``problems``: of groups that could not be opened or read."""

    unneeded: frozenset[str] = frozenset()
    helped: frozenset[str] = frozenset()
    problems: tuple[Problem, ...] = ()

    def plus(self, other: "SweptGroups") -> "SweptGroups":
        """Both together."""
        found = self.problems + other.problems
        return SweptGroups(self.unneeded | other.unneeded, self.helped | other.helped, found)


@dataclass(frozen=True, slots=True)
class Sweeper:
    """Sweeps all groups that are required open or that contain a rule of ours."""

    ingress: Ingress
    documents: Registry

    def sweep(self, *, is_all_released: bool = False) -> SweptGroups:
        """Sweep all groups. A table without its marker is new or was lost, and does not know yet what is required: nothing is
        revoked then, and the requirements of custom resources are rebuilt from tags. (ECS services declare theirs again.)
        ``is_all_released``: the stack is being uninstalled, and no ECS service requires anything any more.
        """
        is_complete = self.documents.document("stack", "marker") is not None
        if not is_complete:
            rebuild_requirements(self.ingress)
        may_revoke = is_complete or is_all_released
        before = frozenset(json.loads(self.documents.document(*_UNNEEDED) or "[]"))
        swept = sweep_groups(self.ingress, before if may_revoke else frozenset())
        unneeded = swept.unneeded if may_revoke else frozenset()
        if unneeded != before:
            self.documents.put_document(*_UNNEEDED, json.dumps(sorted(unneeded)))
        return swept


def sweep_groups(ingress: Ingress, unneeded_before: Collection[str]) -> SweptGroups:
    """Add missing rules, merge ranges, and revoke the unneeded rules that are in ``unneeded_before`` (ids), too."""
    requirements: dict[str, list[IngressRequirement]] = {}
    for requirement in ingress.registry.requirements():
        requirements.setdefault(requirement.group_id, []).append(requirement)
    try:
        owned = {rule.group_id for rule in ingress.groups.owned_rules()}
        rules = ingress.read({*requirements, *owned})
    except DeniedError as error:
        problem = problems.denied(requirements, error, ingress.label_prefix)
        return SweptGroups(frozenset(unneeded_before), problems=(problem,))
    swept = SweptGroups()
    for group_id in sorted(rules):
        swept = swept.plus(_sweep_group(ingress, rules[group_id], requirements.get(group_id, []), unneeded_before))
    return swept


def _sweep_group(
    ingress: Ingress, found: SecurityGroupRules, requirements: list[IngressRequirement], before: Collection[str]
) -> SweptGroups:
    try:
        rules, full = _restore_and_revoke(ingress, found, requirements, before)
    except NotFoundError:
        return SweptGroups()  # the group was deleted, and its rules with it
    except DeniedError as error:
        problem = problems.denied([found.group_id], error, ingress.label_prefix)
        return SweptGroups(frozenset(unneeded_rules(found, requirements)), problems=(problem,))
    helped = frozenset(
        requirement.consumer
        for requirement in requirements
        for ports in requirement.ports
        if rules.prefix_list_rule(ports) and not found.prefix_list_rule(ports)
    )
    closed = [ports for ports in full if not rules.cidr_rule(ports)]
    unmet = (problems.full(rules, closed),) if closed else ()
    return SweptGroups(frozenset(unneeded_rules(rules, requirements)), helped, unmet)


def _restore_and_revoke(
    ingress: Ingress, rules: SecurityGroupRules, requirements: list[IngressRequirement], before: Collection[str]
) -> tuple[SecurityGroupRules, tuple[AllowedPorts, ...]]:
    """The rules afterwards, and the ports for which there is no room."""
    missing = desired_ports(rules, requirements) - set(rules.ours)
    rules, full = ingress.authorize(rules, sorted(missing), _DESCRIPTION)
    unneeded = unneeded_rules(rules, ingress.registry.requirements_on(rules.group_id))
    unneeded = tuple(rule_id for rule_id in unneeded if rule_id in before)
    if unneeded:
        rules = rules.without(ingress.revoke(rules, unneeded))
        rules, full = ingress.authorize(rules, full, _DESCRIPTION)
    ingress.tag(rules, requirements)
    return rules, full


def rebuild_requirements(ingress: Ingress) -> int:
    """Restore the requirements of custom resources in a table that has lost them, from the tags on our rules; how many."""
    families = {source.id: source.family for source in ingress.groups.prefix_lists()}
    found: dict[tuple[str, str], set[AllowedPorts]] = {}
    for rule in ingress.groups.owned_rules():
        if family := families.get(rule.prefix_list_id or ""):
            for consumer, ports in _tagged(rule):
                found.setdefault((rule.group_id, consumer), set()).add(AllowedPorts(family, ports))
    lost = [
        (consumer, group_id)
        for group_id, consumer in sorted(found)
        if consumer not in {requirement.consumer for requirement in ingress.registry.requirements_on(group_id)}
    ]
    for consumer, group_id in lost:
        ingress.require(consumer, group_id, found[group_id, consumer])
    return len(lost)


def _tagged(rule: IngressRule) -> list[tuple[str, PortRange]]:
    """(custom resource, ports) from the tags of a rule; ignores values that are not ours."""
    return [
        (key.removeprefix(ownership.INGRESS), PortRange(int(match[1]), int(match[2] or match[1])))
        for key, value in rule.tags
        if key.startswith(ownership.INGRESS)
        for match in map(_PORTS.fullmatch, value.split())
        if match
    ]
