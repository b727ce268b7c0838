"""What holds a removal back: the removal budget, the approval that lifts it, a lost table, and the match of a deleted service."""

import dataclasses
import json
from collections.abc import Iterator

import pytest

from ecs_lattice.lattice_side.removals import RemovalBudget
from tests.histories.labels import hooked_up
from tests.lattice_side.stage import SETTINGS, Stage, path, service
from tests.lattice_side.stage import stage as started

WEB = service("web")
ONE = dataclasses.replace(SETTINGS, max_removals=1)


@pytest.fixture
def stage() -> Iterator[Stage]:
    with started() as made:
        yield made


def removed(stage: Stage, count: int, *, now: float = 0.0, dry_run: bool = False) -> list[bool]:
    records = [stage.claim(WEB, stage.route(f"r{number}", path(f"/{number}"))) for number in range(count)]
    budget = RemovalBudget(stage.registry, ONE, now, dry_run)
    return [budget.may_remove(record) for record in records]


def test_the_budget_is_per_hour_and_a_removal_counts_once(stage):
    assert removed(stage, 2) == [True, False]
    assert removed(stage, 2) == [True, False]
    assert removed(stage, 2, now=3600.0) == [True, False]


def test_an_approval_lifts_the_budget_in_the_same_hour_and_ends(stage):
    stage.registry.put_document("stack", "removals-approved", json.dumps({"until": 600.0}))
    assert removed(stage, 3, now=10.0) == [True, True, True]
    assert removed(stage, 3, now=600.0) == [True, False, False]


def test_one_route_in_ten_may_go_where_that_is_more(stage):
    stage.registry.put_document("stack", "routes", "30")
    assert removed(stage, 4) == [True, True, True, False]


def test_a_plan_takes_nothing_from_the_budget(stage):
    assert removed(stage, 2, dry_run=True) == [True, True]
    assert stage.registry.members("removals:0") == frozenset()


def test_the_match_of_a_deleted_service_is_claimed_for_the_grace_time(stage):
    stage.claim(WEB, stage.route("r", path("/r")))
    stage.settle()
    stage.vanish(WEB, "r", "deleted")
    stage.work(600)
    assert stage.groups() == []
    assert (stage.state(WEB, "r"), stage.record(WEB, "r").answer.code) == ("Parked", "HOLDS_MATCH")
    stage.work(600)
    assert stage.records() == ()


def test_the_first_sweep_after_a_lost_table_claims_nothing_for_removal(world):
    hooked_up(world)
    for item in world.dynamodb.scan(TableName="registry")["Items"]:
        world.dynamodb.delete_item(TableName="registry", Key={"pk": item["pk"], "sk": item["sk"]})
    world.chaos.lose = 1.0
    world.sweep()
    assert world.registry.claims_on("orders") == ()
    assert world.registry.document("stack", "marker") is None
    world.sweep()
    assert [record.claim.phase for record in world.registry.claims_on("orders")] == ["vanished"]
