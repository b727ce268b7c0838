"""What the stack wrote stands above what a tenant says: owner tags, listeners, and who had a match first."""

import pytest

from local_aws import lattice
from tests.tenants.playing import POWERLESS, powerless_role
from tests.tenants.tenants import (
    HOUR,
    OURS,
    RIVALS,
    account,
    at,
    codes,
    declared,
    deleted,
    effective,
    holder,
    hours,
    keeps,
    labels,
    lose_table,
    release,
    released,
    requests_go_to,
    running,
    scaled,
    state,
    who,
)

PORTS = (("web", 8080), ("admin", 9000))


@pytest.fixture(autouse=True)
def _powerless_role():
    with powerless_role():
        yield


def victims_group() -> str:
    (group,) = lattice.backend().target_groups.values()
    return group.arn


def naming(group: str, port: str) -> dict:
    """An ECS service's own list, which names a group of somebody else with a role that may do nothing."""
    return {"vpcLatticeConfigurations": [{"roleArn": POWERLESS, "targetGroupArn": group, "portName": port}]}


def serving(world, victim: str) -> None:
    """The victim has its requests and its status, and nothing was otherwise at any moment."""
    assert world.wrong == []
    assert state(world, victim) == "Live"
    assert who(world, "/orders") == "victim"


@pytest.mark.parametrize("targets", ["controller", "ecs"])
@pytest.mark.parametrize("cluster", [OURS, RIVALS])
def test_naming_the_victims_group_gives_nobody_the_victims_requests(cluster, targets):
    with account() as world:
        victim = running(world, "victim", labels())
        keeps(world, {"/orders": "victim"})
        routes = {
            "lattice.service": "orders", "lattice.listener": "HTTP:80",
            "lattice.routes.a.port": "admin", "lattice.routes.a.path.prefix": "/a",
            "lattice.routes.b.port": "web", "lattice.routes.b.path.prefix": "/orders", "lattice.routes.b.targets": targets,
        }  # fmt: skip
        intruder = running(world, "intruder", routes, cluster, ports=PORTS, **naming(victims_group(), "admin"))
        hours(world, 1)
        serving(world, victim)
        assert state(world, intruder, "a") != "Live"
        assert state(world, intruder, "b") != "Live"


@pytest.mark.parametrize("cluster", [OURS, RIVALS])
@pytest.mark.parametrize("path", ["/orders", "/x"])
def test_an_entry_that_names_the_victims_group_neither_stops_it_nor_keeps_it_alive(cluster, path):
    with account() as world:
        victim = running(world, "victim", labels())
        keeps(world, {"/orders": "victim"})
        running(world, "intruder", at(path), cluster, **naming(victims_group(), "web"))
        hours(world, 1)
        serving(world, victim)
        world._questions.clear()
        deleted(world, victim)
        hours(world, 2)
        assert world.claims(victim) == {}
        groups = lattice.backend().target_groups.values()
        assert [group.name for group in groups if group.tags.get("ecs-lattice:service") == "victim"] == []
        rules = world.graph()["orders"]["listeners"]["HTTP:80"]["rules"]
        takes_over = cluster == OURS and path == "/orders"
        assert takes_over or {"pathMatch": {"match": {"prefix": "/orders"}}} not in [match for match, _ in rules]


def test_a_list_that_names_the_victims_group_before_its_owner_could_be_read_is_not_believed_for_ever():
    with account() as world:
        victim = running(world, "victim", labels())
        keeps(world, {"/orders": "victim"})
        lattice.backend().faults.throttle("ListTagsForResource", times=40, retry_after=5)
        intruder = declared(world, "intruder", at("/x"), **naming(victims_group(), "web"))
        world.run(600)
        lattice.backend().faults.waiting.clear()
        hours(world, 2)
        serving(world, victim)
        assert state(world, intruder) != "Live"


def test_a_listener_made_by_hand_in_a_lattice_service_of_ours_stays_as_it_is_and_is_told():
    with account() as world:
        arn = running(world, "victim", labels())
        service = next(iter(lattice.backend().services.values()))
        action = {"fixedResponse": {"statusCode": 500}}
        made = world.lattice.create_listener(
            serviceIdentifier=service.id, name="by-hand", protocol="HTTP", port=8080, defaultAction=action
        )
        hours(world, 8)
        release(world, arn, at("/other"))
        hours(world, 1)
        ids = {"serviceIdentifier": service.id, "listenerIdentifier": made["id"]}
        assert world.lattice.get_listener(**ids)["defaultAction"] == action
        assert state(world, arn) == "Live"
        assert codes(world, arn) != set()


def test_a_listener_made_by_hand_stays_when_the_last_route_goes():
    with account() as world:
        arn = running(world, "victim", labels())
        service = next(iter(lattice.backend().services.values()))
        action = {"fixedResponse": {"statusCode": 500}}
        world.lattice.create_listener(
            serviceIdentifier=service.id, name="by-hand", protocol="HTTP", port=8080, defaultAction=action
        )
        released(world, arn, {})
        hours(world, 2)
        assert world.graph()["orders"]["listeners"]["HTTP:8080"]["default"] == 500


# Rank.


def contested(world, count: int) -> tuple[str, str]:
    """An older ECS service without labels, and a newer one that has claimed /orders for an hour."""
    older = running(world, "older", {})
    newer = running(world, "newer", labels(), count=count)
    return older, newer


def keeps_its_match(world, older: str, newer: str) -> None:
    assert state(world, older) == "Conflicted"
    assert "MATCH_TAKEN" in codes(world, older)
    scaled(world, newer, 2)
    assert (state(world, newer), who(world, "/orders")) == ("Live", "newer")


def test_an_older_ecs_service_does_not_take_a_match_of_a_newer_one_that_is_scaled_to_0():
    with account() as world:
        older, newer = contested(world, 2)
        scaled(world, newer, 0)
        released(world, older, labels())
        keeps_its_match(world, older, newer)


def test_an_older_ecs_service_does_not_take_a_match_that_a_newer_one_claimed_with_0_tasks():
    with account() as world:
        older, newer = contested(world, 0)
        released(world, older, labels())
        keeps_its_match(world, older, newer)


def test_the_time_of_a_claim_survives_an_interruption_below_the_grace_time():
    with account() as world:
        older, newer = contested(world, 0)
        release(world, newer, {})
        world.run(120)
        release(world, older, labels())
        world.run(300)
        release(world, newer, labels())
        hours(world, 1)
        keeps_its_match(world, older, newer)


def test_a_claim_that_was_away_longer_than_the_grace_time_begins_again():
    with account() as world:
        older, newer = contested(world, 0)
        released(world, newer, {})
        released(world, older, labels())
        released(world, newer, labels())
        assert (state(world, older), state(world, newer)) == ("Live", "Conflicted")


def test_a_lost_table_leaves_the_match_with_whom_it_is_live():
    with account() as world:
        older, newer = contested(world, 2)
        released(world, older, labels())
        keeps(world, {"/orders": "newer"})
        lose_table(world)
        hours(world, 3)
        assert world.wrong == []
        assert state(world, older) == "Conflicted"


def test_once_live_stands_above_an_older_claim():
    """The newer ECS service was live; while it is gone for less than the grace time nobody else gets its match."""
    with account() as world:
        older, newer = contested(world, 2)
        requests_go_to(world, "/orders", "newer", "503", "404")
        scaled(world, newer, 0)
        released(world, older, labels())
        lose_none = world.clock.time()
        hours(world, 3)
        assert world.clock.time() - lose_none >= 3 * HOUR
        assert world.wrong == []
        keeps_its_match(world, older, newer)


def test_without_a_holder_tag_the_groups_of_the_live_rules_say_whose_it_is():
    with account() as world:
        outsider = running(world, "outsider", {}, RIVALS)
        victim = running(world, "victim", labels())
        keeps(world, {"/orders": "victim"})
        service = next(iter(lattice.backend().services.values()))
        lose_table(world)
        world.lattice.untag_resource(resourceArn=service.arn, tagKeys=["ecs-lattice:holder"])
        release(world, outsider, at("/other"))
        world.run(1200)
        hours(world, 3)
        assert world.wrong == []
        assert state(world, victim) == "Live"
        assert "HELD_BY_OTHER" in codes(world, outsider)
        assert holder(world) == "cluster/shop"


def test_a_holder_tag_that_is_taken_off_by_hand_gives_the_live_service_to_nobody_else():
    with account() as world:
        outsider = running(world, "outsider", {}, RIVALS)
        running(world, "victim", labels())
        released(world, outsider, at("/other", pause="true"))
        service = next(iter(lattice.backend().services.values()))
        world.lattice.untag_resource(resourceArn=service.arn, tagKeys=["ecs-lattice:holder"])
        keeps(world, {"/orders": "victim"})
        released(world, outsider, at("/other"))
        hours(world, 7)
        assert world.wrong == []
        assert holder(world) == "cluster/shop"
        assert effective() is not None
