"""Opens security groups for VPC Lattice and takes back what nobody needs, over :mod:`ecs_lattice.ingress.group`.

Security groups are shared by ECS services, custom resources and strangers, and nothing locks them. So everybody writes what
he needs *before* he looks at the rules, and whoever revokes reads the needs *after* it and puts back what somebody came to
need meanwhile: no order of the two leaves a need closed. Adding may happen anywhere; of what routes needed nothing is revoked
but by :meth:`Ingress.tidy`.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from ecs_lattice import ownership
from ecs_lattice.errors import AwsError, DeniedError, InvalidError, NotFoundError, QuotaError
from ecs_lattice.ingress import problems
from ecs_lattice.ingress.group import SecurityGroupRules, is_service, marks, should_be_ours, unneeded
from ecs_lattice.ingress.model import AllowedPorts, IngressRequirement, IngressRule, PrefixList, SecurityGroup
from ecs_lattice.ingress.ports import SecurityGroups
from ecs_lattice.ingress.ranges import covers
from ecs_lattice.model import AddressFamily
from ecs_lattice.outcome import Problem
from ecs_lattice.ports import Requirements


@dataclass(frozen=True, slots=True)
class Opened:
    """``rules``: those that let VPC Lattice in for what was asked, ours or not. ``problems``: what is not open; empty when
    everything is."""

    rules: tuple[IngressRule, ...] = ()
    prefix_lists: tuple[PrefixList, ...] = ()
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of one group. ``full``: what it has no room for; ``problem``: why it is closed for all that was asked;
    ``needs``: who needs what of it."""

    gate: SecurityGroupRules
    full: tuple[AllowedPorts, ...] = ()
    problem: Problem | None = None
    requirements: tuple[IngressRequirement, ...] = ()


@dataclass(frozen=True, slots=True)
class Ingress:
    """Ingress for the stack ``owner``. ``account``: whose groups may be opened (None: of the needer, where it is an ARN).

    ThrottledError and UnavailableError of EC2 and of the registry are raised: call again, everything may be repeated.
    """

    groups: SecurityGroups
    requirements: Requirements
    owner: str
    account: str | None = None

    def families(self) -> tuple[AddressFamily, ...]:
        """The address families for which this Region has a prefix list of VPC Lattice."""
        return tuple(sorted(one.family for one in self.groups.prefix_lists()))

    def open_each(
        self, consumer: str, group_ids: Sequence[str], openings: Sequence[AllowedPorts], description: str
    ) -> Opened:
        """Let VPC Lattice into every one of the groups; replaces what ``needer`` needed in them before."""
        wanted = sorted(set(group_ids))
        try:
            lists = self.groups.prefix_lists()
            known = {one.id: one for one in self.groups.groups(wanted)}
        except DeniedError as error:
            return Opened(problems=(problems.denied(wanted, error),))
        lacking = {one.family for one in openings} - {one.family for one in lists}
        openings = tuple(sorted({one for one in openings if one.family not in lacking}))
        rules: list[IngressRule] = []
        found = [problems.no_prefix_list(family) for family in sorted(lacking)]
        for group_id in wanted:
            try:
                gate, said = self._open_one(consumer, group_id, known.get(group_id), openings, description)
            except DeniedError as error:
                found.append(problems.denied([group_id], error))
                continue
            found += said
            rules += [rule for opening in openings if (rule := self._rule(gate, opening))]
        return Opened(tuple(dict.fromkeys(rules)), lists, tuple(found))

    def close(
        self, consumer: str, group_ids: Sequence[str], keep: Mapping[str, Sequence[AllowedPorts]] | None = None
    ) -> tuple[str, ...]:
        """Forget what ``needer`` needs in the groups, except ``keep``, and revoke at once what nobody else needs there.

        Returns the ids of the revoked rules. Where the registry does not know the need, nothing is revoked: the table may
        have been lost, and with it what others need. The resync takes such rules away once it has been rebuilt.
        """
        revoked: list[str] = []
        for group_id in sorted(set(group_ids)):
            kept = IngressRequirement(group_id, consumer, tuple(sorted(set((keep or {}).get(group_id, ())))))
            before = self._need(group_id, consumer)
            self.requirements.put_requirement(kept)
            if before is None:
                continue
            try:
                revoked += self._close_one(group_id)
            except AwsError:
                # What could not be done must be found again by whoever repeats this; an opening may have come meanwhile.
                openings = {
                    one
                    for requirement in (before, self._need(group_id, consumer))
                    if requirement
                    for one in requirement.openings
                }
                self.requirements.put_requirement(IngressRequirement(group_id, consumer, tuple(sorted(openings))))
                raise
        return tuple(revoked)

    def forget(self, consumer: str, group_ids: Iterable[str]) -> None:
        """Take the needs in these groups back; the rules go in the resync."""
        for group_id in sorted(set(group_ids)):
            self.requirements.put_requirement(IngressRequirement(group_id, consumer))

    def gate(self, group_id: str) -> SecurityGroupRules:
        """The group as it is read now; without rules when it does not exist."""
        return self.gates([group_id])[group_id]

    def gates(self, group_ids: Collection[str]) -> dict[str, SecurityGroupRules]:
        """Several groups, read by as few calls as possible."""
        if not group_ids:
            return {}
        lists, rules = self.groups.prefix_lists(), self.groups.rules(sorted(group_ids))
        return {
            group_id: SecurityGroupRules(
                group_id, tuple(rule for rule in rules if rule.group_id == group_id), lists, self.owner
            )
            for group_id in group_ids
        }

    def is_of_another_account(self, group: SecurityGroup, consumer: str) -> bool:
        """Whether the group is not ours to open."""
        account = self.account or (consumer.split(":")[4] if is_service(consumer) else None)
        return account is not None and group.account != account

    def settle(self, group_id: str, openings: Sequence[AllowedPorts], description: str) -> Settled:
        """Add to the group what is missing of ``openings``, which are written as needed before this is called."""
        requirements, gate = self.requirements.requirements_on(group_id), self.gate(group_id)
        closed = [one for one in openings if not gate.rule_for(one)]
        try:
            missing = [
                one for one in sorted(should_be_ours(gate, requirements)) if any(covers(one, it) for it in closed)
            ]
            gate, full = self.authorize(gate, missing, description)
            self.mark(gate, requirements)
        except DeniedError as error:
            return Settled(gate, problem=problems.denied([group_id], error))
        except NotFoundError:
            return Settled(gate, problem=problems.no_group(group_id))
        return Settled(
            gate, tuple(one for one in closed if any(covers(it, one) for it in full)), requirements=requirements
        )

    def authorize(
        self, gate: SecurityGroupRules, openings: Sequence[AllowedPorts], description: str
    ) -> tuple[SecurityGroupRules, tuple[AllowedPorts, ...]]:
        """Add a rule for each opening; the gate afterwards, and what there was no room for."""
        if not openings:
            return gate, ()
        pairs = [(one, source) for one in openings if (source := gate.lists_of(one))]
        try:
            added = self.groups.authorize(gate.group_id, pairs, description, {ownership.OWNER: self.owner})
        except QuotaError:
            if len(pairs) == 1:
                return gate, tuple(openings)
            full: list[AllowedPorts] = []
            for one in openings:  # some may fit, and IPv4 and IPv6 have a quota each
                gate, refused = self.authorize(gate, [one], description)
                full += refused
            return gate, tuple(full)
        rules = {rule.id: rule for rule in (*gate.rules, *added)}
        return SecurityGroupRules(gate.group_id, tuple(rules.values()), gate.lists, gate.owner), ()

    def add_missing(self, gate: SecurityGroupRules, description: str = "Needed by several") -> SecurityGroupRules:
        """Put back what somebody needs and has no rule; what there is no room for is left out."""
        missing = should_be_ours(gate, self.requirements.requirements_on(gate.group_id)) - set(gate.ours)
        try:
            return self.authorize(gate, sorted(missing), description)[0]
        except NotFoundError:
            return gate

    def revoke(self, gate: SecurityGroupRules, rules: Sequence[IngressRule]) -> tuple[str, ...]:
        """Take rules of ours away, then put back what somebody came to need meanwhile; the ids of those revoked."""
        rule_ids = tuple(rule.id for rule in rules)
        if rule_ids:
            self.groups.revoke(gate.group_id, rule_ids)
        gate, requirements = gate.without(rule_ids), self.requirements.requirements_on(gate.group_id)
        if any(not gate.rule_for(one) for requirement in requirements for one in requirement.openings):
            gate = self.add_missing(gate)
        self.mark(gate, requirements)
        return rule_ids

    def mark(self, gate: SecurityGroupRules, requirements: Iterable[IngressRequirement]) -> None:
        """Let our rules say which custom resources need them: a lost table is rebuilt from that."""
        for rule, tags in marks(gate, requirements).items():
            standing = {key: value for key, value in rule.tags if key.startswith(ownership.INGRESS)}
            fresh = {key: value for key, value in tags.items() if standing.get(key) != value}
            stale = sorted(set(standing) - set(tags))
            try:
                if fresh:
                    self.groups.tag([rule.id], fresh)
                if stale:
                    self.groups.untag([rule.id], stale)
            except (NotFoundError, QuotaError, InvalidError):
                continue  # gone meanwhile, or it has as many tags as EC2 allows: the rule does without

    def _close_one(self, group_id: str) -> tuple[str, ...]:
        # A wide rule of which only a part is still needed goes after that part has a rule of its own.
        gate = self.add_missing(self.gate(group_id))
        return self.revoke(gate, unneeded(gate, self.requirements.requirements_on(group_id)))

    def _need(self, group_id: str, consumer: str) -> IngressRequirement | None:
        return next(
            (
                requirement
                for requirement in self.requirements.requirements_on(group_id)
                if requirement.consumer == consumer
            ),
            None,
        )

    def _open_one(
        self,
        consumer: str,
        group_id: str,
        group: SecurityGroup | None,
        openings: Sequence[AllowedPorts],
        description: str,
    ) -> tuple[SecurityGroupRules, list[Problem]]:
        """The group as it is then, and why it is not open for everything."""
        if group is None:
            return SecurityGroupRules(group_id, (), (), self.owner), [problems.no_group(group_id)]
        if self.is_of_another_account(group, consumer):
            gate = self.gate(group_id)
            closed = [one for one in openings if not self._rule(gate, one)]
            return gate, [problems.foreign_group(gate, group, closed)] if closed else []
        self.requirements.put_requirement(IngressRequirement(group_id, consumer, tuple(openings)))
        settled = self.settle(group_id, openings, description)
        closed = [one for one in settled.full if not settled.gate.wide_rule_for(one)]
        said = [settled.problem] if settled.problem else []
        return settled.gate, said + ([problems.full(settled.gate, closed)] if closed else [])

    @staticmethod
    def _rule(gate: SecurityGroupRules, opening: AllowedPorts) -> IngressRule | None:
        return gate.rule_for(opening) or gate.wide_rule_for(opening)
