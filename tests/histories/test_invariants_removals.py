"""What holds a removal back: the removal budget, the approval that lifts it, a lost table, and the match of a deleted service."""

import dataclasses
import json
from collections.abc import Iterator
from typing import Any

import pytest

from ecs_lattice.lattice_side.removals import RemovalBudget
from ecs_lattice.model import ServiceId
from tests.histories.labels import hooked_up
from tests.lattice_side.stage import SETTINGS, Stage, path, service
from tests.lattice_side.stage import stage as started

WEB = service("web")
ORDERS = ServiceId("arn:aws:ecs:us-east-1:123456789012:service/orders/api")
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


def asked(
    stage: Stage, owner: ServiceId, numbers: range, *, now: float, limit: int = 4, dry_run: bool = False
) -> list[bool]:
    records = [stage.claim(owner, stage.route(f"r{number}", path(f"/{number}"))) for number in numbers]
    budget = RemovalBudget(stage.registry, dataclasses.replace(SETTINGS, max_removals=limit), now, dry_run)
    return [budget.may_remove(record) for record in records]


def test_a_cluster_alone_takes_a_whole_hour(stage):
    assert asked(stage, WEB, range(6), now=0.0) == [True] * 4 + [False] * 2


def test_a_cluster_takes_half_of_an_hour_while_another_waits(stage):
    """The next hour begins with the flood of one cluster, whose labels vanished first, and a removal of another."""
    asked(stage, WEB, range(9), now=3000.0)
    assert asked(stage, ORDERS, range(1), now=3100.0) == [False]
    assert asked(stage, WEB, range(4, 9), now=3600.0, dry_run=True) == [True] * 5, "each by itself"
    assert asked(stage, WEB, range(4, 9), now=3600.0) == [True] * 2 + [False] * 3
    assert asked(stage, ORDERS, range(1), now=3700.0, dry_run=True) == [True]
    assert asked(stage, ORDERS, range(1), now=3700.0) == [True]
    assert asked(stage, WEB, range(6, 9), now=3800.0) == [False] * 3, "the other one may have more"
    assert asked(stage, WEB, range(6, 9), now=3100.0 + 1800.0) == [True, False, False], "it does not come back"


def test_half_of_one_removal_is_one(stage):
    asked(stage, ORDERS, range(1), now=0.0, limit=1)
    assert asked(stage, WEB, range(1), now=10.0, limit=1) == [False]
    assert asked(stage, WEB, range(2), now=3600.0, limit=1) == [True, False]


def test_the_ceiling_of_the_stack_stays_with_two_clusters(stage):
    asked(stage, ORDERS, range(5), now=3000.0)
    asked(stage, WEB, range(1), now=3000.0)
    granted = [*asked(stage, ORDERS, range(4, 9), now=3600.0), *asked(stage, WEB, range(9), now=3600.0)]
    assert granted.count(True) == 4


def test_two_lattice_services_that_remove_at_once_stay_within_both_limits(stage):
    """Before the first conditional write of one run comes the whole run of another, which reads the same limits."""
    asked(stage, ORDERS, range(5), now=3000.0)
    asked(stage, WEB, range(1), now=3000.0)
    registry = stage.registry
    granted: list[bool] = []

    class Interleaved:
        def __getattr__(self, name: str) -> Any:
            return getattr(registry, name)

        def acquire(self, name: str, member: str, limit: int) -> bool:
            if not granted:
                granted.extend(asked(stage, ORDERS, range(10, 15), now=3600.0))
            return registry.acquire(name, member, limit)

    record = stage.claim(ORDERS, stage.route("late", path("/late")))
    registered: Any = Interleaved()
    budget = RemovalBudget(registered, dataclasses.replace(SETTINGS, max_removals=4), 3600.0, dry_run=False)
    assert not budget.may_remove(record)
    assert granted == [True, True, False, False, False]
    assert len(registry.members("removals:1")) == len(registry.members("removals:1:orders")) == 2


def test_a_removal_that_the_stack_refuses_takes_no_place_of_its_cluster(stage):
    asked(stage, ORDERS, range(4), now=0.0)
    assert asked(stage, WEB, range(1), now=0.0) == [False]
    assert stage.registry.members("removals:0:prod") == frozenset()


def test_what_waits_is_bounded(stage):
    asked(stage, WEB, range(4), now=0.0)
    for number in range(40):
        other = ServiceId(f"arn:aws:ecs:us-east-1:123456789012:service/{'c' * 200}{number}/api")
        asked(stage, other, range(1), now=float(number))
    held = json.loads(stage.registry.document("stack", "removals-waiting"))
    assert len(held) == 10


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
