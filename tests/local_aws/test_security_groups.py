"""Security groups of the local AWS: what they let through, and EC2's rules for their rules."""

import itertools
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from local_aws import ec2 as security
from local_aws import lattice
from local_aws.network import Request
from tests.local_aws import ecs_stage
from tests.local_aws.ecs_stage import Stage, attach, events, ip_of

LATTICE4, LATTICE6 = "com.amazonaws.us-east-1.vpc-lattice", "com.amazonaws.us-east-1.ipv6.vpc-lattice"


_numbers = itertools.count()


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
    return lattice.route(next(iter(lattice.backend().services)), 80, Request()).status


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


# EC2's rules for rules.


def authorize(ec2: Any, group: str, *permissions: dict[str, Any], **more: Any) -> list[dict[str, Any]]:
    answer = ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=list(permissions), **more)
    return answer["SecurityGroupRules"]


def inbound(ec2: Any, group: str, *filters: tuple[str, str]) -> list[dict[str, Any]]:
    wanted = [{"Name": name, "Values": [value]} for name, value in (("group-id", group), *filters)]
    rules = ec2.describe_security_group_rules(Filters=wanted)["SecurityGroupRules"]
    return [rule for rule in rules if not rule["IsEgress"]]


def ports(ec2: Any, group: str) -> set[int]:
    return {rule["FromPort"] for rule in inbound(ec2, group)}


def code(refused: pytest.ExceptionInfo[ClientError]) -> str:
    return refused.value.response["Error"]["Code"]


def test_every_local_aws_has_the_prefix_lists_of_vpc_lattice(ec2: Any) -> None:
    names = [LATTICE4, LATTICE6]
    wanted = [{"Name": "prefix-list-name", "Values": names}, {"Name": "owner-id", "Values": ["AWS"]}]
    lists = {each["PrefixListName"]: each for each in ec2.describe_managed_prefix_lists(Filters=wanted)["PrefixLists"]}
    assert [(lists[name]["AddressFamily"], lists[name]["OwnerId"]) for name in names] == [
        ("IPv4", "AWS"), ("IPv6", "AWS"),
    ]  # fmt: skip
    entries = [
        ec2.get_managed_prefix_list_entries(PrefixListId=lists[name]["PrefixListId"])["Entries"] for name in names
    ]
    assert [[entry["Cidr"] for entry in each] for each in entries] == [["169.254.171.0/24"], ["fd00:ec2:80::/64"]]
    with pytest.raises(ClientError) as refused:
        ec2.get_managed_prefix_list_entries(PrefixListId="pl-00000000")
    assert code(refused) == "InvalidPrefixListID.NotFound"


def test_a_rule_is_answered_and_described_with_all_that_it_is(ec2: Any, group: str) -> None:
    permission = listed(ec2, 8080, 8081)
    permission["PrefixListIds"][0]["Description"] = "from VPC Lattice"
    tags = [{"Key": "ecs-lattice:owner", "Value": "shop"}]
    specification = [{"ResourceType": "security-group-rule", "Tags": tags}]
    (rule,) = authorize(ec2, group, permission, TagSpecifications=specification)
    assert rule == {
        "SecurityGroupRuleId": rule["SecurityGroupRuleId"],
        "GroupId": group,
        "GroupOwnerId": "123456789012",
        "IsEgress": False,
        "IpProtocol": "tcp",
        "FromPort": 8080,
        "ToPort": 8081,
        "PrefixListId": prefix_list(ec2),
        "Description": "from VPC Lattice",
        "Tags": tags,
        "SecurityGroupRuleArn": "arn:aws:ec2:us-east-1:123456789012:security-group-rule/" + rule["SecurityGroupRuleId"],
    }
    assert inbound(ec2, group) == [rule]
    (shown,) = ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"][0]["IpPermissions"]
    assert shown["PrefixListIds"] == permission["PrefixListIds"]


def test_a_call_answers_all_its_rules(ec2: Any, group: str) -> None:
    made = authorize(ec2, group, listed(ec2, 80), tcp(90, 91, "10.0.0.0/8"), listed(ec2, 80, name=LATTICE6))
    assert [rule["SecurityGroupRuleId"] for rule in sorted(made, key=lambda rule: rule["SecurityGroupRuleId"])] == [
        rule["SecurityGroupRuleId"] for rule in inbound(ec2, group)
    ]
    (every,) = authorize(ec2, group, {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "10.0.0.0/8"}]})
    assert (every["FromPort"], every["ToPort"]) == (-1, -1)


@pytest.mark.parametrize(
    ("wrong", "error", "text"),
    [
        ({"FromPort": 90, "ToPort": 80}, "InvalidParameterValue", r"\(90:80\)"),
        ({"FromPort": 1, "ToPort": 65536}, "InvalidParameterValue", r"\(1:65536\)"),
        ({"FromPort": 90}, "InvalidParameterValue", "both from and to ports"),
        ({"FromPort": 90, "ToPort": 91, "PrefixListIds": [{"PrefixListId": "pl-00000000"}]},
         "InvalidPrefixListID.NotFound", "'pl-00000000' does not exist"),
        ({"FromPort": 80, "ToPort": 80}, "InvalidPermission.Duplicate",
         '^.*specified rule "peer: pl-.*, TCP, from port: 80, to port: 80, ALLOW" already exists'),
        ({"FromPort": 81, "ToPort": 81}, "InvalidParameterValue", "must not appear multiple times"),
    ],
    ids=["backwards", "beyond", "half", "no-list", "duplicate", "twice"],
)  # fmt: skip
def test_a_call_with_one_wrong_rule_adds_none(
    ec2: Any, group: str, wrong: dict[str, Any], error: str, text: str
) -> None:
    lattice_list = {"PrefixListIds": [{"PrefixListId": prefix_list(ec2)}]}
    authorize(ec2, group, listed(ec2, 80))
    with pytest.raises(ClientError, match=text) as refused:
        authorize(ec2, group, listed(ec2, 81), {"IpProtocol": "tcp", **lattice_list, **wrong})
    assert code(refused) == error
    assert ports(ec2, group) == {80}


def test_a_description_makes_no_other_rule(ec2: Any, group: str) -> None:
    authorize(ec2, group, listed(ec2, 80))
    again = listed(ec2, 80)
    again["PrefixListIds"][0]["Description"] = "another"
    with pytest.raises(ClientError) as refused:
        authorize(ec2, group, again)
    assert code(refused) == "InvalidPermission.Duplicate"
    peer = {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80}
    authorize(ec2, group, {**peer, "UserIdGroupPairs": [{"GroupId": group, "Description": "one"}]})
    with pytest.raises(ClientError) as refused:
        authorize(ec2, group, {**peer, "UserIdGroupPairs": [{"GroupId": group, "Description": "two"}]})
    assert code(refused) == "InvalidPermission.Duplicate"


def test_a_group_holds_60_ipv4_rules_of_which_a_prefix_list_is_10(ec2: Any, group: str) -> None:
    authorize(ec2, group, *(listed(ec2, port) for port in range(5)))
    authorize(ec2, group, *(tcp(port, port, "10.0.0.0/8") for port in range(1, 11)))
    for rule in (listed(ec2, 100), tcp(100, 100, "10.0.0.0/8"), tcp(100, 100, "0.0.0.0/0")):
        with pytest.raises(ClientError, match="maximum number of rules per security group has been reached") as full:
            authorize(ec2, group, rule)
        assert code(full) == "RulesPerSecurityGroupLimitExceeded"
    assert len(inbound(ec2, group)) == 15


def test_ipv6_rules_have_a_quota_of_their_own_and_a_group_counts_in_both(ec2: Any, group: str) -> None:
    authorize(ec2, group, *(listed(ec2, port) for port in range(6)))
    authorize(ec2, group, *(listed(ec2, port, name=LATTICE6) for port in range(5)))
    authorize(ec2, group, *(tcp(port, port, "2001:db8::/32") for port in range(9)))
    with pytest.raises(ClientError):
        authorize(ec2, group, {"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": group}]})
    authorize(ec2, group, tcp(10, 10, "2001:db8::/32"))
    with pytest.raises(ClientError):
        authorize(ec2, group, tcp(11, 11, "2001:db8::/32"))


def test_the_quota_can_be_raised_and_outbound_rules_are_counted_apart(ec2: Any, group: str) -> None:
    authorize(ec2, group, *(listed(ec2, port) for port in range(6)))
    ec2.authorize_security_group_egress(GroupId=group, IpPermissions=[listed(ec2, port) for port in range(5)])
    security.backend().quotas.rules_per_security_group = 70
    authorize(ec2, group, listed(ec2, 100))
    with pytest.raises(ClientError):
        authorize(ec2, group, listed(ec2, 101))


def test_a_customers_prefix_list_weighs_its_largest_size(ec2: Any, group: str) -> None:
    made = ec2.create_managed_prefix_list(PrefixListName="own", MaxEntries=50, AddressFamily="IPv4")["PrefixList"]
    source = {"PrefixListIds": [{"PrefixListId": made["PrefixListId"]}]}
    authorize(ec2, group, {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, **source})
    authorize(ec2, group, listed(ec2, 80))
    with pytest.raises(ClientError):
        authorize(ec2, group, tcp(80, 80, "10.0.0.0/8"))


def test_rules_are_found_by_group_tag_and_tag_key(ec2: Any, group: str) -> None:
    other = ec2.create_security_group(GroupName="other", Description="other")["GroupId"]
    ours, theirs = authorize(ec2, group, listed(ec2, 80), listed(ec2, 81))
    (elsewhere,) = authorize(ec2, other, listed(ec2, 80))
    ids = [rule["SecurityGroupRuleId"] for rule in (ours, theirs, elsewhere)]
    ec2.create_tags(Resources=[ids[0], ids[2]], Tags=[{"Key": "ecs-lattice:owner", "Value": "shop"}])
    ec2.create_tags(Resources=[ids[1]], Tags=[{"Key": "ecs-lattice:owner", "Value": "another"}])

    def found(*filters: tuple[str, str]) -> list[str]:
        return [rule["SecurityGroupRuleId"] for rule in inbound(ec2, group, *filters)]

    assert found(("tag:ecs-lattice:owner", "shop")) == [ids[0]]
    assert sorted(found(("tag-key", "ecs-lattice:owner"))) == sorted(ids[:2])
    ec2.delete_tags(Resources=[ids[0]], Tags=[{"Key": "ecs-lattice:owner"}])
    assert found(("tag-key", "ecs-lattice:owner")) == [ids[1]]
    for tag in (ec2.create_tags, ec2.delete_tags):
        with pytest.raises(ClientError) as refused:
            tag(Resources=["sgr-00000000000000000"], Tags=[{"Key": "a", "Value": "b"}])
        assert code(refused) == "InvalidSecurityGroupRuleId.NotFound"


def test_pages_of_rules_are_whole_while_rules_come_and_go(ec2: Any, group: str) -> None:
    rules = authorize(ec2, group, *(tcp(port, port, "10.0.0.0/8") for port in range(20)))
    wanted = [{"Name": "group-id", "Values": [group]}]
    page = ec2.describe_security_group_rules(Filters=wanted, MaxResults=5)
    seen = [rule["SecurityGroupRuleId"] for rule in page["SecurityGroupRules"]]
    assert len(seen) == 5
    inbound_seen = [each for each in seen if each in {rule["SecurityGroupRuleId"] for rule in rules}]
    ec2.revoke_security_group_ingress(GroupId=group, SecurityGroupRuleIds=inbound_seen[:2])
    while token := page.get("NextToken"):
        page = ec2.describe_security_group_rules(Filters=wanted, MaxResults=5, NextToken=token)
        seen += [rule["SecurityGroupRuleId"] for rule in page["SecurityGroupRules"]]
    assert len(seen) == len(set(seen)) == 21
    with pytest.raises(ClientError) as refused:
        ec2.describe_security_group_rules(NextToken="!", MaxResults=5)
    assert code(refused) == "InvalidNextToken"
    with pytest.raises(ClientError) as refused:
        ec2.describe_security_group_rules(MaxResults=1001)
    assert code(refused) == "InvalidParameterValue"


def test_rules_are_revoked_by_id_all_or_none(ec2: Any, group: str) -> None:
    other = ec2.create_security_group(GroupName="other", Description="other")["GroupId"]
    first, second = (rule["SecurityGroupRuleId"] for rule in authorize(ec2, group, listed(ec2, 80), listed(ec2, 81)))
    (elsewhere,) = (rule["SecurityGroupRuleId"] for rule in authorize(ec2, other, listed(ec2, 80)))
    for strange in ("sgr-00000000000000000", elsewhere):
        with pytest.raises(ClientError) as refused:
            ec2.revoke_security_group_ingress(GroupId=group, SecurityGroupRuleIds=[first, strange])
        assert code(refused) == "InvalidSecurityGroupRuleId.NotFound"
    assert ports(ec2, group) == {80, 81}
    answer = ec2.revoke_security_group_ingress(GroupId=group, SecurityGroupRuleIds=[second])
    (revoked,) = answer["RevokedSecurityGroupRules"]
    assert (revoked["SecurityGroupRuleId"], revoked["PrefixListId"]) == (second, prefix_list(ec2))
    assert ports(ec2, group) == {80}


def test_a_permission_without_a_rule_is_an_error_but_in_a_default_vpc_an_answer(ec2: Any, group: str) -> None:
    authorize(ec2, group, listed(ec2, 80))
    both = [listed(ec2, 80), listed(ec2, 81)]
    answer = ec2.revoke_security_group_ingress(GroupId=group, IpPermissions=both)
    assert [each["FromPort"] for each in answer["UnknownIpPermissions"]] == [81]
    assert ports(ec2, group) == set()
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    away = ec2.create_security_group(GroupName="away", Description="away", VpcId=vpc)["GroupId"]
    authorize(ec2, away, listed(ec2, 80))
    with pytest.raises(ClientError) as refused:
        ec2.revoke_security_group_ingress(GroupId=away, IpPermissions=both)
    assert code(refused) == "InvalidPermission.NotFound"
    assert ports(ec2, away) == {80}


def test_a_description_is_changed_by_permission_and_by_id(ec2: Any, group: str) -> None:
    (rule,) = authorize(ec2, group, listed(ec2, 80))
    permission = listed(ec2, 80)
    permission["PrefixListIds"][0]["Description"] = "first"
    ec2.update_security_group_rule_descriptions_ingress(GroupId=group, IpPermissions=[permission])
    assert [each["Description"] for each in inbound(ec2, group)] == ["first"]
    told = [{"SecurityGroupRuleId": rule["SecurityGroupRuleId"], "Description": "second"}]
    ec2.update_security_group_rule_descriptions_ingress(GroupId=group, SecurityGroupRuleDescriptions=told)
    assert [each["Description"] for each in inbound(ec2, group)] == ["second"]
    told[0]["SecurityGroupRuleId"] = "sgr-00000000000000000"
    with pytest.raises(ClientError) as refused:
        ec2.update_security_group_rule_descriptions_ingress(GroupId=group, SecurityGroupRuleDescriptions=told)
    assert code(refused) == "InvalidSecurityGroupRuleId.NotFound"


def test_groups_that_are_not_there_are_named(ec2: Any) -> None:
    for call in (
        lambda name: ec2.describe_security_groups(GroupIds=[name]),
        lambda name: authorize(ec2, name, listed(ec2, 80)),
        lambda name: ec2.revoke_security_group_ingress(GroupId=name, IpPermissions=[listed(ec2, 80)]),
    ):
        with pytest.raises(ClientError, match=r"InvalidGroup\.NotFound.*'sg-0123456789abcdef0' does not exist"):
            call("sg-0123456789abcdef0")
        with pytest.raises(ClientError, match=r'InvalidGroupId\.Malformed.*"a group"'):
            call("a group")


def test_a_group_of_another_account_is_used_but_not_changed(stage: Stage, ec2: Any) -> None:
    group = security.backend().foreign_group("210987654321")
    (shown,) = ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"]
    assert shown["OwnerId"] == "210987654321"
    for change in (
        lambda: authorize(ec2, group, listed(ec2, 80)),
        lambda: ec2.revoke_security_group_ingress(GroupId=group, IpPermissions=[listed(ec2, 80)]),
    ):
        with pytest.raises(ClientError) as refused:
            change()
        assert code(refused) == "UnauthorizedOperation"
    arn = service_in(stage, ec2, group)
    stage.until(lambda: set(stage.targets(arn).values()) == {"UNHEALTHY"})


def test_faults_are_met_once_and_calls_are_kept(ec2: Any, group: str) -> None:
    once = boto3.client("ec2", config=Config(retries={"total_max_attempts": 1}))
    machine = security.backend()
    machine.calls.clear()
    machine.faults.deny("AuthorizeSecurityGroupIngress")
    machine.faults.throttle("DescribeSecurityGroups")
    machine.faults.lose_answer("RevokeSecurityGroupIngress")
    with pytest.raises(ClientError, match="UnauthorizedOperation"):
        authorize(once, group, tcp(80, 80, "10.0.0.0/8"))
    with pytest.raises(ClientError, match="RequestLimitExceeded"):
        once.describe_security_groups()
    (rule,) = authorize(once, group, tcp(80, 80, "10.0.0.0/8"))
    with pytest.raises(ConnectionClosedError):
        once.revoke_security_group_ingress(GroupId=group, SecurityGroupRuleIds=[rule["SecurityGroupRuleId"]])
    assert inbound(once, group) == []
    assert [(call.operation, call.error) for call in machine.calls if call.writes or call.error] == [
        ("AuthorizeSecurityGroupIngress", "UnauthorizedOperation"),
        ("DescribeSecurityGroups", "RequestLimitExceeded"),
        ("AuthorizeSecurityGroupIngress", None),
        ("RevokeSecurityGroupIngress", None),
    ]


_SOURCES = {"10.0.0.0/8": (1, 0), "2001:db8::/32": (0, 1), LATTICE4: (10, 0), LATTICE6: (0, 10)}
_RULES = st.tuples(st.sampled_from(sorted(_SOURCES)), st.integers(1, 12))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(calls=st.lists(st.tuples(st.booleans(), st.lists(_RULES, min_size=1, max_size=4)), max_size=25))
def test_any_sequence_of_calls_leaves_what_a_set_with_a_bound_would_hold(
    ec2: Any, calls: list[tuple[bool, list[tuple[str, int]]]]
) -> None:
    group = ec2.create_security_group(GroupName=f"any-{next(_numbers)}", Description="any")["GroupId"]
    holds: dict[tuple[str, int], str] = {}

    def permission(rule: tuple[str, int]) -> dict[str, Any]:
        source, port = rule
        return tcp(port, port, source) if "/" in source else listed(ec2, port, name=source)

    for adds, rules in calls:
        if adds:
            heavy = [sum(_SOURCES[source][family] for source, _ in {*holds, *rules}) for family in (0, 1)]
            fits = len(set(rules)) == len(rules) and not set(rules) & set(holds) and max(heavy) <= 60
            try:
                made = authorize(ec2, group, *map(permission, rules))
            except ClientError:
                assert not fits
                continue
            assert fits
            holds |= {rule: each["SecurityGroupRuleId"] for rule, each in zip(rules, made, strict=True)}
        else:
            ids = [holds.get(rule, "sgr-00000000000000000") for rule in set(rules)]
            try:
                ec2.revoke_security_group_ingress(GroupId=group, SecurityGroupRuleIds=ids)
            except ClientError:
                assert not set(rules) <= set(holds)
                continue
            holds = {rule: each for rule, each in holds.items() if rule not in rules}
    assert {rule["SecurityGroupRuleId"] for rule in inbound(ec2, group)} == set(holds.values())
