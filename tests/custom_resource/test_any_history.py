"""Any history of custom resources over shared groups ends with exactly what the newest requests want.

Requests are cut off at any call to EC2, repeated long after they were overtaken, and crossed by their successors; they
begin in the order in which CloudFormation sent them. The oracle knows only the requests: which one CloudFormation sent last for each resource, and what it asked for.
"""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecs_lattice.custom_resource.protocol import Request
from local_aws import inprocess
from tests.custom_resource.conftest import Account

PORTS = [["8080"], ["8081"], ["8080", "8082-8090"], ["9000-9010"]]
EXAMPLES = itertools.count(1)
FAMILIES = [["IPv4"], ["IPv6"], []]


class Killed(BaseException):
    """The function is gone in the middle of a call, as when its time is over."""


@dataclass
class Stack:
    """What CloudFormation knows of one resource."""

    logical_id: str
    properties: dict[str, Any] | None = None
    sent: list[Request] = field(default_factory=list)


@dataclass
class Histories:
    account: Account
    groups: list[str]
    stacks: list[Stack]

    def send(self, stack: Stack, properties: dict[str, Any] | None) -> Request:
        """The next request of a resource; it counts from the moment it is sent."""
        old = stack.properties
        if properties is None:
            kind, asked = "Delete", old or {}
        else:
            kind, asked = ("Create" if old is None else "Update"), properties
        request = self.account.request(kind, asked, old if kind == "Update" else None, logical_id=stack.logical_id)
        stack.properties = properties
        stack.sent.append(request)
        return request

    def work(
        self, request: Request, *, dies_at: int | None = None, crossing: Callable[[], Request] | None = None
    ) -> None:
        """Run the function. It may die at its n-th call to EC2, or be crossed there by the work on another request."""
        calls = [0]

        def before(_: str) -> None:
            calls[0] += 1
            if calls[0] - 1 != dies_at:
                return
            self.account.before = lambda _call: None
            if crossing is None:
                raise Killed
            self.account.resource.apply(crossing())

        self.account.before = before
        try:
            self.account.resource.apply(request)
        except Killed:
            pass
        finally:
            self.account.before = lambda _call: None
        if crossing is not None and dies_at is not None and calls[0] <= dies_at:
            self.account.resource.apply(crossing())  # there were fewer calls: it comes right after

    def wanted(self) -> set[tuple[str, str, int]]:
        """(group, family, port) that should be open."""
        found = set()
        for properties in filter(None, (stack.properties for stack in self.stacks)):
            for text in properties["Ports"]:
                first, _, last = text.partition("-")
                for port in range(int(first), int(last or first) + 1):
                    for group in properties["SecurityGroupIds"]:
                        found |= {(group, f, port) for f in properties["AddressFamilies"] or ["IPv4", "IPv6"]}
        return found

    def open(self) -> set[tuple[str, str, int]]:
        found = set()
        for group, family, ports in self.account.rules(*self.groups):
            first, last = map(int, ports.split("-"))
            found |= {(group, family, port) for port in range(first, last + 1)}
        return found


STEPS = st.lists(
    st.tuples(
        st.integers(0, 1),  # whose
        st.sampled_from(["change", "delete", "repeat"]),
        st.tuples(st.sampled_from([(0,), (1,), (0, 1)]), st.sampled_from(PORTS), st.sampled_from(FAMILIES)),
        st.none() | st.integers(0, 12),  # at which call to EC2 something happens
        st.none() | st.tuples(st.sampled_from([(0,), (1,), (0, 1)]), st.sampled_from(PORTS), st.sampled_from(FAMILIES)),
    ),
    min_size=1,
    max_size=5,
)


@pytest.fixture(scope="module")
def machine() -> Iterator[Account]:
    """One account for all examples: each makes security groups and stacks of its own."""
    with inprocess.started() as started:
        yield Account(started.clock)


def played(account: Account, steps: list[Any], *, with_deaths: bool) -> Histories:
    """The history of the steps, and CloudFormation's and Lambda's last repetitions after it."""
    number = str(next(EXAMPLES))
    it = Histories(account, [account.group(), account.group()], [Stack(f"Blue{number}"), Stack(f"Green{number}")])
    for whose, what, asked, at, crossing in steps:
        stack = it.stacks[whose]
        if what == "repeat":
            for request in stack.sent[:1]:
                it.work(request)
            continue
        request = it.send(stack, None if what == "delete" and stack.properties else asked_for(it, asked))
        if crossing is not None and at is not None:
            it.work(request, dies_at=at, crossing=partial(it.send, stack, asked_for(it, crossing)))
        else:
            it.work(request, dies_at=at if with_deaths else None)
    for stack in it.stacks:
        for request in (*stack.sent[-1:], *stack.sent):
            it.work(request)
    return it


@settings(max_examples=25, deadline=None)
@given(STEPS)
def test_whatever_dies_in_between_what_the_newest_requests_want_is_open_and_known(machine, steps):
    it = played(machine, steps, with_deaths=True)
    assert it.wanted() - it.open() == set()
    needed = {
        (requirement.group_id, requirement.consumer)
        for group in it.groups
        for requirement in machine.registry.requirements_on(group)
    }
    assert needed == {
        (group, stack.sent[-1].own_id)
        for stack in it.stacks
        if stack.properties
        for group in stack.properties["SecurityGroupIds"]
    }


@settings(max_examples=25, deadline=None)
@given(STEPS)
def test_without_a_death_nothing_else_is_open_however_requests_cross_and_repeat(machine, steps):
    it = played(machine, steps, with_deaths=False)
    assert it.open() == it.wanted()


def test_a_foreign_rule_outlives_every_resource_beside_it(machine):
    it = Histories(machine, [machine.group(), machine.group()], [Stack("BlueBeside"), Stack("GreenBeside")])
    stranger = stranger_opens(machine, it.groups[0])
    before = described(machine, it.groups[0])
    for ports in (*PORTS, None, PORTS[1], None):
        for stack in it.stacks:
            asked = ports and {"SecurityGroupIds": it.groups, "Ports": ports, "AddressFamilies": []}
            it.work(it.send(stack, asked))
            assert stranger in {rule["SecurityGroupRuleId"] for rule in described(machine, it.groups[0])}
    assert described(machine, it.groups[0]) == before


def asked_for(it: Histories, asked: tuple[tuple[int, ...], list[str], list[str]]) -> dict[str, Any]:
    which, ports, families = asked
    return {"SecurityGroupIds": [it.groups[one] for one in which], "Ports": ports, "AddressFamilies": families}


def described(account: Account, group: str) -> list[dict[str, Any]]:
    return account.ec2.describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [group]}])[
        "SecurityGroupRules"
    ]


def stranger_opens(account: Account, group: str) -> str:
    """A rule that somebody added by hand; its ID."""
    lists = account.ec2.describe_managed_prefix_lists()["PrefixLists"]
    ipv4 = next(one["PrefixListId"] for one in lists if one["PrefixListName"] == "com.amazonaws.us-east-1.vpc-lattice")
    permission = {"IpProtocol": "tcp", "FromPort": 8081, "ToPort": 8081, "PrefixListIds": [{"PrefixListId": ipv4}]}
    answer = account.ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[permission])
    return answer["SecurityGroupRules"][0]["SecurityGroupRuleId"]
