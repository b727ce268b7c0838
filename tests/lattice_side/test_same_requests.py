"""One set of requests on one listener is one match, however it is written: who has it, who shares it, what stays as it was."""

from collections import Counter
from typing import Any

import pytest

from ecs_lattice.model import HeaderMatch, Match, PathMatch
from ecs_lattice.outcome import Done
from tests.lattice_side.stage import GRACE, HTTP, HTTPS, SETTLE, Stage, path, service

WEB, API, OTHER = service("web"), service("api"), service("other")
ALL, ANY_CASE = path("/"), Match(PathMatch("prefix", "/", False))


def codes(stage: Stage) -> dict[str, str]:
    return {record.claim.service.name: record.answer.code for record in stage.records()}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (ALL, None),
        (None, ALL),
        (None, ANY_CASE),
        (ALL, ANY_CASE),
        (Match(PathMatch("prefix", "/", True), "GET"), Match(method="GET")),
        (Match(PathMatch("prefix", "/2026", True)), Match(PathMatch("prefix", "/2026", False))),
        (
            Match(headers=(HeaderMatch("X", "exact", "ab"), HeaderMatch("x", "prefix", "A"))),
            Match(headers=(HeaderMatch("x", "exact", "AB"),)),
        ),
    ],
)
def test_another_spelling_of_a_match_that_somebody_has_is_taken(
    stage: Stage, one: Match | None, other: Match | None
) -> None:
    stage.claim(WEB, stage.route("r", one), created_at=2.0)
    stage.settle()
    with stage.writes() as made:
        stage.claim(API, stage.route("r", other), created_at=1.0)
        stage.settle()
    assert made == []
    assert codes(stage) == {"web": "", "api": "MATCH_TAKEN"}
    assert stage.state(WEB, "r") == "Live"


@pytest.mark.parametrize("matches", [(ALL, None), (None, ALL)])
def test_of_two_spellings_that_nobody_has_the_older_ecs_service_has_the_match(
    stage: Stage, matches: tuple[Match | None, Match | None]
) -> None:
    stage.claim(WEB, stage.route("r", matches[0]), created_at=2.0)
    stage.claim(API, stage.route("r", matches[1]), created_at=1.0)
    stage.settle()
    assert codes(stage) == {"web": "MATCH_TAKEN", "api": ""}
    assert stage.ask("/x") == "prod/api:http"


@pytest.mark.parametrize("matches", [(ALL, None), (None, ALL)])
def test_spellings_with_a_weight_share_the_requests(stage: Stage, matches: tuple[Match | None, Match | None]) -> None:
    stage.claim(WEB, stage.route("r", matches[0], weight=90), created_at=2.0)
    stage.settle()
    stage.claim(API, stage.route("r", matches[1], weight=10), created_at=1.0)
    assert stage.settle() == Done()
    assert Counter(stage.ask("/x") for _ in range(100)) == {"prod/web:http": 90, "prod/api:http": 10}
    assert bool(stage.rules()) == bool(matches[0])


@pytest.mark.parametrize("matches", [(ALL, None), (None, ALL)])
def test_who_writes_its_match_in_another_way_changes_nothing(
    stage: Stage, matches: tuple[Match | None, Match | None]
) -> None:
    stage.claim(WEB, stage.route("r", matches[0]), created_at=2.0)
    stage.settle()
    stage.claim(API, stage.route("r", matches[1]), created_at=1.0)
    stage.settle()
    with stage.writes() as made:
        stage.claim(WEB, stage.route("r", matches[1]), created_at=2.0)
        stage.work(GRACE + 10 * SETTLE)
    assert made == []
    assert codes(stage) == {"web": "", "api": "MATCH_TAKEN"}


def test_a_default_action_becomes_a_rule_for_a_priority_and_keeps_its_requests(stage: Stage) -> None:
    stage.claim(WEB, stage.route("r"), created_at=2.0)
    stage.settle()
    stage.claim(API, stage.route("r"), created_at=1.0)
    stage.claim(WEB, stage.route("r", ALL, priority=5), created_at=2.0)
    answers: set[str] = set()
    stage.settle(each=lambda: answers.add(stage.ask("/x")))
    stage.work(GRACE + 10 * SETTLE)
    assert answers == {"prod/web:http"}
    assert codes(stage) == {"web": "", "api": "MATCH_TAKEN"}
    assert [rule["priority"] for rule in stage.rules()] == [5]


def test_a_share_of_a_default_action_does_not_leave_it_for_a_priority(stage: Stage) -> None:
    for who, weight in ((WEB, 90), (API, 10)):
        stage.claim(who, stage.route("r", weight=weight))
    stage.settle()
    with stage.writes() as made:
        stage.claim(WEB, stage.route("r", ALL, weight=90, priority=5))
        stage.settle()
    assert made == []


@pytest.mark.parametrize("matches", [(ALL, None), (None, ALL)])
def test_a_match_is_kept_in_every_spelling_for_a_deleted_ecs_service(
    stage: Stage, matches: tuple[Match | None, Match | None]
) -> None:
    stage.claim(WEB, stage.route("r", matches[0]), created_at=2.0)
    stage.settle()
    stage.claim(API, stage.route("r", matches[1]), created_at=3.0)
    stage.vanish(WEB, "r", "deleted")
    stage.work(GRACE / 2)
    assert codes(stage) == {"web": "HOLDS_MATCH", "api": "MATCH_TAKEN"}
    stage.work(GRACE + 10 * SETTLE)
    assert codes(stage) == {"api": ""}
    assert stage.ask("/x") == "prod/api:http"


def test_a_match_that_is_free_again_goes_to_whoever_waits_in_another_spelling(stage: Stage) -> None:
    stage.claim(WEB, stage.route("r", ALL), created_at=1.0)
    stage.settle()
    stage.claim(API, stage.route("r"), created_at=2.0)
    stage.settle()
    stage.vanish(WEB, "r")
    stage.work(GRACE / 2)
    assert codes(stage)["api"] == "MATCH_TAKEN"
    stage.work(GRACE + 10 * SETTLE)
    assert stage.ask("/x") == "prod/api:http"
    assert codes(stage) == {"api": ""}


def test_the_rule_of_an_ecs_service_that_is_unknown_here_keeps_its_requests(stage: Stage) -> None:
    stage.claim(WEB, stage.route("r", ALL))
    stage.settle()
    stage.registry.delete_claim(stage.record(WEB, "r"))
    stage.claim(API, stage.route("r"), created_at=0.5)
    stage.settle()
    assert codes(stage) == {"api": "MATCH_TAKEN"}
    assert stage.ask("/x") == "prod/web:http"


def test_a_rule_of_somebody_else_has_its_match_in_any_spelling(stage: Stage) -> None:
    stage.claim(WEB, stage.route("r", path("/r")))
    stage.settle()
    action = stage.rules()[0]["action"]
    everything = {"httpMatch": {"pathMatch": {"match": {"prefix": "/"}}}}
    stage.lattice.create_rule(**stage.listener(), name="by-hand", priority=2000, match=everything, action=action)
    stage.claim(API, stage.route("all"))
    stage.settle()
    assert codes(stage)["api"] == "FOREIGN_RULE"


# What a version made that counted two spellings as two matches


def live_in_two_spellings(stage: Stage, **more: Any) -> None:
    """WEB by a rule, API by the default action, which no request reaches."""
    stage.claim(API, stage.route("r", **more), created_at=1.0)
    stage.settle()
    group = stage.record(API, "r").answer.group_arn
    stage.claim(WEB, stage.route("r", path("/w"), **more), created_at=2.0)
    stage.settle()
    rule = next(rule for rule in stage.rules() if rule["match"]["httpMatch"].get("pathMatch"))
    everything = {"httpMatch": {"pathMatch": {"match": {"prefix": "/"}, "caseSensitive": True}}}
    stage.lattice.update_rule(**stage.listener(), ruleIdentifier=rule["id"], match=everything)
    stage.claim(WEB, stage.route("r", ALL, **more), created_at=2.0)
    assert group in stage.tasks


def test_what_is_live_in_two_spellings_stays_so_and_is_told(stage: Stage) -> None:
    live_in_two_spellings(stage)
    with stage.writes() as made:
        assert stage.settle() == Done()
        stage.work(24 * 3600)
    assert made == []
    assert (stage.state(WEB, "r"), stage.state(API, "r")) == ("Live", "Live")
    assert codes(stage) == {"web": "", "api": "SHADOWED"}
    assert "route r of prod/api" in stage.record(WEB, "r").answer.notices[0].message
    assert "route r of prod/web" in stage.record(API, "r").answer.notices[0].message


@pytest.mark.parametrize("match", [ALL, None, ANY_CASE])
def test_nobody_joins_what_is_live_in_two_spellings(stage: Stage, match: Match | None) -> None:
    live_in_two_spellings(stage)
    stage.settle()
    with stage.writes() as made:
        stage.claim(OTHER, stage.route("r", match), created_at=0.5)
        stage.settle()
    assert made == []
    assert codes(stage) == {"web": "", "api": "SHADOWED", "other": "MATCH_TAKEN"}


def test_one_of_two_spellings_that_goes_leaves_the_requests_to_the_other(stage: Stage) -> None:
    live_in_two_spellings(stage)
    stage.settle()
    stage.vanish(WEB, "r")
    stage.work(GRACE + 10 * SETTLE)
    assert stage.ask("/x") == "prod/api:http"
    assert codes(stage) == {"api": ""}
    assert stage.record(API, "r").answer.notices == ()


def test_a_spelling_that_is_live_on_one_listener_is_taken_on_another(stage: Stage) -> None:
    stage.claim(WEB, stage.route("r", ALL, listeners=(HTTPS,)), created_at=2.0)
    stage.claim(API, stage.route("r", listeners=(HTTP,)), created_at=1.0)
    stage.settle()
    assert codes(stage) == {"web": "", "api": ""}
    stage.claim(API, stage.route("r", listeners=(HTTP, HTTPS)), created_at=1.0)
    stage.settle()
    assert codes(stage) == {"web": "", "api": "MATCH_TAKEN"}
    assert stage.ask("/x") == "prod/api:http"
