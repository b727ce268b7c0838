"""Properties of Custom::LatticeIngress, as CloudFormation hands them over: text, or lists of text."""

import pytest

from ecs_lattice.custom_resource import properties
from ecs_lattice.custom_resource.properties import IngressProperties
from ecs_lattice.ingress.model import AllowedPorts, PortRange

GROUP, OTHER = "sg-0123456789abcdef0", "sg-12345678"
GOOD = {"ServiceToken": "arn:aws:lambda:…", "SecurityGroupIds": [GROUP], "Ports": "8080"}


def wanted(**changed: object) -> IngressProperties:
    read = properties.read({**GOOD, **changed})
    assert isinstance(read, IngressProperties), read
    return read


def problems(**changed: object) -> list[tuple[str, str, str]]:
    read = properties.read({**GOOD, **changed})
    assert isinstance(read, tuple), read
    return [(problem.code, problem.key, problem.value) for problem in read]


@pytest.mark.parametrize(
    ("ports", "ranges"),
    [
        ("8080", [(8080, 8080)]),
        (8080, [(8080, 8080)]),
        ("8000-8010", [(8000, 8010)]),
        (" 8000 - 8010 ", [(8000, 8010)]),
        (["9000", "80", "80", "8000-8010"], [(80, 80), (8000, 8010), (9000, 9000)]),
        ([443, "1-65535"], [(1, 65535), (443, 443)]),
    ],
)
def test_ports_are_a_port_a_range_or_a_list_of_them(ports, ranges):
    assert wanted(Ports=ports).ports == tuple(PortRange(*one) for one in ranges)


@pytest.mark.parametrize(
    "ports", ["0", "65536", "8010-8000", "http", "80,81", "8080.5", "-1", "80-", False, 0.5, "true", {"a": "b"}, "٨٠"]
)
def test_what_is_no_port_is_a_problem_that_shows_it(ports):
    ((code, key, value),) = problems(Ports=ports)
    assert (code, key) == ("BAD_PROPERTY", "Ports")
    assert value == (ports if isinstance(ports, str) else repr(ports))


def test_groups_are_one_or_many_and_each_counts_once():
    assert wanted(SecurityGroupIds=GROUP).group_ids == (GROUP,)
    assert wanted(SecurityGroupIds=[OTHER, GROUP, OTHER]).group_ids == (GROUP, OTHER)


@pytest.mark.parametrize("group", ["sg-", "vpc-0123456789abcdef0", "sg-0123456789ABCDEF0", "web", "sg-1234567"])
def test_what_is_no_group_id_is_a_problem(group):
    assert problems(SecurityGroupIds=[GROUP, group]) == [("BAD_PROPERTY", "SecurityGroupIds", group)]


@pytest.mark.parametrize(
    ("families", "read"), [("IPv4", ("IPV4",)), (["IPv6", "ipv4"], ("IPV4", "IPV6")), ([], ()), (None, ())]
)
def test_address_families_are_those_of_the_region_unless_named(families, read):
    given = wanted(AddressFamilies=families)
    assert given.families == read
    assert {o.family for o in given.allowed_ports(["IPV4"])} == set(read or ["IPV4"])


def test_every_port_is_opened_for_every_family():
    opened = wanted(Ports=["80", "443"]).allowed_ports(["IPV4", "IPV6"])
    assert opened == tuple(AllowedPorts(f, PortRange(p, p)) for f in ("IPV4", "IPV6") for p in (80, 443))


def test_a_description_is_what_ec2_takes():
    assert wanted(Description="web tier (blue), see #7").description == "web tier (blue), see #7"
    assert wanted().description == ""
    assert problems(Description="für alle") == [("BAD_PROPERTY", "Description", "für alle")]
    assert problems(Description="x" * 256)[0][:2] == ("BAD_PROPERTY", "Description")
    assert problems(Description=["a", "b"])[0][:2] == ("BAD_PROPERTY", "Description")


@pytest.mark.parametrize("empty", [[], "", None])
def test_groups_and_ports_are_required(empty):
    assert problems(SecurityGroupIds=empty, Ports=empty) == [
        ("MISSING_PROPERTY", "SecurityGroupIds", ""),
        ("MISSING_PROPERTY", "Ports", ""),
    ]


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("Port", "Ports"),
        ("SecurityGroups", "SecurityGroupIds"),
        ("securitygroupids", "SecurityGroupIds"),
        ("AddressFamily", "AddressFamilies"),
        ("Desciption", "Description"),
    ],
)
def test_an_unknown_property_is_named_with_the_one_that_was_meant(name, near):
    (problem,) = properties.read({**GOOD, name: "x"})
    assert (problem.code, problem.key, problem.message) == ("UNKNOWN_PROPERTY", name, f"did you mean {near}?")


def test_a_property_that_is_like_no_other_is_answered_with_all_there_are():
    (problem,) = properties.read({**GOOD, "Zzz": "x"})
    assert all(name in problem.message for name in ("SecurityGroupIds", "Ports", "AddressFamilies", "Description"))


def test_what_cloudformation_adds_is_no_problem():
    assert wanted(ServiceTimeout="600").group_ids == (GROUP,)


def test_all_problems_are_reported_together():
    told = problems(SecurityGroupIds=["x", "y"], Ports=["0"], AddressFamilies="IPv5", Zone="a", Description="ß")
    assert sorted(key for _, key, _ in told) == [
        "AddressFamilies", "Description", "Ports", "SecurityGroupIds", "SecurityGroupIds", "Zone",
    ]  # fmt: skip


def test_a_value_that_is_endless_is_shown_in_part():
    ((_, _, value),) = problems(Ports="8" * 10_000)
    assert len(value) < 100


def test_a_delete_finds_the_groups_in_properties_that_are_wrong_otherwise():
    assert properties.group_ids_in(
        {"SecurityGroupIds": [GROUP, "web", 7, None], "Ports": "x"}, {"SecurityGroupIds": OTHER}, {}
    ) == {GROUP, OTHER}
