"""Rules that take requests from others: who is told, of what, and who is not."""

import dataclasses
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecs_lattice.claims import Claim, ClaimRecord
from ecs_lattice.lattice_side.claim_facts import facts_of
from ecs_lattice.lattice_side.priorities import specificity
from ecs_lattice.lattice_side.resolutions import Resolution
from ecs_lattice.lattice_side.shadows import MOST_NOTICES, LiveRule, Shadows, shadows
from ecs_lattice.matching import covers, normal, overlaps
from ecs_lattice.model import HeaderMatch, Match, PathMatch, Placement, Route, ServiceId
from ecs_lattice.outcome import Done
from tests.core.test_matching import matches
from tests.lattice_side.stage import GRACE, HTTP, HTTPS, SETTINGS, SETTLE, Stage, path, service

WEB, API = service("web"), service("api")
ORDERS = path("/orders")
ANY_CASE = Match(PathMatch("prefix", "/orders", False))
GET_ORDERS = Match(PathMatch("prefix", "/orders", True), "GET")
GET = Match(method="GET")
BETA = Match(headers=(HeaderMatch("x-beta", "exact", "1"),))
BETA_ORDERS = Match(PathMatch("prefix", "/orders", True), None, BETA.headers)


def claim(who: ServiceId, match: Match | None, name: str = "r") -> Resolution:
    route = Route(name, "shop", "http", match)
    facts = facts_of(ClaimRecord(Claim(who, 1.0, route, Placement("vpc-1", "IPV4", 80)), 1), SETTINGS)
    return Resolution(**vars(facts), order=(False, 1.0, who.arn, name), holds_match=True, mode="active")


def rules(*found: tuple[Match | None, Any]) -> tuple[LiveRule, ...]:
    """Rules in the order of their evaluation: a match with the ECS service that receives it, or the name of a rule of others."""
    return tuple(
        LiveRule(normal(match), name=who)
        if isinstance(who, str)
        else LiveRule(normal(match), (claim(who, match, f"r{place}"),))
        for place, (match, who) in enumerate(found)
    )


def told(found: Shadows) -> dict[str, list[str]]:
    """The messages by the name of the route."""
    return {key.split("#")[1]: [notice.message for notice in notices] for key, notices in found.notices.items()}


def covered(found: Shadows) -> set[str]:
    return {key.split("#")[1] for key in found.covered}


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (path("/orders/export"), ORDERS),
        (path("/orders", "exact"), ORDERS),
        (ORDERS, None),
        (ORDERS, path("/items")),
        (Match(PathMatch("prefix", "/orders/x", True), "GET"), ORDERS),
        (ORDERS, GET),
        (ORDERS, BETA),
        (GET_ORDERS, Match(PathMatch("prefix", "/orders", True), "POST")),
        (ORDERS, path("/Orders")),
    ],
)
def test_a_narrower_path_before_a_wider_one_and_other_requests_are_nothing_to_tell(
    first: Match | None, second: Match | None
) -> None:
    assert shadows({HTTP: rules((first, API), (second, WEB))}) == Shadows({}, {})


@pytest.mark.parametrize(
    ("first", "second"),
    [(GET_ORDERS, ORDERS), (BETA_ORDERS, ORDERS), (GET, None), (BETA, None), (ORDERS, ANY_CASE), (GET, path("/a"))],
)
def test_requests_taken_by_method_header_case_or_priority_are_told_to_both(
    first: Match | None, second: Match | None
) -> None:
    found = shadows({HTTP: rules((first, API), (second, WEB))})
    taking, losing = normal(first), normal(second)
    assert told(found) == {
        "r0": [f"On HTTP:80, this route is evaluated first and takes requests of route r1 of prod/web ({losing})."],
        "r1": [
            f"On HTTP:80, route r0 of prod/api ({taking}) is evaluated first and takes requests of this one ({losing})."
        ],
    }
    assert {notice.code for notices in found.notices.values() for notice in notices} == {"SHADOWED"}
    assert covered(found) == set()
    assert shadows({HTTP: rules((first, WEB), (second, WEB))}) == Shadows({}, {})


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (ORDERS, path("/orders/export")),
        (path("/"), None),
        (path("/"), BETA),
        (ANY_CASE, ORDERS),
        (ORDERS, GET_ORDERS),
        (ORDERS, BETA_ORDERS),
    ],
)
def test_a_route_that_one_rule_before_it_covers_is_told_as_covered(first: Match | None, second: Match | None) -> None:
    found = shadows({HTTP: rules((first, API), (second, WEB))})
    assert covered(found) == {"r1"}
    assert told(found).keys() == {"r0", "r1"}
    assert "all requests of route r1 of prod/web" in told(found)["r0"][0]
    of_one_service = shadows({HTTP: rules((first, WEB), (second, WEB))})
    assert covered(of_one_service) == {"r1"}
    assert told(of_one_service).keys() == {"r1"}


def test_a_rule_of_others_is_told_only_where_it_covers_a_route() -> None:
    found = shadows({HTTP: rules((ORDERS, "by-hand"), (path("/orders/a"), WEB), (path("/o"), WEB), (GET, API))})
    assert told(found) == {"r1": ["Rule by-hand on HTTP:80 (/orders*) is evaluated first and takes all its requests."]}
    assert covered(found) == {"r1"}


def test_a_rule_that_no_request_reaches_takes_none() -> None:
    found = shadows({HTTP: rules((path("/"), WEB), (GET, API), (None, service("third")))})
    assert covered(found) == {"r1", "r2"}
    assert all("r1" not in message for message in told(found)["r2"])


def test_a_route_is_covered_where_it_is_on_all_its_listeners() -> None:
    both = claim(WEB, path("/orders/a"), "both")
    over = LiveRule(normal(ORDERS), (claim(API, ORDERS, "over"),))
    alone = LiveRule(both.requests, (both,))
    once = shadows({HTTP: (over, alone), HTTPS: (alone,)})
    assert covered(once) == set()
    assert told(once).keys() == {"both", "over"}
    assert covered(shadows({HTTP: (over, alone), HTTPS: (over, alone)})) == {"both"}


def test_shares_of_a_rule_are_told_each() -> None:
    shared = LiveRule(normal(path("/")), (claim(WEB, path("/"), "a"), claim(API, path("/"), "b")))
    found = shadows({HTTP: (shared, LiveRule(normal(None), (claim(API, None, "c"),)))})
    assert told(found).keys() == {"a", "c"}
    assert [message.split(" (")[0] for message in told(found)["c"]] == [
        "On HTTP:80, route a of prod/web",
        "On HTTP:80, route b of prod/api",
    ]


def test_a_route_has_five_notices_at_most_its_losses_first() -> None:
    many = [(Match(method=f"M{number}"), service(f"s{number}")) for number in range(7)]
    found = shadows({HTTP: rules(*many, (BETA, WEB))})
    messages = told(found)["r7"]
    assert len(messages) == MOST_NOTICES
    assert messages[-1] == "3 more routes overlap with this one."


orders_of_rules = st.lists(st.tuples(matches, st.sampled_from([WEB, API, "by-hand"])), max_size=6)


@given(orders_of_rules)
def test_whoever_is_told_overlaps_with_a_rule_before_or_after(found: list[tuple[Match, Any]]) -> None:
    all_rules = rules(*found)
    result = shadows({HTTP: all_rules})
    for place, rule in enumerate(all_rules):
        for key in (route.key for route in rule.routes):
            earlier = [before.match for before in all_rules[:place] if overlaps(before.match, rule.match)]
            is_covered = any(covers(match, rule.match) for match in earlier)
            assert (key in result.covered) == is_covered
            others = [other for other in all_rules if other is not rule and overlaps(other.match, rule.match)]
            assert key not in result.notices or others or is_covered


@given(st.lists(st.sampled_from([path("/"), *map(path, ("/a", "/a/b", "/b")), path("/a", "exact"), None]), unique=True))
def test_the_usual_layout_by_paths_is_silent(found: list[Match | None]) -> None:
    found = [match for match in found if match != path("/")]
    in_order = sorted(found, key=lambda match: specificity(match or Match()))
    owned = [(match, (WEB, API)[place % 2]) for place, match in enumerate(in_order)]
    assert shadows({HTTP: rules(*owned)}) == Shadows({}, {})


# On a Lattice service


def test_a_route_that_a_priority_covers_is_live_with_a_code_and_both_are_told(stage: Stage) -> None:
    stage.claim(WEB, stage.route("export", path("/orders/export")))
    stage.claim(API, stage.route("orders", ORDERS))
    assert stage.settle() == Done()
    assert [record.answer.notices for record in stage.records()] == [(), ()]
    stage.claim(API, stage.route("orders", ORDERS, priority=1))
    stage.settle()
    losing, taking = stage.record(WEB, "export").answer, stage.record(API, "orders").answer
    assert (losing.state, losing.code, taking.state, taking.code) == ("Live", "SHADOWED", "Live", "")
    assert "route orders of prod/api (/orders*) is evaluated first and takes all requests" in losing.message
    assert "lattice.priority" in losing.message
    assert "all requests of route export of prod/web (/orders/export*)" in taking.notices[0].message
    with stage.writes() as made:
        stage.work(GRACE)
    assert made == []
    stage.claim(API, stage.route("orders", ORDERS))
    stage.settle()
    assert {(r.answer.state, r.answer.code, r.answer.notices) for r in stage.records()} == {("Live", "", ())}


def test_the_message_names_the_priority_with_the_stacks_prefix(stage: Stage) -> None:
    stage.use(dataclasses.replace(SETTINGS, label_prefix="mesh"))
    stage.claim(WEB, stage.route("all"))
    stage.claim(WEB, stage.route("beta", path("/beta")))
    stage.claim(API, stage.route("get", GET))
    stage.settle()
    stage.claim(API, stage.route("get", path("/bet"), priority=1))
    stage.settle()
    assert "mesh.priority" in stage.record(WEB, "beta").answer.message
    assert stage.record(WEB, "all").answer.notices == ()


def test_a_rule_by_hand_that_covers_a_route_is_told(stage: Stage) -> None:
    stage.claim(WEB, stage.route("r", ORDERS))
    stage.settle()
    by_hand = {"httpMatch": {"pathMatch": {"match": {"prefix": "/o"}, "caseSensitive": False}}}
    action = {"fixedResponse": {"statusCode": 404}}
    stage.lattice.create_rule(**stage.listener(), name="by-hand", priority=1, match=by_hand, action=action)
    stage.settle()
    answer = stage.record(WEB, "r").answer
    assert (answer.state, answer.code) == ("Live", "SHADOWED")
    assert "Rule by-hand on HTTP:80 (/o* (any case))" in answer.message


def test_a_rejected_route_whose_rule_stays_covers_and_is_told(stage: Stage) -> None:
    stage.claim(WEB, stage.route("export", path("/orders/export")))
    stage.claim(API, stage.route("orders", ORDERS, priority=1), created_at=2.0)
    stage.settle()
    stage.claim(API, stage.route("orders", ORDERS, priority=1, networks=("unknown",)), created_at=2.0)
    stage.settle()
    assert stage.record(API, "orders").answer.code == "NETWORK_UNKNOWN"
    assert stage.record(API, "orders").answer.notices
    assert stage.record(WEB, "export").answer.code == "SHADOWED"


def test_a_route_that_is_parked_takes_nothing(stage: Stage) -> None:
    stage.claim(WEB, stage.route("r", ORDERS))
    stage.settle()
    stage.attaches = False
    stage.claim(API, stage.route("get", GET_ORDERS))
    stage.work(SETTLE)
    assert stage.state(API, "get") == "Wired"
    assert stage.record(WEB, "r").answer.notices == ()
    stage.attaches = True
    stage.settle()
    assert len(stage.record(WEB, "r").answer.notices) == len(stage.record(API, "get").answer.notices) == 1
