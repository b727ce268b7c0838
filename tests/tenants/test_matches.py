"""Matches are sets of requests: equal sets are one match in any spelling, and who captures another's requests is told."""

import pytest

from ecs_lattice.model import ServiceId
from tests.tenants.tenants import (
    OURS,
    RIVALS,
    account,
    at,
    codes,
    hours,
    keeps,
    labels,
    matching,
    released,
    running,
    state,
    texts,
    who,
)

SPELLINGS = [
    ({}, {"path.prefix": "/"}),
    ({"path.prefix": "/"}, {}),
    ({"path.prefix": "/"}, {"path.prefix": "/", "path.case-sensitive": "false"}),
    ({}, {"path.prefix": "/", "path.case-sensitive": "false"}),
    ({"method": "GET"}, {"path.prefix": "/", "method": "GET"}),
    ({"header.x-tenant": "blue"}, {"path.prefix": "/", "header.X-Tenant": "BLUE"}),
    ({"path.prefix": "/Orders", "path.case-sensitive": "false"}, {"path.prefix": "/orders", "path.case-sensitive": "false"}),
    ({"path.prefix": "/2024"}, {"path.prefix": "/2024", "path.case-sensitive": "false"}),
    ({"path.exact": "/2024"}, {"path.exact": "/2024", "path.case-sensitive": "false"}),
]  # fmt: skip


def named(match: dict[str, str], route: str) -> dict[str, str]:
    return {f"lattice.routes.{route}.{key}": value for key, value in {"port": "web", **match}.items()}


@pytest.mark.parametrize(("one", "other"), SPELLINGS)
def test_equal_sets_of_requests_within_a_declaration_are_the_same_match(one, other):
    with account() as world:
        arn = running(world, "first", {**at(None), **named(one, "a"), **named(other, "b")})
        assert codes(world, arn) == {"SAME_MATCH"}
        assert world.claims(arn) == {}


@pytest.mark.parametrize(("one", "other"), SPELLINGS)
def test_equal_sets_of_requests_of_two_ecs_services_are_one_match(one, other):
    with account() as world:
        first = running(world, "first", matching(one))
        keeps(world)
        second = running(world, "second", matching(other))
        assert world.wrong == []
        assert state(world, first) == "Live"
        assert (state(world, second), codes(world, second)) == ("Conflicted", {"MATCH_TAKEN"})


def test_equal_sets_of_requests_with_weights_are_shared():
    with account() as world:
        first = running(world, "first", at(None, weight="50"))
        second = running(world, "second", at("/", weight="50"))
        hours(world, 1)
        assert (state(world, first), state(world, second)) == ("Live", "Live")
        assert {who(world, "/any") for _ in range(40)} == {"first", "second"}


@pytest.mark.parametrize(("one", "other"), [({}, {"path.prefix": "/"}), ({"path.prefix": "/"}, {})])
def test_another_spelling_in_the_next_release_interrupts_nobody(one, other):
    with account() as world:
        arn = running(world, "first", matching(one))
        keeps(world, {"/": "first", "/any": "first"})
        released(world, arn, matching(other))
        assert world.wrong == []
        assert (state(world, arn), codes(world, arn)) == ("Live", set())


PARTLY = [
    ({"path.prefix": "/orders", "method": "GET"}, {"method": "GET"}),
    ({"path.prefix": "/orders", "header.x-tenant": "blue"}, {"x-tenant": "blue"}),
    ({"path.prefix": "/", "method": "GET", "priority": "1"}, {"method": "GET"}),
]
WHOLLY = [
    {"path.prefix": "/", "priority": "1"},
    {"path.prefix": "/shop", "priority": "1"},
    {"path.prefix": "/Shop/Orders", "path.case-sensitive": "false", "priority": "1"},
]


def both_told(world, victim: str, other: str) -> None:
    assert "SHADOWED" in codes(world, victim)
    assert "SHADOWED" in codes(world, other)
    assert f"{OURS}/other" in texts(world, victim)
    assert f"{OURS}/victim" in texts(world, other)


@pytest.mark.parametrize(("match", "request_"), PARTLY)
def test_who_takes_a_part_of_anothers_requests_is_told_and_so_is_the_other(match, request_):
    with account() as world:
        victim = running(world, "victim", labels())
        other = running(world, "other", matching(match))
        hours(world, 1)
        assert who(world, "/orders", **request_) == "other"
        assert who(world, "/orders", method="POST") == "victim"
        both_told(world, victim, other)
        assert (state(world, victim), state(world, other)) == ("Live", "Live")


@pytest.mark.parametrize("match", WHOLLY)
def test_a_route_that_one_earlier_rule_covers_wholly_is_not_told_as_simply_live(match):
    with account() as world:
        victim = running(world, "victim", at("/shop/orders"))
        other = running(world, "other", matching(match))
        hours(world, 1)
        assert who(world, "/shop/orders") == "other"
        both_told(world, victim, other)
        route = next(iter(world.ecs_side.status(ServiceId(victim))))
        assert (route.state, route.code) != ("Live", "")


def test_routes_that_have_no_request_in_common_are_told_nothing():
    with account() as world:
        first = running(world, "first", at("/a"))
        second = running(world, "second", at("/b", priority="1"))
        third = running(world, "third", at("/c", method="GET"))
        hours(world, 1)
        for arn in (first, second, third):
            assert (state(world, arn), codes(world, arn)) == ("Live", set())


@pytest.mark.parametrize("match", [{"path.prefix": "/orders", "method": "GET"}, {"path.prefix": "/", "priority": "1"}])
def test_an_outsider_takes_no_part_and_nobody_is_told_of_one(match):
    with account() as world:
        victim = running(world, "victim", labels())
        keeps(world, {"/orders": "victim"})
        running(world, "other", matching(match), RIVALS)
        hours(world, 1)
        assert world.wrong == []
        assert (state(world, victim), codes(world, victim)) == ("Live", set())
