"""A live route whose Lattice service changes: it is not taken away before it is live at the other one."""

import dataclasses
from collections.abc import Iterator

import pytest

from ecs_lattice.model import ServiceId
from local_aws import inprocess
from tests.histories.checks import answers, comes_to_rest, released, states_without_reason
from tests.histories.labels import LABELS as CHECKED
from tests.histories.labels import hooked_up
from tests.tenants.direct import DirectWorld
from tests.world import SETTINGS

LABELS = {**CHECKED, "lattice.health.enabled": "false"}
MOVED = {**LABELS, "lattice.service": "theirs"}
GRACE, DRIFT = 900, 1800
NAMES = ("a", "b", "c", "d", "e")
PORTS = tuple((name, 8080 + number) for number, name in enumerate(NAMES))
DOMAIN = {"lattice.domain": "orders.example.com"}


@pytest.fixture
def world() -> Iterator[DirectWorld]:
    """A world of many hours: without HTTP, without health checks, and with every Lattice service read each half hour."""
    with inprocess.started() as machine:
        made = DirectWorld(machine, dataclasses.replace(SETTINGS, drift_hours=DRIFT / 3600))
        made.make_cluster()
        made.associate_vpc(made.make_network())
        yield made
        assert states_without_reason(made) == []


def notices(world, arn: str, route: str = "default") -> dict[str, str]:
    """The notices of all routes of this name, by code."""
    found = (status for status in world.ecs_side.status(ServiceId(arn)) if status.route == route)
    return {notice.code: notice.message for status in found for notice in status.notices}


def statuses(world, arn: str) -> dict[str, tuple[str, str]]:
    """State and code of each route, by Lattice service and name."""
    return {
        f"{status.lattice_service}/{status.route}": (status.state, status.code)
        for status in world.ecs_side.status(ServiceId(arn))
    }


def status_of(world, service: str, path: str) -> int:
    """The status with which a Lattice service answers; 0: there is none of this name, nothing listens, or somebody else
    answers."""
    try:
        answer = world.ask(service, path)
    except (StopIteration, ConnectionRefusedError):
        return 0
    return answer.status if answer.status != 200 or b'"orders:' in answer.body else 0


def answered(world, path: str, *services: str) -> list[str]:
    """From now on a client that moves as soon as the route is live at another Lattice service gets its answers: one of
    those that are named answers. The names can be added to."""
    named = list(services)

    def question() -> str | None:
        found = {service: status_of(world, service, path) for service in named}
        return None if 200 in found.values() else f"{path}: {found} at {world.clock.time():.0f}"

    world.watch(question)
    return named


def swept(world, seconds: int) -> None:
    """So many seconds, with a resync every quarter of an hour."""
    for _ in range(seconds // 900):
        world.run(900)
        world.sweep()
    world.run(120)


# Held by another.


def foreign(world) -> None:
    world.lattice.create_service(name="theirs")


def foreign_goes(world) -> None:
    """Its owner deletes it; nothing in this account says so before the next look."""
    (found,) = [each["id"] for each in world._all("list_services") if each["name"] == "theirs"]
    world.lattice.delete_service(serviceIdentifier=found)


def of_another_cluster(world) -> str:
    world.make_cluster("rivals")
    arn = world.deploy(world.register({**MOVED, "lattice.path.prefix": "/"}, "rivals"), name="rivals", cluster="rivals")
    world.run(1200)
    return arn


def another_cluster_goes(world) -> None:
    world.ecs.delete_service(cluster="rivals", service="rivals", force=True)
    world.run(3600)
    (found,) = [each["arn"] for each in world._all("list_services") if each["name"] == "theirs"]
    world.lattice.untag_resource(resourceArn=found, tagKeys=["ecs-lattice:holder"])


def of_another_ecs_service(world) -> str:
    return hooked_up(world, MOVED, family="carts", name="carts")


def another_ecs_service_goes(world) -> None:
    world.ecs.delete_service(cluster="shop", service="carts", force=True)


HOLDERS = {
    "a foreign Lattice service": (foreign, foreign_goes, ("Refused", "FOREIGN_SERVICE")),
    "another cluster": (of_another_cluster, another_cluster_goes, ("Conflicted", "HELD_BY_OTHER")),
    "another ECS service": (of_another_ecs_service, another_ecs_service_goes, ("Conflicted", "MATCH_TAKEN")),
}


@pytest.mark.parametrize("holder", HOLDERS)
def test_a_route_stays_for_as_long_as_its_successor_is_held_by_another_and_then_moves(world, holder):
    world.registry.put_document("stack", "marker", "{}")
    is_held, goes, told = HOLDERS[holder]
    is_held(world)
    arn = hooked_up(world)
    named = answered(world, "/orders", "orders")
    released(world, arn, MOVED)
    swept(world, 3 * 3600)
    assert world.wrong == []
    assert statuses(world, arn) == {"orders/default": ("Live", ""), "theirs/default": told}
    assert told[1] in notices(world, arn)["MOVE_BLOCKED"]
    named.append("theirs")
    goes(world)
    swept(world, DRIFT + 2 * GRACE + 900)
    assert statuses(world, arn) == {"theirs/default": ("Live", "")}
    assert notices(world, arn) == {}
    assert world.wrong == []
    assert world.dead == []


def test_a_route_that_nobody_keeps_from_moving_says_nothing_and_is_answered_all_the_time(world):
    arn = hooked_up(world)
    answered(world, "/orders", "orders", "theirs")
    released(world, arn, MOVED)
    blocked = []
    for _ in range(60):
        world.run(60)
        blocked += [notices(world, arn)] if "MOVE_BLOCKED" in notices(world, arn) else []
    assert statuses(world, arn) == {"theirs/default": ("Live", "")}
    assert world.wrong == []
    assert blocked == []


# Room and domain: what the message says is done.


def five(**more: str) -> dict[str, str]:
    """The labels of five routes, each on a port of its own."""
    paths = {f"lattice.routes.{name}.path.prefix": f"/{name}" for name in NAMES}
    ports = {f"lattice.routes.{name}.port": name for name in NAMES}
    return {
        "lattice.service": "orders",
        "lattice.listener": "HTTP:80",
        "lattice.health.enabled": "false",
        **paths,
        **ports,
        **more,
    }


def test_five_routes_without_room_for_their_successors_move_by_the_steps_of_the_message(world):
    made = {"ports": PORTS, "environment": {"STOP_SECONDS": "10"}}
    arn = hooked_up(world, five(), **made)
    for name in NAMES:
        answered(world, f"/{name}", "orders", "theirs")
    moved = five(**{"lattice.service": "theirs"})
    released(world, arn, moved, **made)
    swept(world, 3 * 3600)
    assert {world.claims(arn)[f"orders/{name}"] for name in NAMES} == {"Live"}
    assert {statuses(world, arn)[f"theirs/{name}"] for name in NAMES} == {("Refused", "TOO_MANY_CONFIGURATIONS")}
    for name in NAMES:
        assert f"(1) Declare lattice.routes.{name}.targets = controller" in notices(world, arn, name)["MOVE_BLOCKED"]
    controller = {f"lattice.routes.{name}.targets": "controller" for name in NAMES}
    released(world, arn, {**moved, **controller}, **made)
    swept(world, 3600)
    assert statuses(world, arn) == {f"theirs/{name}": ("Live", "") for name in NAMES}
    assert not world.primary(arn).get("vpcLatticeConfigurations")
    released(world, arn, moved, **made)
    swept(world, 3600)
    assert statuses(world, arn) == {f"theirs/{name}": ("Live", "") for name in NAMES}
    assert len(world.primary(arn)["vpcLatticeConfigurations"]) == 5
    assert world.wrong == []
    comes_to_rest(world)


def test_a_route_whose_domain_cannot_move_moves_by_the_steps_of_the_message(world):
    arn = hooked_up(world, {**LABELS, **DOMAIN})
    answered(world, "/orders", "orders", "theirs", "third")
    released(world, arn, {**MOVED, **DOMAIN})
    swept(world, 3 * 3600)
    assert statuses(world, arn) == {"orders/default": ("Live", ""), "theirs/default": ("Refused", "DOMAIN_TAKEN")}
    steps = notices(world, arn)["MOVE_BLOCKED"]
    assert "(1) Declare a lattice.service that does not exist yet, with another lattice.domain or none" in steps
    released(world, arn, {**LABELS, "lattice.service": "third"})
    swept(world, 3600)
    assert statuses(world, arn) == {"third/default": ("Live", "")}
    assert world.wrong == []
    assert [status_of(world, name, "/orders") for name in ("orders", "third")] == [404, 200]
    comes_to_rest(world)


def test_the_same_domain_in_another_service_network_does_not_keep_a_route_from_moving(world):
    world.associate_vpc(world.make_network("public"), world.ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"])
    arn = hooked_up(world, {**LABELS, **DOMAIN})
    released(world, arn, {**MOVED, **DOMAIN, "lattice.network": "public"})
    blocked = []
    for _ in range(60):
        world.run(60)
        blocked += [notices(world, arn)] if "MOVE_BLOCKED" in notices(world, arn) else []
    assert statuses(world, arn) == {"theirs/default": ("Live", "")}
    assert blocked == []


# What overrides it.


def held(world) -> str:
    """An ECS service whose route cannot move; its ARN."""
    world.registry.put_document("stack", "marker", "{}")
    foreign(world)
    arn = hooked_up(world)
    released(world, arn, MOVED)
    world.run(7200)
    assert statuses(world, arn)["orders/default"] == ("Live", "")
    return arn


def test_remove_gives_a_route_up_whose_successor_is_not_live(world):
    arn = held(world)
    assert "lattice.routes.default.remove = true" in notices(world, arn)["MOVE_BLOCKED"]
    released(world, arn, {**MOVED, "lattice.routes.default.remove": "true"})
    world.run(300)
    assert world.ask("orders", "/orders").status == 200
    swept(world, 2 * GRACE)
    assert world.ask("orders", "/orders").status == 404
    assert statuses(world, arn) == {}
    released(world, arn, MOVED)
    swept(world, 3600)
    assert statuses(world, arn) == {"theirs/default": ("Refused", "FOREIGN_SERVICE")}


def test_an_uninstall_takes_a_route_away_whose_successor_is_not_live(world):
    arn = held(world)
    left: dict[str, list[str]] = {}
    for _ in range(12):
        left = world.uninstall.run()["left"]
        world.run(300)
    assert {kind: names for kind, names in left.items() if names} == {}
    assert world.claims(arn) == {}
    assert [each["name"] for each in world._all("list_services")] == ["theirs"]


def test_deleting_the_ecs_service_ends_a_move_that_is_blocked(world):
    arn = held(world)
    world.ecs.delete_service(cluster="shop", service=arn, force=True)
    world.run(120)
    assert world.ask("orders", "/orders").status == 404
    swept(world, 2 * GRACE)
    assert world.claims(arn) == {}
    assert world._all("list_target_groups") == []


def test_a_route_that_is_in_conflict_where_it_is_live_stays_until_it_has_moved(world):
    """A joint setting that the others do not ask for makes a route Conflicted, and its requests still come."""
    foreign(world)
    hooked_up(world, {**LABELS, "lattice.path.prefix": "/", "lattice.idle-timeout": "60"}, family="other", name="other")
    arn = hooked_up(world, {**LABELS, "lattice.idle-timeout": "60"})
    answers(world, "orders", "/orders", b"orders:")
    released(world, arn, {**LABELS, "lattice.idle-timeout": "120"})
    world.run(1800)
    assert statuses(world, arn) == {"orders/default": ("Conflicted", "SERVICE_KEY_DIFFERS")}
    released(world, arn, MOVED)
    swept(world, 3 * 3600)
    assert world.wrong == []
    assert statuses(world, arn)["theirs/default"] == ("Refused", "FOREIGN_SERVICE")
    assert "MOVE_BLOCKED" in notices(world, arn)
    comes_to_rest(world, requests=20)
