"""What new requirements may not do to a security group, and what stays open whatever the limits are."""

import dataclasses

import pytest

from ecs_lattice.ingress.model import PortRange, PortRequirement
from ecs_lattice.ingress.open import Ingress
from ecs_lattice.ingress.routes import RouteIngress
from tests.ingress.groups import LABEL_PREFIX, OWNER, VPC, Groups, Requirements, allowed, open_groups

CLUSTER = "arn:aws:ecs:us-east-1:123456789012:service/shop"
SERVICE, NEIGHBOUR = f"{CLUSTER}/orders", f"{CLUSTER}/carts"
OUTSIDER = "arn:aws:ecs:us-east-1:123456789012:service/games/chess"
SENSITIVE = [22, 5432, 6379, 1433, 3306]


@pytest.fixture
def groups():
    made = Groups()
    made.add("sg-a")
    made.add("sg-b")
    return made


@pytest.fixture
def ingress(groups):
    return Ingress(groups, Requirements(), OWNER, LABEL_PREFIX)


def tagged(groups, group, ingress):
    groups.known[group] = dataclasses.replace(groups.known[group], ingress=ingress)


def needs(*ports, groups=("sg-a",), **more):
    return [PortRequirement(tuple(groups), VPC, allowed(port), **more) for port in ports]


def opens(ingress, requirements, consumer=SERVICE, before=("sg-a", "sg-b")):
    """The codes of what stays closed, by port."""
    answer = RouteIngress(ingress).open(consumer, requirements, before, "x")
    return {one.ports.ports.first: problem.code for one, problem in answer.closed}


def opened(groups, group="sg-a"):
    return sorted(one.ports.first for one in groups.rules([group]) if one.prefix_list_id)


def required(ingress, consumer=SERVICE):
    return {
        str(ports.ports) for one in ingress.registry.requirements() if one.consumer == consumer for ports in one.ports
    }


# Ports that the task definition does not map.


@pytest.mark.parametrize("port", SENSITIVE)
def test_a_port_that_the_task_definition_does_not_map_is_not_opened(groups, ingress, port):
    answer = RouteIngress(ingress).open(SERVICE, needs(port, is_mapped=False) + needs(8080), [], "x")
    ((_, problem),) = answer.closed
    assert (problem.code, problem.where) == ("HEALTH_PORT_NOT_MAPPED", "security group sg-a")
    assert f"containerPort {port}" in problem.message
    assert "mesh.health.port" in problem.message
    assert problem.command.startswith("aws ec2 authorize-security-group-ingress --group-id sg-a")
    assert opened(groups) == [8080]
    assert required(ingress) == {"8080"}


@pytest.mark.parametrize("source", [{"prefix_list_id": "pl-4"}, {"cidr": "0.0.0.0/0"}])
def test_what_somebody_else_has_opened_is_open_without_a_requirement(groups, ingress, source):
    theirs = groups.by_hand("sg-a", ports=PortRange(5432, 5432), **source)
    assert opens(ingress, needs(5432, is_mapped=False)) == {}
    assert required(ingress) == set()
    assert list(groups.standing) == [theirs.id]


def test_what_others_have_had_opened_does_not_stay_open_for_a_requirement_beyond_the_limits(groups, ingress):
    open_groups(ingress, "cr", ["sg-a"], [allowed(5432)], "x")
    assert opens(ingress, needs(5432, is_mapped=False)) == {5432: "HEALTH_PORT_NOT_MAPPED"}
    assert len(ingress.close("cr", ["sg-a"])) == 1
    assert opened(groups) == []


# Tags of groups.


@pytest.mark.parametrize(
    ("mode", "tag", "code"),
    [
        ("any", "", ""),
        ("any", "on", ""),
        ("any", "off", "INGRESS_TAGGED_OFF"),
        ("tagged", "", "INGRESS_NOT_TAGGED"),
        ("tagged", "on", ""),
        ("tagged", "off", "INGRESS_TAGGED_OFF"),
    ],
)
def test_the_tag_of_a_group_and_the_mode_of_the_stack_decide_about_new_rules(groups, ingress, mode, tag, code):
    ingress = dataclasses.replace(ingress, mode=mode)
    tagged(groups, "sg-a", tag)
    resource = open_groups(ingress, "cr", ["sg-a"], [allowed(7000)], "x")
    answer = RouteIngress(ingress).open(SERVICE, needs(8080), [], "x")
    found = {problem.code for problem in (*resource.problems, *(problem for _, problem in answer.closed))}
    assert found == ({code} if code else set())
    assert opened(groups) == ([] if code else [7000, 8080])
    assert (list(ingress.registry.requirements()) == []) == bool(code)
    for problem in resource.problems:
        assert (problem.where, "ecs-lattice:ingress" in problem.message) == ("security group sg-a", True)
        assert problem.command == (
            "aws ec2 create-tags --resources sg-a --tags Key=ecs-lattice:ingress,Value=on --region us-east-1"
        )


def test_another_group_of_the_tasks_that_may_be_opened_is_opened(groups, ingress):
    tagged(groups, "sg-a", "off")
    assert opens(ingress, needs(8080, groups=("sg-a", "sg-b"))) == {}
    assert (opened(groups, "sg-a"), opened(groups, "sg-b")) == ([], [8080])


@pytest.mark.parametrize("ours_is", ["open", "revoked by hand"])
def test_what_is_attached_and_required_stays_open_whatever_the_limits_are(groups, ingress, ours_is):
    """The world of the version before: ports that are not mapped, more than half of the quota, no tag."""
    ports = [*SENSITIVE, 8080]
    before = needs(*ports, is_attached=True, is_mapped=False)
    ingress.require(SERVICE, "sg-a", [one.ports for one in before])
    assert opens(ingress, before) == {}
    assert opened(groups) == sorted(ports)
    tagged(groups, "sg-a", "off")
    strict = dataclasses.replace(ingress, mode="tagged")
    if ours_is == "revoked by hand":
        groups.standing.clear()
    assert opens(strict, before) == {}
    assert opened(groups) == sorted(ports)
    assert required(ingress) == {str(port) for port in ports}


def test_what_is_attached_and_open_is_recorded_again_after_a_lost_table(groups, ingress):
    before = needs(5432, is_attached=True)
    opens(ingress, before)
    tagged(groups, "sg-a", "off")
    lost = dataclasses.replace(ingress, registry=Requirements())
    assert opens(lost, before) == {}
    assert required(lost) == {"5432"}


def test_a_target_group_that_is_attached_opens_no_other_security_group_beyond_the_limits(groups, ingress):
    """Attached harmlessly, then moved into the database's group."""
    assert opens(ingress, needs(8080, groups=("sg-b",))) == {}
    moved = needs(22, is_mapped=False, is_attached=True)
    assert opens(ingress, moved) == {22: "HEALTH_PORT_NOT_MAPPED"}
    tagged(groups, "sg-a", "off")
    assert opens(ingress, needs(8080, is_attached=True)) == {8080: "INGRESS_TAGGED_OFF"}
    assert opened(groups, "sg-a") == []


def test_a_release_of_attached_tasks_may_move_the_port_within_their_group(groups, ingress):
    opens(ingress, needs(8080))
    strict = dataclasses.replace(ingress, mode="tagged")
    assert opens(strict, needs(8080, is_attached=True) + needs(9090, is_attached=True, is_mapped=False)) == {}
    assert opened(groups) == [8080, 9090]


# Half of the quota.


def test_the_services_of_one_cluster_use_at_most_half_of_a_groups_quota(groups, ingress):
    assert opens(ingress, needs(*range(80, 200, 20))) == dict.fromkeys((140, 160, 180), "INGRESS_HALF_USED")
    assert opens(ingress, needs(300), NEIGHBOUR) == {300: "INGRESS_HALF_USED"}
    assert opened(groups) == [80, 100, 120]
    assert required(ingress) == {"80", "100", "120"}
    assert opens(ingress, needs(400, 420, 440, 460), OUTSIDER) == {460: "INGRESS_HALF_USED"}
    groups.by_hand("sg-b", ports=PortRange(22, 22), cidr="10.0.0.0/8")
    assert opens(ingress, needs(300, groups=("sg-a", "sg-b")), NEIGHBOUR) == {}
    assert opened(groups, "sg-b") == [300]


def test_the_problem_of_a_half_used_group_says_what_to_do(ingress):
    answer = RouteIngress(ingress).open(SERVICE, needs(80, 90, 100, 110), [], "x")
    ((_, problem),) = answer.closed
    assert (problem.code, problem.where) == ("INGRESS_HALF_USED", "security group sg-a")
    assert "30 of 60" in problem.message
    assert "authorize-security-group-ingress --group-id sg-a" in problem.command


def test_adjacent_ports_and_families_count_separately_as_ec2_counts_them(groups, ingress):
    six = [PortRequirement(("sg-a",), VPC, allowed(port, family="IPV6")) for port in (80, 90, 100)]
    assert opens(ingress, needs(80, 81, 82, 83, 90, 100) + six) == {}
    assert len(groups.rules(["sg-a"])) == 6
    assert opens(ingress, needs(80, 81, 82, 83, 90, 100, 101, 110)) == {110: "INGRESS_HALF_USED"}


def test_rules_that_are_about_to_be_revoked_count_so_that_changing_ports_fills_no_group(groups, ingress):
    for first in range(100, 1000, 100):
        opens(ingress, needs(first))
    assert len(groups.rules(["sg-a"])) <= 3


def test_a_port_that_comes_back_while_its_rule_still_stands_needs_no_room(groups, ingress):
    for ports in ([80], [90], [100], [80]):
        assert opens(ingress, needs(*ports)) == {}
    assert opened(groups) == [80, 90, 100]


def test_custom_resources_are_not_bounded_by_half_of_the_quota_and_do_not_count(groups, ingress):
    assert open_groups(ingress, "cr", ["sg-a"], [allowed(port) for port in (1, 3, 5, 7)], "x").problems == ()
    assert opens(ingress, needs(80, 90)) == {}


def test_a_custom_resource_is_rolled_back_whatever_the_tag_says_by_now(groups, ingress):
    open_groups(ingress, "cr", ["sg-a"], [allowed(7000), allowed(7001)], "x")
    open_groups(ingress, "cr", ["sg-a"], [allowed(7001), allowed(7002)], "x")  # an update that fails elsewhere
    tagged(groups, "sg-a", "off")
    assert open_groups(ingress, "cr", ["sg-a"], [allowed(7000), allowed(7001)], "x").problems == ()
    ingress.close("cr", ["sg-a"])
    assert groups.standing == {}


def test_the_preview_shows_only_what_may_be_opened(groups, ingress):
    (opening,) = RouteIngress(ingress).preview(SERVICE, needs(22, is_mapped=False) + needs(8080))
    assert opening.ports == (allowed(8080),)
    assert groups.standing == {}
