"""Histories of releases: slow ones, failed ones, superseded ones. Routing follows what completed."""

from ecs_lattice.model import ServiceId
from tests.histories.labels import LABELS, hooked_up


def deployments_of(world, arn) -> list[str]:
    listed = world.ecs.list_service_deployments(service=arn, cluster="shop")["serviceDeployments"]
    return [deployment["status"] for deployment in sorted(listed, key=lambda d: d["createdAt"])]


def test_a_slow_first_deployment_is_not_stopped_by_the_attach(world):
    arn = world.deploy(world.register(LABELS, environment={"START_SECONDS": "120"}))
    world.run(1800)
    assert deployments_of(world, arn) == ["SUCCESSFUL", "SUCCESSFUL"]
    assert world.claims(arn) == {"orders/default": "Live"}


def test_a_release_that_comes_while_the_route_is_being_wired_is_not_stopped_either(world):
    arn = world.deploy(world.register(LABELS))
    world.run(20)
    world.ecs.update_service(
        cluster="shop", service=arn, taskDefinition=world.register(LABELS, environment={"START_SECONDS": "200"})
    )
    world.run(2400)
    statuses = deployments_of(world, arn)
    assert statuses[-2:] == ["SUCCESSFUL", "SUCCESSFUL"]
    assert "STOPPED" not in statuses[1:]
    assert world.claims(arn) == {"orders/default": "Live"}


def test_a_first_release_that_fails_is_never_attached_and_takes_no_traffic(world):
    arn = world.deploy(
        world.register(LABELS, environment={"CRASH_AFTER_SECONDS": "1"}),
        deploymentConfiguration={"deploymentCircuitBreaker": {"enable": True, "rollback": False}},
    )
    world.run(3600)
    assert world.primary(arn).get("vpcLatticeConfigurations", []) == []
    assert world.lattice.list_services()["items"] == []
    assert world.lattice.list_target_groups()["items"] == []


def test_a_failed_release_moves_no_traffic_and_its_rollback_keeps_the_route(world):
    arn = hooked_up(world, deploymentConfiguration={"deploymentCircuitBreaker": {"enable": True, "rollback": True}})
    before = world.graph()
    world.watch(lambda: None if (answer := world.ask("orders", "/orders")).status == 200 else f"{answer.status}")
    broken = world.register({**LABELS, "lattice.path.prefix": "/new"}, environment={"CRASH_AFTER_SECONDS": "1"})
    world.ecs.update_service(cluster="shop", service=arn, taskDefinition=broken)
    world.run(7200)
    assert world.graph() == before
    assert world.wrong == []
    assert world.claims(arn) == {"orders/default": "Live"}
    assert "ROLLBACK_SUCCESSFUL" in deployments_of(world, arn)


def test_a_release_over_an_unfinished_release_moves_no_traffic_before_one_completes(world):
    arn = hooked_up(world)
    for path in ("/second", "/third"):
        slow = world.register({**LABELS, "lattice.path.prefix": path}, environment={"START_SECONDS": "300"})
        world.ecs.update_service(cluster="shop", service=arn, taskDefinition=slow)
        world.run(120)
        assert world.ask("orders", "/orders").status == 200
        assert world.ask("orders", path).status == 404
    world.run(3600)
    assert world.ask("orders", "/third").status == 200
    assert world.ask("orders", "/orders").status == 404


def test_a_health_check_that_changes_on_one_port_is_said_at_once_with_the_ways_out(world):
    arn = hooked_up(world, environment={"RESPOND": "/healthz=200 /livez=503 /=200"})
    moved = world.register(
        {**LABELS, "lattice.health.path": "/livez"}, environment={"RESPOND": "/healthz=503 /livez=200 /=200"}
    )
    world.ecs.update_service(cluster="shop", service=arn, taskDefinition=moved)
    world.run(30)
    (problem,) = world.ecs_side.status(ServiceId(arn)).problems
    assert problem.code == "HOLDS_BACK"
    assert "new port name" in problem.message
    assert world.ask("orders", "/orders").status == 200


def test_the_health_check_grace_period_is_set_with_the_attach_for_slow_starters(world):
    arn = hooked_up(world, environment={"START_SECONDS": "30"})
    assert world.service(arn)["healthCheckGracePeriodSeconds"] == 120
    assert deployments_of(world, arn) == ["SUCCESSFUL", "SUCCESSFUL"]
