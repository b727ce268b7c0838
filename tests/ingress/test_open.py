"""Opening groups for custom resources and routes, closing them, and the sweep of the resync."""

import contextlib
import itertools

import pytest

from ecs_lattice import ownership
from ecs_lattice.errors import DeniedError, NotFoundError, ThrottledError
from ecs_lattice.ingress.model import PortRange, PortRequirement
from ecs_lattice.ingress.open import Ingress
from ecs_lattice.ingress.routes import RouteIngress
from ecs_lattice.ingress.sweep import Sweeper, rebuild_requirements, sweep_groups
from tests.ingress.groups import (
    LABEL_PREFIX,
    LISTS,
    OWNER,
    VPC,
    Crashed,
    Groups,
    Hooked,
    Requirements,
    allowed,
    open_groups,
)

SERVICE = "arn:aws:ecs:us-east-1:123456789012:service/shop/orders"


@pytest.fixture
def groups():
    made = Groups()
    made.add("sg-a")
    made.add("sg-b")
    return made


@pytest.fixture
def ingress(groups):
    return Ingress(groups, Requirements(), OWNER, LABEL_PREFIX)


def opened(groups, group="sg-a"):
    return sorted((str(one.ports), one.prefix_list_id) for one in groups.rules([group]) if one.prefix_list_id)


def failing(groups, monkeypatch, method, error, times=None):
    original, left = getattr(groups, method), [times]

    def refuse(*args):
        if left[0] == 0:
            return original(*args)
        left[0] = None if left[0] is None else left[0] - 1
        raise error

    monkeypatch.setattr(groups, method, refuse)


def test_every_group_is_opened_and_the_rules_are_returned(groups, ingress):
    done = open_groups(ingress, "cr", ["sg-b", "sg-a", "sg-a"], [allowed(80), allowed(80, family="IPV6")], "x")
    assert done.problems == ()
    assert done.prefix_lists == LISTS
    assert sorted(one.group_id for one in done.rules) == ["sg-a", "sg-a", "sg-b", "sg-b"]
    assert opened(groups) == [("80", "pl-4"), ("80", "pl-6")]


def test_each_group_that_cannot_be_opened_is_a_problem_of_its_own(groups, ingress):
    groups.add("sg-c", account="210987654321")
    for n in range(55):
        groups.by_hand("sg-b", ports=PortRange(22, 22), cidr=f"10.0.{n}.0/24")
    ours = Ingress(groups, ingress.registry, OWNER, LABEL_PREFIX, account="123456789012")
    done = open_groups(ours, "cr", ["sg-a", "sg-b", "sg-c", "sg-x"], [allowed(80)], "x")
    assert [problem.code for problem in done.problems] == [
        "INGRESS_GROUP_FULL",
        "INGRESS_FOREIGN_GROUP",
        "INGRESS_NO_GROUP",
    ]
    assert [one.group_id for one in done.rules] == ["sg-a"]
    assert {requirement.group_id for requirement in ingress.registry.requirements()} == {"sg-a", "sg-b"}


def test_what_fits_into_a_nearly_full_group_is_opened(groups, ingress):
    for n in range(45):
        groups.by_hand("sg-a", ports=PortRange(22, 22), cidr=f"10.0.{n}.0/24")
    done = open_groups(ingress, "cr", ["sg-a"], [allowed(80), allowed(90), allowed(80, family="IPV6")], "x")
    assert opened(groups) == [("80", "pl-4"), ("80", "pl-6")]
    (problem,) = done.problems
    assert "on 90 (IPv4)" in problem.message
    assert "IPv4 at least 55 of 60" in problem.message


def test_a_full_group_that_lets_everybody_in_is_open(groups, ingress):
    groups.quota = 1
    wide = groups.by_hand("sg-a", ports=PortRange(80, 90), cidr="0.0.0.0/0")
    done = open_groups(ingress, "cr", ["sg-a"], [allowed(80)], "x")
    assert (done.rules, done.problems) == ((wide,), ())


def test_a_family_without_a_prefix_list_in_this_region_is_a_problem(groups, ingress, monkeypatch):
    monkeypatch.setattr(groups, "prefix_lists", lambda: LISTS[:1])
    done = open_groups(ingress, "cr", ["sg-a"], [allowed(80), allowed(80, family="IPV6")], "x")
    assert [problem.code for problem in done.problems] == ["INGRESS_NO_PREFIX_LIST"]
    assert opened(groups) == [("80", "pl-4")]
    assert ingress.families() == ("IPV4",)


@pytest.mark.parametrize("method", ["groups", "rules", "authorize"])
def test_a_permission_that_our_role_lacks_is_a_problem_that_names_the_call(groups, ingress, monkeypatch, method):
    failing(groups, monkeypatch, method, DeniedError("SomeCall", "UnauthorizedOperation", "not for you"))
    (problem,) = open_groups(ingress, "cr", ["sg-a"], [allowed(80)], "x").problems
    assert problem.code == "INGRESS_DENIED"
    assert "SomeCall" in problem.message


def test_a_group_that_is_deleted_while_it_is_opened_is_a_problem(groups, ingress, monkeypatch):
    failing(
        groups, monkeypatch, "authorize", NotFoundError("AuthorizeSecurityGroupIngress", "InvalidGroup.NotFound", "")
    )
    assert [one.code for one in open_groups(ingress, "cr", ["sg-a"], [allowed(80)], "x").problems] == [
        "INGRESS_NO_GROUP"
    ]


def test_a_rule_that_is_deleted_before_it_is_tagged_stops_nothing(groups, ingress, monkeypatch):
    failing(groups, monkeypatch, "tag", NotFoundError("CreateTags", "InvalidSecurityGroupRuleId.NotFound", ""))
    assert open_groups(ingress, "cr", ["sg-a"], [allowed(80)], "x").problems == ()


def test_closing_narrows_a_rule_without_a_gap_where_others_require_a_part_of_it(groups, ingress):
    open_groups(ingress, "one", ["sg-a"], [allowed(80, 90)], "x")
    open_groups(ingress, "two", ["sg-a"], [allowed(85)], "x")
    (wide,) = groups.rules(["sg-a"])
    assert dict(wide.tags)["ecs-lattice:ingress:two"] == "85"
    assert ingress.close("one", ["sg-a"]) == (wide.id,)
    (narrow,) = groups.rules(["sg-a"])
    assert (str(narrow.ports), "ecs-lattice:ingress:one" in dict(narrow.tags)) == ("85", False)


def test_a_rule_that_others_require_loses_the_tag_of_a_consumer_that_has_left(groups, ingress):
    for name in ("one", "two"):
        open_groups(ingress, name, ["sg-a"], [allowed(80)], "x")
    assert ingress.close("one", ["sg-a"]) == ()
    (rule,) = groups.rules(["sg-a"])
    assert [key for key, _ in rule.tags] == ["ecs-lattice:ingress:two", "ecs-lattice:owner"]


def test_closing_in_a_full_group_leaves_a_rule_of_which_a_part_is_required(groups, ingress):
    open_groups(ingress, "one", ["sg-a"], [allowed(80, 90)], "x")
    open_groups(ingress, "two", ["sg-a"], [allowed(85)], "x")
    groups.quota = 10
    assert ingress.close("one", ["sg-a"]) == ()
    assert opened(groups) == [("80-90", "pl-4")]


def test_closing_a_group_that_does_not_exist_is_no_error(ingress):
    assert ingress.close("cr", ["sg-a", "sg-x"]) == ()
    open_groups(ingress, "cr", ["sg-a"], [allowed(80)], "x")
    ingress.registry.put_requirement(next(ingress.registry.requirements()).__class__("sg-x", "cr", (allowed(80),)))
    assert len(ingress.close("cr", ["sg-a", "sg-x"])) == 1


@pytest.mark.parametrize("method", ["rules", "revoke"])
@pytest.mark.parametrize(
    "error",
    [ThrottledError("It", "RequestLimitExceeded", "slow"), DeniedError("It", "UnauthorizedOperation", "no")],
    ids=["throttled", "denied"],
)
def test_a_close_that_aws_rejected_closes_when_it_is_repeated(groups, ingress, monkeypatch, method, error):
    open_groups(ingress, "cr", ["sg-a"], [allowed(80)], "x")
    failing(groups, monkeypatch, method, error, times=1)
    with pytest.raises(type(error)):
        ingress.close("cr", ["sg-a"])
    assert len(ingress.close("cr", ["sg-a"])) == 1
    assert groups.rules(["sg-a"]) == ()
    assert list(ingress.registry.requirements()) == []


class Late:
    """EC2 whose lists of rules stay as they were; it is eventually consistent (Amazon EC2 API Reference)."""

    def __init__(self, groups):
        self.inner, self.old = groups, groups.rules(["sg-a"])

    def rules(self, group_ids):
        return self.old

    def __getattr__(self, name):
        return getattr(self.inner, name)


def test_a_revoked_rule_that_a_stale_read_still_shows_does_not_count_as_open(groups, ingress, monkeypatch):
    open_groups(ingress, "one", ["sg-a"], [allowed(80)], "x")
    late = Ingress(Late(groups), ingress.registry, OWNER, LABEL_PREFIX)
    revoke = groups.revoke

    def and_somebody_comes(group_id, rule_ids):
        revoke(group_id, rule_ids)
        open_groups(late, "two", ["sg-a"], [allowed(80)], "x")  # finds it open, as the stale read shows

    monkeypatch.setattr(groups, "revoke", and_somebody_comes)
    (gone,) = late.close("one", ["sg-a"])
    (rule,) = groups.standing.values()
    assert (rule.id != gone, rule.ports) == (True, PortRange(80, 80))


# Routes.


def requirement(*group_ids, port=80, **more):
    return PortRequirement(tuple(group_ids), VPC, allowed(port), **more)


def test_one_open_group_of_several_is_enough_and_is_the_required_one(groups, ingress):
    groups.by_hand("sg-b", ports=PortRange(80, 90), prefix_list_id="pl-4")
    answer = RouteIngress(ingress).open(SERVICE, [requirement("sg-a", "sg-b")], [], "x")
    assert (answer.closed, answer.group_ids) == ((), ("sg-b",))
    assert opened(groups) == []


def test_a_default_group_comes_after_the_others_whatever_their_order(groups, ingress):
    groups.add("sg-default")
    RouteIngress(ingress).open(SERVICE, [requirement("sg-default", "sg-a", default_allowed=True)], [], "x")
    assert (opened(groups, "sg-default"), opened(groups)) == ([], [("80", "pl-4")])


def test_each_unmet_requirement_has_the_problem_of_its_own_group(groups, ingress):
    groups.add("sg-default")
    groups.add("sg-c", account="210987654321")
    requirements = [
        requirement("sg-default"),
        requirement("sg-c", port=81),
        requirement("sg-x", port=82),
        requirement("sg-a", port=83),
    ]
    closed = RouteIngress(ingress).open(SERVICE, requirements, [], "x").closed
    assert {str(one.ports.ports): problem.code for one, problem in closed} == {
        "80": "INGRESS_DEFAULT_GROUP",
        "81": "INGRESS_FOREIGN_GROUP",
        "82": "INGRESS_NO_GROUP",
    }


def test_a_requirement_for_a_family_without_a_prefix_list_is_not_met(groups, ingress, monkeypatch):
    monkeypatch.setattr(groups, "prefix_lists", lambda: LISTS[:1])
    six = PortRequirement(("sg-a",), VPC, allowed(80, family="IPV6"))
    ((closed, problem),) = RouteIngress(ingress).open(SERVICE, [six], [], "x").closed
    assert (closed, problem.code) == (six, "INGRESS_NO_PREFIX_LIST")
    assert list(ingress.registry.requirements()) == []


def test_requirements_of_earlier_groups_are_withdrawn_after_the_new_ones_are_open(groups, ingress):
    routes = RouteIngress(ingress)
    routes.open(SERVICE, [requirement("sg-a")], [], "x")
    assert routes.open(SERVICE, [requirement("sg-b")], ["sg-a"], "x").group_ids == ("sg-b",)
    assert [requirement.group_id for requirement in ingress.registry.requirements()] == ["sg-b"]
    assert opened(groups) == [("80", "pl-4")]  # goes in the resync


# The resync's part.


def test_the_second_sweep_revokes_an_unneeded_rule_which_makes_room_in_a_full_group(groups, ingress):
    routes = RouteIngress(ingress)
    groups.quota = 10
    routes.open(SERVICE, [requirement("sg-a")], [], "x")
    ingress.require(SERVICE, "sg-a", ())
    assert routes.open(f"{SERVICE}-2", [requirement("sg-a", port=90)], [], "x").closed != ()
    first = sweep_groups(ingress, frozenset())
    assert (len(first.unneeded), [one.code for one in first.problems]) == (1, ["INGRESS_GROUP_FULL"])
    second = sweep_groups(ingress, first.unneeded)
    assert opened(groups) == [("90", "pl-4")]
    assert (second.problems, second.helped, second.unneeded) == ((), {f"{SERVICE}-2"}, frozenset())


def test_the_sweep_goes_on_after_a_group_that_may_not_be_read_or_changed(groups, ingress, monkeypatch):
    open_groups(ingress, "cr", ["sg-a", "sg-b"], [allowed(80)], "x")
    groups.standing.clear()
    error = DeniedError("AuthorizeSecurityGroupIngress", "UnauthorizedOperation", "no")
    failing(groups, monkeypatch, "authorize", error, times=1)
    done = sweep_groups(ingress, frozenset())
    assert [problem.code for problem in done.problems] == ["INGRESS_DENIED"]
    assert (opened(groups, "sg-a"), opened(groups, "sg-b")) == ([], [("80", "pl-4")])
    failing(groups, monkeypatch, "owned_rules", error)
    assert sweep_groups(ingress, frozenset({"sgr-1"})).unneeded == {"sgr-1"}


def test_the_sweep_ignores_requirements_of_a_deleted_group(groups, ingress):
    open_groups(ingress, "cr", ["sg-a", "sg-b"], [allowed(80)], "x")
    groups.standing.clear()
    del groups.known["sg-a"]
    assert sweep_groups(ingress, frozenset()).problems == ()
    assert opened(groups, "sg-b") == [("80", "pl-4")]


TAG = (ownership.OWNER, OWNER)


class Stack(dict):
    """The sweeps of a stack whose table is complete unless ``is_new``; keeps their documents."""

    def __init__(self, ingress, *, is_new=False):
        super().__init__({} if is_new else {("stack", "marker"): "{}", ("stack", "authorized-rules"): "{}"})
        self.ingress = ingress

    def document(self, kind, key):
        return self.get((kind, key))

    def put_document(self, kind, key, text, *, expires_at=None):
        self[kind, key] = text

    def sweeps(self, count, **more):
        for _ in range(count):
            swept = Sweeper(self.ingress, self).sweep(**more)
        return swept


def test_a_rule_that_ec2_does_not_keep_is_added_once_a_sweep_and_told_until_it_is_kept(groups, ingress, monkeypatch):
    kept, attempts = groups.authorize, []

    def forget(group_id, openings, *more):
        added = kept(group_id, openings, *more)
        if group_id == "sg-a":
            attempts.append(openings)
            groups.revoke(group_id, [rule.id for rule in added])
        return added

    monkeypatch.setattr(groups, "authorize", forget)
    open_groups(ingress, "cr", ["sg-a", "sg-b"], [allowed(80)], "x")
    stack, sweeps = Stack(ingress), 8  # two hours
    attempts.clear()
    assert stack.sweeps(1).problems == ()  # a list may have lagged
    groups.standing = {key: rule for key, rule in groups.standing.items() if rule.group_id != "sg-b"}
    (problem,) = stack.sweeps(1).problems
    assert (problem.code, problem.where) == ("NOT_KEPT", "security group sg-a")
    assert "80 (IPv4)" in problem.message
    assert opened(groups, "sg-b") == [("80", "pl-4")]
    assert [each.where for each in stack.sweeps(sweeps - 2).problems] == ["security group sg-a"]
    assert len(attempts) == sweeps

    monkeypatch.setattr(groups, "authorize", kept)
    stack.sweeps(1)
    assert opened(groups) == [("80", "pl-4")]
    assert stack.sweeps(1).problems == ()


def test_a_rule_that_somebody_else_tags_as_ours_is_left_alone_and_reported_with_the_command_until_the_uninstall(
    groups, ingress
):
    theirs = groups.by_hand("sg-a", ports=PortRange(5432, 5432), prefix_list_id="pl-4", tags=(TAG,))
    stack = Stack(ingress)
    assert stack.sweeps(1).notices == ()  # a consumer may be about to require it
    swept = stack.sweeps(100)
    assert groups.standing == {theirs.id: theirs}
    (notice,) = swept.notices
    assert (notice.code, notice.where) == ("INGRESS_UNKNOWN_RULE", "security group sg-a")
    assert notice.command == (
        "aws ec2 revoke-security-group-ingress --group-id sg-a --security-group-rule-ids sgr-1 --region us-east-1"
    )
    assert "5432 (IPv4)" in notice.message
    assert stack.sweeps(1, is_all_released=True).unneeded == frozenset()
    assert groups.standing == {}


def test_a_required_port_does_not_make_a_rule_that_somebody_tagged_ours(groups, ingress):
    theirs = groups.by_hand("sg-a", ports=PortRange(5432, 5432), prefix_list_id="pl-4", tags=(TAG,))
    stack = Stack(ingress)
    RouteIngress(ingress).open(SERVICE, [requirement("sg-a", port=5432)], [], "x")
    open_groups(ingress, "cr", ["sg-a"], [allowed(5432)], "x")
    assert stack.sweeps(3).notices == ()
    ingress.require(SERVICE, "sg-a", ())
    assert ingress.close("cr", ["sg-a"]) == ()
    assert [notice.code for notice in stack.sweeps(3).notices] == ["INGRESS_UNKNOWN_RULE"]
    assert list(groups.standing) == [theirs.id]


def test_a_rule_that_ec2_has_rejected_and_somebody_adds_and_tags_is_not_ours(groups, ingress, monkeypatch):
    with monkeypatch.context() as denied:
        failing(
            groups, denied, "authorize", DeniedError("AuthorizeSecurityGroupIngress", "UnauthorizedOperation", "no")
        )
        assert RouteIngress(ingress).open(SERVICE, [requirement("sg-a")], [], "x").closed != ()
    groups.by_hand("sg-a", ports=PortRange(80, 80), prefix_list_id="pl-4", tags=(TAG,))
    ingress.require(SERVICE, "sg-a", ())
    Stack(ingress).sweeps(3)
    assert opened(groups) == [("80", "pl-4")]


def test_a_rule_that_is_gone_is_forgotten_so_that_its_successor_by_hand_is_not_ours(groups, ingress):
    stack = Stack(ingress)
    RouteIngress(ingress).open(SERVICE, [requirement("sg-a")], [], "x")
    ingress.require(SERVICE, "sg-a", ())
    groups.standing.clear()
    stack.sweeps(1)
    groups.by_hand("sg-a", ports=PortRange(80, 80), prefix_list_id="pl-4", tags=(TAG,))
    stack.sweeps(3)
    assert opened(groups) == [("80", "pl-4")]
    assert list(ingress.registry.authorized()) == []


def test_a_crash_between_the_record_and_the_rule_or_behind_both_leaves_a_rule_that_is_revoked(groups, ingress):
    for crashes_at in range(12):
        calls = itertools.count()

        def crash(_name, calls=calls, at=crashes_at):
            if next(calls) == at:
                raise Crashed

        crashing = Ingress(Hooked(groups, crash), Hooked(ingress.registry, crash), OWNER, LABEL_PREFIX)
        with contextlib.suppress(Crashed):
            RouteIngress(crashing).open(SERVICE, [requirement("sg-a")], [], "x")
        ingress.require(SERVICE, "sg-a", ())
        assert Stack(ingress).sweeps(3).notices == ()
        assert groups.standing == {}


def test_a_table_of_the_version_before_knows_its_rules_by_their_tag(groups, ingress):
    """A day of sweeps: what is required stays, what nobody requires goes, and later tags of others count for nothing."""
    for group_id, port in (("sg-a", 80), ("sg-b", 81), ("sg-b", 91)):
        groups.by_hand(group_id, ports=PortRange(port, port), prefix_list_id="pl-4", tags=(TAG,))
    ingress.require(SERVICE, "sg-a", [allowed(80)])
    ingress.require("cr", "sg-b", [allowed(91)])
    stack = Stack(ingress)
    del stack["stack", "authorized-rules"]
    before = dict(groups.standing)
    assert stack.sweeps(1).notices == ()
    assert groups.standing.keys() == before.keys()
    assert stack.sweeps(95).notices == ()
    assert (opened(groups, "sg-a"), opened(groups, "sg-b")) == ([("80", "pl-4")], [("91", "pl-4")])
    groups.by_hand("sg-a", ports=PortRange(22, 22), prefix_list_id="pl-4", tags=(TAG,))
    ingress.require(SERVICE, "sg-a", ())
    assert [notice.code for notice in stack.sweeps(96).notices] == ["INGRESS_UNKNOWN_RULE"]
    assert opened(groups, "sg-a") == [("22", "pl-4")]


def test_a_table_of_the_version_before_is_taken_over_only_once_ec2_can_be_read(groups, ingress, monkeypatch):
    groups.by_hand("sg-b", ports=PortRange(81, 81), prefix_list_id="pl-4", tags=(TAG,))
    stack = Stack(ingress)
    del stack["stack", "authorized-rules"]
    with monkeypatch.context() as denied:
        failing(groups, denied, "owned_rules", DeniedError("DescribeSecurityGroupRules", "UnauthorizedOperation", "no"))
        stack.sweeps(1)
    stack.sweeps(3)
    assert groups.standing == {}


def test_after_a_lost_table_the_rules_that_are_required_again_are_known_and_the_others_are_reported(groups, ingress):
    open_groups(ingress, "cr", ["sg-b"], [allowed(91)], "x")
    RouteIngress(ingress).open(SERVICE, [requirement("sg-a"), requirement("sg-a", port=90)], [], "x")
    lost = Ingress(groups, Requirements(), OWNER, LABEL_PREFIX)
    stack = Stack(lost, is_new=True)
    stack.sweeps(1)
    RouteIngress(lost).open(SERVICE, [requirement("sg-a")], [], "x")  # that of 90 is not declared again
    assert stack.sweeps(1).notices == ()
    stack["stack", "marker"] = "{}"
    swept = stack.sweeps(3)
    assert [(notice.code, "90 (IPv4)" in notice.message) for notice in swept.notices] == [
        ("INGRESS_UNKNOWN_RULE", True)
    ]
    assert (opened(groups), opened(groups, "sg-b")) == ([("80", "pl-4"), ("90", "pl-4")], [("91", "pl-4")])
    lost.require(SERVICE, "sg-a", ())
    assert len(lost.close("cr", ["sg-b"])) == 1
    stack.sweeps(3)
    assert (opened(groups), opened(groups, "sg-b")) == ([("90", "pl-4")], [])


def test_a_notice_of_many_rules_is_bounded(groups, ingress):
    for port in range(1000, 1060, 2):
        groups.by_hand("sg-a", ports=PortRange(port, port), prefix_list_id="pl-4", tags=(TAG,))
    (notice,) = Stack(ingress).sweeps(2).notices
    assert "and 10 more" in notice.message
    assert notice.command.count("sgr-") == 20
    assert len(str(notice)) < 4096


def test_a_lost_table_is_rebuilt_from_tags_without_those_that_people_wrote(groups, ingress):
    open_groups(ingress, "cr", ["sg-a"], [allowed(80, 82), allowed(84), allowed(80, family="IPV6")], "x")
    requirements = list(ingress.registry.requirements())
    by_people = {"odd": "http 80- -2 3-x 5432", SERVICE: "80"}
    groups.tag(
        [next(iter(groups.standing))], {f"ecs-lattice:ingress:{name}": value for name, value in by_people.items()}
    )
    empty = Ingress(groups, Requirements(), OWNER, LABEL_PREFIX)
    assert rebuild_requirements(empty) == 2
    found = {requirement.consumer: requirement.ports for requirement in empty.registry.requirements()}
    assert found == {"cr": requirements[0].ports, "odd": (allowed(80),)}
    assert rebuild_requirements(empty) == 0
