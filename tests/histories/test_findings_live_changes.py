"""Histories of changes to routes that are live: each request gets the answer from before or the one from after."""

import pytest

from local_aws import lattice
from tests.histories.checks import answers, comes_to_rest, deployments_of, lagging, released
from tests.histories.labels import LABELS, hooked_up

TWO_PORTS = (("web", 8080), ("admin", 9090))


def two_routes(first: str, second: str) -> dict[str, str]:
    return {
        "lattice.service": "orders",
        "lattice.listener": "HTTP:80",
        "lattice.routes.a.port": first,
        "lattice.routes.a.path.prefix": "/a",
        "lattice.routes.b.port": second,
        "lattice.routes.b.path.prefix": "/b",
    }


def test_two_routes_that_swap_their_ports_in_one_release_are_answered_all_the_time(world):
    arn = hooked_up(world, two_routes("web", "admin"), ports=TWO_PORTS)
    count = len(deployments_of(world, arn))
    answers(world, "orders", "/a")
    answers(world, "orders", "/b")
    before = world.graph()["orders"]["listeners"]["HTTP:80"]["rules"]
    released(world, arn, two_routes("admin", "web"), ports=TWO_PORTS)
    comes_to_rest(world)
    assert world.wrong == []
    after = world.graph()["orders"]["listeners"]["HTTP:80"]["rules"]
    assert [match for match, _ in after] == [match for match, _ in before]
    assert [action for _, action in after] == [action for _, action in reversed(before)]
    assert len(deployments_of(world, arn)) == count + 1


def test_a_port_that_is_renamed_by_adding_the_new_name_first_is_answered_all_the_time(world):
    arn = hooked_up(world)
    answers(world, "orders", "/orders")
    both = (("web", 8080), ("http", 8081))
    released(world, arn, {**LABELS, "lattice.port": "http"}, ports=both)
    comes_to_rest(world)
    released(world, arn, {**LABELS, "lattice.port": "http"}, ports=(("http", 8081),))
    comes_to_rest(world)
    assert world.wrong == []
    assert [entry["portName"] for entry in world.primary(arn)["vpcLatticeConfigurations"]] == ["http"]
    assert len(world._all("list_target_groups")) == 1


def test_weights_change_live_without_an_unanswered_request(world):
    stable = hooked_up(world, {**LABELS, "lattice.weight": "90"})
    canary = hooked_up(world, {**LABELS, "lattice.weight": "10"}, family="canary", name="canary")
    answers(world, "orders", "/orders")
    released(world, stable, {**LABELS, "lattice.weight": "50"})
    released(world, canary, {**LABELS, "lattice.weight": "50"}, "canary")
    comes_to_rest(world)
    assert world.wrong == []
    bodies = [world.ask("orders", "/orders").body for _ in range(100)]
    assert sum(b"canary" in body for body in bodies) == 50


def test_two_rules_that_swap_their_priorities_never_answer_wrongly(world):
    def labels(wide: str, narrow: str) -> dict[str, str]:
        return {
            **two_routes("web", "admin"),
            "lattice.routes.a.path.prefix": "/",
            "lattice.routes.a.priority": wide,
            "lattice.routes.b.priority": narrow,
        }

    arn = hooked_up(world, labels("20", "10"), ports=TWO_PORTS)
    answers(world, "orders", "/x")
    answers(world, "orders", "/b")
    released(world, arn, labels("10", "20"), ports=TWO_PORTS)
    comes_to_rest(world)
    assert world.wrong == []
    rules = world.graph()["orders"]["listeners"]["HTTP:80"]["rules"]
    assert [match["pathMatch"]["match"]["prefix"] for match, _ in rules] == ["/", "/b"]


def test_a_route_moves_to_another_listener_and_the_old_port_answers_until_the_new_one_does(world):
    arn = hooked_up(world)
    lagging(world, propagation=60)

    def is_answered(port: int) -> bool:
        try:
            return world.ask("orders", "/orders", port).status == 200
        except ConnectionRefusedError:
            return False

    world.watch(lambda: None if is_answered(80) or is_answered(8080) else "no port answers")
    released(world, arn, {**LABELS, "lattice.listener": "HTTP:8080"})
    comes_to_rest(world)
    assert world.wrong == []
    assert (is_answered(80), is_answered(8080)) == (False, True)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"lattice.listener": "HTTPS:80"}, "LISTENER_FIXED"),
        ({"lattice.domain": "orders.example.com"}, "DOMAIN_FIXED"),
        ({"lattice.network": "nowhere"}, "NETWORK_UNKNOWN"),
    ],
)
def test_a_change_that_lattice_cannot_make_in_place_leaves_the_route_as_it_was_and_says_so(world, change, code):
    arn = hooked_up(world)
    before = world.graph()
    answers(world, "orders", "/orders")
    released(world, arn, {**LABELS, **change})
    comes_to_rest(world)
    assert world.wrong == []
    assert world.graph() == before
    assert world.statuses(arn)["default"] == ("Refused", code)
    released(world, arn, {**LABELS, "lattice.path.prefix": "/new"})
    world.run(900)
    assert world.ask("orders", "/new").status == 200


def test_a_network_that_is_exchanged_is_joined_before_the_old_one_is_left(world):
    world.registry.put_document("stack", "marker", "{}")  # the registry has seen a whole resync
    arn = hooked_up(world)
    world.make_network("edge")
    joined = []

    def question() -> str | None:
        networks = world.graph()["orders"]["networks"]
        joined.append(tuple(networks))
        return None if networks else "in no network"

    world.watch(question)
    released(world, arn, {**LABELS, "lattice.network": "edge"})
    comes_to_rest(world)
    assert world.wrong == []
    assert ("edge", "platform") in joined
    assert world.graph()["orders"]["networks"] == ["edge"]


def test_auth_that_is_switched_on_a_live_service_puts_its_policy_first(world):
    arn = hooked_up(world)
    start = len(lattice.backend().calls)
    released(world, arn, {**LABELS, "lattice.auth": "iam"})
    comes_to_rest(world)
    done = [c.operation for c in lattice.backend().calls[start:] if c.operation in {"PutAuthPolicy", "UpdateService"}]
    assert done == ["PutAuthPolicy", "UpdateService"]
    released(world, arn, {**LABELS, "lattice.auth": "none"})
    comes_to_rest(world)
    assert world.ask("orders", "/orders").status == 200


def test_a_service_scaled_to_zero_and_back_keeps_its_route_and_costs_few_requests(world):
    arn = hooked_up(world)
    before = world.graph()
    world.ecs.update_service(cluster="shop", service=arn, desiredCount=0)
    comes_to_rest(world)
    assert world.graph() == before
    assert world.ask("orders", "/orders").status == 503
    world.ecs.update_service(cluster="shop", service=arn, desiredCount=2)
    world.run(300)
    assert world.ask("orders", "/orders").status == 200


def test_a_service_that_is_hooked_up_while_it_has_no_tasks_costs_few_requests_and_goes_live_with_its_first_task(world):
    arn = world.deploy(world.register(LABELS), count=0)
    comes_to_rest(world, requests=20)
    assert world.ask("orders", "/orders").status == 404
    world.ecs.update_service(cluster="shop", service=arn, desiredCount=2)
    world.run(900)
    assert world.ask("orders", "/orders").status == 200


def test_a_service_whose_tasks_never_become_healthy_takes_no_traffic_and_costs_few_requests(world):
    arn = hooked_up(world, {**LABELS, "lattice.targets": "controller"}, environment={"RESPOND": "/healthz=500 /=200"})
    comes_to_rest(world, requests=30)
    assert world.ask("orders", "/orders").status == 404
    assert world.claims(arn) == {"orders/default": "Wired"}


def test_a_share_whose_service_is_scaled_to_zero_keeps_its_share(world):
    hooked_up(world, {**LABELS, "lattice.weight": "90"})
    canary = hooked_up(world, {**LABELS, "lattice.weight": "10"}, family="canary", name="canary")
    before = world.graph()
    world.ecs.update_service(cluster="shop", service=canary, desiredCount=0)
    comes_to_rest(world)
    assert world.graph() == before


def test_with_a_data_plane_that_lags_no_request_is_unanswered_while_routes_join_move_and_leave(world):
    web = {key: value for key, value in LABELS.items() if key != "lattice.path.prefix"}
    hooked_up(world, web, family="web", name="web")
    lagging(world, propagation=55)
    answers(world, "orders", "/")
    answers(world, "orders", "/orders")
    arn = hooked_up(world)
    assert b"orders" in world.ask("orders", "/orders").body
    both = (("web", 8080), ("http", 8081))
    released(world, arn, {**LABELS, "lattice.port": "http"}, ports=both)
    world.run(3600)
    released(world, arn, {}, ports=both)
    comes_to_rest(world)
    assert world.wrong == []
    assert b"web" in world.ask("orders", "/orders").body


def test_targets_that_flap_at_the_moment_of_going_live_leave_the_route_live(world):
    arn = world.deploy(world.register(LABELS, environment={"RESPOND": "/healthz=200 /=200"}), count=1)
    sick = [False]
    lattice.backend().health_check_allowed = lambda _ip, _port: not sick[0]
    for _ in range(120):
        world.run(10)
        sick[0] = not sick[0] and bool(world.claims(arn)) and "Live" in world.claims(arn).values()
    sick[0] = False
    comes_to_rest(world)
    assert world.claims(arn) == {"orders/default": "Live"}
    assert world.ask("orders", "/orders").status == 200
