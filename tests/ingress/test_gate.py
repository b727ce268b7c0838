"""What lets VPC Lattice in at a security group, what of it is ours, and what should be."""

import pytest

from ecs_lattice import ownership
from ecs_lattice.ingress.group import SecurityGroupRules, marks, should_be_ours, unneeded
from ecs_lattice.ingress.model import IngressRequirement, IngressRule, PortRange
from ecs_lattice.ingress.ranges import merged, outermost
from tests.ingress.groups import LISTS, OWNER, opening

OURS = ((ownership.OWNER, OWNER),)
SERVICE = "arn:aws:ecs:us-east-1:123456789012:service/shop/orders"


def rule(name, first=None, last=None, tags=(), **more):
    ports = PortRange(first, last or first) if first else None
    source = {} if "cidr" in more or "source_group" in more else {"prefix_list_id": "pl-4"}
    return IngressRule(
        **{"id": name, "group_id": "sg", "protocol": "tcp", "ports": ports, "tags": tags, **source, **more}
    )


def gate(*rules):
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
    assert (gate(given).rule_for(opening(8080)) is not None) == lets_in


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
def test_a_rule_by_addresses_is_wide_enough_when_it_has_all_of_lattices(cidr, family, is_wide):
    assert (gate(rule("r", 8080, cidr=cidr)).wide_rule_for(opening(8080, family=family)) is not None) == is_wide
    assert gate(rule("r", 80, cidr=cidr)).wide_rule_for(opening(8080, family=family)) is None


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
def test_what_we_cannot_have_made_is_not_ours_whatever_its_tags_say(theirs):
    assert gate(theirs).ours == {}
    assert unneeded(gate(theirs), []) == ()


def test_weights_are_counted_for_each_family_apart():
    found = gate(
        rule("a", 8080), rule("b", 80, cidr="10.0.0.0/8"), rule("c", 80, cidr="::/0"), rule("d", 80, source_group="sg-2"),
        rule("e", 80, prefix_list_id="pl-s3"),
    )  # fmt: skip
    assert (found.weight("IPV4"), found.weight("IPV6")) == (13, 3)


def test_needs_that_touch_are_one_rule_and_families_are_apart():
    requirements = [
        requirement(opening(8080), opening(8081)),
        requirement(opening(8082, 8090), opening(8080, family="IPV6"), consumer="b"),
    ]
    assert should_be_ours(gate(), requirements) == {opening(8080, 8090), opening(8080, family="IPV6")}


def test_what_a_stranger_lets_in_needs_no_rule_and_the_rest_does():
    assert should_be_ours(gate(rule("r", 8000, 8081)), [requirement(opening(8080), opening(8082))]) == {opening(8082)}


def test_a_rule_of_ours_that_is_needed_stays_beside_a_strangers_wider_one():
    found = gate(rule("theirs", 8000, 9000), rule("ours", 8080, tags=OURS))
    assert should_be_ours(found, [requirement(opening(8080))]) == {opening(8080)}
    assert unneeded(found, [requirement(opening(8080))]) == ()
    assert [one.id for one in unneeded(found, [])] == ["ours"]


def test_rules_of_ours_that_a_stranger_has_merged_by_hand_stay_as_they_are():
    found = gate(rule("theirs", 8080, 8081), rule("a", 8080, tags=OURS), rule("b", 8081, tags=OURS))
    requirements = [requirement(opening(8080), opening(8081))]
    assert should_be_ours(found, requirements) == {opening(8080), opening(8081)}


def test_a_wide_rule_of_ours_stays_until_what_is_needed_of_it_has_another():
    wide = rule("wide", 8080, 8090, tags=OURS)
    assert unneeded(gate(wide), [requirement(opening(8085))]) == ()
    assert [one.id for one in unneeded(gate(wide, rule("r", 8085, tags=OURS)), [requirement(opening(8085))])] == [
        "wide"
    ]


def test_a_family_without_a_prefix_list_is_never_asked_for():
    only_four = SecurityGroupRules("sg", (), LISTS[:1], OWNER)
    assert should_be_ours(only_four, [requirement(opening(80), opening(80, family="IPV6"))]) == {opening(80)}


def test_our_rules_say_which_custom_resources_need_them_and_for_what():
    found = gate(rule("r", 8080, 8090, tags=OURS), rule("s", 80, tags=OURS), rule("theirs", 443))
    requirements = [
        requirement(opening(8080), opening(8081), opening(8085), consumer="cr-1"),
        requirement(opening(8080), consumer=SERVICE),
        requirement(opening(443), consumer="cr-2"),
    ]
    assert {one.id: tags for one, tags in marks(found, requirements).items()} == {
        "r": {"ecs-lattice:ingress:cr-1": "8080-8081 8085"},
        "s": {},
    }


def test_ranges_are_merged_only_within_a_family_and_only_where_they_touch():
    assert merged([opening(3, 5), opening(1, 2), opening(7), opening(4, 4)]) == (opening(1, 5), opening(7))
    assert merged([]) == ()
    assert outermost([opening(1, 5), opening(2, 3), opening(4, 6), opening(1, 5)]) == (opening(1, 5), opening(4, 6))
