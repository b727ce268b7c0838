"""An ECS service that is replaced under another name, as CloudFormation and Terraform do it: in both orders."""

import pytest

from ecs_lattice.model import ServiceId
from tests.histories.checks import answers
from tests.histories.labels import LABELS, hooked_up

DEFAULT = {key: value for key, value in LABELS.items() if key != "lattice.path.prefix"}


def notices(world, arn: str) -> dict[str, str]:
    return {notice.code: notice.message for route in world.ecs_side.status(ServiceId(arn)) for notice in route.notices}


def unanswered(world, path: str, seconds: int) -> int:
    """How many of so many seconds a request is not answered."""
    missing = 0
    for _ in range(seconds):
        world.run(1)
        missing += world.ask("orders", path).status != 200
    return missing


@pytest.mark.parametrize("labels", [LABELS, DEFAULT], ids=["a rule", "the default action"])
def test_a_healthy_successor_takes_over_when_the_ecs_service_before_it_is_deleted(world, labels):
    old = hooked_up(world, labels, name="old")
    answers(world, "orders", "/orders")
    new = hooked_up(world, labels, name="new")
    assert world.statuses(old)["default"] == ("Live", "")
    assert world.statuses(new)["default"] == ("Wired", "MATCH_TAKEN")
    assert len(world.primary(new)["vpcLatticeConfigurations"]) == 1
    assert "shop/new" in notices(world, old)["STANDBY"]
    assert "shop/old" in notices(world, new)["STANDBY"]
    assert world.wrong == []
    world.ecs.delete_service(cluster="shop", service=old, force=True)  # ECS deregisters the tasks before it says so
    world.run(0)
    world.wrong.clear()
    assert unanswered(world, "/orders", 60) == 0
    assert world.statuses(new)["default"] == ("Live", "")
    world.run(2400)
    assert world.wrong == []
    assert world.claims(old) == {}
    assert notices(world, new) == {}
    assert len(world._all("list_target_groups")) == 1
    assert world.dead == []


@pytest.mark.parametrize("labels", [LABELS, DEFAULT], ids=["a rule", "the default action"])
def test_a_successor_that_comes_after_the_deletion_does_not_wait_for_the_grace_time(world, labels):
    old = hooked_up(world, labels, name="old")
    world.ecs.delete_service(cluster="shop", service=old, force=True)
    world.run(10)
    new = world.deploy(world.register(labels), name="new")
    world.run(600)
    assert world.statuses(new)["default"] == ("Live", "")
    assert world.ask("orders", "/orders").status == 200
    world.run(2400)
    assert len(world._all("list_target_groups")) == 1


def test_a_match_is_held_for_a_service_of_another_family_as_before(world):
    old = hooked_up(world, family="old", name="old")
    new = hooked_up(world, family="new", name="new")
    assert world.statuses(new)["default"] == ("Conflicted", "MATCH_TAKEN")
    assert notices(world, old) == {}
    world.ecs.delete_service(cluster="shop", service=old, force=True)
    world.run(600)
    assert world.statuses(new)["default"] == ("Conflicted", "MATCH_TAKEN")
    world.run(1200)
    assert world.statuses(new)["default"] == ("Live", "")


def test_a_successor_that_is_not_healthy_takes_nothing_over(world):
    old = hooked_up(world, name="old")
    new = hooked_up(world, name="new", environment={"CRASH_AFTER_SECONDS": "1"})
    world.ecs.delete_service(cluster="shop", service=old, force=True)
    world.run(600)
    assert world.claims(new).get("orders/default") != "Live"


def test_who_stands_by_stays_parked_while_the_other_lives_and_the_hour_is_quiet(world):
    old = hooked_up(world, name="old")
    hooked_up(world, name="new")
    answers(world, "orders", "/orders")
    world.run(3600)
    with world.counting() as written:
        world.run(3600)
        world.sweep()
    assert written == []
    assert world.claims(old) == {"orders/default": "Live"}
    assert world.wrong == []


def test_who_may_not_speak_for_the_lattice_service_stands_by_for_nobody(world):
    """The family alone says nothing: anybody may register a revision of it."""
    old = hooked_up(world, LABELS, name="old")
    world.make_cluster("rivals")
    theirs = world.deploy(world.register(LABELS), name="new", cluster="rivals")
    world.run(1200)
    assert world.statuses(theirs)["default"] == ("Conflicted", "HELD_BY_OTHER")
    assert notices(world, old) == notices(world, theirs) == {}
    assert not world.primary(theirs).get("vpcLatticeConfigurations")
    world.ecs.delete_service(cluster="shop", service=old, force=True)
    world.run(2400)
    assert world.statuses(theirs)["default"] == ("Conflicted", "HELD_BY_OTHER")
    assert world.ask("orders", "/orders").status == 404
