"""Which rules let VPC Lattice in at a security group, which of them are ours, and which should be."""

import shlex

import pytest

from ecs_lattice import ownership
from ecs_lattice.errors import DeniedError
from ecs_lattice.ingress import problems
from ecs_lattice.ingress.group import (
    SecurityGroupRules,
    desired_ports,
    maximal,
    merged,
    requirement_tags,
    unneeded_rules,
)
from ecs_lattice.ingress.model import IngressRequirement, IngressRule, PortRange
from tests.ingress.groups import LISTS, OWNER, allowed

OURS = ((ownership.OWNER, OWNER),)
SERVICE = "arn:aws:ecs:us-east-1:123456789012:service/shop/orders"


def rule(name, first=None, last=None, tags=(), **more):
    ports = PortRange(first, last or first) if first else None
    source = {} if "cidr" in more or "source_group" in more else {"prefix_list_id": "pl-4"}
    return IngressRule(
        **{"id": name, "group_id": "sg", "protocol": "tcp", "ports": ports, "tags": tags, **source, **more}
    )


def rules(*rules):
    return SecurityGroupRules("sg", rules, LISTS, OWNER)


def requirement(*openings, consumer="a"):
    return IngressRequirement("sg", consumer, openings)


@pytest.mark.parametrize(
    ("given", "lets_in"),
    [
        (rule("r", 8080), True),
        (rule("r", 8000, 9000), True),
        (rule("r", protocol="-1"), True),
        (rule("r", 8080, protocol="6"), True),
        (rule("r", 8080, protocol="udp"), False),
        (rule("r", 8081), False),
        (rule("r", 8080, prefix_list_id="pl-6"), False),
        (rule("r", 8080, prefix_list_id="pl-s3"), False),
        (rule("r", 8080, source_group="sg-2"), False),
        (rule("r", 8080, cidr="0.0.0.0/0"), False),
    ],
)
def test_a_prefix_list_rule_lets_in_what_it_covers(given, lets_in):
    assert (rules(given).prefix_list_rule(allowed(8080)) is not None) == lets_in


@pytest.mark.parametrize(
    ("cidr", "family", "is_wide"),
    [
        ("0.0.0.0/0", "IPV4", True),
        ("169.254.0.0/16", "IPV4", True),
        ("169.254.171.0/24", "IPV4", True),
        ("169.254.171.0/25", "IPV4", False),
        ("10.0.0.0/8", "IPV4", False),
        ("::/0", "IPV4", False),
        ("::/0", "IPV6", True),
        ("fd00:ec2:80::/64", "IPV6", True),
        ("0.0.0.0/0", "IPV6", False),
    ],
)
def test_a_rule_by_addresses_is_wide_enough_when_it_contains_all_of_lattices(cidr, family, is_wide):
    assert (rules(rule("r", 8080, cidr=cidr)).cidr_rule(allowed(8080, family=family)) is not None) == is_wide
    assert rules(rule("r", 80, cidr=cidr)).cidr_rule(allowed(8080, family=family)) is None


@pytest.mark.parametrize(
    "theirs",
    [
        rule("r", 8080),
        rule("r", 8080, tags=((ownership.OWNER, "another"),)),
        rule("r", 8080, cidr="0.0.0.0/0", tags=OURS),
        rule("r", 8080, prefix_list_id="pl-s3", tags=OURS),
        rule("r", protocol="-1", tags=OURS),
        rule("r", 8080, protocol="udp", tags=OURS),
    ],
)
def test_a_rule_that_we_cannot_have_created_is_not_ours_whatever_its_tags_say(theirs):
    assert rules(theirs).ours == {}
    assert unneeded_rules(rules(theirs), []) == ()


def test_weights_are_counted_separately_for_each_family():
    found = rules(
        rule("a", 8080), rule("b", 80, cidr="10.0.0.0/8"), rule("c", 80, cidr="::/0"), rule("d", 80, source_group="sg-2"),
        rule("e", 80, prefix_list_id="pl-s3"),
    )  # fmt: skip
    assert (found.weight("IPV4"), found.weight("IPV6")) == (13, 3)


def test_adjacent_ports_are_one_rule_and_families_are_separate():
    requirements = [
        requirement(allowed(8080), allowed(8081)),
        requirement(allowed(8082, 8090), allowed(8080, family="IPV6"), consumer="b"),
    ]
    assert desired_ports(rules(), requirements) == {allowed(8080, 8090), allowed(8080, family="IPV6")}


def test_ports_that_a_foreign_rule_opens_need_no_rule_and_the_rest_does():
    assert desired_ports(rules(rule("r", 8000, 8081)), [requirement(allowed(8080), allowed(8082))]) == {allowed(8082)}


def test_a_required_rule_of_ours_stays_beside_a_wider_foreign_one():
    found = rules(rule("theirs", 8000, 9000), rule("ours", 8080, tags=OURS))
    assert desired_ports(found, [requirement(allowed(8080))]) == {allowed(8080)}
    assert unneeded_rules(found, [requirement(allowed(8080))]) == ()
    assert list(unneeded_rules(found, [])) == ["ours"]


def test_rules_of_ours_that_a_foreign_rule_covers_together_stay_as_they_are():
    found = rules(rule("theirs", 8080, 8081), rule("a", 8080, tags=OURS), rule("b", 8081, tags=OURS))
    requirements = [requirement(allowed(8080), allowed(8081))]
    assert desired_ports(found, requirements) == {allowed(8080), allowed(8081)}


def test_a_wide_rule_of_ours_stays_until_another_rule_opens_its_required_ports():
    wide = rule("wide", 8080, 8090, tags=OURS)
    assert unneeded_rules(rules(wide), [requirement(allowed(8085))]) == ()
    assert list(unneeded_rules(rules(wide, rule("r", 8085, tags=OURS)), [requirement(allowed(8085))])) == ["wide"]


def test_no_rule_is_desired_for_a_family_without_a_prefix_list():
    only_four = SecurityGroupRules("sg", (), LISTS[:1], OWNER)
    assert desired_ports(only_four, [requirement(allowed(80), allowed(80, family="IPV6"))]) == {allowed(80)}


def test_our_rules_are_tagged_with_the_custom_resources_that_require_them_and_the_ports():
    found = rules(rule("r", 8080, 8090, tags=OURS), rule("s", 80, tags=OURS), rule("theirs", 443))
    requirements = [
        requirement(allowed(8080), allowed(8081), allowed(8085), consumer="cr-1"),
        requirement(allowed(8080), consumer=SERVICE),
        requirement(allowed(443), consumer="cr-2"),
    ]
    assert {one.id: tags for one, tags in requirement_tags(found, requirements).items()} == {
        "r": {"ecs-lattice:ingress:cr-1": "8080-8081 8085"},
        "s": {},
    }


def test_ranges_are_merged_only_within_a_family_and_only_where_they_overlap_or_touch():
    assert merged([allowed(3, 5), allowed(1, 2), allowed(7), allowed(4, 4)]) == (allowed(1, 5), allowed(7))
    assert merged([]) == ()
    assert maximal([allowed(1, 5), allowed(2, 3), allowed(4, 6), allowed(1, 5)]) == (allowed(1, 5), allowed(4, 6))


def test_ports_are_open_by_a_prefix_list_rule_or_by_an_address_range():
    by_list, by_range = rule("a", 8080), rule("b", 8080, 8081, cidr="0.0.0.0/0")
    assert rules(by_list, by_range).open_rule(allowed(8080)) == by_list
    assert rules(by_list, by_range).open_rule(allowed(8081)) == by_range
    assert rules(by_list, by_range).is_open(allowed(8080, 8081))
    assert not rules(by_list).is_open(allowed(8081))
    assert not rules(by_list, by_range).is_open(allowed(8080, family="IPV6"))


def test_the_command_opens_adjacent_ports_with_one_rule_in_the_region_of_the_prefix_list():
    closed = [allowed(8081), allowed(8080), allowed(443, family="IPV6")]
    assert shlex.join(rules().command(closed)) == (
        "aws ec2 authorize-security-group-ingress --group-id sg --ip-permissions "
        "'IpProtocol=tcp,FromPort=8080,ToPort=8081,PrefixListIds=[{PrefixListId=pl-4}]' "
        "'IpProtocol=tcp,FromPort=443,ToPort=443,PrefixListIds=[{PrefixListId=pl-6}]' --region us-east-1"
    )
    assert SecurityGroupRules("sg", (), LISTS[:1]).command([allowed(443, family="IPV6")]) == ()


def test_a_problem_names_the_label_with_the_prefix_of_the_stack_and_has_the_command_beside_its_message():
    error = DeniedError("AuthorizeSecurityGroupIngress", "UnauthorizedOperation", "no")
    command = shlex.join(rules().command([allowed(80)]))
    found = [
        problems.default_group(rules(), [allowed(80)], "mesh"),
        problems.off(rules(), [allowed(80)], "mesh"),
        problems.denied(["sg"], error, "mesh"),
    ]
    assert all("mesh.ingress" in problem.message and "lattice.ingress" not in str(problem) for problem in found)
    assert [problem.command for problem in found] == [command, command, ""]
    assert all(command not in problem.message for problem in found)
    assert found[1].text == f"{found[1].message} To fix: {command}"
    assert str(found[1]).endswith(f"To fix: {command}")


def test_a_problem_of_many_groups_names_the_first():
    error = DeniedError("DescribeSecurityGroupRules", "UnauthorizedOperation", "no")
    message = problems.denied([f"sg-{number:017x}" for number in range(3000)], error, "mesh").message
    assert "and 2,980 more" in message
    assert len(message) < 1024
