"""What AWS reads back differently is set again ever more rarely, and told; everything else goes on."""

import copy
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from ecs_lattice.lattice_side.reconcile import LatticeSide
from ecs_lattice.outcome import NotYet
from tests.lattice_side.stage import Stage, path, service

WEB, OTHER = service("web"), service("other")
HOUR = 3600


def health(answer: Any) -> Any:
    return replace(answer, health=replace(answer.health, path="/other")) if answer and answer.health else answer


def idle(answer: Any) -> Any:
    return replace(answer, idle_timeout=77) if answer else answer


def rules(answer: Any) -> Any:
    """Rule matches in another spelling."""

    def other(rule: Any) -> Any:
        same = rule.is_parked or "/a" not in str(rule.match)
        return rule if same else replace(rule, match=path("/A"))

    return tuple(replace(each, rules=tuple(map(other, each.rules))) for each in answer)


def policy(_answer: Any) -> Any:
    return '{"Version": "2012-10-17", "Statement": []}'


class ReadsBack:
    """A Lattice whose ``operation`` answers something else."""

    def __init__(self, lattice: Any, operation: str, other: Callable[[Any], Any]) -> None:
        self._lattice, self._operation, self._other = lattice, operation, other

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._lattice, name)
        return (lambda *given: self._other(call(*given))) if name == self._operation else call


CASES = {
    "health": ("group", health, {}, "path of the health check"),
    "idle": ("service", idle, {"idle_timeout": 300}, "idle timeout of Lattice service"),
    "match": ("listeners", rules, {"match": path("/a")}, "match of rule"),
    "policy": ("auth_policy", policy, {"auth": "AWS_IAM"}, "the auth policy"),
}


def differing(stage: Stage, operation: str, other: Callable[[Any], Any]) -> LatticeSide:
    stage.side = replace(stage.side, lattice=ReadsBack(stage.side.lattice, operation, other))
    return stage.side


@pytest.mark.parametrize("case", CASES)
def test_what_is_read_back_differently_is_set_again_ever_more_rarely_and_told(stage: Stage, case: str) -> None:
    operation, other, given, named = CASES[case]
    stage.claim(WEB, stage.route(**given))
    stage.settle()
    differing(stage, operation, other)
    with stage.writes() as first:
        stage.work(HOUR)
    assert 4 <= len(first) <= 10, first
    answer = stage.record(WEB).answer
    assert (answer.state, answer.code) == ("Live", "NOT_KEPT")
    assert named in answer.message
    with stage.writes() as second:
        calls = stage.calls(lambda: stage.work(HOUR))
    assert len(second) <= 5, second
    assert len(calls) < 150


def test_its_neighbours_go_on(stage: Stage) -> None:
    stage.claim(WEB, stage.route(match=path("/a")))
    stage.settle()
    differing(stage, "listeners", rules)
    stage.work(HOUR)
    stage.claim(OTHER, stage.route("other", match=path("/b")))
    stage.work(HOUR)
    assert stage.state(OTHER, "other") == "Live"
    stage.vanish(OTHER, "other")
    stage.work(2 * HOUR)
    assert [record.claim.service for record in stage.records()] == [WEB]


def test_what_is_kept_again_is_forgotten(stage: Stage) -> None:
    stage.claim(WEB, stage.route())
    stage.settle()
    healthy = copy.copy(stage.side)
    differing(stage, "group", health)
    stage.work(HOUR)
    stage.side = healthy
    stage.work(HOUR)
    assert stage.record(WEB).answer.code == ""
    assert stage.registry.lattice("shop").repeated == ()
    assert not isinstance(stage.reconcile(), NotYet)
