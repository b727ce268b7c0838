"""VPC Lattice of the local AWS: pages, tags, policies, logs; and what tests use: faults, the log of calls, hooks."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError

from local_aws import inprocess
from local_aws import lattice as local_lattice
from local_aws.lattice.errors import AnswerLostError
from local_aws.lattice.faults import Call

VPC = "vpc-0123456789abcdef0"
GROUP: dict[str, Any] = {"type": "IP", "config": {"protocol": "HTTP", "vpcIdentifier": VPC}}


@pytest.fixture
def machine() -> Iterator[inprocess.Machine]:
    with inprocess.started() as machine:
        yield machine


def client(attempts: int = 1, name: str = "vpc-lattice") -> Any:
    return boto3.client(name, config=Config(parameter_validation=False, retries={"total_max_attempts": attempts}))


@pytest.fixture
def lattice(machine: inprocess.Machine) -> Any:
    return client()


def refused(call: Any, **parameters: Any) -> dict[str, Any]:
    with pytest.raises(ClientError) as error:
        call(**parameters)
    return error.value.response


def code(call: Any, **parameters: Any) -> str:
    return refused(call, **parameters)["Error"]["Code"]


# ---- pages


def test_lists_come_in_pages_and_every_item_once(lattice: Any) -> None:
    made = [lattice.create_service(name=f"service{n}")["id"] for n in range(7)]

    pages = list(lattice.get_paginator("list_services").paginate(PaginationConfig={"PageSize": 3}))
    assert [len(page["items"]) for page in pages] == [3, 3, 1]
    assert [each["id"] for page in pages for each in page["items"]] == made


def test_a_page_has_a_hundred_items_unless_asked_for_less(lattice: Any) -> None:
    group = lattice.create_target_group(name="orders", **GROUP)["id"]
    for block in range(2):
        targets = [{"id": f"10.0.{block}.{n}"} for n in range(1, 61)]
        lattice.register_targets(targetGroupIdentifier=group, targets=targets)

    page = lattice.list_targets(targetGroupIdentifier=group)
    rest = lattice.list_targets(targetGroupIdentifier=group, nextToken=page["nextToken"])
    assert (len(page["items"]), len(rest["items"])) == (100, 20)
    assert "nextToken" not in rest


def test_a_list_that_changes_between_pages_neither_repeats_nor_skips(lattice: Any) -> None:
    networks = [lattice.create_service_network(name=f"network{n}")["id"] for n in range(5)]
    first = lattice.list_service_networks(maxResults=2)
    lattice.delete_service_network(serviceNetworkIdentifier=networks[0])

    rest = lattice.list_service_networks(nextToken=first["nextToken"])["items"]
    assert [each["id"] for each in rest] == networks[2:]


@pytest.mark.parametrize("size", [0, 101])
def test_a_page_size_is_between_1_and_100(lattice: Any, size: int) -> None:
    assert code(lattice.list_services, maxResults=size) == "ValidationException"


def test_a_made_up_page_token_is_refused(lattice: Any) -> None:
    assert code(lattice.list_services, nextToken="bm9wZQ==") == "ValidationException"


# ---- tags


def test_tags_are_given_at_creation_and_changed_later_on_every_kind(lattice: Any) -> None:
    service = lattice.create_service(name="orders", tags={"kind": "service"})
    group = lattice.create_target_group(name="orders", tags={"kind": "group"}, **GROUP)
    listener = lattice.create_listener(
        serviceIdentifier=service["id"], name="http", protocol="HTTP", tags={"kind": "listener"},
        defaultAction={"fixedResponse": {"statusCode": 404}},
    )  # fmt: skip
    for one, kind in ((service, "service"), (group, "group"), (listener, "listener")):
        assert lattice.list_tags_for_resource(resourceArn=one["arn"])["tags"] == {"kind": kind}
        lattice.tag_resource(resourceArn=one["arn"], tags={"kind": "other", "more": "1"})
        assert lattice.list_tags_for_resource(resourceArn=one["arn"])["tags"] == {"kind": "other", "more": "1"}
        lattice.untag_resource(resourceArn=one["arn"], tagKeys=["kind", "none"])
        assert lattice.list_tags_for_resource(resourceArn=one["arn"])["tags"] == {"more": "1"}


def test_tags_of_aws_and_tags_of_nothing_are_refused(lattice: Any) -> None:
    arn = lattice.create_service(name="orders")["arn"]

    assert code(lattice.tag_resource, resourceArn=arn, tags={"aws:mine": "1"}) == "ValidationException"
    missing = arn[:-17] + "0" * 17
    assert code(lattice.tag_resource, resourceArn=missing, tags={"a": "1"}) == "ResourceNotFoundException"
    assert code(lattice.list_tags_for_resource, resourceArn=missing) == "ResourceNotFoundException"


def test_the_tagging_api_finds_services_and_target_groups_by_tag(machine: inprocess.Machine, lattice: Any) -> None:
    mine = {"owner": "me", "part": "web"}
    service = lattice.create_service(name="orders", tags=mine)["arn"]
    group = lattice.create_target_group(name="orders", tags=mine, **GROUP)["arn"]
    lattice.create_service(name="other", tags={"owner": "you"})
    lattice.create_service(name="untagged")
    tagging = client(name="resourcegroupstaggingapi")

    def found(kinds: list[str], *filters: dict[str, Any]) -> dict[str, dict[str, str]]:
        pages = tagging.get_paginator("get_resources").paginate(ResourceTypeFilters=kinds, TagFilters=list(filters))
        mappings = [one for page in pages for one in page["ResourceTagMappingList"]]
        return {one["ResourceARN"]: {tag["Key"]: tag["Value"] for tag in one["Tags"]} for one in mappings}

    owner = {"Key": "owner", "Values": ["me"]}
    assert found(["vpc-lattice:service"], owner) == {service: mine}
    assert found(["vpc-lattice:targetgroup"], owner) == {group: mine}
    both = ["vpc-lattice:service", "vpc-lattice:targetgroup"]
    assert set(found(both, owner, {"Key": "part"})) == {service, group}
    assert found(both, {"Key": "owner", "Values": ["nobody"]}) == {}
    machine.clock.advance(2)
    lattice.delete_target_group(targetGroupIdentifier=group)
    machine.clock.advance(2)
    assert set(found(both, owner)) == {service}


# ---- policies and logs


def test_an_auth_policy_is_active_only_under_aws_iam(lattice: Any) -> None:
    service = lattice.create_service(name="orders")
    policy = '{"Version":"2012-10-17","Statement":[]}'

    assert code(lattice.get_auth_policy, resourceIdentifier=service["id"]) == "ResourceNotFoundException"
    assert lattice.put_auth_policy(resourceIdentifier=service["arn"], policy=policy)["state"] == "Inactive"
    lattice.update_service(serviceIdentifier=service["id"], authType="AWS_IAM")
    found = lattice.get_auth_policy(resourceIdentifier=service["id"])
    assert (found["state"], found["policy"]) == ("Active", policy)
    lattice.delete_auth_policy(resourceIdentifier=service["id"])
    assert code(lattice.delete_auth_policy, resourceIdentifier=service["id"]) == "ResourceNotFoundException"


@pytest.mark.parametrize("policy", ['{\n"Version":"2012-10-17"}', "not json", ""])
def test_a_policy_is_json_without_newlines(lattice: Any, policy: str) -> None:
    service = lattice.create_service(name="orders")["id"]

    assert code(lattice.put_auth_policy, resourceIdentifier=service, policy=policy) == "ValidationException"


def test_a_policy_has_ten_kilobytes_at_most(lattice: Any) -> None:
    network = lattice.create_service_network(name="platform")["id"]
    policy = '{"Version":"' + "x" * 10_240 + '"}'

    over = code(lattice.put_auth_policy, resourceIdentifier=network, policy=policy)
    assert over == "ServiceQuotaExceededException"


def test_log_subscriptions_come_and_go(lattice: Any) -> None:
    network = lattice.create_service_network(name="platform")
    logs = "arn:aws:logs:us-east-1:123456789012:log-group:lattice"
    create = lattice.create_access_log_subscription
    made = create(resourceIdentifier=network["arn"], destinationArn=logs)

    assert code(create, resourceIdentifier=network["id"], destinationArn=f"{logs}2") == "ConflictException"
    queue = "arn:aws:sqs:us-east-1:123456789012:queue"
    assert code(create, resourceIdentifier=network["id"], destinationArn=queue) == "ValidationException"
    found = lattice.get_access_log_subscription(accessLogSubscriptionIdentifier=made["arn"])
    assert (found["resourceId"], found["destinationArn"]) == (network["id"], logs)
    listed = lattice.list_access_log_subscriptions(resourceIdentifier=network["id"])["items"]
    assert [each["id"] for each in listed] == [made["id"]]
    lattice.delete_access_log_subscription(accessLogSubscriptionIdentifier=made["id"])
    assert lattice.list_access_log_subscriptions(resourceIdentifier=network["id"])["items"] == []


# ---- what tests use


def test_throttling_says_when_to_come_back_and_does_nothing(lattice: Any) -> None:
    local_lattice.backend().faults.throttle("CreateService", times=2, retry_after=7)

    answer = refused(lattice.create_service, name="orders")
    assert answer["Error"]["Code"] == "ThrottlingException"
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 429
    assert answer["retryAfterSeconds"] == 7
    assert lattice.list_services()["items"] == []
    assert code(lattice.create_service, name="orders") == "ThrottlingException"
    assert lattice.create_service(name="orders")["name"] == "orders"


def test_a_fault_for_any_operation_hits_the_next_call(lattice: Any) -> None:
    local_lattice.backend().faults.fail()

    answer = refused(lattice.list_services)
    assert answer["Error"]["Code"] == "InternalServerException"
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 500
    assert lattice.list_services()["items"] == []


def test_a_lost_answer_is_a_broken_connection_after_the_work_was_done(lattice: Any) -> None:
    backend = local_lattice.backend()
    backend.faults.lose_answer("CreateService")

    with pytest.raises(ConnectionClosedError):
        lattice.create_service(name="orders", clientToken="once")
    assert [each["name"] for each in lattice.list_services()["items"]] == ["orders"]
    assert lattice.create_service(name="orders", clientToken="once")["name"] == "orders"
    backend.faults.lose_answer("DeleteServiceNetwork")
    network = lattice.create_service_network(name="platform")["id"]
    with pytest.raises(AnswerLostError):
        backend.perform("DeleteServiceNetwork", {"serviceNetworkIdentifier": network})
    assert backend.service_networks == {}


def test_boto3_survives_a_lost_answer_of_a_create_by_its_own_retry(machine: inprocess.Machine) -> None:
    backend = local_lattice.backend()
    backend.faults.lose_answer("CreateService")

    service = client(attempts=2).create_service(name="orders")
    assert list(backend.services) == [service["id"]]


def test_lists_and_the_tagging_api_lag_behind_and_get_does_not(machine: inprocess.Machine, lattice: Any) -> None:
    backend = local_lattice.backend()
    backend.faults.list_lag = 30
    tagging = client(name="resourcegroupstaggingapi")

    def listed() -> tuple[int, int]:
        tagged = tagging.get_resources(ResourceTypeFilters=["vpc-lattice:servicenetwork"])["ResourceTagMappingList"]
        return len(lattice.list_service_networks()["items"]), len(tagged)

    network = lattice.create_service_network(name="platform", tags={"a": "b"})["id"]
    assert listed() == (0, 0)
    assert lattice.get_service_network(serviceNetworkIdentifier=network)["name"] == "platform"
    machine.clock.advance(30)
    assert listed() == (1, 1)
    lattice.delete_service_network(serviceNetworkIdentifier=network)
    machine.clock.advance(29)
    assert listed() == (1, 1)
    machine.clock.advance(1)
    assert listed() == (0, 0)


def test_every_call_is_in_the_log_with_its_parameters_time_and_error(machine: inprocess.Machine, lattice: Any) -> None:
    lattice.create_service(name="orders", clientToken="once")
    machine.clock.advance(10)
    code(lattice.create_service, name="orders", clientToken="twice")
    lattice.list_services()

    calls = local_lattice.backend().calls
    assert [call.operation for call in calls] == ["CreateService", "CreateService", "ListServices"]
    assert calls[0].parameters == {"name": "orders", "clientToken": "once"}
    assert calls[1].time - calls[0].time == 10
    assert [call.error for call in calls] == [None, "ConflictException", None]
    assert [call.writes for call in calls] == [True, True, False]


def test_the_hook_sees_each_change_when_it_is_done_and_before_it_is_answered(lattice: Any) -> None:
    backend = local_lattice.backend()
    seen: list[tuple[str, int]] = []

    def probe(call: Call) -> None:
        seen.append((call.operation, len(backend.services)))

    backend.after_write.append(probe)
    lattice.create_service(name="orders")
    lattice.list_services()
    code(lattice.create_service, name="orders")
    backend.faults.throttle()
    code(lattice.create_service, name="other")

    assert seen == [("CreateService", 1)]


def test_a_new_start_begins_with_nothing() -> None:
    with inprocess.started():
        boto3.client("vpc-lattice").create_service(name="orders")
        local_lattice.backend().faults.throttle()
    with inprocess.started():
        assert boto3.client("vpc-lattice").list_services()["items"] == []
        assert len(local_lattice.backend().calls) == 1


def test_operations_that_are_left_to_moto_still_work(lattice: Any) -> None:
    arn = lattice.create_service_network(name="platform")["arn"]

    lattice.put_resource_policy(resourceArn=arn, policy='{"Version":"2012-10-17"}')
    assert lattice.get_resource_policy(resourceArn=arn)["policy"] == '{"Version":"2012-10-17"}'
