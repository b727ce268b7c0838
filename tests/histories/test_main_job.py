"""The main job: an ECS deployment hooks itself up to VPC Lattice, rolls, changes its route and goes."""

import pytest

from ecs_lattice.model import ServiceId
from local_aws import lattice
from tests.histories.labels import LABELS, hooked_up


def test_a_deployed_service_becomes_reachable_with_one_extra_deployment_and_its_own_ends_successful(world):
    arn = hooked_up(world)
    assert world.ask("orders", "/orders/7").status == 200
    assert world.ask("orders", "/other").status == 404
    assert world.claims(arn) == {"orders/default": "Live"}
    assert [entry["portName"] for entry in world.primary(arn)["vpcLatticeConfigurations"]] == ["web"]
    deployments = world.ecs.list_service_deployments(service=arn, cluster="shop")["serviceDeployments"]
    assert [deployment["status"] for deployment in deployments] == ["SUCCESSFUL", "SUCCESSFUL"]
    ((group, weight),) = world.graph()["orders"]["listeners"]["HTTP:80"]["rules"][0][1].items()
    assert weight == 100
    targets = lattice.backend().list_targets(
        next(g["arn"] for g in world._all("list_target_groups") if g["name"] == group)
    )
    assert [target["status"] for target in targets] == ["HEALTHY", "HEALTHY"]
    assert world.graph()["orders"]["networks"] == ["platform"]
    assert world.dead == []


def test_a_second_reconcile_makes_no_write_call_at_all(world):
    arn = hooked_up(world)
    before = world.dynamodb.scan(TableName="registry")["Items"]
    with world.counting() as written:
        world.workers["ecsService"].reconcile(arn)
        world.workers["latticeService"].reconcile("orders")
    assert written == []
    assert world.dynamodb.scan(TableName="registry")["Items"] == before
    assert world._requests == []


def test_a_new_version_changes_no_rule_and_no_request_goes_unanswered(world):
    arn = hooked_up(world)
    rules = world.graph()
    world.watch(lambda: None if (answer := world.ask("orders", "/orders")).status == 200 else f"{answer.status}")
    with world.counting() as written:
        world.ecs.update_service(cluster="shop", service=arn, taskDefinition=world.register(LABELS))
        world.run(900)
    assert world.primary(arn)["rolloutState"] == "COMPLETED"
    assert world.graph() == rules
    assert written == []
    assert world.wrong == []


def test_a_changed_path_changes_one_rule_and_only_after_the_deployment_completed(world):
    arn = hooked_up(world)
    with world.counting() as written:
        world.ecs.update_service(
            cluster="shop", service=arn, taskDefinition=world.register({**LABELS, "lattice.path.prefix": "/purchases"})
        )

        def early() -> str | None:
            moved = world.ask("orders", "/purchases").status == 200
            return "moved before completion" if moved and world.primary(arn)["rolloutState"] != "COMPLETED" else None

        world.watch(early)
        world.run(900)
    assert written == ["UpdateRule"]
    assert world.wrong == []
    assert world.ask("orders", "/purchases").status == 200
    assert world.ask("orders", "/orders").status == 404


def test_without_its_label_a_service_is_taken_off_after_the_grace_time_and_not_before(world):
    arn = hooked_up(world)
    world.ecs.update_service(cluster="shop", service=arn, taskDefinition=world.register({}))
    world.run(600)
    assert world.ask("orders", "/orders").status == 200
    world.run(3600)
    graph = world.graph()["orders"]
    assert graph["listeners"] == {"HTTP:80": {"default": 404, "rules": []}}
    assert graph["networks"] == ["platform"]
    assert world._all("list_target_groups") == []
    assert "vpcLatticeConfigurations" not in world.primary(arn) or world.primary(arn)["vpcLatticeConfigurations"] == []
    assert world.claims(arn) == {}


def test_a_deleted_service_is_taken_off_at_once(world):
    arn = hooked_up(world)
    world.ecs.delete_service(cluster="shop", service=arn, force=True)
    world.run(30)
    assert world.ask("orders", "/orders").status == 404
    world.run(900)
    assert world.graph()["orders"]["listeners"]["HTTP:80"]["rules"] == []
    assert world._all("list_target_groups") == []
    assert world.claims(arn) == {}


def test_two_services_feed_one_lattice_service_by_two_paths(world):
    first = hooked_up(world)
    second = hooked_up(world, {**LABELS, "lattice.path.prefix": "/invoices"}, family="invoices", name="invoices")
    assert world.claims(first) == {"orders/default": "Live"}
    assert world.claims(second) == {"orders/default": "Live"}
    assert b"orders" in world.ask("orders", "/orders").body
    assert b"invoices" in world.ask("orders", "/invoices").body


def test_two_services_share_one_path_by_weights(world):
    hooked_up(world, {**LABELS, "lattice.weight": "90"})
    world.watch(lambda: None if (answer := world.ask("orders", "/orders")).status == 200 else f"{answer.status}")
    hooked_up(world, {**LABELS, "lattice.weight": "10"}, family="canary", name="orders-canary")
    assert world.wrong == []
    ((_, action),) = world.graph()["orders"]["listeners"]["HTTP:80"]["rules"]
    assert sorted(action.values()) == [10, 90]
    bodies = [world.ask("orders", "/orders").body for _ in range(100)]
    assert sum(b"canary" in body for body in bodies) == 10


def test_a_service_of_another_cluster_is_refused_under_the_default_policy(world):
    hooked_up(world)
    before = world.graph()
    world.make_cluster("other")
    other = hooked_up(
        world, {**LABELS, "lattice.path.prefix": "/stolen"}, family="thief", name="thief", cluster="other"
    )
    assert world.claims(other) == {"orders/default": "Conflicted"}
    assert world.statuses(other)["default"] == ("Conflicted", "HELD_BY_OTHER")
    assert world.graph() == before
    assert world.primary(other).get("vpcLatticeConfigurations", []) == []


@pytest.mark.parametrize("strategy", ["BLUE_GREEN", "LINEAR", "CANARY"])
def test_a_service_with_ecs_own_traffic_shifting_is_recognised_and_left_alone(world, strategy):
    arn = hooked_up(world, deploymentConfiguration={"strategy": strategy})
    assert world.graph() == {}
    assert world.primary(arn).get("vpcLatticeConfigurations", []) == []
    assert [problem.code for problem in world.ecs_side.status(ServiceId(arn)).problems] == ["STRATEGY_LATER"]
