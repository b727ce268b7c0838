"""The adapter to security groups, on the local EC2; what the in-memory groups of other tests promise, on both."""

import contextlib

import boto3
import pytest
from botocore.exceptions import ClientError

from ecs_lattice import ownership
from ecs_lattice.aws.security_groups import BotoSecurityGroups
from ecs_lattice.errors import DeniedError, NotFoundError, QuotaError, ThrottledError
from ecs_lattice.ingress.model import PortRange
from local_aws import ec2 as security
from local_aws import inprocess
from tests.ingress.groups import OWNER, Groups, allowed

TAGS = {ownership.OWNER: OWNER}


@pytest.fixture
def ec2():
    with inprocess.started():
        yield boto3.client("ec2")


class Real:
    """The adapter over the local EC2."""

    def __init__(self, client):
        self.client, self.groups = client, BotoSecurityGroups(client, OWNER)

    def group(self):
        return self.client.create_security_group(GroupName="web", Description="web")["GroupId"]

    def full(self, weight):
        security.backend().quotas.rules_per_security_group = weight


class InMemory:
    """What stands for it in tests/ingress."""

    def __init__(self):
        self.groups = Groups()

    def group(self):
        return self.groups.add("sg-0123456789abcdef0")

    def full(self, weight):
        self.groups.quota = weight


@pytest.fixture(params=["real", "in memory"])
def it(request):
    if request.param == "in memory":
        yield InMemory()
    else:
        with inprocess.started():
            yield Real(boto3.client("ec2"))


def pair(it, *ports, family="IPV4"):
    source = next(one for one in it.groups.prefix_lists() if one.family == family)
    return allowed(*ports, family=family), source


def test_one_prefix_list_a_family_weighs_ten(it):
    names = ["com.amazonaws.us-east-1.ipv6.vpc-lattice", "com.amazonaws.us-east-1.vpc-lattice"]
    lists = it.groups.prefix_lists()
    assert sorted(one.name for one in lists) == names
    assert {one.family: one.weight for one in lists} == {"IPV4": 10, "IPV6": 10}


def test_groups_that_do_not_exist_are_left_out(it):
    group = it.group()
    assert [one.id for one in it.groups.groups([group, "sg-0000000000000dead"])] == [group]
    assert it.groups.rules(["sg-0000000000000dead"]) == ()


def test_rules_are_added_together_tagged_and_read_as_they_are(it):
    group = it.group()
    made = it.groups.authorize(group, [pair(it, 8080), pair(it, 80, 81, family="IPV6")], "for (orders)", TAGS)
    assert sorted(made) == sorted(it.groups.rules([group])) == sorted(it.groups.owned_rules())
    assert {(one.ports, one.protocol, one.tags) for one in made} == {
        (PortRange(8080, 8080), "tcp", ((ownership.OWNER, OWNER),)),
        (PortRange(80, 81), "tcp", ((ownership.OWNER, OWNER),)),
    }


def test_a_rule_that_is_there_already_is_given_as_it_is(it):
    group = it.group()
    (first,) = it.groups.authorize(group, [pair(it, 8080)], "first", TAGS)
    both = it.groups.authorize(group, [pair(it, 8080), pair(it, 9090)], "second", TAGS)
    assert first in both
    assert {one.ports for one in both} == {PortRange(8080, 8080), PortRange(9090, 9090)}
    assert len(it.groups.rules([group])) == 2


def test_a_full_group_takes_none_of_a_call(it):
    group = it.group()
    it.full(10)
    with pytest.raises(QuotaError):
        it.groups.authorize(group, [pair(it, 8080), pair(it, 9090)], "two", TAGS)
    assert it.groups.rules([group]) == ()
    it.groups.authorize(group, [pair(it, 8080), pair(it, 8080, family="IPV6")], "a quota each", TAGS)


def test_revoking_bears_rules_that_are_gone(it):
    group = it.group()
    made = it.groups.authorize(group, [pair(it, 8080), pair(it, 9090), pair(it, 80)], "three", TAGS)
    it.groups.revoke(group, [made[0].id])
    it.groups.revoke(group, [made[0].id])
    it.groups.revoke(group, [made[1].id, made[0].id])
    assert it.groups.rules([group]) == (made[2],)


def test_tags_come_and_go_on_rules_that_are_there(it):
    group = it.group()
    (made,) = it.groups.authorize(group, [pair(it, 8080)], "one", TAGS)
    it.groups.tag([made.id], {"ecs-lattice:ingress:x": "8080"})
    assert dict(it.groups.rules([group])[0].tags) == {**TAGS, "ecs-lattice:ingress:x": "8080"}
    it.groups.untag([made.id], ["ecs-lattice:ingress:x", "never-there"])
    assert it.groups.rules([group]) == (made,)
    it.groups.revoke(group, [made.id])
    with pytest.raises(NotFoundError):
        it.groups.tag([made.id], {"a": "b"})


def test_a_group_that_does_not_exist_cannot_be_opened(it):
    with pytest.raises(NotFoundError):
        it.groups.authorize("sg-0000000000000dead", [pair(it, 8080)], "none", TAGS)


# What only the real one has to do.


def test_rules_of_every_kind_are_read_and_outbound_ones_are_not(ec2):
    group = ec2.create_security_group(GroupName="web", Description="web")["GroupId"]
    permissions = [
        {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "10.0.0.0/8"}]},
        {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 90, "Ipv6Ranges": [{"CidrIpv6": "::/0"}]},
        {"IpProtocol": "icmp", "FromPort": 8, "ToPort": -1, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]},
        {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "UserIdGroupPairs": [{"GroupId": group}]},
    ]
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=permissions)
    rules = BotoSecurityGroups(ec2, OWNER).rules([group])
    assert {(one.protocol, one.ports, one.cidr, one.source_group) for one in rules} == {
        ("-1", None, "10.0.0.0/8", None),
        ("tcp", PortRange(80, 90), "::/0", None),
        ("icmp", None, "10.0.0.0/8", None),
        ("tcp", PortRange(443, 443), None, group),
    }


def test_groups_say_their_owner_and_whether_they_are_the_default(ec2):
    groups = BotoSecurityGroups(ec2, OWNER)
    foreign = security.backend().foreign_group("210987654321")
    vpc = ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
    default = groups.default_group(vpc)
    assert (default.is_default, default.vpc_id, default.account) == (True, vpc, "123456789012")
    assert [(one.account, one.is_default) for one in groups.groups([foreign])] == [("210987654321", False)]
    with pytest.raises(NotFoundError):
        groups.default_group("vpc-0000dead")


@pytest.mark.parametrize(
    ("tags", "ingress"),
    [
        ({}, ""),
        ({"ecs-lattice:ingress": "on"}, "on"),
        ({"ecs-lattice:ingress": " Off"}, "off"),
        ({"ecs-lattice:ingress": "maybe"}, ""),
        ({"ecs-lattice:ingress:cr": "on"}, ""),
    ],
)
def test_groups_say_by_their_tag_whether_they_may_be_opened(ec2, tags, ingress):
    group = ec2.create_security_group(GroupName="web", Description="web")["GroupId"]
    if tags:
        ec2.create_tags(Resources=[group], Tags=[{"Key": key, "Value": value} for key, value in tags.items()])
    (found,) = BotoSecurityGroups(ec2, OWNER).groups([group])
    assert found.ingress == ingress


def test_more_rules_and_groups_than_fit_a_page_or_a_filter_are_all_read(ec2, monkeypatch):
    monkeypatch.setattr("ecs_lattice.aws.security_groups._PAGE", 5)
    monkeypatch.setattr("ecs_lattice.aws.security_groups._FILTER_VALUES", 2)
    ids = [ec2.create_security_group(GroupName=f"g{n}", Description="g")["GroupId"] for n in range(5)]
    for group in ids:
        ranges = [{"CidrIp": f"10.0.{n}.0/24"} for n in range(7)]
        permission = {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "IpRanges": ranges}
        ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[permission])
    groups = BotoSecurityGroups(ec2, OWNER)
    assert len(groups.rules(ids)) == 35
    assert sorted(one.id for one in groups.groups(ids)) == sorted(ids)


def test_descriptions_are_made_such_that_ec2_takes_them(ec2):
    group = ec2.create_security_group(GroupName="web", Description="web")["GroupId"]
    groups = BotoSecurityGroups(ec2, OWNER)
    source = groups.prefix_lists()[0]
    groups.authorize(group, [(allowed(80, family=source.family), source)], "größe <x>" + "y" * 300, TAGS)
    (rule,) = [
        one
        for one in ec2.describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [group]}])[
            "SecurityGroupRules"
        ]
        if not one["IsEgress"]
    ]
    assert rule["Description"].startswith("gr--e -x-y")
    assert len(rule["Description"]) == 255


@contextlib.contextmanager
def named_lists(names):
    """Managed prefix lists as another Region has them: (name, family, owner)."""
    client = boto3.client("ec2", region_name="cn-north-1")

    def answer(**_):
        lists = [
            {"PrefixListId": f"pl-{n}", "PrefixListName": name, "AddressFamily": family, "OwnerId": owner}
            for n, (name, family, owner) in enumerate(names)
        ]
        return (type("R", (), {"status_code": 200})(), {"PrefixLists": lists, "ResponseMetadata": {}})

    client.meta.events.register("before-call.ec2.DescribeManagedPrefixLists", answer)
    yield client


@pytest.mark.usefixtures("ec2")
def test_a_region_without_the_ipv6_list_has_one_list_and_a_customers_list_of_the_name_is_not_taken():
    name = "com.amazonaws.cn-north-1.vpc-lattice"
    six = "com.amazonaws.cn-north-1.ipv6.vpc-lattice"
    with named_lists([(name, "IPv4", "AWS"), (six, "IPv6", "123456789012")]) as client:
        assert [(one.name, one.family) for one in BotoSecurityGroups(client, OWNER).prefix_lists()] == [(name, "IPV4")]


@pytest.mark.parametrize(
    ("code", "error"),
    [("UnauthorizedOperation", DeniedError), ("RequestLimitExceeded", ThrottledError)],
)
def test_ec2s_refusals_come_as_our_errors(ec2, code, error):
    group = ec2.create_security_group(GroupName="web", Description="web")["GroupId"]

    def refuse(**_):
        raise ClientError({"Error": {"Code": code, "Message": "made to fail"}}, "DescribeSecurityGroupRules")

    ec2.meta.events.register("before-parameter-build.ec2.DescribeSecurityGroupRules", refuse)
    try:
        with pytest.raises(error):
            BotoSecurityGroups(ec2, OWNER).rules([group])
    finally:
        ec2.meta.events.unregister("before-parameter-build.ec2.DescribeSecurityGroupRules", refuse)


def test_where_ec2_refuses_an_unknown_group_the_others_are_read_all_the_same(ec2):
    group = ec2.create_security_group(GroupName="web", Description="web")["GroupId"]
    groups = BotoSecurityGroups(ec2, OWNER)
    source = groups.prefix_lists()[0]
    (made,) = groups.authorize(group, [(allowed(80, family=source.family), source)], "web", TAGS)

    def refuse(params, **_):
        if "sg-0000000000000dead" in str(params):
            raise ClientError({"Error": {"Code": "InvalidGroup.NotFound", "Message": ""}}, "DescribeSecurityGroupRules")

    ec2.meta.events.register("before-parameter-build.ec2.DescribeSecurityGroupRules", refuse)
    try:
        assert groups.rules([group, "sg-0000000000000dead"]) == (made,)
    finally:
        ec2.meta.events.unregister("before-parameter-build.ec2.DescribeSecurityGroupRules", refuse)
