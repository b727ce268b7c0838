"""An ECS service that is replaced under another name, as CloudFormation and Terraform do it: in both orders."""

import dataclasses

import pytest

from ecs_lattice.model import ServiceId
from local_aws import lattice
from tests.histories.checks import answers, released
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


def is_anybody_healthy(world) -> bool:
    """Whether a target of any group passes its health checks."""
    groups = (group["arn"] for group in world._all("list_target_groups"))
    return any(
        target["status"] == "HEALTHY"
        for group in groups
        for target in world._all("list_targets", targetGroupIdentifier=group)
    )


def seconds_without_an_answer(world, seconds: int) -> tuple[int, int]:
    """Of so many seconds: in how many a request is not answered, and in how many of those a healthy task exists."""
    missing = avoidable = 0
    for _ in range(seconds):
        world.run(1)
        if world.ask("orders", "/orders").status != 200:
            missing += 1
            avoidable += is_anybody_healthy(world)
    return missing, avoidable


UNTIL_SEEN = 30
"""A healthy target answers at most so many seconds later: first the deployment that attaches it completes, and its targets are
read again each 15 seconds."""


@pytest.mark.parametrize("gap", [0, 120], ids=["at once", "after two minutes"])
def test_old_first_a_request_is_unanswered_only_where_no_healthy_task_exists(world, gap):
    old = hooked_up(world, name="old")
    world.ecs.delete_service(cluster="shop", service=old, force=True)
    world.run(gap)
    new = world.deploy(world.register(LABELS), name="new")
    missing, avoidable = seconds_without_an_answer(world, 300)
    assert 0 < missing < 200
    assert avoidable <= UNTIL_SEEN
    assert world.statuses(new)["default"] == ("Live", "")
    world.run(2400)
    assert len(world._all("list_target_groups")) == 1


def test_new_first_a_rolling_release_of_both_loses_no_request(world):
    """The family has a new revision while both are there, as where one template updates and replaces."""
    old = hooked_up(world, name="old")
    new = hooked_up(world, name="new")
    answers(world, "orders", "/orders")
    for arn in (old, new):
        released(world, arn, LABELS, environment={"STOP_SECONDS": "10"})
    world.run(900)
    assert world.statuses(new)["default"] == ("Wired", "MATCH_TAKEN")
    assert world.wrong == []
    world.ecs.delete_service(cluster="shop", service=old, force=True)
    assert seconds_without_an_answer(world, 300) == (0, 0)
    assert world.statuses(new)["default"] == ("Live", "")


def test_a_successor_without_tasks_takes_over_once_one_is_healthy(world):
    old = hooked_up(world, name="old")
    new = hooked_up(world, name="new")
    world.ecs.update_service(cluster="shop", service=new, desiredCount=0)
    world.run(120)
    world.ecs.delete_service(cluster="shop", service=old, force=True)
    world.run(400)
    assert world.statuses(new)["default"] == ("Wired", "MATCH_TAKEN")
    world.ecs.update_service(cluster="shop", service=new, desiredCount=2)
    missing, avoidable = seconds_without_an_answer(world, 120)
    assert missing < 60
    assert avoidable <= UNTIL_SEEN
    assert world.statuses(new)["default"] == ("Live", "")


def test_a_successor_whose_first_release_is_broken_takes_over_with_the_next(world):
    old = hooked_up(world, name="old")
    new = hooked_up(world, name="new", environment={"RESPOND": "/healthz=503"})
    world.ecs.delete_service(cluster="shop", service=old, force=True)
    world.run(60)
    assert world.statuses(new)["default"][0] != "Live"
    released(world, new, LABELS)
    world.run(600)
    assert world.statuses(new)["default"] == ("Live", "")
    assert world.ask("orders", "/orders").status == 200


@pytest.mark.parametrize("quota", ["rules_per_listener", "target_groups_per_service", "target_groups"])
def test_without_room_for_what_stands_by_it_is_refused_and_told_and_takes_over_later(world, quota):
    old = hooked_up(world, name="old")
    answers(world, "orders", "/orders")
    backend = lattice.backend()
    backend.quotas = dataclasses.replace(backend.quotas, **{quota: 1})
    new = hooked_up(world, name="new")
    world.run(3600)
    state, code = world.statuses(new)["default"]
    assert (state, code) == ("Refused", "QUOTA")
    assert not world.primary(new).get("vpcLatticeConfigurations")
    assert world.statuses(old)["default"] == ("Live", "")
    assert world.wrong == []
    world.ecs.delete_service(cluster="shop", service=old, force=True)
    for _ in range(16):
        world.run(900)
        world.sweep()
    assert world.statuses(new)["default"] == ("Live", "")
    assert world.ask("orders", "/orders").status == 200
