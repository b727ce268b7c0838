"""The adapter of VPC Lattice: what goes out and what comes back, against the local VPC Lattice through boto3."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from ecs_lattice import api_calls
from ecs_lattice.aws.clients import Clients
from ecs_lattice.aws.lattice import BotoLattice
from ecs_lattice.aws.lattice_shapes import match_from, match_to
from ecs_lattice.errors import ConflictError, InvalidError, OutOfTimeError, QuotaError
from ecs_lattice.graph import FixedResponse, OtherMatch, Target, forward, id_of
from ecs_lattice.lattice_side.ports import GroupSpec, RuleChange, ServiceSpec
from ecs_lattice.model import HeaderMatch, HealthCheck, ListenerKey, Match, PathMatch
from local_aws import inprocess

HTTP = ListenerKey("HTTP", 80)
CHECK = HealthCheck(
    enabled=True, port=9000, path="/livez", code="200-299", interval=7, timeout=3, healthy=4, unhealthy=3
)
NOT_FOUND = FixedResponse(404)


class Bench:
    def __init__(self, machine: inprocess.Machine) -> None:
        self.clock = machine.clock
        self.client: Any = boto3.client("vpc-lattice")
        self.adapter = BotoLattice(self.client)
        self.vpc = boto3.client("ec2").describe_vpcs()["Vpcs"][0]["VpcId"]

    def group(self, name: str = "group") -> str:
        spec = GroupSpec(name, self.vpc, "IPV4", 8080, "HTTP", "HTTP1", CHECK)
        arn, _ = self.adapter.create_group(spec, f"token-{name}", {"a": "b"})
        self.clock.advance(10)
        return arn

    def service(self) -> str:
        arn, _ = self.adapter.create_service(ServiceSpec("shop", idle_timeout=90), "token-service", {"a": "b"})
        self.clock.advance(10)
        return arn

    def listener(self) -> str:
        return self.adapter.create_listener(self.service(), "http", HTTP, NOT_FOUND, "token-listener", {})


@pytest.fixture
def bench() -> Iterator[Bench]:
    with inprocess.started() as machine:
        yield Bench(machine)


def test_a_target_group_comes_back_with_the_health_check_that_was_sent(bench: Bench) -> None:
    group = bench.adapter.group(bench.group())
    assert group
    assert group.health == CHECK
    assert (group.status, group.kind, group.protocol, group.vpc_id) == ("ACTIVE", "IP", "HTTP", bench.vpc)
    assert bench.adapter.tags(group.arn) == {"a": "b"}


def test_a_health_check_without_a_port_of_its_own_resets_the_port(bench: Bench) -> None:
    arn = bench.group()
    bench.adapter.update_health(arn, HealthCheck(enabled=True))
    group = bench.adapter.group(arn)
    assert group
    assert group.health == HealthCheck(enabled=True)


def test_what_is_not_there_is_none(bench: Bench) -> None:
    assert bench.adapter.group("tg-0123456789abcdef0") is None
    assert bench.adapter.service("svc-0123456789abcdef0") is None
    assert bench.adapter.network("sn-0123456789abcdef0") is None
    assert bench.adapter.find_service("nobody") is None


def test_listeners_come_with_their_rules_and_default_actions(bench: Bench) -> None:
    listener, group = bench.listener(), id_of(bench.group())
    match = Match(PathMatch("prefix", "/a", False), "GET", (HeaderMatch("x", "contains", "y"),))
    bench.adapter.create_rule(listener, "rule", 7, match, forward({group: 5}), "token-rule", {})
    found = bench.adapter.listeners(listener.rsplit("/", 2)[0])
    (rule,) = found[0].rules
    assert (found[0].key, found[0].default) == (HTTP, NOT_FOUND)
    assert (rule.name, rule.priority, rule.match, rule.action) == ("rule", 7, match, forward({group: 5}))


def test_an_update_changes_only_the_members_that_are_given(bench: Bench) -> None:
    listener, group = bench.listener(), id_of(bench.group())
    match = Match(PathMatch("exact", "/a", True))
    rule = bench.adapter.create_rule(listener, "rule", 7, match, forward({group: 5}), "token-rule", {})
    bench.adapter.update_rule(RuleChange(rule, priority=9))
    ((after,),) = [one.rules for one in bench.adapter.listeners(listener.rsplit("/", 2)[0])]
    assert (after.priority, after.match, after.action) == (9, match, forward({group: 5}))


def test_what_a_batch_could_not_do_is_said(bench: Bench) -> None:
    listener, group = bench.listener(), id_of(bench.group())
    rule = bench.adapter.create_rule(listener, "rule", 7, Match(method="GET"), forward({group: 5}), "t", {})
    failures = bench.adapter.update_rules(listener, [RuleChange(rule, priority=8), RuleChange(rule[:-4] + "0000", 9)])
    assert len(failures) == 1
    assert "ResourceNotFoundException" in failures[0]


def test_lists_are_read_to_their_last_page(bench: Bench) -> None:
    for number in range(105):
        bench.client.create_service(name=f"service-{number:03}")
    names = [f"service-{number:03}" for number in range(105)]
    assert all(bench.adapter.find_service(name) for name in (names[0], names[50], names[-1]))


def test_a_service_of_the_same_name_that_another_account_shares_is_another(bench: Bench) -> None:
    own = bench.client.create_service(name="shop")["arn"]
    account = own.split(":")[4]
    shared = own.replace(account, "999999999999")

    def listed(parsed: dict[str, Any], **_: object) -> None:
        parsed["items"].insert(0, {"name": "shop", "arn": shared})

    bench.client.meta.events.register("after-call.vpc-lattice.ListServices", listed)
    assert bench.adapter.find_service("shop") == shared
    assert bench.adapter.find_service("shop", account) == own


def test_more_than_a_hundred_targets_are_deregistered_in_several_calls(bench: Bench) -> None:
    from local_aws import lattice as local

    arn = bench.group()
    targets = [{"id": f"172.31.{n // 200}.{n % 200 + 1}", "port": 80} for n in range(150)]
    for part in (targets[:100], targets[100:]):
        bench.client.register_targets(targetGroupIdentifier=arn, targets=part)
    assert bench.adapter.deregister(arn, [Target(str(t["id"]), int(t["port"]), "UNUSED") for t in targets]) == ()
    assert [call.operation for call in local.backend().calls].count("DeregisterTargets") == 2
    bench.clock.advance(120)
    assert bench.adapter.targets(arn) == ()


def test_a_match_that_no_route_can_declare_goes_back_as_it_came() -> None:
    data = {"httpMatch": {"headerMatches": [{"name": "x", "match": {"exact": "y"}, "caseSensitive": True}]}}
    match = match_from(data)
    assert isinstance(match, OtherMatch)
    assert match_to(match) == data


def test_errors_are_ours(bench: Bench) -> None:
    from local_aws import lattice as local

    bench.group()
    with pytest.raises(ConflictError):
        bench.adapter.create_group(GroupSpec("group", bench.vpc, "IPV4", 1, "HTTP", "HTTP1", CHECK), "other", {})
    with pytest.raises(InvalidError):
        bench.adapter.create_group(GroupSpec("No", bench.vpc, "IPV4", 1, "HTTP", "HTTP1", CHECK), "third", {})
    import dataclasses

    local.backend().quotas = dataclasses.replace(local.backend().quotas, target_groups=1)
    with pytest.raises(QuotaError) as caught:
        bench.adapter.create_group(GroupSpec("more", bench.vpc, "IPV4", 1, "HTTP", "HTTP1", CHECK), "fourth", {})
    assert caught.value.quota_code == "L-BB11C6B9"


def test_no_call_begins_when_the_time_is_over(bench: Bench) -> None:
    adapter = BotoLattice(Clients(boto3.DEFAULT_SESSION).lattice)
    with api_calls.within(-1), pytest.raises(OutOfTimeError):
        adapter.find_service("shop")
