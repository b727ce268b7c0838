"""Any sequence of custom resources and routes over shared groups, with foreign rules, crashes, and other steps in between.

The oracle never asks the code under test what is required: it keeps its own book of who asked for what, port by port.
"""

import contextlib
import dataclasses
import itertools
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from ecs_lattice import ownership
from ecs_lattice.ingress.model import AllowedPorts, PortRange, PortRequirement
from ecs_lattice.ingress.open import Ingress
from ecs_lattice.ingress.routes import RouteIngress
from ecs_lattice.ingress.sweep import Sweeper
from tests.ingress.groups import LABEL_PREFIX, LISTS, OWNER, VPC, Crashed, Groups, Hooked, Requirements, open_groups

GROUPS = ["sg-a", "sg-b"]
PORTS = range(8080, 8086)
RESOURCES = ["ecs-lattice-ingress-1", "ecs-lattice-ingress-2"]
SERVICES = [f"arn:aws:ecs:us-east-1:123456789012:service/shop/{name}" for name in ("orders", "carts")]

ranges = st.builds(
    lambda first, size: PortRange(first, min(first + size, PORTS[-1])), st.sampled_from(PORTS), st.integers(0, 3)
)
openings = st.builds(AllowedPorts, st.sampled_from(["IPV4", "IPV6"]), ranges)
asked = st.lists(openings, min_size=1, max_size=3, unique=True).map(lambda found: tuple(sorted(found)))
some_groups = st.lists(st.sampled_from(GROUPS), min_size=1, max_size=2, unique=True)
consumers = st.sampled_from([*RESOURCES, *SERVICES])
steps = st.tuples(consumers, some_groups, asked, st.booleans())
moments = st.none() | st.integers(0, 15)


READS = {
    "authorized", "authorized_on", "default_group", "groups", "owned_rules", "prefix_lists", "requirements", "requirements_on",
    "rules",
}  # fmt: skip
"""The calls of EC2 and of the registry that only read."""


class Documents(dict):
    """The registry's documents that the sweep keeps."""

    def document(self, kind: str, key: str) -> str | None:
        return self.get((kind, key))

    def put_document(self, kind: str, key: str, text: str, *, expires_at: float | None = None) -> None:
        self[kind, key] = text


class AnySequence(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.groups, self.requirements = Groups(quota=10_000), Requirements()
        for group in GROUPS:
            self.groups.add(group)
        self.documents = Documents({("stack", "marker"): "{}", ("stack", "authorized-rules"): "{}"})
        self.before: Any = nothing
        self.ingress = Ingress(
            Hooked(self.groups, self.call), Hooked(self.requirements, self.call), OWNER, LABEL_PREFIX, quota=10_000
        )
        self.foreign: dict[str, Any] = {}
        # The book: what each consumer has asked for last (groups, ports), and in which groups it ever asked.
        self.book: dict[str, tuple[tuple[str, ...], tuple[AllowedPorts, ...]]] = {}
        self.ever: dict[str, set[str]] = {}

    def call(self, name: str) -> None:
        self.before(name)

    # What the parties do: each is repeated by whoever asked, until it comes to its end.

    def act(self, consumer: str, group_ids: list[str], wanted: tuple[AllowedPorts, ...]) -> None:
        self.ever.setdefault(consumer, set()).update(group_ids)
        before = sorted(self.ever[consumer])
        if consumer in SERVICES:
            routes = RouteIngress(self.ingress)
            requirements = [PortRequirement(tuple(group_ids), VPC, one) for one in wanted]
            answer = routes.open(consumer, requirements, before, "a route")
            assert answer.closed == ()
        elif wanted:
            opened = open_groups(self.ingress, consumer, group_ids, wanted, "a custom resource")
            assert opened.problems == ()
            self.ingress.close(consumer, before, dict.fromkeys(group_ids, wanted))
        else:
            self.ingress.close(consumer, before)

    def sweep(self) -> None:
        Sweeper(self.ingress, self.documents).sweep()

    def interrupted(self, at: int | None, what: Any, by: Any) -> None:
        """``what``, with ``by`` happening before its call number ``at``, or after it where it makes fewer calls."""
        count, is_due = itertools.count(), True

        def before(_name: str) -> None:
            nonlocal is_due
            if next(count) == at and is_due:
                is_due, self.before = False, nothing
                by()
                self.before = before

        self.before = before
        try:
            what()
        finally:
            self.before = nothing
        if is_due:
            by()

    def asks(self, step: Any) -> Any:
        consumer, group_ids, wanted, leaves = step
        wanted = () if leaves else wanted
        self.book[consumer] = (tuple(group_ids), wanted)
        return lambda: self.act(consumer, group_ids, wanted)

    @rule(step=steps)
    def somebody_asks_or_leaves(self, step):
        self.asks(step)()

    @rule(step=steps, other=steps, at=moments)
    def two_at_once(self, step, other, at):
        if step[0] != other[0]:
            self.interrupted(at, self.asks(step), self.asks(other))
            self.has_its_ports_open(step[0])
            self.has_its_ports_open(other[0])

    @rule(step=steps, at=st.integers(0, 25))
    def a_crash_and_the_repetition(self, step, at):
        act = self.asks(step)
        try:
            self.interrupted(at, act, crash)
        except Crashed:
            act()

    @rule()
    def a_sweep(self):
        self.sweep()

    @rule(step=steps, at=moments)
    def a_sweep_while_somebody_asks(self, step, at):
        self.interrupted(at, self.sweep, self.asks(step))
        self.has_its_ports_open(step[0])

    @rule(step=steps, at=moments)
    def a_sweep_in_the_middle_of_an_act(self, step, at):
        self.interrupted(at, self.asks(step), self.sweep)
        self.has_its_ports_open(step[0])

    @rule(at=moments)
    def a_sweep_that_crashes(self, at):
        with contextlib.suppress(Crashed):
            self.interrupted(at, self.sweep, crash)

    # What others do.

    @rule(
        group=st.sampled_from(GROUPS),
        ports=ranges,
        source=st.sampled_from(LISTS),
        tag=st.sampled_from(["another-stack", OWNER, ""]),
    )
    def another_adds_a_rule(self, group, ports, source, tag):
        """With our tag on it, too, but not where a crash has just kept us from adding the same."""
        key = (ports, source.id)
        is_begun = tag == OWNER and (group, AllowedPorts(source.family, ports)) in self.requirements.rules
        if not is_begun and key not in {(one.ports, one.prefix_list_id) for one in self.groups.rules([group])}:
            tags = ((ownership.OWNER, tag),) if tag else ()
            made = self.groups.by_hand(group, ports=ports, prefix_list_id=source.id, tags=tags)
            self.foreign[made.id] = made

    @rule(group=st.sampled_from(GROUPS), ports=ranges)
    def another_opens_to_the_world(self, group, ports):
        """With our tag on it: a rule by addresses is never one that we made."""
        made = self.groups.by_hand(group, ports=ports, cidr="0.0.0.0/0", tags=((ownership.OWNER, OWNER),))
        self.foreign[made.id] = made

    @precondition(lambda self: self.foreign)
    @rule(data=st.data())
    def another_deletes_a_foreign_rule(self, data):
        del self.groups.standing[self.foreign.pop(data.draw(st.sampled_from(sorted(self.foreign)))).id]

    @precondition(lambda self: self.groups.owned_rules())
    @rule(data=st.data())
    def somebody_deletes_a_rule_of_ours(self, data):
        ours = sorted(one.id for one in self.groups.owned_rules() if one.prefix_list_id and one.id not in self.foreign)
        if ours:
            del self.groups.standing[data.draw(st.sampled_from(ours))]

    # What must hold.

    @invariant()
    def foreign_rules_are_unchanged(self):
        assert {one: untagged(self.groups.standing[one]) for one in self.foreign} == {
            one: untagged(made) for one, made in self.foreign.items()
        }

    def teardown(self):
        self.after_two_sweeps_exactly_the_required_rules_exist()

    @rule()
    def after_two_sweeps_exactly_the_required_rules_exist(self):
        self.sweep()
        self.sweep()
        families = {one.id: one.family for one in LISTS}
        for group in GROUPS:
            rules = [one for one in self.groups.rules([group]) if one.prefix_list_id]
            ours = [one for one in rules if one.id not in self.foreign]
            sets = {rule.id: (families[rule.prefix_list_id], ports_of(rule.ports)) for rule in rules}
            needed = self.needed(group)
            for family in ("IPV4", "IPV6"):
                union = set().union(*(ports for one, ports in needed if one == family))
                mine = [sets[rule.id][1] for rule in ours if sets[rule.id][0] == family]
                # Every rule of ours is required in all of its ports, and none of them overlap.
                assert all(ports <= union for ports in mine), (group, mine, union)
                assert sum(map(len, mine)) == len(set().union(*mine)), (group, mine)
                foreign = [sets[one.id][1] for one in rules if one.id in self.foreign and sets[one.id][0] == family]
                if not foreign:
                    assert sorted(map(sorted, mine)) == runs(union), (group, mine, union)
        self.everybody_who_asked_has_its_ports_open()
        self.an_hour_has_no_write()

    def an_hour_has_no_write(self):
        """Four sweeps of which nothing comes: neither EC2 nor the registry is written, its documents included."""
        self.sweep()  # the record of a rule that the last one revoked is deleted by the next
        calls: list[str] = []
        before, documents = dict(self.groups.standing), dict(self.documents)
        self.before = calls.append
        for _ in range(4):
            self.sweep()
        self.before = nothing
        assert [name for name in calls if name not in READS] == []
        assert self.groups.standing == before
        assert self.documents == documents

    def everybody_who_asked_has_its_ports_open(self):
        for consumer in self.book:
            self.has_its_ports_open(consumer)

    def has_its_ports_open(self, consumer: str) -> None:
        """No order of two parties leaves one of them closed, not even until the next sweep."""
        families = {one.id: one.family for one in LISTS}
        group_ids, wanted = self.book[consumer]
        for one in wanted:
            is_open = {
                group: any(
                    families[it.prefix_list_id] == one.family and ports_of(one.ports) <= ports_of(it.ports)
                    for it in self.groups.rules([group])
                    if it.prefix_list_id
                )
                for group in group_ids
            }
            assert any(is_open.values()) if consumer in SERVICES else all(is_open.values()), (consumer, one, is_open)

    def needed(self, group: str) -> set[tuple[str, frozenset[int]]]:
        """What is required of a group: custom resources require it of all of their groups, services of the one that was assigned."""
        found = set()
        for consumer, (group_ids, wanted) in self.book.items():
            if consumer in SERVICES:
                chosen = {
                    it
                    for (at, who), requirement in self.requirements.written.items()
                    if (at, who) == (group, consumer)
                    for it in requirement.ports
                }
                assert chosen <= set(wanted), (consumer, group)
                assert not chosen or group in group_ids
                found |= {(one.family, ports_of(one.ports)) for one in chosen}
            elif group in group_ids:
                found |= {(one.family, ports_of(one.ports)) for one in wanted}
        return found


def untagged(made: Any) -> Any:
    """Without the custom resources that require it, which a rule with our tag is given whoever made it."""
    kept = tuple(tag for tag in made.tags if not tag[0].startswith(ownership.INGRESS))
    return dataclasses.replace(made, tags=kept)


def nothing(_name: str) -> None:
    pass


def crash() -> None:
    raise Crashed


def ports_of(ports: PortRange) -> frozenset[int]:
    return frozenset(range(ports.first, ports.last + 1))


def runs(ports: set[int]) -> list[list[int]]:
    """``ports`` as runs without a gap."""
    found: list[list[int]] = []
    for port in sorted(ports):
        if found and found[-1][-1] == port - 1:
            found[-1].append(port)
        else:
            found.append([port])
    return found


AnySequence.TestCase.settings = settings(max_examples=200, stateful_step_count=20, deadline=None)
TestAnySequenceOverSharedGroups = AnySequence.TestCase
