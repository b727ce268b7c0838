"""VPC Lattice of the local AWS: listeners, rules, priorities, actions, and which target group goes where."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from local_aws import inprocess
from local_aws import lattice as local_lattice

VPC = "vpc-0123456789abcdef0"
NOT_FOUND: dict[str, Any] = {"fixedResponse": {"statusCode": 404}}
GET: dict[str, Any] = {"httpMatch": {"method": "GET"}}


@dataclass
class World:
    lattice: Any

    def service(self, name: str = "orders", **more: Any) -> str:
        return self.lattice.create_service(name=name, **more)["id"]

    def listener(self, service: str, name: str = "http", protocol: str = "HTTP", **more: Any) -> str:
        action = more.pop("defaultAction", NOT_FOUND)
        return self.lattice.create_listener(
            serviceIdentifier=service, name=name, protocol=protocol, defaultAction=action, **more
        )["id"]

    def group(self, name: str, **config: Any) -> str:
        settings = {"port": 80, "protocol": "HTTP", "vpcIdentifier": VPC, **config}
        return self.lattice.create_target_group(name=name, type="IP", config=settings)["id"]

    def rule(self, service: str, listener: str, priority: int, **more: Any) -> str:
        settings = {"name": f"rule{priority}", "match": GET, "action": NOT_FOUND, **more}
        return self.lattice.create_rule(
            serviceIdentifier=service, listenerIdentifier=listener, priority=priority, **settings
        )["id"]


@pytest.fixture
def world() -> Iterator[World]:
    with inprocess.started():
        yield World(
            boto3.client("vpc-lattice", config=Config(parameter_validation=False, retries={"total_max_attempts": 1}))
        )


def to(*groups: str, weights: tuple[int, ...] = ()) -> dict[str, Any]:
    if not weights:
        return {"forward": {"targetGroups": [{"targetGroupIdentifier": group} for group in groups]}}
    pairs = zip(groups, weights, strict=True)
    return {
        "forward": {"targetGroups": [{"targetGroupIdentifier": group, "weight": weight} for group, weight in pairs]}
    }


def refused(call: Any, *args: Any, **parameters: Any) -> dict[str, Any]:
    with pytest.raises(ClientError) as error:
        call(*args, **parameters)
    return error.value.response


def code(call: Any, *args: Any, **parameters: Any) -> str:
    return refused(call, *args, **parameters)["Error"]["Code"]


def test_a_listener_gets_the_default_port_of_its_protocol(world: World) -> None:
    service = world.service()
    http, https = world.listener(service), world.listener(service, "https", "HTTPS")

    ports = {one["id"]: one["port"] for one in world.lattice.list_listeners(serviceIdentifier=service)["items"]}
    assert ports == {http: 80, https: 443}


def test_two_listeners_of_a_service_cannot_share_a_port(world: World) -> None:
    service = world.service()
    first = world.listener(service)

    answer = refused(world.listener, service, "again", "HTTPS", port=80)
    assert (answer["Error"]["Code"], answer["resourceId"]) == ("ConflictException", first)


def test_a_service_has_two_listeners_at_most(world: World) -> None:
    service = world.service()
    world.listener(service, "one", port=81)
    world.listener(service, "two", port=82)

    answer = refused(world.listener, service, "three", port=83)
    assert answer["Error"]["Code"] == "ServiceQuotaExceededException"
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 402
    assert (answer["serviceCode"], answer["quotaCode"]) == ("vpc-lattice", "L-D64E952E")


def test_a_listener_has_ten_rules_beside_its_default_rule(world: World) -> None:
    service = world.service()
    listener = world.listener(service)
    for priority in range(1, 11):
        world.rule(service, listener, priority)

    answer = refused(world.rule, service, listener, 11)
    assert (answer["Error"]["Code"], answer["quotaCode"]) == ("ServiceQuotaExceededException", "L-CF78395E")
    assert len(world.lattice.list_rules(serviceIdentifier=service, listenerIdentifier=listener)["items"]) == 11


def test_a_raised_quota_holds(world: World) -> None:
    backend = local_lattice.backend()
    backend.quotas = replace(backend.quotas, rules_per_listener=11)
    service = world.service()
    listener = world.listener(service)
    for priority in range(1, 12):
        world.rule(service, listener, priority)

    assert code(world.rule, service, listener, 12) == "ServiceQuotaExceededException"


@pytest.mark.parametrize("priority", [0, 2001])
def test_a_priority_is_between_1_and_2000(world: World, priority: int) -> None:
    service = world.service()
    listener = world.listener(service)

    assert code(world.rule, service, listener, priority) == "ValidationException"
    assert world.rule(service, listener, 2000)


def test_a_taken_priority_is_a_conflict_that_names_the_rule(world: World) -> None:
    service = world.service()
    listener = world.listener(service)
    first = world.rule(service, listener, 5)
    other = world.rule(service, listener, 6)

    assert refused(world.rule, service, listener, 5, name="again")["resourceId"] == first
    answer = refused(
        world.lattice.update_rule,
        serviceIdentifier=service, listenerIdentifier=listener, ruleIdentifier=other, priority=5,
    )  # fmt: skip
    assert (answer["Error"]["Code"], answer["resourceId"]) == ("ConflictException", first)


def test_a_rule_name_is_unique_within_its_listener(world: World) -> None:
    service = world.service()
    listener = world.listener(service)
    world.rule(service, listener, 5, name="same")

    assert code(world.rule, service, listener, 6, name="same") == "ConflictException"


def test_summaries_show_neither_match_nor_action_and_the_default_rule_comes_last(world: World) -> None:
    service = world.service()
    listener = world.listener(service)
    world.rule(service, listener, 20)
    world.rule(service, listener, 10)

    shown = world.lattice.list_rules(serviceIdentifier=service, listenerIdentifier=listener)["items"]
    assert [one.get("priority") for one in shown] == [10, 20, None]
    assert [one["isDefault"] for one in shown] == [False, False, True]
    assert not any("match" in one or "action" in one for one in shown)


def test_get_rule_fills_in_what_was_left_out(world: World) -> None:
    service = world.service()
    listener = world.listener(service)
    group = world.group("orders")
    match = {"httpMatch": {"pathMatch": {"match": {"prefix": "/orders"}}}}
    rule = world.rule(service, listener, 10, match=match, action=to(group))

    found = world.lattice.get_rule(serviceIdentifier=service, listenerIdentifier=listener, ruleIdentifier=rule)
    assert found["match"]["httpMatch"]["headerMatches"] == []
    assert found["match"]["httpMatch"]["pathMatch"] == {"match": {"prefix": "/orders"}, "caseSensitive": True}
    assert found["action"] == to(group, weights=(100,))


def test_header_matches_are_case_insensitive_unless_said_otherwise(world: World) -> None:
    service = world.service()
    listener = world.listener(service)
    match = {"httpMatch": {"headerMatches": [{"name": "x-tenant", "match": {"exact": "a"}}]}}
    rule = world.rule(service, listener, 10, match=match)

    found = world.lattice.get_rule(serviceIdentifier=service, listenerIdentifier=listener, ruleIdentifier=rule)
    expected = {"name": "x-tenant", "match": {"exact": "a"}, "caseSensitive": False}
    assert found["match"]["httpMatch"]["headerMatches"] == [expected]


@pytest.mark.parametrize(
    "match",
    [
        {},
        {"httpMatch": {}},
        {"httpMatch": {"pathMatch": {"match": {"prefix": "orders"}}}},
        {"httpMatch": {"pathMatch": {"match": {"exact": "/a", "prefix": "/b"}}}},
        {"httpMatch": {"pathMatch": {"match": {"exact": "/a*"}}}},
        {"httpMatch": {"pathMatch": {"match": {"exact": "/" + "a" * 200}}}},
        {"httpMatch": {"method": "A" * 17}},
        {"httpMatch": {"headerMatches": [{"name": "x", "match": {}}]}},
        {"httpMatch": {"headerMatches": [{"name": f"x{n}", "match": {"exact": "a"}} for n in range(6)]}},
    ],
)
def test_a_match_that_aws_does_not_know_is_refused(world: World, match: dict[str, Any]) -> None:
    service = world.service()
    listener = world.listener(service)

    assert code(world.rule, service, listener, 10, match=match) == "ValidationException"


@pytest.mark.parametrize(("status", "fits"), [(404, True), (500, True), (200, False), (503, False)])
def test_a_fixed_response_is_404_or_500(world: World, status: int, fits: bool) -> None:
    service = world.service()
    listener = world.listener(service)
    action = {"fixedResponse": {"statusCode": status}}

    if fits:
        assert world.rule(service, listener, 10, action=action)
    else:
        assert code(world.rule, service, listener, 10, action=action) == "ValidationException"


def test_an_action_is_one_thing(world: World) -> None:
    service = world.service()
    listener = world.listener(service)
    both = {**to(world.group("orders")), **NOT_FOUND}

    assert code(world.rule, service, listener, 10, action=both) == "ValidationException"
    assert code(world.rule, service, listener, 10, action={}) == "ValidationException"


def test_several_target_groups_need_weights(world: World) -> None:
    service = world.service()
    listener = world.listener(service)
    first, second = world.group("one"), world.group("two")

    assert code(world.rule, service, listener, 10, action=to(first, second)) == "ValidationException"
    assert world.rule(service, listener, 10, action=to(first, second, weights=(999, 0)))
    over = to(first, second, weights=(1000, 0))
    assert code(world.rule, service, listener, 11, action=over) == "ValidationException"


def test_a_target_group_that_does_not_exist_is_not_found(world: World) -> None:
    service = world.service()
    listener = world.listener(service)

    missing = to("tg-00000000000000000")
    assert code(world.rule, service, listener, 10, action=missing) == "ResourceNotFoundException"


def test_a_target_group_serves_one_service_only_but_any_of_its_rules(world: World) -> None:
    first, second = world.service("orders"), world.service("billing")
    listener, other = world.listener(first), world.listener(second)
    group = world.group("orders")
    world.rule(first, listener, 10, action=to(group))
    world.rule(first, listener, 11, action=to(group))

    answer = refused(world.rule, second, other, 10, action=to(group))
    assert (answer["Error"]["Code"], answer["resourceId"]) == ("ConflictException", group)
    arns = world.lattice.get_target_group(targetGroupIdentifier=group)["serviceArns"]
    assert [arn.rsplit("/", 1)[-1] for arn in arns] == [first]


def test_a_service_uses_ten_target_groups_at_most(world: World) -> None:
    service = world.service()
    listener = world.listener(service)
    groups = [world.group(f"group{n}") for n in range(11)]
    world.rule(service, listener, 1, action=to(*groups[:10], weights=(1,) * 10))

    answer = refused(world.rule, service, listener, 2, action=to(groups[10]))
    assert (answer["Error"]["Code"], answer["quotaCode"]) == ("ServiceQuotaExceededException", "L-3DEC3B9F")
    assert world.rule(service, listener, 2, action=to(groups[0]))


def test_replacing_a_target_group_in_a_full_service_is_allowed(world: World) -> None:
    service = world.service()
    listener = world.listener(service)
    groups = [world.group(f"group{n}") for n in range(11)]
    rule = world.rule(service, listener, 1, action=to(*groups[:10], weights=(1,) * 10))

    world.lattice.update_rule(
        serviceIdentifier=service, listenerIdentifier=listener, ruleIdentifier=rule,
        action=to(*groups[1:], weights=(1,) * 10),
    )  # fmt: skip
    found = world.lattice.get_rule(serviceIdentifier=service, listenerIdentifier=listener, ruleIdentifier=rule)
    assert found["action"] == to(*groups[1:], weights=(1,) * 10)


def test_an_http_listener_takes_neither_http2_nor_tcp_groups_and_https_takes_http2(world: World) -> None:
    service = world.service()
    http, https = world.listener(service), world.listener(service, "https", "HTTPS")
    two = world.group("two", protocolVersion="HTTP2")
    tcp = world.group("tcp", protocol="TCP")

    assert code(world.rule, service, http, 1, action=to(two)) == "ValidationException"
    assert code(world.rule, service, http, 1, action=to(tcp)) == "ValidationException"
    assert code(world.rule, service, https, 1, action=to(tcp)) == "ValidationException"
    assert world.rule(service, https, 1, action=to(two))


def test_tls_passthrough_needs_a_custom_domain_and_a_tcp_group_and_has_no_rules(world: World) -> None:
    plain, named = world.service("plain"), world.service("named", customDomainName="files.example.com")
    tcp, http = world.group("tcp", protocol="TCP"), world.group("http")
    tls = "TLS_PASSTHROUGH"

    assert code(world.listener, plain, "tls", tls, defaultAction=to(tcp)) == "ValidationException"
    assert code(world.listener, named, "tls", tls, defaultAction=NOT_FOUND) == "ValidationException"
    assert code(world.listener, named, "tls", tls, defaultAction=to(http)) == "ValidationException"
    listener = world.listener(named, "tls", tls, defaultAction=to(tcp))
    assert code(world.rule, named, listener, 1, action=to(tcp)) == "ValidationException"


def test_update_rule_changes_match_priority_and_action_and_leaves_what_is_not_given(world: World) -> None:
    service = world.service()
    listener = world.listener(service)
    rule = world.rule(service, listener, 5, name="first")
    ids = {"serviceIdentifier": service, "listenerIdentifier": listener, "ruleIdentifier": rule}

    world.lattice.update_rule(**ids, priority=7)
    found = world.lattice.get_rule(**ids)
    assert (found["priority"], found["match"]["httpMatch"]["method"], found["name"]) == (7, "GET", "first")
    world.lattice.update_rule(**ids, match={"httpMatch": {"method": "PUT"}})
    found = world.lattice.get_rule(**ids)
    assert (found["priority"], found["match"]["httpMatch"]["method"]) == (7, "PUT")


def test_the_default_rule_changes_through_its_listener_only_and_is_never_deleted(world: World) -> None:
    service = world.service()
    listener = world.listener(service)
    ids = {"serviceIdentifier": service, "listenerIdentifier": listener}
    default = world.lattice.list_rules(**ids)["items"][0]["id"]
    gone = {"fixedResponse": {"statusCode": 500}}

    assert code(world.lattice.update_rule, **ids, ruleIdentifier=default, action=gone) == "ValidationException"
    assert code(world.lattice.delete_rule, **ids, ruleIdentifier=default) == "ValidationException"
    world.lattice.update_listener(**ids, defaultAction=gone)
    assert world.lattice.get_listener(**ids)["defaultAction"] == gone
    assert world.lattice.get_rule(**ids, ruleIdentifier=default)["action"] == gone


def test_a_deleted_rule_frees_priority_and_name(world: World) -> None:
    service = world.service()
    listener = world.listener(service)
    rule = world.rule(service, listener, 5, name="same")
    ids = {"serviceIdentifier": service, "listenerIdentifier": listener}

    answer = world.lattice.delete_rule(**ids, ruleIdentifier=rule)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert code(world.lattice.get_rule, **ids, ruleIdentifier=rule) == "ResourceNotFoundException"
    assert world.rule(service, listener, 5, name="same")


def test_a_batch_swaps_priorities(world: World) -> None:
    service = world.service()
    listener = world.listener(service)
    one, two = world.rule(service, listener, 1), world.rule(service, listener, 2)

    answer = world.lattice.batch_update_rule(
        serviceIdentifier=service, listenerIdentifier=listener,
        rules=[{"ruleIdentifier": one, "priority": 2}, {"ruleIdentifier": two, "priority": 1}],
    )  # fmt: skip
    assert {each["id"]: each["priority"] for each in answer["successful"]} == {one: 2, two: 1}
    assert answer["unsuccessful"] == []


def test_a_batch_reports_what_it_cannot_do_and_does_the_rest(world: World) -> None:
    service = world.service()
    listener = world.listener(service)
    one, two, three = (world.rule(service, listener, priority) for priority in (1, 2, 3))
    missing = "rule-00000000000000000"

    answer = world.lattice.batch_update_rule(
        serviceIdentifier=service, listenerIdentifier=listener,
        rules=[
            {"ruleIdentifier": one, "priority": 3},
            {"ruleIdentifier": two, "priority": 20},
            {"ruleIdentifier": missing, "priority": 30},
        ],
    )  # fmt: skip
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert [each["id"] for each in answer["successful"]] == [two]
    failures = {each["ruleIdentifier"]: each["failureCode"] for each in answer["unsuccessful"]}
    assert failures == {one: "ConflictException", missing: "ResourceNotFoundException"}
    shown = world.lattice.list_rules(serviceIdentifier=service, listenerIdentifier=listener)["items"]
    assert {each["id"]: each.get("priority") for each in shown if not each["isDefault"]} == {one: 1, three: 3, two: 20}


def test_when_a_member_of_a_swap_fails_the_other_one_fails_too(world: World) -> None:
    service = world.service()
    listener = world.listener(service)
    one, two = world.rule(service, listener, 1), world.rule(service, listener, 2)
    bad = to("tg-00000000000000000")

    answer = world.lattice.batch_update_rule(
        serviceIdentifier=service, listenerIdentifier=listener,
        rules=[{"ruleIdentifier": one, "priority": 2}, {"ruleIdentifier": two, "priority": 1, "action": bad}],
    )  # fmt: skip
    assert answer["successful"] == []
    assert {each["ruleIdentifier"] for each in answer["unsuccessful"]} == {one, two}


def test_a_batch_has_one_to_ten_rules(world: World) -> None:
    service = world.service()
    listener = world.listener(service)
    rule = world.rule(service, listener, 1)
    ids = {"serviceIdentifier": service, "listenerIdentifier": listener}

    batch = world.lattice.batch_update_rule
    assert code(batch, **ids, rules=[]) == "ValidationException"
    assert code(batch, **ids, rules=[{"ruleIdentifier": rule}] * 11) == "ValidationException"


def test_a_deleted_listener_takes_its_rules_with_it_and_frees_its_groups(world: World) -> None:
    service = world.service()
    listener = world.listener(service)
    group = world.group("orders")
    world.rule(service, listener, 1, action=to(group))

    world.lattice.delete_listener(serviceIdentifier=service, listenerIdentifier=listener)
    assert world.lattice.list_listeners(serviceIdentifier=service)["items"] == []
    assert world.lattice.get_target_group(targetGroupIdentifier=group)["serviceArns"] == []
