"""Histories of owners: paths handed over, settings of the stack changed, pauses, and the whole taken away again."""

import dataclasses

import boto3
import pytest

from ecs_lattice.model import ServiceId
from tests.histories.checks import comes_to_rest, deployments_of, released
from tests.histories.labels import LABELS, hooked_up

TAG = "ecs-lattice:owner"


def ours(world) -> list[str]:
    """What carries our tag."""
    tagging = boto3.client("resourcegroupstaggingapi")
    found = tagging.get_resources(TagFilters=[{"Key": TAG, "Values": ["ecs-lattice"]}])["ResourceTagMappingList"]
    return [item["ResourceARN"] for item in found]


def test_a_path_that_is_handed_from_one_service_to_another_in_one_minute_ends_with_the_new_one(world):
    old = hooked_up(world, family="old", name="old")
    new = hooked_up(world, {}, family="new", name="new")
    released(world, old, {}, "old")
    world.run(60)
    released(world, new, LABELS, "new")
    world.run(900)
    assert b"old" in world.ask("orders", "/orders").body
    comes_to_rest(world)
    assert b"new" in world.ask("orders", "/orders").body
    assert world.claims(old) == {}
    assert world.claims(new) == {"orders/default": "Live"}
    assert len(world._all("list_target_groups")) == 1


def pause(world, arn, *, on: bool) -> None:
    if on:
        world.ecs.tag_resource(resourceArn=arn, tags=[{"key": "lattice.pause", "value": "true"}])
    else:
        world.ecs.untag_resource(resourceArn=arn, tagKeys=["lattice.pause"])


@pytest.mark.parametrize("seconds", [75])
def test_a_pause_in_the_middle_of_an_attach_holds_it_and_it_goes_on_afterwards(world, seconds):
    arn = world.deploy(world.register(LABELS))
    world.run(seconds)
    pause(world, arn, on=True)
    world.run(1800)
    graph = world.graph()
    comes_to_rest(world)
    assert world.graph() == graph
    pause(world, arn, on=False)
    comes_to_rest(world)
    assert world.claims(arn) == {"orders/default": "Live"}
    assert world.ask("orders", "/orders").status == 200


@pytest.mark.parametrize("seconds", [1000])
def test_a_pause_in_the_middle_of_a_removal_holds_it_and_it_goes_on_afterwards(world, seconds):
    arn = hooked_up(world)
    released(world, arn, {})
    world.run(seconds)
    pause(world, arn, on=True)
    comes_to_rest(world)
    pause(world, arn, on=False)
    comes_to_rest(world)
    assert world.claims(arn) == {}
    assert world._all("list_target_groups") == []


def test_uninstalling_leaves_nothing_that_carries_our_tag_and_what_is_not_ours_stays(world):
    arns = [
        hooked_up(world),
        hooked_up(world, {**LABELS, "lattice.path.prefix": "/b"}, family="b", name="b"),
        hooked_up(world, {**LABELS, "lattice.service": "other", "lattice.targets": "controller"}, family="c", name="c"),
    ]
    world.sweep()
    world.lattice.create_service(name="by-hand")
    for _ in range(4):
        left = world.uninstall.run()
        world.run(3600)
        world.sweep()
    assert left == {
        "left": {"ecsServices": [], "latticeServices": [], "targetGroups": [], "securityGroupRules": [], "alarms": []}
    }
    assert ours(world) == []
    assert [service["name"] for service in world._all("list_services")] == ["by-hand"]
    for arn in arns:
        assert world.primary(arn).get("vpcLatticeConfigurations", []) == []
        assert world.ecs_side.status(ServiceId(arn)).routes == ()
        assert "FAILED" not in deployments_of(world, arn)
    comes_to_rest(world)
    assert ours(world) == []


def test_uninstalling_more_than_the_ceiling_goes_on_hour_by_hour_until_nothing_is_left(world):
    world.build(dataclasses.replace(world.settings, max_removals=1, max_attaching=1))
    for name in ("a", "b", "c"):
        hooked_up(world, {**LABELS, "lattice.path.prefix": f"/{name}"}, family=name, name=name)
    for _ in range(8):
        world.uninstall.run()
        world.run(3600)
        world.sweep()
    assert ours(world) == []


def test_uninstalling_after_the_table_was_lost_takes_away_what_carries_our_tag(world):
    hooked_up(world)
    world.sweep()
    for item in world.dynamodb.scan(TableName="registry")["Items"]:
        world.dynamodb.delete_item(TableName="registry", Key={"pk": item["pk"], "sk": item["sk"]})
    for _ in range(6):
        world.uninstall.run()
        world.run(1800)
        world.sweep()
    assert ours(world) == []


def test_a_group_that_no_rule_names_is_found_after_a_lost_table_and_the_uninstall_names_it(world):
    arn = hooked_up(world, {**LABELS, "lattice.path.prefix": "/a"})
    (group,) = (found["arn"] for found in world._all("list_target_groups"))
    service = next(found["id"] for found in world._all("list_services") if found["name"] == "orders")
    listener = world.lattice.list_listeners(serviceIdentifier=service)["items"][0]["id"]
    world.chaos.lose = 1.0
    for rule in world.lattice.list_rules(serviceIdentifier=service, listenerIdentifier=listener)["items"]:
        if not rule["isDefault"]:
            world.lattice.delete_rule(serviceIdentifier=service, listenerIdentifier=listener, ruleIdentifier=rule["id"])
    world.ecs.delete_service(cluster="shop", service=arn, force=True)
    world.run(1200)
    for item in world.dynamodb.scan(TableName="registry")["Items"]:
        world.dynamodb.delete_item(TableName="registry", Key={"pk": item["pk"], "sk": item["sk"]})
    world.chaos.lose = 0.0
    assert world.uninstall.run()["left"]["targetGroups"] == [group]
    for _ in range(6):
        world.run(1800)
        world.sweep()
        left = world.uninstall.run()["left"]
    assert not any(left.values())
    assert ours(world) == []
