"""From an unhealthy route to the message that names its cause, and from its command to the message of the recovery."""

import pytest

from tests.histories.checks import comes_to_rest
from tests.histories.labels import LABELS, hooked_up
from tests.histories.on_call import OnCallWorld, causes, run_command
from tests.world import close_group, open_group

OFF = {**LABELS, "lattice.ingress": "off"}


def closed(world) -> str:
    """A new security group without any inbound rule."""
    return world.ec2.create_security_group(GroupName="closed", Description="closed")["GroupId"]


def placed_in(world, group: str) -> dict:
    return {"networkConfiguration": {"awsvpcConfiguration": {"subnets": world.subnets, "securityGroups": [group]}}}


@pytest.fixture
def on_call(world):
    return OnCallWorld(world)


def hooked_up_in(world, group, labels=OFF, **more):
    """A service whose tasks are in this group; whatever comes of it."""
    arn = world.ecs.create_service(
        cluster="shop", serviceName="orders", taskDefinition=world.register(labels, **more), desiredCount=1,
        launchType="FARGATE", **placed_in(world, group),
    )["service"]["serviceArn"]  # fmt: skip
    world.start_probing()
    world.run(1200)
    return arn


def closed_under(world, group: str, *permissions: dict) -> None:
    """A service that is live in this group, until somebody revokes its rules and adds these; what comes of it."""
    arn = hooked_up_in(world, group)
    assert world.claims(arn) == {"orders/default": "Live"}
    close_group(world.ec2, group)
    if permissions:
        world.ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=list(permissions))
    world.run(1200)
    assert world.primary(arn)["vpcLatticeConfigurations"]  # what is live is not detached


def test_a_group_closed_for_ipv6_is_reported_with_the_prefix_list_for_ipv6(world, on_call):
    vpc = world.ec2.create_vpc(CidrBlock="10.9.0.0/16", AmazonProvidedIpv6CidrBlock=True)["Vpc"]["VpcId"]
    subnet = world.ec2.create_subnet(VpcId=vpc, Ipv6CidrBlock="2001:db8:1::/64", Ipv6Native=True)["Subnet"]
    world.subnets = [subnet["SubnetId"]]
    group = open_group(world.ec2, "closed", VpcId=vpc)
    closed_under(world, group)
    ((_, mail),) = on_call.mails()
    assert causes(mail)[0] == "PREFIX_LIST_RULE_MISSING"
    names = [{"Name": "prefix-list-name", "Values": ["com.amazonaws.us-east-1.ipv6.vpc-lattice"]}]
    assert world.ec2.describe_managed_prefix_lists(Filters=names)["PrefixLists"][0]["PrefixListId"] in mail
    run_command(mail, "aws ec2 authorize-security-group-ingress")
    assert world.inbound(group) == {("theirs", "IPv6", 8080, 8080)}
    world.run(2400)
    assert [subject.split()[0] for subject in on_call.subjects()] == ["ALARM", "OK"]


def test_a_closed_group_is_the_first_cause_and_its_command_leads_to_the_recovery(world, on_call):
    group = open_group(world.ec2, "closed")
    closed_under(world, group)
    ((subject, mail),) = on_call.mails()
    assert subject == "ALARM orders/default (shop/orders): the security group does not allow VPC Lattice (IPv4)"
    assert causes(mail)[0] == "PREFIX_LIST_RULE_MISSING"
    run_command(mail, "aws ec2 authorize-security-group-ingress")
    world.run(3600)
    assert len(on_call.mails()) == 2, "\n=====\n".join(f"{a}\n{b}" for a, b in on_call.mails())
    assert on_call.subjects()[1].startswith("OK orders/default (shop/orders): recovered after")
    begun, ended = on_call.chats()
    assert begun["metadata"]["threadId"] == ended["metadata"]["threadId"]
    assert on_call.refused == []


def test_a_group_open_on_another_port_is_reported_with_the_port(world, on_call):
    (narrow,) = world.ec2.describe_security_groups(GroupIds=[open_group(world.ec2, "other", (9090, 9090))])[
        "SecurityGroups"
    ]
    closed_under(world, open_group(world.ec2, "narrow"), *narrow["IpPermissions"])
    ((_, mail),) = on_call.mails()
    assert causes(mail)[0] == "PORT_NOT_OPEN"
    assert "allow VPC Lattice (IPv4) on port 9090, but not on port 8080" in " ".join(mail.split())


def test_a_health_check_path_that_returns_another_status_is_reported(world, on_call):
    often = {**OFF, "lattice.health.interval": "10"}  # within its grace period a task is unhealthy for longer than new
    hooked_up_in(world, world.open_group, often, environment={"RESPOND": "/=503"})
    ((_, mail),) = on_call.mails()
    assert causes(mail)[0] == "HEALTH_CODE"


def test_a_refused_declaration_is_reported_once_and_its_end(world, on_call):
    arn = hooked_up(world)
    world.ecs.tag_resource(resourceArn=arn, tags=[{"key": "lattice.sevice", "value": "orders"}])
    world.sweep()
    world.run(300)
    world.sweep()
    world.run(300)
    assert on_call.subjects() == ["REFUSED shop/orders: UNKNOWN_KEY"]
    world.ecs.untag_resource(resourceArn=arn, tagKeys=["lattice.sevice"])
    world.sweep()
    comes_to_rest(world)
    assert [subject.split(":")[0] for subject in on_call.subjects()] == ["REFUSED shop/orders", "OK shop/orders"]
