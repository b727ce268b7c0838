"""One route from the first claim until nothing is left of it, on the local VPC Lattice."""

import dataclasses

import pytest

from ecs_lattice.outcome import Done, NotYet, Refused
from tests.lattice_side.stage import GRACE, HTTP, HTTPS, NAME, SETTINGS, SETTLE, TLS, Stage, path, service

WEB, API = service("web"), service("api")


def test_a_new_route_is_made_parked_and_answered_wired(stage: Stage) -> None:
    stage.attaches = False
    stage.claim(WEB, stage.route("orders", path("/orders")))
    assert stage.settle() == Done()
    assert stage.state(WEB, "orders") == "Wired"
    assert stage.record(WEB, "orders").answer.code == "NOT_ATTACHED"
    (rule,) = stage.rules()
    assert rule["match"]["httpMatch"]["headerMatches"][0]["name"] == "ecs-lattice-parked"
    assert stage.ask("/orders") == "404"


def test_a_route_takes_traffic_once_its_tasks_answer(stage: Stage) -> None:
    stage.claim(WEB, stage.route("orders", path("/orders")))
    stage.settle()
    assert stage.state(WEB, "orders") == "Live"
    assert stage.ask("/orders/1") == "prod/web:http"
    assert stage.ask("/other") == "404"


def test_a_route_whose_tasks_are_sick_stays_parked(stage: Stage) -> None:
    stage.sick.add("prod/web:http")
    stage.claim(WEB, stage.route("orders", path("/orders")))
    stage.work(600)
    assert stage.state(WEB, "orders") == "Wired"
    assert stage.record(WEB, "orders").answer.code == "WAITING_FOR_TARGETS"
    assert stage.ask("/orders") == "404"
    stage.vanish(WEB, "orders")
    stage.reconcile()
    assert (stage.state(WEB, "orders"), stage.record(WEB, "orders").answer.code) == ("Wired", "VANISHED")


def test_a_live_route_stays_live_when_its_tasks_become_sick(stage: Stage) -> None:
    stage.claim(WEB, stage.route("orders", path("/orders")))
    stage.settle()
    stage.sick.add("prod/web:http")
    with stage.writes() as made:
        stage.work(120)
    assert made == []
    assert stage.state(WEB, "orders") == "Live"


def test_a_second_reconcile_writes_nothing_anywhere(stage: Stage) -> None:
    stage.claim(WEB, stage.route("orders", path("/orders")))
    stage.claim(WEB, stage.route("default", auth="AWS_IAM", idle_timeout=120))
    stage.settle()
    before = stage.registry.lattice(NAME), stage.records()
    with stage.writes() as made:
        assert stage.reconcile() == Done()
    assert made == []
    assert (stage.registry.lattice(NAME), stage.records()) == before


def test_a_vanished_route_serves_through_its_grace_and_then_leaves_nothing(stage: Stage) -> None:
    stage.claim(WEB, stage.route("orders", path("/orders")))
    stage.settle()
    stage.vanish(WEB, "orders")
    with stage.writes() as made:
        outcome = stage.reconcile()
    assert outcome == NotYet.until(int(GRACE), "GRACE")
    assert made == []
    stage.clock.advance(GRACE - 1)
    stage.reconcile()
    assert stage.ask("/orders") == "prod/web:http"
    stage.clock.advance(1)
    stage.reconcile()
    assert stage.state(WEB, "orders") == "Parked"
    assert stage.ask("/orders") == "404"
    assert len(stage.rules()) == 1
    stage.settle()
    assert stage.records() == ()
    assert stage.rules() == []
    assert stage.groups() == []


def test_a_route_that_comes_back_in_its_grace_is_not_touched(stage: Stage) -> None:
    stage.claim(WEB, stage.route("orders", path("/orders")))
    stage.settle()
    stage.vanish(WEB, "orders")
    stage.work(300)
    with stage.writes() as made:
        stage.claim(WEB, stage.route("orders", path("/orders")))
        assert stage.settle() == Done()
    assert made == []


def test_a_deleted_service_takes_no_traffic_at_once_but_its_match_is_kept_for_it(stage: Stage) -> None:
    stage.claim(WEB, stage.route("orders", path("/orders")))
    stage.settle()
    stage.claim(API, stage.route("orders", path("/orders")), created_at=2.0)
    stage.settle()
    assert stage.record(API, "orders").answer.code == "MATCH_TAKEN"
    stage.vanish(WEB, "orders", "deleted")
    stage.work(60)
    assert stage.ask("/orders") == "404"
    assert stage.state(API, "orders") == "Conflicted"
    stage.work(GRACE)
    stage.settle()
    assert stage.ask("/orders") == "prod/api:http"
    assert [r.claim.service for r in stage.records()] == [API]


def test_a_default_route_waits_in_a_parked_rule_that_goes_after_it_has_settled(stage: Stage) -> None:
    stage.claim(WEB, stage.route())
    stage.attaches = False
    stage.settle()
    assert len(stage.rules()) == 1
    assert stage.ask("/") == "404"
    stage.attaches = True
    stage.work(30)
    assert stage.ask("/") == "prod/web:http"
    assert len(stage.rules()) == 1
    stage.work(SETTLE + 1)
    assert stage.rules() == []
    assert stage.state(WEB) == "Live"


def test_a_default_route_goes_back_into_a_parked_rule_before_404_is_answered(stage: Stage) -> None:
    stage.claim(WEB, stage.route())
    stage.settle()
    stage.vanish(WEB)
    stage.clock.advance(GRACE)
    with stage.writes() as made:
        stage.reconcile()
    assert made[:2] == ["CreateRule", "UpdateListener"]
    assert stage.state(WEB) == "Parked"
    stage.settle()
    assert stage.rules() == []
    assert stage.groups() == []
    assert stage.ask("/") == "404"


def test_a_changed_path_is_one_update_of_the_same_rule(stage: Stage) -> None:
    stage.claim(WEB, stage.route("orders", path("/orders")))
    stage.settle()
    with stage.writes() as made:
        stage.claim(WEB, stage.route("orders", path("/purchases")))
        assert stage.settle() == Done()
    assert made == ["UpdateRule"]
    assert stage.ask("/purchases") == "prod/web:http"


def test_a_renamed_route_changes_nothing_in_lattice(stage: Stage) -> None:
    stage.claim(WEB, stage.route("orders", path("/orders")))
    stage.settle()
    with stage.writes() as made:
        stage.vanish(WEB, "orders")
        stage.claim(WEB, stage.route("purchases", path("/orders")))
        stage.settle()
    assert made == []
    assert [r.claim.route.name for r in stage.records()] == ["purchases"]


def test_a_route_that_moves_to_another_port_joins_at_weight_0_and_the_old_group_leaves_later(stage: Stage) -> None:
    stage.claim(WEB, stage.route("orders", path("/orders")))
    stage.settle()
    seen: set[str] = set()
    stage.claim(WEB, stage.route("orders", path("/orders"), port_name="other"))
    weights: set[tuple[int, ...]] = set()

    def look() -> None:
        seen.add(stage.ask("/orders"))
        groups = stage.rules()[0]["action"]["forward"]["targetGroups"]
        weights.add(tuple(sorted(group["weight"] for group in groups)))

    stage.settle(each=look)
    assert seen == {"prod/web:http", "prod/web:other"}
    assert weights == {(100,), (0, 100)}
    assert stage.ask("/orders") == "prod/web:other"
    assert len(stage.groups()) == 1


def test_a_route_on_two_listeners_has_a_rule_on_each(stage: Stage) -> None:
    stage.claim(WEB, stage.route("orders", path("/orders"), listeners=(HTTP, HTTPS)))
    stage.settle()
    assert stage.ask("/orders") == stage.ask("/orders", port=443) == "prod/web:http"


def test_a_route_that_moves_to_another_listener_leaves_the_old_one_after_the_new_one_has_settled(stage: Stage) -> None:
    stage.claim(WEB, stage.route("orders", path("/orders")))
    stage.settle()
    stage.claim(WEB, stage.route("orders", path("/orders"), listeners=(HTTPS,)))
    stage.work(20)
    assert stage.ask("/orders") == stage.ask("/orders", port=443) == "prod/web:http"
    stage.settle()
    assert stage.ask("/orders") == "404"
    assert stage.rules() == []
    assert stage.ask("/orders", port=443) == "prod/web:http"


def test_a_path_route_becomes_the_default_route_without_a_hole_and_back(stage: Stage) -> None:
    stage.claim(WEB, stage.route("orders", path("/orders")))
    stage.settle()
    seen: set[str] = set()
    stage.claim(WEB, stage.route("orders"))
    stage.settle(each=lambda: seen.add(stage.ask("/orders")))
    assert stage.ask("/x") == "prod/web:http"
    assert stage.rules() == []
    stage.claim(WEB, stage.route("orders", path("/orders")))
    stage.settle(each=lambda: seen.add(stage.ask("/orders")))
    assert stage.ask("/x") == "404"
    assert seen == {"prod/web:http"}


def test_a_passthrough_listener_comes_with_its_first_route_and_goes_with_its_last(stage: Stage) -> None:
    route = stage.route("tls", listeners=(TLS,), protocol="TCP", protocol_version=None, domain="shop.example.com")
    stage.claim(WEB, dataclasses.replace(route, health=dataclasses.replace(route.health, enabled=False)))
    stage.settle()
    assert stage.state(WEB, "tls") == "Live"
    stage.vanish(WEB, "tls")
    stage.settle()
    assert stage.records() == ()
    assert stage.lattice.list_listeners(serviceIdentifier=stage.service_id())["items"] == []
    assert stage.groups() == []


def test_a_paused_route_is_left_as_it_is_whatever_it_asks_for(stage: Stage) -> None:
    stage.claim(WEB, stage.route("orders", path("/orders")))
    stage.settle()
    with stage.writes() as made:
        stage.claim(WEB, stage.route("orders", path("/other"), pause=True))
        stage.settle()
        stage.vanish(WEB, "orders")
        stage.work(2 * GRACE)
    assert made == []
    assert stage.state(WEB, "orders") == "Paused"
    assert stage.ask("/orders") == "prod/web:http"


def test_a_lattice_service_without_routes_is_kept_with_its_listener_and_association(stage: Stage) -> None:
    stage.claim(WEB, stage.route())
    stage.settle()
    stage.vanish(WEB)
    stage.settle()
    stage.work(3600)
    assert stage.ask("/") == "404"
    found = stage.lattice.list_service_network_service_associations(serviceIdentifier=stage.service_id())["items"]
    assert [one["status"] for one in found] == ["ACTIVE"]


def test_a_lattice_service_without_routes_is_deleted_where_the_stack_says_so(stage: Stage) -> None:
    stage.use(dataclasses.replace(SETTINGS, delete_empty_services=True))
    stage.claim(WEB, stage.route())
    stage.settle()
    stage.vanish(WEB)
    stage.settle()
    assert stage.lattice.list_services()["items"] != []
    stage.registry.put_document("stack", "marker", "{}")
    assert stage.settle() == Done()
    assert stage.lattice.list_services()["items"] == []


def test_more_removals_than_the_ceiling_are_held_until_somebody_approves(stage: Stage) -> None:
    stage.use(dataclasses.replace(SETTINGS, max_removals=1))
    for name in ("a", "b"):
        stage.claim(WEB, stage.route(name, path(f"/{name}"), port_name=name))
    stage.settle()
    for name in ("a", "b"):
        stage.vanish(WEB, name)
    stage.clock.advance(GRACE)
    assert stage.reconcile() is not None
    stage.work(120)
    held = [r for r in stage.records() if r.answer.code == "REMOVALS_HELD"]
    assert len(held) == 1
    assert held[0].answer.state == "Live"
    assert stage.ask(f"/{held[0].claim.route.name}") != "404"
    stage.registry.put_document("stack", "removals-approved", f'{{"until": {stage.clock.time() + 900}}}')
    stage.settle()
    assert stage.records() == ()


@pytest.mark.parametrize("network", ["unknown", "sn-0123456789abcdef0"])
def test_an_unknown_network_refuses_the_route_and_makes_nothing(stage: Stage, network: str) -> None:
    stage.claim(WEB, stage.route(networks=(network,)))
    with stage.writes() as made:
        outcome = stage.reconcile()
    assert isinstance(outcome, Refused)
    assert outcome.problems[0].code == "NETWORK_UNKNOWN"
    assert made == []


def test_a_group_that_a_deployment_still_names_is_kept_with_its_parked_rule_though_it_is_empty(stage: Stage) -> None:
    stage.attaches = False
    stage.claim(WEB, stage.route("orders", path("/orders")))
    stage.settle()
    gone = dataclasses.replace(stage.record(WEB, "orders").claim, phase="deleted", since=stage.clock.time(), named=True)
    stage.registry.put_claim(gone)
    for _ in range(3):
        stage.reconcile()
        stage.clock.advance(GRACE)
    assert stage.state(WEB, "orders") == "Parked"
    assert (len(stage.rules()), len(stage.groups())) == (1, 1)
    stage.registry.put_claim(dataclasses.replace(gone, named=False))
    stage.settle()
    assert stage.records() == ()
    assert stage.groups() == []


def test_a_replaced_group_stays_in_the_rule_at_weight_0_while_tasks_are_in_it(stage: Stage) -> None:
    stage.claim(WEB, stage.route("orders", path("/orders")))
    stage.settle()
    stage.claim(WEB, stage.route("orders", path("/orders"), port_name="other"))
    stage.work(300)
    (rule,) = stage.rules()
    assert sorted(group["weight"] for group in rule["action"]["forward"]["targetGroups"]) == [0, 100]
    assert len(stage.groups()) == 2


def test_a_group_made_by_somebody_else_is_used_as_it_is_and_never_changed_or_deleted(stage: Stage) -> None:
    config = {"port": 80, "protocol": "HTTP", "vpcIdentifier": stage.vpc}
    arn = stage.lattice.create_target_group(name="theirs", type="IP", config=config)["arn"]
    stage.clock.advance(10)
    stage.claim(WEB, stage.route("orders", path("/orders")), own_group=arn)
    with stage.writes() as made:
        stage.settle()
        assert stage.ask("/orders") == "prod/web:http"
        stage.vanish(WEB, "orders", "deleted")
        stage.settle()
    assert stage.records() == ()
    assert stage.rules() == []
    assert stage.groups() == ["theirs"]
    assert not {"CreateTargetGroup", "UpdateTargetGroup", "DeleteTargetGroup"} & set(made)
