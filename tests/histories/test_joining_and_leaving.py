"""Histories of routes that join, share, move and leave: no request is misrouted or unanswered on the way."""

from ecs_lattice.model import ServiceId
from tests.histories.labels import LABELS, hooked_up

SHOP = {**LABELS, "lattice.service": "shop"}
WEB = {key: value for key, value in SHOP.items() if key != "lattice.path.prefix"}


def always_answered(world, name: str, *paths: str) -> None:
    """Every request to ``paths`` is answered 200 from now on, at every step and after every change."""
    for path in paths:
        world.watch(lambda path=path: None if (a := world.ask(name, path)).status == 200 else f"{path}: {a.status}")


def test_a_path_that_another_service_answered_by_default_is_never_unanswered_while_it_moves(world):
    hooked_up(world, WEB, family="web", name="web")
    always_answered(world, "shop", "/", "/orders")
    hooked_up(world, SHOP)
    assert world.wrong == []
    assert b"orders" in world.ask("shop", "/orders").body
    assert b"web" in world.ask("shop", "/").body


def test_a_path_falls_back_to_the_default_without_a_gap_when_its_service_is_deleted(world):
    hooked_up(world, WEB, family="web", name="web")
    arn = hooked_up(world, SHOP)
    world.ecs.update_service(cluster="shop", service=arn, taskDefinition=world.register({}))
    always_answered(world, "shop", "/", "/orders")
    world.run(3600)
    assert world.wrong == []
    assert b"web" in world.ask("shop", "/orders").body


def test_a_first_release_that_fails_takes_no_path_away_from_the_default(world):
    hooked_up(world, WEB, family="web", name="web")
    always_answered(world, "shop", "/orders")
    world.deploy(world.register(SHOP, environment={"CRASH_AFTER_SECONDS": "1"}))
    world.run(3600)
    assert world.wrong == []


def test_a_share_that_leaves_takes_no_request_with_it(world):
    hooked_up(world, {**LABELS, "lattice.weight": "90"})
    canary = hooked_up(world, {**LABELS, "lattice.weight": "10"}, family="canary", name="canary")
    always_answered(world, "orders", "/orders")
    world.ecs.update_service(cluster="shop", service=canary, taskDefinition=world.register({}, "canary"))
    world.run(3600)
    assert world.wrong == []
    assert all(b"canary" not in world.ask("orders", "/orders").body for _ in range(20))


def test_a_move_to_another_lattice_service_costs_two_deployments_and_the_old_name_answers_meanwhile(world):
    arn = hooked_up(world)
    before = len(world.ecs.list_service_deployments(service=arn, cluster="shop")["serviceDeployments"])
    world.ecs.update_service(
        cluster="shop", service=arn, taskDefinition=world.register({**LABELS, "lattice.service": "purchases"})
    )
    always_answered(world, "orders", "/orders")
    world.run(900)
    assert world.wrong == []
    world._questions.clear()
    world.run(3600)
    assert world.ask("purchases", "/orders").status == 200
    assert world.ask("orders", "/orders").status == 404
    after = len(world.ecs.list_service_deployments(service=arn, cluster="shop")["serviceDeployments"])
    assert after - before == 1 + 2


def test_old_and_new_groups_together_beyond_what_ecs_takes_are_refused_with_the_ways_out(world):
    ports = [(f"p{number}", 8080 + number) for number in range(3)]
    named = {f"lattice.routes.p{number}.port": f"p{number}" for number in range(3)}
    paths = {f"lattice.routes.p{number}.path.prefix": f"/p{number}" for number in range(3)}
    labels = {"lattice.service": "old", "lattice.listener": "HTTP:80", **named, **paths}
    arn = hooked_up(world, labels, ports=ports)
    world.ecs.update_service(
        cluster="shop", service=arn, taskDefinition=world.register({**labels, "lattice.service": "new"}, ports=ports)
    )
    world.run(600)
    assert "TOO_MANY_CONFIGURATIONS" in {route.code for route in world.ecs_side.status(ServiceId(arn)).routes}
    assert world.ask("old", "/p1").status == 200
    assert len(world.primary(arn)["vpcLatticeConfigurations"]) == 3


def test_six_routes_of_one_port_share_one_target_group_and_renaming_one_redeploys_nothing(world):
    routes = {f"lattice.routes.r{number}.path.prefix": f"/r{number}" for number in range(3)}
    labels = {"lattice.service": "orders", "lattice.port": "web", "lattice.listener": "HTTP:80 HTTP:8080", **routes}
    arn = hooked_up(world, labels)
    assert len(world._all("list_target_groups")) == 1
    assert len(world.primary(arn)["vpcLatticeConfigurations"]) == 1
    renamed = {key.replace("r2.", "renamed."): value for key, value in labels.items()}
    world.ecs.update_service(cluster="shop", service=arn, taskDefinition=world.register(renamed))
    always_answered(world, "orders", "/r0", "/r2")
    count = len(world.ecs.list_service_deployments(service=arn, cluster="shop")["serviceDeployments"])
    world.run(3600)
    assert world.wrong == []
    assert len(world.ecs.list_service_deployments(service=arn, cluster="shop")["serviceDeployments"]) == count
    assert set(world.claims(arn).values()) == {"Live"}


def test_naming_a_second_route_does_not_silently_take_the_first_away(world):
    arn = hooked_up(world, WEB, name="web")
    admin = {"lattice.routes.admin.path.prefix": "/admin"}
    world.ecs.update_service(cluster="shop", service=arn, taskDefinition=world.register({**WEB, **admin}))
    always_answered(world, "shop", "/")
    world.run(3600)
    assert world.wrong == []
    assert [problem.code for problem in world.ecs_side.status(ServiceId(arn)).problems] == ["DEFAULT_ROUTE_LOST"]


def test_a_path_that_one_service_gives_up_and_another_takes_is_answered_all_the_time(world):
    old = hooked_up(world, family="old", name="old")
    new = hooked_up(world, {}, family="new", name="new")
    always_answered(world, "orders", "/orders")
    world.ecs.update_service(cluster="shop", service=old, taskDefinition=world.register({}, "old"))
    world.run(60)
    world.ecs.update_service(cluster="shop", service=new, taskDefinition=world.register(LABELS, "new"))
    world.run(3600)
    assert world.wrong == []
    assert b"new" in world.ask("orders", "/orders").body
    assert world.claims(old) == {}
    assert world.primary(old).get("vpcLatticeConfigurations", []) == []
    assert len(world._all("list_target_groups")) == 1
