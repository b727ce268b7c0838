"""VPC Lattice of the local AWS: names, ids, ARNs, client tokens, and requests that do not fit the service model."""

import re
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from local_aws import inprocess
from local_aws import lattice as local_lattice

VPC = "vpc-0123456789abcdef0"
GROUP: dict[str, Any] = {"type": "IP", "config": {"port": 80, "protocol": "HTTP", "vpcIdentifier": VPC}}
NOT_FOUND: dict[str, Any] = {"fixedResponse": {"statusCode": 404}}


@pytest.fixture
def lattice() -> Iterator[Any]:
    with inprocess.started():
        yield boto3.client("vpc-lattice", config=Config(parameter_validation=False, retries={"total_max_attempts": 1}))


def refused(call: Any, **parameters: Any) -> dict[str, Any]:
    with pytest.raises(ClientError) as error:
        call(**parameters)
    return error.value.response


def code(call: Any, **parameters: Any) -> str:
    return refused(call, **parameters)["Error"]["Code"]


@pytest.mark.parametrize(
    "name", ["ab", "a" * 41, "Orders", "or_ders", "-orders", "orders-", "or--ders", "svc-orders", "", None, 7]
)
def test_a_service_name_outside_its_pattern_is_refused_with_the_field(lattice: Any, name: Any) -> None:
    answer = refused(lattice.create_service, name=name)

    assert answer["Error"]["Code"] == "ValidationException"
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert answer["reason"] == "fieldValidationFailed"
    assert [field["name"] for field in answer["fieldList"]][0] == "name"


def test_every_problem_of_a_request_is_named_at_once(lattice: Any) -> None:
    answer = refused(lattice.create_target_group, name="tg-x", type="POD", config={"port": 70000, "protocol": "UDP"})

    named = [field["name"] for field in answer["fieldList"]]
    assert sorted(named) == ["config.port", "config.protocol", "name", "type"]


@pytest.mark.parametrize(("length", "fits"), [(3, True), (40, True), (41, False)])
def test_a_service_name_has_three_to_forty_characters(lattice: Any, length: int, fits: bool) -> None:
    if fits:
        assert lattice.create_service(name="a" * length)["name"] == "a" * length
    else:
        assert code(lattice.create_service, name="a" * length) == "ValidationException"


def test_a_target_group_name_may_have_128_characters_and_a_listener_name_63(lattice: Any) -> None:
    service = lattice.create_service(name="orders")["id"]

    assert lattice.create_target_group(name="a" * 128, **GROUP)["name"] == "a" * 128
    assert code(lattice.create_target_group, name="a" * 129, **GROUP) == "ValidationException"
    listener = {"serviceIdentifier": service, "protocol": "HTTP", "defaultAction": NOT_FOUND}
    assert code(lattice.create_listener, name="a" * 64, **listener) == "ValidationException"
    assert lattice.create_listener(name="a" * 63, **listener)["name"] == "a" * 63


def test_ids_arns_and_domain_names_have_aws_forms(lattice: Any) -> None:
    network = lattice.create_service_network(name="platform")
    service = lattice.create_service(name="orders")
    group = lattice.create_target_group(name="orders", **GROUP)
    listener = lattice.create_listener(
        serviceIdentifier=service["id"], name="http", protocol="HTTP", defaultAction=NOT_FOUND
    )
    rule = lattice.create_rule(
        serviceIdentifier=service["id"], listenerIdentifier=listener["id"], name="one", priority=1,
        match={"httpMatch": {"method": "GET"}}, action=NOT_FOUND,
    )  # fmt: skip

    base = "arn:aws:vpc-lattice:us-east-1:123456789012:"
    hexa = "[0-9a-f]{17}"
    assert re.fullmatch(f"{base}servicenetwork/sn-{hexa}", network["arn"])
    assert re.fullmatch(f"{base}service/svc-{hexa}", service["arn"])
    assert re.fullmatch(f"{base}targetgroup/tg-{hexa}", group["arn"])
    assert re.fullmatch(f"{service['arn']}/listener/listener-{hexa}", listener["arn"])
    assert re.fullmatch(f"{listener['arn']}/rule/rule-{hexa}", rule["arn"])
    tail = service["id"].removeprefix("svc-")
    assert re.fullmatch(
        rf"orders-{tail}\.[0-9a-f]+\.vpc-lattice-svcs\.us-east-1\.on\.aws", service["dnsEntry"]["domainName"]
    )


def test_ids_and_arns_are_accepted_wherever_an_identifier_is(lattice: Any) -> None:
    network = lattice.create_service_network(name="platform")
    service = lattice.create_service(name="orders")
    group = lattice.create_target_group(name="orders", **GROUP)
    listener = lattice.create_listener(
        serviceIdentifier=service["arn"], name="http", protocol="HTTP", defaultAction=NOT_FOUND
    )
    for key in ("id", "arn"):
        assert lattice.get_service(serviceIdentifier=service[key])["name"] == "orders"
        assert lattice.get_service_network(serviceNetworkIdentifier=network[key])["name"] == "platform"
        assert lattice.get_target_group(targetGroupIdentifier=group[key])["name"] == "orders"
        found = lattice.get_listener(serviceIdentifier=service[key], listenerIdentifier=listener[key])
        assert found["name"] == "http"
        assert lattice.list_targets(targetGroupIdentifier=group[key])["items"] == []


def test_names_are_no_identifiers(lattice: Any) -> None:
    lattice.create_service(name="orders")

    assert code(lattice.get_service, serviceIdentifier="orders") == "ValidationException"


def test_what_does_not_exist_is_not_found_with_its_id_and_type(lattice: Any) -> None:
    answer = refused(lattice.get_service, serviceIdentifier="svc-00000000000000000")

    assert answer["Error"]["Code"] == "ResourceNotFoundException"
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 404
    assert (answer["resourceId"], answer["resourceType"]) == ("svc-00000000000000000", "SERVICE")


def test_an_arn_of_another_account_is_not_found(lattice: Any) -> None:
    service = lattice.create_service(name="orders")

    other = service["arn"].replace("123456789012", "210987654321")
    assert code(lattice.get_service, serviceIdentifier=other) == "ResourceNotFoundException"


def test_a_listener_is_found_only_under_its_own_service(lattice: Any) -> None:
    first, second = (lattice.create_service(name=name)["id"] for name in ("orders", "billing"))
    listener = lattice.create_listener(serviceIdentifier=first, name="http", protocol="HTTP", defaultAction=NOT_FOUND)[
        "id"
    ]

    found = code(lattice.get_listener, serviceIdentifier=second, listenerIdentifier=listener)
    assert found == "ResourceNotFoundException"


def test_a_taken_name_is_a_conflict_that_names_who_has_it(lattice: Any) -> None:
    for create, extra in (
        (lattice.create_service, {}),
        (lattice.create_service_network, {}),
        (lattice.create_target_group, GROUP),
    ):
        first = create(name="orders", **extra)
        answer = refused(create, name="orders", **extra)
        assert answer["Error"]["Code"] == "ConflictException"
        assert answer["ResponseMetadata"]["HTTPStatusCode"] == 409
        assert answer["resourceId"] == first["id"]


def test_a_listener_name_is_unique_within_its_service_only(lattice: Any) -> None:
    first, second = (lattice.create_service(name=name)["id"] for name in ("orders", "billing"))
    listener = {"name": "http", "protocol": "HTTP", "defaultAction": NOT_FOUND}
    lattice.create_listener(serviceIdentifier=first, **listener)

    assert code(lattice.create_listener, serviceIdentifier=first, port=81, **listener) == "ConflictException"
    assert lattice.create_listener(serviceIdentifier=second, **listener)["name"] == "http"


def test_a_client_token_gives_the_same_object_again(lattice: Any) -> None:
    first = lattice.create_service(name="orders", clientToken="once")
    again = lattice.create_service(name="orders", clientToken="once")

    assert again["id"] == first["id"]
    assert len(lattice.list_services()["items"]) == 1


def test_a_client_token_with_other_parameters_is_a_conflict(lattice: Any) -> None:
    first = lattice.create_target_group(name="orders", clientToken="once", **GROUP)

    answer = refused(lattice.create_target_group, name="other", clientToken="once", **GROUP)
    assert (answer["Error"]["Code"], answer["resourceId"]) == ("ConflictException", first["id"])


def test_a_client_token_whose_object_was_deleted_is_refused(lattice: Any) -> None:
    network = lattice.create_service_network(name="platform", clientToken="once")["id"]
    lattice.delete_service_network(serviceNetworkIdentifier=network)

    again = refused(lattice.create_service_network, name="platform", clientToken="once")
    assert again["fieldList"][0]["name"] == "clientToken"
    assert lattice.create_service_network(name="platform", clientToken="twice")["id"] != network


def test_the_same_token_may_serve_two_operations(lattice: Any) -> None:
    lattice.create_service(name="orders", clientToken="once")

    assert lattice.create_service_network(name="orders", clientToken="once")["name"] == "orders"


def test_a_body_that_is_no_json_cannot_be_parsed(lattice: Any) -> None:
    def spoil(request: Any, **_: Any) -> None:
        request.data = b"{not json"

    lattice.meta.events.register("before-sign.vpc-lattice.CreateService", spoil)
    answer = refused(lattice.create_service, name="orders")

    assert answer["reason"] == "cannotParse"


def test_an_answer_that_breaks_the_service_model_is_an_error_of_the_local_aws(lattice: Any) -> None:
    service = lattice.create_service(name="orders")["id"]
    local_lattice.backend().services[service].idle_timeout = 5

    with pytest.raises(AssertionError, match="idleTimeoutSeconds: value must be at least 60"):
        lattice.get_service(serviceIdentifier=service)


def test_idle_timeout_auth_type_and_certificate_can_change_and_the_rest_cannot(lattice: Any) -> None:
    service = lattice.create_service(name="orders", customDomainName="orders.example.com")["id"]
    assert lattice.get_service(serviceIdentifier=service)["idleTimeoutSeconds"] == 60
    certificate = "arn:aws:acm:us-east-1:123456789012:certificate/0a1b"

    lattice.update_service(
        serviceIdentifier=service, idleTimeoutSeconds=600, authType="AWS_IAM", certificateArn=certificate
    )
    found = lattice.get_service(serviceIdentifier=service)

    assert (found["idleTimeoutSeconds"], found["authType"], found["certificateArn"]) == (600, "AWS_IAM", certificate)
    assert (found["name"], found["customDomainName"]) == ("orders", "orders.example.com")
    assert code(lattice.update_service, serviceIdentifier=service, idleTimeoutSeconds=59) == "ValidationException"
