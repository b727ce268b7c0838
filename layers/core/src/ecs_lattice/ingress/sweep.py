"""The resync's part of ingress: what is needed and missing comes back, what nobody needs goes at the second look.

When the resync tidies security groups: what is remembered from one whole sweep to the next, and what a lost table needs.
"""

import json
from collections.abc import Collection
from dataclasses import dataclass

from ecs_lattice import ownership
from ecs_lattice.errors import DeniedError, NotFoundError
from ecs_lattice.ingress import problems
from ecs_lattice.ingress.group import SecurityGroupRules, should_be_ours, unneeded
from ecs_lattice.ingress.model import AllowedPorts, IngressRequirement, IngressRule, PortRange
from ecs_lattice.ingress.open import Ingress
from ecs_lattice.outcome import Problem
from ecs_lattice.ports import Documents

_DESCRIPTION = "VPC Lattice, put back by the resync"


@dataclass(frozen=True, slots=True)
class Tidied:
    """``unneeded``: ids of our rules that nobody needs now and that are still there. ``revoked``: those that went.
    ``helped``: needers for whom something was opened. ``problems``: groups that could not be worked."""

    unneeded: frozenset[str] = frozenset()
    revoked: tuple[str, ...] = ()
    helped: frozenset[str] = frozenset()
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class Tidier:
    """Works all groups that somebody needs or in which a rule of ours stands."""

    ingress: Ingress

    def tidy(self, unneeded_before: Collection[str]) -> Tidied:
        """Add what is missing, merge, and revoke what was unneeded in the look before, too."""
        requirements: dict[str, list[IngressRequirement]] = {}
        for requirement in self.ingress.requirements.requirements():
            requirements.setdefault(requirement.group_id, []).append(requirement)
        try:
            owned = {rule.group_id for rule in self.ingress.groups.owned_rules()}
            gates = self.ingress.gates({*requirements, *owned})
        except DeniedError as error:
            return Tidied(frozenset(unneeded_before), problems=(problems.denied(requirements, error),))
        found = [self._group(gate, requirements.get(one, []), unneeded_before) for one, gate in sorted(gates.items())]
        return Tidied(
            unneeded=frozenset().union(*(one.unneeded for one in found)),
            revoked=tuple(rule_id for one in found for rule_id in one.revoked),
            helped=frozenset().union(*(one.helped for one in found)),
            problems=tuple(problem for one in found for problem in one.problems),
        )

    def rebuild(self) -> int:
        """Take the needs of custom resources from the tags on our rules into a table that has lost them; how many."""
        lists = {one.id: one.family for one in self.ingress.groups.prefix_lists()}
        found: dict[tuple[str, str], set[AllowedPorts]] = {}
        for rule in self.ingress.groups.owned_rules():
            family = lists.get(rule.prefix_list_id or "")
            for consumer, ports in _marked(rule):
                if family:
                    found.setdefault((rule.group_id, consumer), set()).add(AllowedPorts(family, ports))
        count = 0
        for (group_id, consumer), openings in sorted(found.items()):
            if consumer not in {one.consumer for one in self.ingress.requirements.requirements_on(group_id)}:
                self.ingress.requirements.put_requirement(
                    IngressRequirement(group_id, consumer, tuple(sorted(openings)))
                )
                count += 1
        return count

    def _group(
        self, gate: SecurityGroupRules, requirements: list[IngressRequirement], before: Collection[str]
    ) -> Tidied:
        try:
            return self._tidied(gate, requirements, before)
        except NotFoundError:
            return Tidied()  # the group has gone, and its rules with it
        except DeniedError as error:
            ids = frozenset(rule.id for rule in unneeded(gate, requirements))
            return Tidied(ids, problems=(problems.denied([gate.group_id], error),))

    def _tidied(
        self, gate: SecurityGroupRules, requirements: list[IngressRequirement], before: Collection[str]
    ) -> Tidied:
        missing = should_be_ours(gate, requirements) - set(gate.ours)
        closed = {one for requirement in requirements for one in requirement.openings if not gate.rule_for(one)}
        gate, full = self.ingress.authorize(gate, sorted(missing), _DESCRIPTION)
        going = [
            rule
            for rule in unneeded(gate, self.ingress.requirements.requirements_on(gate.group_id))
            if rule.id in before
        ]
        revoked = self.ingress.revoke(gate, going) if going else ()
        gate = gate.without(revoked)
        if full and revoked:
            gate, full = self.ingress.authorize(gate, full, _DESCRIPTION)
        self.ingress.mark(gate, requirements)
        still = [one for one in full if not gate.wide_rule_for(one)]
        return Tidied(
            unneeded=frozenset(rule.id for rule in unneeded(gate, requirements)),
            revoked=revoked,
            helped=frozenset(
                requirement.consumer
                for requirement in requirements
                if any(one in closed and gate.rule_for(one) for one in requirement.openings)
            ),
            problems=(problems.full(gate, still),) if still else (),
        )


def _marked(rule: IngressRule) -> list[tuple[str, PortRange]]:
    """(custom resource, ports) in the tags of a rule; what a person has written there is passed over."""
    found = []
    for key, value in rule.tags:
        if not key.startswith(ownership.INGRESS):
            continue
        for part in value.split():
            first, _, last = part.partition("-")
            if first.isdecimal() and (last or first).isdecimal():
                found.append((key.removeprefix(ownership.INGRESS), PortRange(int(first), int(last or first))))
    return found


_KIND, _KEY = "stack", "unneeded-rules"


@dataclass(frozen=True, slots=True)
class Sweeper:
    """A rule goes in the second sweep that finds it unneeded: somebody may be about to need it."""

    ingress: Ingress
    documents: Documents

    def sweep(self, *, is_all_released: bool = False) -> Tidied:
        """Tidy all groups. A table without its marker is new or was lost, and does not know yet who needs what: then nothing
        is revoked, and what the tags on our rules say of custom resources is taken in. (ECS services say it themselves.)
        ``is_all_released``: the stack is being uninstalled, and no ECS service has anything to say any more.
        """
        tidier = Tidier(self.ingress)
        is_complete = self.documents.document("stack", "marker") is not None
        if not is_complete:
            tidier.rebuild()
        may_revoke = is_complete or is_all_released
        done = tidier.tidy(self._remembered() if may_revoke else frozenset())
        unneeded = done.unneeded if may_revoke else frozenset()
        if unneeded != self._remembered():
            self.documents.put_document(_KIND, _KEY, json.dumps(sorted(unneeded)))
        return done

    def _remembered(self) -> frozenset[str]:
        return frozenset(json.loads(self.documents.document(_KIND, _KEY) or "[]"))
