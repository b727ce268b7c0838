"""VPC Lattice of the local AWS: service networks, associations, what takes time, and the order of taking down."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from local_aws import inprocess
from local_aws import lattice as local_lattice

VPC = "vpc-0123456789abcdef0"
OTHER_VPC = "vpc-0fedcba9876543210"


@pytest.fixture
def machine() -> Iterator[inprocess.Machine]:
    with inprocess.started() as machine:
        yield machine


@pytest.fixture
def lattice(machine: inprocess.Machine) -> Any:
    return boto3.client("vpc-lattice", config=Config(parameter_validation=False, retries={"total_max_attempts": 1}))


def refused(call: Any, **parameters: Any) -> dict[str, Any]:
    with pytest.raises(ClientError) as error:
        call(**parameters)
    return error.value.response


def code(call: Any, **parameters: Any) -> str:
    return refused(call, **parameters)["Error"]["Code"]


def associate(lattice: Any, network: str, service: str) -> str:
    return lattice.create_service_network_service_association(
        serviceNetworkIdentifier=network, serviceIdentifier=service
    )["id"]


def test_a_service_is_made_and_deleted_in_time_and_its_name_stays_taken_meanwhile(
    machine: inprocess.Machine, lattice: Any
) -> None:
    service = lattice.create_service(name="orders")["id"]
    assert code(lattice.delete_service, serviceIdentifier=service) == "ConflictException"
    machine.clock.advance(1.9)
    assert lattice.get_service(serviceIdentifier=service)["status"] == "CREATE_IN_PROGRESS"
    machine.clock.advance(0.1)
    assert lattice.get_service(serviceIdentifier=service)["status"] == "ACTIVE"

    assert lattice.delete_service(serviceIdentifier=service)["status"] == "DELETE_IN_PROGRESS"
    assert lattice.delete_service(serviceIdentifier=service)["status"] == "DELETE_IN_PROGRESS"
    assert code(lattice.create_service, name="orders") == "ConflictException"
    assert code(lattice.update_service, serviceIdentifier=service, authType="NONE") == "ConflictException"
    machine.clock.advance(2)
    assert code(lattice.get_service, serviceIdentifier=service) == "ResourceNotFoundException"
    assert lattice.create_service(name="orders")["id"] != service


def test_how_long_things_take_is_settable(machine: inprocess.Machine, lattice: Any) -> None:
    backend = local_lattice.backend()
    backend.timing = replace(backend.timing, create=0, delete=500)
    service = lattice.create_service(name="orders")
    assert service["status"] == "ACTIVE"

    lattice.delete_service(serviceIdentifier=service["id"])
    machine.clock.advance(499)
    assert lattice.get_service(serviceIdentifier=service["id"])["status"] == "DELETE_IN_PROGRESS"
    machine.clock.advance(1)
    assert lattice.list_services()["items"] == []


def test_a_service_takes_its_listeners_rules_policy_and_log_subscriptions_with_it(
    machine: inprocess.Machine, lattice: Any
) -> None:
    service = lattice.create_service(name="orders")["id"]
    group = lattice.create_target_group(name="orders", type="IP", config={"protocol": "HTTP", "vpcIdentifier": VPC})[
        "id"
    ]
    forward = {"forward": {"targetGroups": [{"targetGroupIdentifier": group}]}}
    listener = lattice.create_listener(serviceIdentifier=service, name="http", protocol="HTTP", defaultAction=forward)[
        "id"
    ]
    lattice.create_rule(
        serviceIdentifier=service, listenerIdentifier=listener, name="one", priority=1,
        match={"httpMatch": {"method": "GET"}}, action=forward,
    )  # fmt: skip
    lattice.put_auth_policy(resourceIdentifier=service, policy="{}")
    subscription = lattice.create_access_log_subscription(
        resourceIdentifier=service, destinationArn="arn:aws:logs:us-east-1:123456789012:log-group:lattice"
    )["id"]
    machine.clock.advance(2)
    lattice.delete_service(serviceIdentifier=service)
    assert code(lattice.delete_target_group, targetGroupIdentifier=group) == "ConflictException"
    machine.clock.advance(2)

    backend = local_lattice.backend()
    assert (backend.listeners, backend.rules, backend.auth_policies) == ({}, {}, {})
    found = code(lattice.get_access_log_subscription, accessLogSubscriptionIdentifier=subscription)
    assert found == "ResourceNotFoundException"
    assert lattice.delete_target_group(targetGroupIdentifier=group)["status"] == "DELETE_IN_PROGRESS"


def test_an_association_shows_both_ends_and_the_dns_name(machine: inprocess.Machine, lattice: Any) -> None:
    network = lattice.create_service_network(name="platform")
    service = lattice.create_service(name="orders", customDomainName="orders.example.com")
    association = associate(lattice, network["arn"], service["arn"])
    get = lattice.get_service_network_service_association

    assert get(serviceNetworkServiceAssociationIdentifier=association)["status"] == "CREATE_IN_PROGRESS"
    machine.clock.advance(5)
    found = get(serviceNetworkServiceAssociationIdentifier=association)
    assert found["status"] == "ACTIVE"
    assert (found["serviceName"], found["serviceNetworkName"]) == ("orders", "platform")
    assert found["dnsEntry"] == service["dnsEntry"]
    assert (found["customDomainName"], found["createdBy"]) == ("orders.example.com", "123456789012")


def test_a_service_is_associated_once_with_a_network_and_not_while_the_old_association_goes(
    machine: inprocess.Machine, lattice: Any
) -> None:
    network = lattice.create_service_network(name="platform")["id"]
    service = lattice.create_service(name="orders")["id"]
    association = associate(lattice, network, service)
    create = lattice.create_service_network_service_association
    ends = {"serviceNetworkIdentifier": network, "serviceIdentifier": service}
    delete = lattice.delete_service_network_service_association

    again = refused(create, **ends)
    assert (again["Error"]["Code"], again["resourceId"]) == ("ConflictException", association)
    assert "CREATE_IN_PROGRESS" in again["Error"]["Message"]
    assert code(delete, serviceNetworkServiceAssociationIdentifier=association) == "ConflictException"
    machine.clock.advance(5)
    assert delete(serviceNetworkServiceAssociationIdentifier=association)["status"] == "DELETE_IN_PROGRESS"
    assert code(create, **ends) == "ConflictException"
    machine.clock.advance(10)
    assert create(**ends)["id"] != association


def test_associations_are_listed_by_either_end_and_one_must_be_given(lattice: Any) -> None:
    networks = [lattice.create_service_network(name=name)["id"] for name in ("one", "two")]
    services = [lattice.create_service(name=name)["id"] for name in ("orders", "billing")]
    first = associate(lattice, networks[0], services[0])
    second = associate(lattice, networks[1], services[0])
    third = associate(lattice, networks[0], services[1])
    list_ = lattice.list_service_network_service_associations

    def ids(**filters: Any) -> list[str]:
        return [each["id"] for each in list_(**filters)["items"]]

    assert ids(serviceNetworkIdentifier=networks[0]) == [first, third]
    assert ids(serviceIdentifier=services[0]) == [first, second]
    assert ids(serviceIdentifier=services[0], serviceNetworkIdentifier=networks[1]) == [second]
    assert code(list_) == "ValidationException"


def test_an_associated_service_or_network_cannot_go(machine: inprocess.Machine, lattice: Any) -> None:
    network = lattice.create_service_network(name="platform")["id"]
    service = lattice.create_service(name="orders")["id"]
    association = associate(lattice, network, service)
    machine.clock.advance(5)

    assert code(lattice.delete_service, serviceIdentifier=service) == "ConflictException"
    assert code(lattice.delete_service_network, serviceNetworkIdentifier=network) == "ConflictException"
    lattice.delete_service_network_service_association(serviceNetworkServiceAssociationIdentifier=association)
    machine.clock.advance(9)
    assert code(lattice.delete_service, serviceIdentifier=service) == "ConflictException"
    machine.clock.advance(1)
    assert lattice.delete_service(serviceIdentifier=service)["status"] == "DELETE_IN_PROGRESS"
    answer = lattice.delete_service_network(serviceNetworkIdentifier=network)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 204


def test_a_custom_domain_is_unique_within_a_network(lattice: Any) -> None:
    first, second = (lattice.create_service_network(name=name)["id"] for name in ("one", "two"))
    services = [
        lattice.create_service(name=name, customDomainName="shop.example.com")["id"] for name in ("orders", "billing")
    ]
    associate(lattice, first, services[0])

    create = lattice.create_service_network_service_association
    taken = refused(create, serviceNetworkIdentifier=first, serviceIdentifier=services[1])
    assert (taken["Error"]["Code"], taken["resourceId"]) == ("ConflictException", services[0])
    assert associate(lattice, second, services[1])


def test_a_network_counts_what_is_associated_and_holds_no_more_than_its_quotas(lattice: Any) -> None:
    backend = local_lattice.backend()
    assert (backend.quotas.service_associations_per_network, backend.quotas.vpc_associations_per_network) == (500, 500)
    backend.quotas = replace(backend.quotas, service_associations_per_network=1, vpc_associations_per_network=1)
    network = lattice.create_service_network(name="platform")["id"]
    associate(lattice, network, lattice.create_service(name="orders")["id"])
    vpc = lattice.create_service_network_vpc_association
    vpc(serviceNetworkIdentifier=network, vpcIdentifier=VPC)

    more = lattice.create_service(name="billing")["id"]
    create = lattice.create_service_network_service_association
    over = "ServiceQuotaExceededException"
    assert code(create, serviceNetworkIdentifier=network, serviceIdentifier=more) == over
    assert code(vpc, serviceNetworkIdentifier=network, vpcIdentifier=OTHER_VPC) == over
    found = lattice.get_service_network(serviceNetworkIdentifier=network)
    assert (found["numberOfAssociatedServices"], found["numberOfAssociatedVPCs"]) == (1, 1)


def test_a_vpc_is_associated_with_one_network_at_most(machine: inprocess.Machine, lattice: Any) -> None:
    first, second = (lattice.create_service_network(name=name)["id"] for name in ("one", "two"))
    create = lattice.create_service_network_vpc_association
    association = create(serviceNetworkIdentifier=first, vpcIdentifier=VPC)["id"]

    answer = refused(create, serviceNetworkIdentifier=second, vpcIdentifier=VPC)
    assert answer["Error"]["Message"] == "VPC has already been associated to a service network."
    machine.clock.advance(5)
    lattice.delete_service_network_vpc_association(serviceNetworkVpcAssociationIdentifier=association)
    assert code(create, serviceNetworkIdentifier=second, vpcIdentifier=VPC) == "ConflictException"
    machine.clock.advance(10)
    assert create(serviceNetworkIdentifier=second, vpcIdentifier=VPC)["status"] == "CREATE_IN_PROGRESS"


def test_a_vpc_that_ec2_does_not_know_is_refused_once_ec2_knows_any(lattice: Any) -> None:
    network = lattice.create_service_network(name="platform")["id"]
    known = boto3.client("ec2").create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    create = lattice.create_service_network_vpc_association

    assert code(create, serviceNetworkIdentifier=network, vpcIdentifier=VPC) == "ValidationException"
    assert create(serviceNetworkIdentifier=network, vpcIdentifier=known)["status"] == "CREATE_IN_PROGRESS"


def test_security_groups_of_a_vpc_association_are_replaced_and_never_all_removed(
    machine: inprocess.Machine, lattice: Any
) -> None:
    network = lattice.create_service_network(name="platform")["id"]
    groups = [f"sg-0123456789abcdef{n}" for n in range(6)]
    create = lattice.create_service_network_vpc_association
    ends = {"serviceNetworkIdentifier": network, "vpcIdentifier": VPC}
    update = lattice.update_service_network_vpc_association
    get = lattice.get_service_network_vpc_association

    assert code(create, **ends, securityGroupIds=groups) == "ValidationException"
    association = {"serviceNetworkVpcAssociationIdentifier": create(**ends, securityGroupIds=groups[:1])["id"]}
    assert code(update, **association, securityGroupIds=groups[1:3]) == "ConflictException"
    machine.clock.advance(5)
    assert code(update, **association, securityGroupIds=[]) == "ValidationException"
    assert update(**association, securityGroupIds=groups[1:3])["status"] == "UPDATE_IN_PROGRESS"
    delete = lattice.delete_service_network_vpc_association
    assert code(delete, **association) == "ConflictException"
    machine.clock.advance(5)
    found = get(**association)
    assert (found["status"], found["securityGroupIds"]) == ("ACTIVE", groups[1:3])
    listed = lattice.list_service_network_vpc_associations(vpcIdentifier=VPC)["items"]
    assert [each["vpcId"] for each in listed] == [VPC]
    assert "securityGroupIds" not in listed[0]
    assert code(lattice.list_service_network_vpc_associations) == "ValidationException"


def test_a_network_with_a_vpc_cannot_go(lattice: Any) -> None:
    network = lattice.create_service_network(name="platform")["id"]
    lattice.create_service_network_vpc_association(serviceNetworkIdentifier=network, vpcIdentifier=VPC)

    answer = refused(lattice.delete_service_network, serviceNetworkIdentifier=network)
    assert answer["Error"]["Message"] == f"ServiceNetwork {network} has VPC(s) associated"


def test_a_networks_auth_type_can_change(lattice: Any) -> None:
    network = lattice.create_service_network(name="platform")
    assert network["authType"] == "NONE"

    lattice.update_service_network(serviceNetworkIdentifier=network["id"], authType="AWS_IAM")
    found = lattice.get_service_network(serviceNetworkIdentifier=network["arn"])
    assert found["authType"] == "AWS_IAM"
    assert code(lattice.update_service_network, serviceNetworkIdentifier=network["id"]) == "ValidationException"
