"""Opening every group for custom resources, and closing what nobody needs any more."""

import pytest

from ecs_lattice.errors import DeniedError, NotFoundError, ThrottledError
from ecs_lattice.ingress.model import PortRange
from ecs_lattice.ingress.open import Ingress
from ecs_lattice.ingress.routes import PortRequirement, RouteIngress
from ecs_lattice.ingress.sweep import Tidier
from tests.ingress.groups import LISTS, OWNER, VPC, Groups, Requirements, opening

SERVICE = "arn:aws:ecs:us-east-1:123456789012:service/shop/orders"


@pytest.fixture
def groups():
    made = Groups()
    made.add("sg-a")
    made.add("sg-b")
    return made


@pytest.fixture
def ingress(groups):
    return Ingress(groups, Requirements(), OWNER)


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


def test_every_group_is_opened_and_the_rules_are_told(groups, ingress):
    done = ingress.open_each("cr", ["sg-b", "sg-a", "sg-a"], [opening(80), opening(80, family="IPV6")], "x")
    assert done.problems == ()
    assert done.prefix_lists == LISTS
    assert sorted(one.group_id for one in done.rules) == ["sg-a", "sg-a", "sg-b", "sg-b"]
    assert opened(groups) == [("80", "pl-4"), ("80", "pl-6")]


def test_each_group_that_cannot_be_opened_is_a_problem_of_its_own(groups, ingress):
    groups.add("sg-c", account="210987654321")
    for n in range(55):
        groups.by_hand("sg-b", ports=PortRange(22, 22), cidr=f"10.0.{n}.0/24")
    ours = Ingress(groups, ingress.requirements, OWNER, account="123456789012")
    done = ours.open_each("cr", ["sg-a", "sg-b", "sg-c", "sg-x"], [opening(80)], "x")
    assert [problem.code for problem in done.problems] == [
        "INGRESS_GROUP_FULL",
        "INGRESS_FOREIGN_GROUP",
        "INGRESS_NO_GROUP",
    ]
    assert [one.group_id for one in done.rules] == ["sg-a"]
    assert {requirement.group_id for requirement in ingress.requirements.requirements()} == {"sg-a", "sg-b"}


def test_what_fits_into_a_nearly_full_group_is_opened(groups, ingress):
    for n in range(45):
        groups.by_hand("sg-a", ports=PortRange(22, 22), cidr=f"10.0.{n}.0/24")
    done = ingress.open_each("cr", ["sg-a"], [opening(80), opening(90), opening(80, family="IPV6")], "x")
    assert opened(groups) == [("80", "pl-4"), ("80", "pl-6")]
    (problem,) = done.problems
    assert "on 90 (IPv4)" in problem.message
    assert "IPv4 at least 55 of 60" in problem.message


def test_a_full_group_that_lets_everybody_in_is_open(groups, ingress):
    groups.quota = 1
    wide = groups.by_hand("sg-a", ports=PortRange(80, 90), cidr="0.0.0.0/0")
    done = ingress.open_each("cr", ["sg-a"], [opening(80)], "x")
    assert (done.rules, done.problems) == ((wide,), ())


def test_a_family_that_this_region_does_not_have_is_said(groups, ingress, monkeypatch):
    monkeypatch.setattr(groups, "prefix_lists", lambda: LISTS[:1])
    done = ingress.open_each("cr", ["sg-a"], [opening(80), opening(80, family="IPV6")], "x")
    assert [problem.code for problem in done.problems] == ["INGRESS_NO_PREFIX_LIST"]
    assert opened(groups) == [("80", "pl-4")]
    assert ingress.families() == ("IPV4",)


@pytest.mark.parametrize("method", ["groups", "rules", "authorize"])
def test_what_our_role_may_not_do_comes_as_a_problem_that_names_it(groups, ingress, monkeypatch, method):
    failing(groups, monkeypatch, method, DeniedError("SomeCall", "UnauthorizedOperation", "not for you"))
    (problem,) = ingress.open_each("cr", ["sg-a"], [opening(80)], "x").problems
    assert problem.code == "INGRESS_DENIED"
    assert "SomeCall" in problem.message


def test_a_group_that_goes_while_it_is_opened_is_said_to_be_gone(groups, ingress, monkeypatch):
    failing(
        groups, monkeypatch, "authorize", NotFoundError("AuthorizeSecurityGroupIngress", "InvalidGroup.NotFound", "")
    )
    assert [one.code for one in ingress.open_each("cr", ["sg-a"], [opening(80)], "x").problems] == ["INGRESS_NO_GROUP"]


def test_marking_a_rule_that_has_gone_meanwhile_stops_nothing(groups, ingress, monkeypatch):
    failing(groups, monkeypatch, "tag", NotFoundError("CreateTags", "InvalidSecurityGroupRuleId.NotFound", ""))
    assert ingress.open_each("cr", ["sg-a"], [opening(80)], "x").problems == ()


def test_closing_narrows_a_rule_that_others_need_a_part_of_without_a_gap(groups, ingress):
    ingress.open_each("one", ["sg-a"], [opening(80, 90)], "x")
    ingress.open_each("two", ["sg-a"], [opening(85)], "x")
    (wide,) = groups.rules(["sg-a"])
    assert dict(wide.tags)["ecs-lattice:ingress:two"] == "85"
    assert ingress.close("one", ["sg-a"]) == (wide.id,)
    (narrow,) = groups.rules(["sg-a"])
    assert (str(narrow.ports), "ecs-lattice:ingress:one" in dict(narrow.tags)) == ("85", False)


def test_a_rule_that_others_still_need_no_longer_names_who_has_left(groups, ingress):
    for name in ("one", "two"):
        ingress.open_each(name, ["sg-a"], [opening(80)], "x")
    assert ingress.close("one", ["sg-a"]) == ()
    (rule,) = groups.rules(["sg-a"])
    assert [key for key, _ in rule.tags] == ["ecs-lattice:ingress:two", "ecs-lattice:owner"]


def test_closing_in_a_full_group_leaves_a_rule_of_which_a_part_is_needed(groups, ingress):
    ingress.open_each("one", ["sg-a"], [opening(80, 90)], "x")
    ingress.open_each("two", ["sg-a"], [opening(85)], "x")
    groups.quota = 10
    assert ingress.close("one", ["sg-a"]) == ()
    assert opened(groups) == [("80-90", "pl-4")]


def test_closing_what_is_not_there_is_fine(ingress):
    assert ingress.close("cr", ["sg-a", "sg-x"]) == ()
    ingress.open_each("cr", ["sg-a"], [opening(80)], "x")
    ingress.requirements.put_requirement(
        next(ingress.requirements.requirements()).__class__("sg-x", "cr", (opening(80),))
    )
    assert len(ingress.close("cr", ["sg-a", "sg-x"])) == 1


@pytest.mark.parametrize("method", ["rules", "revoke"])
@pytest.mark.parametrize(
    "error",
    [ThrottledError("It", "RequestLimitExceeded", "slow"), DeniedError("It", "UnauthorizedOperation", "no")],
    ids=["throttled", "denied"],
)
def test_a_close_that_aws_refused_closes_when_it_is_repeated(groups, ingress, monkeypatch, method, error):
    ingress.open_each("cr", ["sg-a"], [opening(80)], "x")
    failing(groups, monkeypatch, method, error, times=1)
    with pytest.raises(type(error)):
        ingress.close("cr", ["sg-a"])
    assert len(ingress.close("cr", ["sg-a"])) == 1
    assert groups.rules(["sg-a"]) == ()
    assert list(ingress.requirements.requirements()) == []


class Late:
    """EC2 whose lists of rules stay as they were; it is eventually consistent (Amazon EC2 API Reference)."""

    def __init__(self, groups):
        self.inner, self.old = groups, groups.rules(["sg-a"])

    def rules(self, group_ids):
        return self.old

    def __getattr__(self, name):
        return getattr(self.inner, name)


def test_a_rule_that_a_late_answer_still_shows_after_it_was_revoked_is_not_relied_on(groups, ingress, monkeypatch):
    ingress.open_each("one", ["sg-a"], [opening(80)], "x")
    late = Ingress(Late(groups), ingress.requirements, OWNER)
    revoke = groups.revoke

    def and_somebody_comes(group_id, rule_ids):
        revoke(group_id, rule_ids)
        late.open_each("two", ["sg-a"], [opening(80)], "x")  # finds it open, as it is told

    monkeypatch.setattr(groups, "revoke", and_somebody_comes)
    (gone,) = late.close("one", ["sg-a"])
    (rule,) = groups.standing.values()
    assert (rule.id != gone, rule.ports) == (True, PortRange(80, 80))


# Routes.


def want(*group_ids, port=80, **more):
    return PortRequirement(tuple(group_ids), VPC, opening(port), **more)


def test_an_open_group_of_several_is_enough_and_is_the_one_that_is_needed(groups, ingress):
    groups.by_hand("sg-b", ports=PortRange(80, 90), prefix_list_id="pl-4")
    answer = RouteIngress(ingress).open(SERVICE, [want("sg-a", "sg-b")], [], "x")
    assert (answer.closed, answer.group_ids) == ((), ("sg-b",))
    assert opened(groups) == []


def test_a_default_group_comes_after_the_others_whatever_their_order(groups, ingress):
    groups.add("sg-default")
    RouteIngress(ingress).open(SERVICE, [want("sg-default", "sg-a", default_allowed=True)], [], "x")
    assert (opened(groups, "sg-default"), opened(groups)) == ([], [("80", "pl-4")])


def test_each_want_has_the_problem_of_its_own_group(groups, ingress):
    groups.add("sg-default")
    groups.add("sg-c", account="210987654321")
    wants = [want("sg-default"), want("sg-c", port=81), want("sg-x", port=82), want("sg-a", port=83)]
    closed = RouteIngress(ingress).open(SERVICE, wants, [], "x").closed
    assert {str(one.opening.ports): problem.code for one, problem in closed} == {
        "80": "INGRESS_DEFAULT_GROUP",
        "81": "INGRESS_FOREIGN_GROUP",
        "82": "INGRESS_NO_GROUP",
    }


def test_a_family_without_a_prefix_list_closes_the_want(groups, ingress, monkeypatch):
    monkeypatch.setattr(groups, "prefix_lists", lambda: LISTS[:1])
    six = PortRequirement(("sg-a",), VPC, opening(80, family="IPV6"))
    ((closed, problem),) = RouteIngress(ingress).open(SERVICE, [six], [], "x").closed
    assert (closed, problem.code) == (six, "INGRESS_NO_PREFIX_LIST")
    assert list(ingress.requirements.requirements()) == []


def test_needs_in_groups_of_before_are_taken_back_after_the_new_ones_are_open(groups, ingress):
    routes = RouteIngress(ingress)
    routes.open(SERVICE, [want("sg-a")], [], "x")
    assert routes.open(SERVICE, [want("sg-b")], ["sg-a"], "x").group_ids == ("sg-b",)
    assert [requirement.group_id for requirement in ingress.requirements.requirements()] == ["sg-b"]
    assert opened(groups) == [("80", "pl-4")]  # goes in the resync


# The resync's part.


def test_an_unneeded_rule_makes_room_in_a_full_group_at_its_second_sight(groups, ingress):
    routes, tidier = RouteIngress(ingress), Tidier(ingress)
    groups.quota = 10
    routes.open(SERVICE, [want("sg-a")], [], "x")
    ingress.forget(SERVICE, ["sg-a"])
    assert routes.open(f"{SERVICE}-2", [want("sg-a", port=90)], [], "x").closed != ()
    first = tidier.tidy(frozenset())
    assert (len(first.unneeded), [one.code for one in first.problems]) == (1, ["INGRESS_GROUP_FULL"])
    second = tidier.tidy(first.unneeded)
    assert opened(groups) == [("90", "pl-4")]
    assert (second.problems, second.helped, second.unneeded) == ((), {f"{SERVICE}-2"}, frozenset())


def test_a_group_that_may_not_be_read_or_written_leaves_the_others_to_be_tidied(groups, ingress, monkeypatch):
    ingress.open_each("cr", ["sg-a", "sg-b"], [opening(80)], "x")
    groups.standing.clear()
    error = DeniedError("AuthorizeSecurityGroupIngress", "UnauthorizedOperation", "no")
    failing(groups, monkeypatch, "authorize", error, times=1)
    done = Tidier(ingress).tidy(frozenset())
    assert [problem.code for problem in done.problems] == ["INGRESS_DENIED"]
    assert (opened(groups, "sg-a"), opened(groups, "sg-b")) == ([], [("80", "pl-4")])
    failing(groups, monkeypatch, "owned_rules", error)
    assert Tidier(ingress).tidy(frozenset({"sgr-1"})).unneeded == {"sgr-1"}


def test_a_group_that_has_gone_with_somebodys_need_is_passed_over(groups, ingress):
    ingress.open_each("cr", ["sg-a", "sg-b"], [opening(80)], "x")
    groups.standing.clear()
    del groups.known["sg-a"]
    assert Tidier(ingress).tidy(frozenset()).problems == ()
    assert opened(groups, "sg-b") == [("80", "pl-4")]


def test_a_lost_table_takes_in_what_the_tags_say_and_passes_over_what_people_wrote_there(groups, ingress):
    ingress.open_each("cr", ["sg-a"], [opening(80, 82), opening(84), opening(80, family="IPV6")], "x")
    requirements = list(ingress.requirements.requirements())
    groups.tag([next(iter(groups.standing))], {"ecs-lattice:ingress:odd": "http 1- -2 3-x"})
    empty = Ingress(groups, Requirements(), OWNER)
    assert Tidier(empty).rebuild() == 2
    found = {requirement.consumer: requirement.openings for requirement in empty.requirements.requirements()}
    assert found["cr"] == requirements[0].openings
    assert Tidier(empty).rebuild() == 0
