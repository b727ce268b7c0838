"""The resync's part of ingress: restores rules that are required and missing, and revokes those that nobody requires.

A rule of ours is revoked by the second sweep in a row that finds it unneeded: a consumer may be about to require it. A rule
with our tag that the registry has not recorded is left alone and reported; only an uninstall revokes it (decision 47).
"""

import json
import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from ecs_lattice import ownership, stack_state
from ecs_lattice.errors import DeniedError, NotFoundError
from ecs_lattice.ingress import problems
from ecs_lattice.ingress.group import (
    SecurityGroupRules,
    covered,
    covers,
    desired_ports,
    is_service,
    merged,
    unneeded_rules,
)
from ecs_lattice.ingress.model import AllowedPorts, AuthorizedRule, IngressRequirement, IngressRule, PortRange
from ecs_lattice.ingress.open import Ingress
from ecs_lattice.outcome import Problem
from ecs_lattice.ports import Registry

_UNNEEDED = ("stack", "unneeded-rules")  # the document with the ids of the rules that the last sweep found unneeded
_RECORDS = ("stack", "authorized-rules")  # exists once the rules that were added are recorded
_RESTORED = (
    "stack",
    "restored-rules",
)  # the document with how many sweeps in a row have added a rule, by group and ports
_NOT_KEPT_SWEEPS = 2  # a quarter of an hour is between them
_PORTS = re.compile(r"(\d+)(?:-(\d*))?")  # in the value of a tag
_DESCRIPTION = "VPC Lattice, restored by the resync"

type Adopted = Literal["none", "required", "all"]
"""Which rules with our tag a sweep records as ours."""


@dataclass(frozen=True, slots=True)
class SweptGroups:
    """``unneeded``: ids of our rules that nobody requires and that still exist. ``helped``: consumers for whom ports were
    opened. ``problems``: of groups that could not be opened or read. ``notices``: of rules that have to be revoked by hand.
    ``was_read``: whether EC2 could be read. ``restored``: the rules that were missing and were added, as group id and ports."""

    unneeded: frozenset[str] = frozenset()
    helped: frozenset[str] = frozenset()
    problems: tuple[Problem, ...] = ()
    notices: tuple[Problem, ...] = ()
    was_read: bool = True
    restored: frozenset[tuple[str, AllowedPorts]] = frozenset()

    def plus(self, other: "SweptGroups") -> "SweptGroups":
        """Both together."""
        found, notices = self.problems + other.problems, self.notices + other.notices
        unneeded, restored = self.unneeded | other.unneeded, self.restored | other.restored
        return SweptGroups(unneeded, self.helped | other.helped, found, notices, restored=restored)


@dataclass(frozen=True, slots=True)
class Sweeper:
    """Sweeps all groups that are required open or that contain a rule of ours."""

    ingress: Ingress
    documents: Registry

    def sweep(self, *, is_all_released: bool = False) -> SweptGroups:
        """Sweep all groups. A table without its marker is new or was lost, and does not know yet what is required: nothing is
        revoked then, and the requirements of custom resources are rebuilt from tags. (ECS services declare theirs again.)
        ``is_all_released``: the stack is being uninstalled, and no ECS service requires anything any more; every rule with our
        tag that no custom resource requires is revoked.
        """
        is_complete = stack_state.is_complete(self.documents)
        has_records = self.documents.document(*_RECORDS) is not None
        if not is_complete:
            rebuild_requirements(self.ingress)
        may_revoke = is_complete or is_all_released
        before = frozenset(json.loads(self.documents.document(*_UNNEEDED) or "[]"))
        found = sweep_groups(
            self.ingress,
            before if may_revoke else frozenset(),
            adopted=_adopted(is_complete=is_complete, has_records=has_records),
            revokes_unknown=is_all_released,
        )
        if not has_records and (found.was_read or not is_complete):
            self.documents.put_document(*_RECORDS, "{}")
        unneeded = found.unneeded if may_revoke else frozenset()
        if unneeded != before:
            self.documents.put_document(*_UNNEEDED, json.dumps(sorted(unneeded)))
        return self._with_not_kept(found)

    def _with_not_kept(self, found: SweptGroups) -> SweptGroups:
        """With the rules that were added again and again: EC2 does not keep them, or somebody revokes them."""
        if not found.was_read:
            return found
        before = json.loads(self.documents.document(*_RESTORED) or "{}")
        names = {f"{group_id} {ports}": (group_id, ports) for group_id, ports in sorted(found.restored)}
        after = {name: before.get(name, 0) + 1 for name in names}
        if after != before:
            self.documents.put_document(*_RESTORED, json.dumps(after, sort_keys=True))
        again = {name: count for name, count in after.items() if count >= _NOT_KEPT_SWEEPS}
        not_kept = tuple(problems.not_kept(*names[name], count) for name, count in again.items())
        return found.plus(SweptGroups(problems=not_kept))


def _adopted(*, is_complete: bool, has_records: bool) -> Adopted:
    """A table from before rules were recorded knows them by their tag; one that was lost, by what is required again."""
    if not is_complete:
        return "required"
    return "none" if has_records else "all"


def sweep_groups(
    ingress: Ingress, unneeded_before: Collection[str], *, adopted: Adopted = "none", revokes_unknown: bool = False
) -> SweptGroups:
    """Add missing rules, merge ranges, and revoke the unneeded rules that are in ``unneeded_before`` (ids), too."""
    # In this order: whoever adds a rule records the requirement, then the rule, then adds it.
    recorded: dict[str, list[AuthorizedRule]] = {}
    for rule in ingress.registry.authorized():
        recorded.setdefault(rule.group_id, []).append(rule)
    requirements: dict[str, list[IngressRequirement]] = {}
    for requirement in ingress.registry.requirements():
        requirements.setdefault(requirement.group_id, []).append(requirement)
    try:
        owned = {rule.group_id for rule in ingress.groups.owned_rules()}
        rules = ingress.read({*requirements, *owned, *recorded})
    except DeniedError as error:
        problem = problems.denied(requirements, error, ingress.label_prefix)
        return SweptGroups(frozenset(unneeded_before), problems=(problem,), was_read=False)
    swept = SweptGroups()
    for group_id in sorted(rules):
        group = _Group(
            ingress, requirements.get(group_id, []), recorded.get(group_id, []), frozenset(unneeded_before), adopted
        )
        swept = swept.plus(group.sweep(rules[group_id], revokes_unknown=revokes_unknown))
    return swept


@dataclass(frozen=True, slots=True)
class _Group:
    """One group's part of a sweep: what was read of it in the registry, and the ids of the rules that may be revoked."""

    ingress: Ingress
    requirements: list[IngressRequirement]
    recorded: list[AuthorizedRule]
    before: frozenset[str]
    adopted: Adopted

    def sweep(self, found: SecurityGroupRules, *, revokes_unknown: bool) -> SweptGroups:
        try:
            known = self._record(found)
            rules, full, unknown = self._restore_and_revoke(found, None if revokes_unknown else known)
        except NotFoundError:
            return SweptGroups()  # the group was deleted, and its rules with it
        except DeniedError as error:
            problem = problems.denied([found.group_id], error, self.ingress.label_prefix)
            return SweptGroups(frozenset(unneeded_rules(found, self.requirements)), problems=(problem,))
        helped = self._helped(found, rules)
        closed = [ports for ports in full if not rules.cidr_rule(ports)]
        unmet = (problems.full(rules, closed),) if closed else ()
        notices = (problems.unknown_rules(rules, unknown),) if unknown else ()
        unneeded = frozenset(unneeded_rules(rules, self.requirements))
        return SweptGroups(unneeded, helped, unmet, notices, restored=self._restored(found, rules))

    def _restored(self, before: SecurityGroupRules, after: SecurityGroupRules) -> frozenset[tuple[str, AllowedPorts]]:
        """The required ports that have been opened."""
        required = {ports for requirement in self.requirements for ports in requirement.ports}
        opened = {ports for ports in required if after.prefix_list_rule(ports) and not before.prefix_list_rule(ports)}
        return frozenset((before.group_id, ports) for ports in opened)

    def _helped(self, before: SecurityGroupRules, after: SecurityGroupRules) -> frozenset[str]:
        return frozenset(
            requirement.consumer
            for requirement in self.requirements
            for ports in requirement.ports
            if after.prefix_list_rule(ports) and not before.prefix_list_rule(ports)
        )

    def _record(self, rules: SecurityGroupRules) -> frozenset[AllowedPorts]:
        """Record the adopted rules, and forget those that neither exist nor are required; the ports of the known ones."""
        required = merged(ports for requirement in self.requirements for ports in requirement.ports)
        for rule in self.recorded:
            if rule.ports not in rules.ours and not covered([rule.ports], by=required):
                self.ingress.registry.delete_authorized(rule)
        known = frozenset(rule.ports for rule in self.recorded)
        adopted: Collection[AllowedPorts] = rules.ours if self.adopted == "all" else ()
        if self.adopted == "required":
            adopted = covered(rules.ours, by=required)
        if new := sorted(set(adopted) - known):
            self.ingress.registry.put_authorized(rules.group_id, new)
        return known.union(new)

    def _restore_and_revoke(
        self, rules: SecurityGroupRules, known: Collection[AllowedPorts] | None
    ) -> tuple[SecurityGroupRules, tuple[AllowedPorts, ...], frozenset[str]]:
        """The rules afterwards, the ports for which there is no room, and the ids of the unneeded rules that are not
        ``known`` (None: every rule with our tag may be revoked)."""
        ingress = self.ingress
        missing = desired_ports(rules, self.requirements) - set(rules.ours)
        rules, full = ingress.authorize(rules, sorted(missing), _DESCRIPTION)
        unneeded = self.before.intersection(unneeded_rules(rules, ingress.registry.requirements_on(rules.group_id)))
        tagged = {rule.id for ports, rule in rules.ours.items() if known is not None and ports not in known}
        unknown, revocable = unneeded & tagged, tuple(sorted(unneeded - tagged))
        if revocable:
            rules = rules.without(ingress.revoke(rules, revocable))
            rules, full = ingress.authorize(rules, full, _DESCRIPTION)
        ingress.tag(rules, self.requirements)
        return rules, full, unknown


def rebuild_requirements(ingress: Ingress) -> int:
    """Restore the requirements of custom resources in a table that has lost them, from the tags on our rules; how many."""
    found = _tagged_requirements(ingress)
    lost = [
        (consumer, group_id)
        for group_id, consumer in sorted(found)
        if consumer not in {requirement.consumer for requirement in ingress.registry.requirements_on(group_id)}
    ]
    for consumer, group_id in lost:
        ingress.require(consumer, group_id, found[group_id, consumer])
    return len(lost)


def _tagged_requirements(ingress: Ingress) -> dict[tuple[str, str], set[AllowedPorts]]:
    """By group and custom resource, the ports in the tags of our rules, as far as these open them."""
    families = {source.id: source.family for source in ingress.groups.prefix_lists()}
    found: dict[tuple[str, str], set[AllowedPorts]] = {}
    for rule in ingress.groups.owned_rules():
        if (family := families.get(rule.prefix_list_id or "")) and rule.ports:
            for consumer, ports in _tagged(rule):
                if covers(AllowedPorts(family, rule.ports), required := AllowedPorts(family, ports)):
                    found.setdefault((rule.group_id, consumer), set()).add(required)
    return found


def _tagged(rule: IngressRule) -> list[tuple[str, PortRange]]:
    """(custom resource, ports) from the tags of a rule; ignores values that are not ours."""
    return [
        (key.removeprefix(ownership.INGRESS), PortRange(int(match[1]), int(match[2] or match[1])))
        for key, value in rule.tags
        if key.startswith(ownership.INGRESS) and not is_service(key.removeprefix(ownership.INGRESS))
        for match in map(_PORTS.fullmatch, value.split())
        if match
    ]
