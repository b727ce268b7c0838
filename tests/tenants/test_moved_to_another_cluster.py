"""A service that moves to another cluster gets its Lattice service once the old cluster has been gone for a day."""

from collections.abc import Iterator

import pytest

from local_aws import ecs
from tests.tenants.direct import DirectWorld
from tests.tenants.tenants import (
    OURS,
    RIVALS,
    account,
    codes,
    deleted,
    holder,
    hours,
    labels,
    running,
    state,
    texts,
    who,
)


@pytest.fixture(params=["cluster", "none"])
def world(request) -> Iterator[DirectWorld]:
    with account(sharing=request.param) as started:
        yield started


def move(world: DirectWorld) -> str:
    """The same labels in another cluster, then the old ECS service and its cluster are deleted; the new one's ARN."""
    old = running(world, "old", labels())
    new = running(world, "new", labels(), RIVALS)
    assert (state(world, old), codes(world, new)) == ("Live", {"HELD_BY_OTHER"})
    deleted(world, old)
    world.ecs.delete_cluster(cluster=OURS)
    return new


def test_the_new_one_is_live_after_a_day_and_not_before(world):
    new = move(world)
    hours(world, 7)  # the resync looks within DriftHours
    assert "changes hands at" in texts(world, new)
    assert "untag-resource" in texts(world, new)
    hours(world, 16)
    assert codes(world, new) == {"HELD_BY_OTHER"}
    assert holder(world) in {f"cluster/{OURS}", f"service/{OURS}/old"}
    hours(world, 8)
    assert holder(world) in {f"cluster/{RIVALS}", f"service/{RIVALS}/new"}
    assert (state(world, new), codes(world, new)) == ("Live", set())
    assert who(world, "/orders") == "new"
    assert world.dead == []


def test_nothing_is_written_while_the_day_goes_by():
    with account() as world:
        move(world)
        hours(world, 8)
        world.table.written.clear()
        with world.counting() as written:
            hours(world, 1)
        assert written == []
        assert {key for key in world.table.written if key[0].startswith(("lattice#", "due#"))} == set()


def test_a_cluster_that_is_back_after_23_hours_begins_a_new_day():
    with account(drift_hours=0.5) as world:
        new = move(world)
        hours(world, 23)
        world.make_cluster(OURS)
        hours(world, 1)
        assert "changes hands at" not in texts(world, new)
        world.ecs.delete_cluster(cluster=OURS)
        hours(world, 23)
        assert codes(world, new) == {"HELD_BY_OTHER"}
        hours(world, 3)
        assert state(world, new) == "Live"


def test_what_ecs_does_not_say_never_counts():
    with account(drift_hours=0.5) as world:
        new = move(world)
        ecs.backend().faults.refuse("DescribeClusters", "AccessDeniedException", "not authorized", times=1000)
        hours(world, 50)
        assert codes(world, new) == {"HELD_BY_OTHER"}
        assert "changes hands at" not in texts(world, new)
        assert holder(world) == f"cluster/{OURS}"


def test_a_rule_of_others_keeps_it_where_it_is():
    with account(drift_hours=0.5) as world:
        new = move(world)
        service = next(one for one in world._all("list_services") if one["name"] == "orders")
        made = world.lattice.create_listener(
            serviceIdentifier=service["id"],
            name="by-hand",
            protocol="HTTP",
            port=8080,
            defaultAction={"fixedResponse": {"statusCode": 404}},
        )
        hours(world, 30)
        assert codes(world, new) == {"HELD_BY_OTHER"}
        world.lattice.delete_listener(serviceIdentifier=service["id"], listenerIdentifier=made["id"])
        hours(world, 2)
        assert state(world, new) == "Live"


def test_one_that_the_account_holds_keeps_its_holder():
    with account(sharing="account", drift_hours=0.5) as world:
        old = running(world, "old", labels())
        new = running(world, "new", labels(), RIVALS)
        deleted(world, old)
        world.ecs.delete_cluster(cluster=OURS)
        hours(world, 30)
        assert (holder(world), state(world, new)) == ("account", "Live")
        assert "DescribeClusters" not in {call.operation for call in ecs.backend().calls}
