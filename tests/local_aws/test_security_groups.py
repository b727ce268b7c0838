"""Security groups of the local AWS: what they let through, and EC2's rules for their rules."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from local_aws import lattice
from local_aws.lattice import dataplane
from local_aws.network import Request
from tests.local_aws import ecs_stage
from tests.local_aws.ecs_stage import Stage, attach, events, ip_of

LATTICE4, LATTICE6 = "com.amazonaws.us-east-1.vpc-lattice", "com.amazonaws.us-east-1.ipv6.vpc-lattice"


@pytest.fixture
def stage() -> Iterator[Stage]:
    with ecs_stage.stage() as running:
        yield running


@pytest.fixture
def ec2(stage: Stage) -> Any:
    return boto3.client("ec2")


@pytest.fixture
def group(ec2: Any) -> str:
    return ec2.create_security_group(GroupName="web", Description="web")["GroupId"]


def prefix_list(ec2: Any, name: str = LATTICE4) -> str:
    wanted = [{"Name": "prefix-list-name", "Values": [name]}]
    return ec2.describe_managed_prefix_lists(Filters=wanted)["PrefixLists"][0]["PrefixListId"]


def listed(ec2: Any, first: int, last: int | None = None, name: str = LATTICE4) -> dict[str, Any]:
    """A permission from a managed prefix list to TCP ports."""
    ports = {"IpProtocol": "tcp", "FromPort": first, "ToPort": first if last is None else last}
    return {**ports, "PrefixListIds": [{"PrefixListId": prefix_list(ec2, name)}]}


def tcp(first: int, last: int, cidr: str, protocol: str = "tcp") -> dict[str, Any]:
    kind, key = ("Ipv6Ranges", "CidrIpv6") if ":" in cidr else ("IpRanges", "CidrIp")
    return {"IpProtocol": protocol, "FromPort": first, "ToPort": last, kind: [{key: cidr}]}


def subnet(ec2: Any) -> str:
    return ec2.describe_subnets()["Subnets"][0]["SubnetId"]


def network(ec2: Any, *groups: str) -> dict[str, Any]:
    return {"awsvpcConfiguration": {"subnets": [subnet(ec2)], "securityGroups": list(groups)}}


def service_in(stage: Stage, ec2: Any, *groups: str) -> str:
    """A service of one task behind a target group that a listener names; the target group's ARN."""
    stage.define()
    group = stage.group()
    stage.create(desired=1, networkConfiguration=network(ec2, *groups), vpcLatticeConfigurations=[attach(group)])
    return group


def ask() -> int:
    return dataplane.route(next(iter(lattice.backend().services)), 80, Request()).status


# What a group lets through.


@pytest.mark.parametrize(
    ("source", "first", "last", "passes"),
    [
        (LATTICE4, 8080, 8080, True),
        (LATTICE4, 8000, 8080, True),
        (LATTICE4, 8080, 9000, True),
        (LATTICE4, 8081, 9000, False),
        (LATTICE4, 1, 8079, False),
        (LATTICE6, 8080, 8080, False),
        ("com.amazonaws.us-east-1.s3", 8080, 8080, False),
        ("169.254.171.0/24", 8080, 8080, True),
        ("169.254.0.0/16", 8080, 8080, True),
        ("0.0.0.0/0", 8080, 8080, True),
        ("169.254.171.0/25", 8080, 8080, False),
        ("10.0.0.0/8", 8080, 8080, False),
        ("::/0", 8080, 8080, False),
    ],
)
def test_a_rule_passes_what_covers_the_port_and_all_of_where_lattice_comes_from(
    stage: Stage, ec2: Any, group: str, source: str, first: int, last: int, passes: bool
) -> None:
    rule = tcp(first, last, source) if "/" in source else listed(ec2, first, last, source)
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[rule])
    stage.define()
    stage.settled(desired=1, networkConfiguration=network(ec2, group))
    address = ip_of(stage.tasks()[0])
    assert lattice.backend().reaches(address, 8080) is passes
    assert lattice.backend().health_check_allowed(address, 8080) is passes


@pytest.mark.parametrize(
    ("permission", "passes"),
    [
        ({"IpProtocol": "udp", "FromPort": 8080, "ToPort": 8080}, False),
        ({"IpProtocol": "icmp", "FromPort": -1, "ToPort": -1}, False),
        ({"IpProtocol": "6", "FromPort": 8080, "ToPort": 8080}, True),
        ({"IpProtocol": "-1"}, True),
    ],
    ids=["udp", "icmp", "6", "all"],
)
def test_a_rule_passes_tcp_by_its_protocol(
    stage: Stage, ec2: Any, group: str, permission: dict[str, Any], passes: bool
) -> None:
    anywhere = {**permission, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[anywhere])
    ec2.create_network_interface(SubnetId=subnet(ec2), Groups=[group], PrivateIpAddress="172.31.0.77")
    assert lattice.backend().reaches("172.31.0.77", 8080) is passes


def test_ipv6_targets_are_reached_from_the_ipv6_list_alone(stage: Stage, ec2: Any, group: str) -> None:
    address = "fd12::10"
    ec2.create_network_interface(SubnetId=subnet(ec2), Groups=[group], Ipv6Addresses=[{"Ipv6Address": address}])
    for rule in (listed(ec2, 8080), tcp(8080, 8080, "0.0.0.0/0")):
        ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[rule])
        assert not lattice.backend().reaches(address, 8080)
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[listed(ec2, 8080, name=LATTICE6)])
    assert lattice.backend().reaches(address, 8080)
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[tcp(9090, 9090, "fd00:ec2::/32")])
    assert lattice.backend().reaches(address, 9090)


def test_a_customers_prefix_list_counts_by_what_it_holds_now(stage: Stage, ec2: Any, group: str) -> None:
    made = ec2.create_managed_prefix_list(
        PrefixListName="own", MaxEntries=5, AddressFamily="IPv4", Entries=[{"Cidr": "10.0.0.0/8"}]
    )["PrefixList"]
    permission = {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80}
    sources = [{"PrefixListId": made["PrefixListId"]}]
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[{**permission, "PrefixListIds": sources}])
    ec2.create_network_interface(SubnetId=subnet(ec2), Groups=[group], PrivateIpAddress="172.31.0.77")
    assert not lattice.backend().reaches("172.31.0.77", 80)
    ec2.modify_managed_prefix_list(
        PrefixListId=made["PrefixListId"], CurrentVersion=1, AddEntries=[{"Cidr": "169.254.168.0/21"}]
    )
    assert lattice.backend().reaches("172.31.0.77", 80)


def test_one_open_group_of_several_is_enough(stage: Stage, ec2: Any, group: str) -> None:
    opened = ec2.create_security_group(GroupName="opened", Description="opened")["GroupId"]
    ec2.authorize_security_group_ingress(GroupId=opened, IpPermissions=[listed(ec2, 8080)])
    arn = service_in(stage, ec2, group, opened)
    stage.until(lambda: set(stage.targets(arn).values()) == {"HEALTHY"})
    assert ask() == 200


def test_an_address_that_no_interface_has_is_reached(stage: Stage, ec2: Any) -> None:
    assert ec2.describe_subnets()["Subnets"]
    assert lattice.backend().reaches("172.31.200.200", 80)


def test_without_groups_a_task_has_the_default_group_of_its_vpc_which_is_closed(stage: Stage, ec2: Any) -> None:
    arn = service_in(stage, ec2)
    stage.until(lambda: set(stage.targets(arn).values()) == {"UNHEALTHY"})
    (interface,) = ec2.describe_network_interfaces()["NetworkInterfaces"]
    assert [each["GroupName"] for each in interface["Groups"]] == ["default"]


def test_tasks_in_a_closed_group_are_killed_without_end_and_a_rule_ends_it(stage: Stage, ec2: Any, group: str) -> None:
    arn = service_in(stage, ec2, group)
    stage.advance(600)
    warned = events("ECS Service Action", eventName="VPC_LATTICE_TARGET_UNHEALTHY")
    assert len(warned) >= 2
    assert warned[0]["detail"]["eventType"] == "WARN"
    stopped = stage.tasks(desired="STOPPED")
    assert len({task["taskArn"] for task in stopped}) >= 2
    assert stage.primary()["rolloutState"] == "IN_PROGRESS"
    assert all("VPC Lattice" in task["stoppedReason"] or "health" in task["stoppedReason"] for task in stopped)
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[listed(ec2, 8080)])
    stage.until(lambda: "HEALTHY" in stage.targets(arn).values())
    stage.until(lambda: stage.primary()["rolloutState"] == "COMPLETED")
    assert ask() == 200


def test_the_data_plane_does_not_reach_a_healthy_target_whose_group_is_closed_later(
    stage: Stage, ec2: Any, group: str
) -> None:
    rule = listed(ec2, 8080)
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[rule])
    arn = service_in(stage, ec2, group)
    stage.until(lambda: set(stage.targets(arn).values()) == {"HEALTHY"})
    assert ask() == 200
    ec2.revoke_security_group_ingress(GroupId=group, IpPermissions=[rule])
    assert (ask(), set(stage.targets(arn).values())) == (503, {"HEALTHY"})
    stage.until(lambda: "UNHEALTHY" in stage.targets(arn).values())


def test_ecs_refuses_groups_that_do_not_exist_or_are_of_another_vpc(stage: Stage, ec2: Any, group: str) -> None:
    stage.define()
    with pytest.raises(ClientError, match=r"InvalidParameterException.*\[sg-0123456789abcdef0\].*does not exist"):
        stage.create(networkConfiguration=network(ec2, "sg-0123456789abcdef0"))
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    stranger = ec2.create_security_group(GroupName="web", Description="web", VpcId=vpc)["GroupId"]
    with pytest.raises(ClientError, match=r"does not appear to belong to the same VPC"):
        stage.create(networkConfiguration=network(ec2, group, stranger))
    stage.create(networkConfiguration=network(ec2, group))
    with pytest.raises(ClientError, match=r"InvalidParameterException.*does not exist"):
        stage.ecs.update_service(service="web", networkConfiguration=network(ec2, "sg-0123456789abcdef0"))
    stage.ecs.update_service(service="web", desiredCount=1)
