"""The resync's part of ingress: restores rules that are required and missing, and revokes those that nobody requires.

A rule of ours is revoked by the second sweep in a row that finds it unneeded: a consumer may be about to require it.
"""

import json
from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol

from ecs_lattice import ownership
from ecs_lattice.errors import DeniedError, NotFoundError
from ecs_lattice.ingress import problems
from ecs_lattice.ingress.group import SecurityGroupRules, desired_ports, unneeded_rules
from ecs_lattice.ingress.model import AllowedPorts, IngressRequirement, IngressRule, PortRange
from ecs_lattice.ingress.open import Ingress
from ecs_lattice.outcome import Problem

_UNNEEDED = ("stack", "unneeded-rules")  # the document with the ids of the rules that the last sweep found unneeded
_DESCRIPTION = "VPC Lattice, restored by the resync"


class Documents(Protocol):
    """What the sweep needs of the registry."""

    def document(self, kind: str, key: str) -> str | None: ...

    def put_document(self, kind: str, key: str, text: str, *, expires_at: float | None = None) -> None: ...


@dataclass(frozen=True, slots=True)
class SweptGroups:
    """``unneeded``: ids of our rules that nobody requires and that still exist. ``revoked``: those that were revoked.
    ``helped``: consumers for whom ports were opened. ``problems``: of groups that could not be opened or read."""

    unneeded: frozenset[str] = frozenset()
    revoked: tuple[str, ...] = ()
    helped: frozenset[str] = frozenset()
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class Sweeper:
    """Sweeps all groups that are required open or that contain a rule of ours."""

    ingress: Ingress
    documents: Documents

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
    for requirement in ingress.requirements.requirements():
        requirements.setdefault(requirement.group_id, []).append(requirement)
    try:
        owned = {rule.group_id for rule in ingress.groups.owned_rules()}
        rules = ingress.read({*requirements, *owned})
    except DeniedError as error:
        problem = problems.denied(requirements, error, ingress.label_prefix)
        return SweptGroups(frozenset(unneeded_before), problems=(problem,))
    groups = [
        _sweep_group(ingress, rules[group_id], requirements.get(group_id, []), unneeded_before)
        for group_id in sorted(rules)
    ]
    return SweptGroups(
        unneeded=frozenset().union(*(group.unneeded for group in groups)),
        revoked=tuple(rule_id for group in groups for rule_id in group.revoked),
        helped=frozenset().union(*(group.helped for group in groups)),
        problems=tuple(problem for group in groups for problem in group.problems),
    )


def _sweep_group(
    ingress: Ingress, rules: SecurityGroupRules, requirements: list[IngressRequirement], before: Collection[str]
) -> SweptGroups:
    closed = {consumer: ports for consumer, ports in _closed(rules, requirements).items() if ports}
    try:
        rules, revoked, full = _restore_and_revoke(ingress, rules, requirements, before)
    except NotFoundError:
        return SweptGroups()  # the group was deleted, and its rules with it
    except DeniedError as error:
        ids = frozenset(rule.id for rule in unneeded_rules(rules, requirements))
        return SweptGroups(ids, problems=(problems.denied([rules.group_id], error, ingress.label_prefix),))
    still_closed = [allowed for allowed in full if not rules.cidr_rule(allowed)]
    return SweptGroups(
        unneeded=frozenset(rule.id for rule in unneeded_rules(rules, requirements)),
        revoked=revoked,
        helped=frozenset(consumer for consumer, ports in closed.items() if any(map(rules.prefix_list_rule, ports))),
        problems=(problems.full(rules, still_closed),) if still_closed else (),
    )


def _restore_and_revoke(
    ingress: Ingress, rules: SecurityGroupRules, requirements: list[IngressRequirement], before: Collection[str]
) -> tuple[SecurityGroupRules, tuple[str, ...], tuple[AllowedPorts, ...]]:
    """The rules afterwards, the ids of those revoked, and the ports for which there is no room."""
    missing = desired_ports(rules, requirements) - set(rules.ours)
    rules, full = ingress.authorize(rules, sorted(missing), _DESCRIPTION)
    current = ingress.requirements.requirements_on(rules.group_id)
    unneeded = [rule for rule in unneeded_rules(rules, current) if rule.id in before]
    revoked = ingress.revoke(rules, unneeded) if unneeded else ()
    rules = rules.without(revoked)
    if full and revoked:
        rules, full = ingress.authorize(rules, full, _DESCRIPTION)
    ingress.tag(rules, requirements)
    return rules, revoked, full


def _closed(rules: SecurityGroupRules, requirements: list[IngressRequirement]) -> dict[str, list[AllowedPorts]]:
    """By consumer, the required ports that no prefix-list rule opens."""
    return {one.consumer: [ports for ports in one.ports if not rules.prefix_list_rule(ports)] for one in requirements}


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
        if consumer not in {one.consumer for one in ingress.requirements.requirements_on(group_id)}
    ]
    for consumer, group_id in lost:
        ingress.require(consumer, group_id, found[group_id, consumer])
    return len(lost)


def _tagged(rule: IngressRule) -> list[tuple[str, PortRange]]:
    """(custom resource, ports) from the tags of a rule; ignores values that are not ours."""
    found = []
    for key, value in rule.tags:
        if not key.startswith(ownership.INGRESS):
            continue
        for part in value.split():
            first, _, last = part.partition("-")
            if first.isdecimal() and (last or first).isdecimal():
                found.append((key.removeprefix(ownership.INGRESS), PortRange(int(first), int(last or first))))
    return found
