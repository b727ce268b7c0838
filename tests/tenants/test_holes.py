"""Ways to speak for another that a stranger to the code found, each as a history: what the other one has does not change."""

import dataclasses

import pytest

from local_aws import lattice
from tests.tenants.playing import POWERLESS, powerless_role
from tests.tenants.tenants import (
    OURS,
    RIVALS,
    account,
    at,
    codes,
    holder,
    hours,
    lose_table,
    released,
    resynced,
    running,
    state,
    tagged,
    texts,
    who,
)

INFRASTRUCTURE = "arn:aws:iam::123456789012:role/ecs-infrastructure"
OTHER_PORT = (("web", 8080), ("next", 9000))


def listing(group: str, role: str):
    return {"vpcLatticeConfigurations": [{"roleArn": role, "targetGroupArn": group, "portName": "web"}]}


def group_by_hand(world) -> str:
    vpc = world.ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
    config = {
        "port": 8080,
        "protocol": "HTTP",
        "vpcIdentifier": vpc,
        "healthCheck": {"enabled": True, "path": "/healthz"},
    }
    return world.lattice.create_target_group(name="by-hand", type="IP", config=config)["arn"]


def with_a_group_of_its_own(world, group: str) -> str:
    victim = running(world, "victim", at("/v1"), **listing(group, POWERLESS))
    world.ecs.update_service(cluster=OURS, service=victim, **listing(group, INFRASTRUCTURE))
    hours(world, 1)
    assert who(world, "/v1") == "victim"
    return victim


@pytest.mark.parametrize("cluster", [RIVALS, OURS])
def test_a_group_that_somebody_made_by_hand_stays_with_the_route_that_was_live_with_it(cluster):
    with account() as world, powerless_role():
        running(world, "first", at("/first"))
        group = group_by_hand(world)
        victim = with_a_group_of_its_own(world, group)
        intruder = running(world, "intruder", at("/x"), cluster, **listing(group, POWERLESS))
        released(world, victim, at("/v2"))
        hours(world, 1)
        assert (state(world, victim), who(world, "/v2")) == ("Live", "victim")
        assert state(world, intruder) != "Live"


def test_whoever_names_the_group_of_another_does_not_become_the_holder():
    with account() as world, powerless_role():
        group = group_by_hand(world)
        intruder = running(world, "intruder", at("/x", pause="true"), RIVALS, **listing(group, POWERLESS))
        victim = with_a_group_of_its_own(world, group)
        service = next(iter(lattice.backend().services.values()))
        world.lattice.untag_resource(resourceArn=service.arn, tagKeys=["ecs-lattice:holder"])
        hours(world, 8)
        assert holder(world) == "cluster/shop"
        assert (state(world, victim), who(world, "/v1")) == ("Live", "victim")
        assert state(world, intruder) == "Conflicted"


def test_a_second_route_of_a_port_does_not_get_the_default_action_of_a_listener_made_by_hand():
    with account() as world:
        arn = running(world, "victim", at("/orders"))
        service = next(iter(lattice.backend().services.values()))
        action = {"fixedResponse": {"statusCode": 500}}
        made = world.lattice.create_listener(
            serviceIdentifier=service.id, name="by-hand", protocol="HTTP", port=8080, defaultAction=action
        )
        hours(world, 2)
        common = {key: value for key, value in at("/orders").items() if "path" not in key and "listener" not in key}
        routes = {"default.listener": "HTTP:80", "default.path.prefix": "/orders", "x.listener": "HTTP:8080"}
        released(world, arn, {**common, **{f"lattice.routes.{key}": value for key, value in routes.items()}})
        hours(world, 1)
        ids = {"serviceIdentifier": service.id, "listenerIdentifier": made["id"]}
        assert world.lattice.get_listener(**ids)["defaultAction"] == action
        assert (state(world, arn, "x"), state(world, arn)) == ("Conflicted", "Live")
        assert "FOREIGN_LISTENER" in codes(world, arn)


def test_a_claim_that_was_paused_before_it_was_live_has_no_part_in_a_shared_match():
    with account() as world:
        victim = running(world, "victim", at("/orders", weight="100"))
        running(world, "paused", at("/orders", weight="1", pause="true"))
        released(world, victim, at("/orders", weight="100", port="next"), ports=OTHER_PORT)
        hours(world, 2)
        assert (state(world, victim), who(world, "/orders")) == ("Live", "victim")


def test_who_waits_for_a_paused_share_of_its_match_is_told_whose():
    with account() as world:
        victim = running(world, "victim", at("/orders", weight="100"))
        mate = running(world, "mate", at("/orders", weight="100"))
        tagged(world, mate, pause="true")
        hours(world, 1)
        released(world, victim, at("/orders", weight="100", port="next"), ports=OTHER_PORT)
        hours(world, 1)
        assert "shop/mate shares it and is paused" in texts(world, victim)


@pytest.mark.parametrize("first", [{"network": "nowhere", "weight": "1"}, {"pause": "true", "weight": "1"}])
def test_who_stops_sharing_a_match_is_the_one_in_conflict(first):
    with account() as world:
        mate = running(world, "mate", at("/orders", **first))
        victim = running(world, "victim", at("/orders", weight="100"))
        released(world, mate, at("/orders", weight="5"))
        hours(world, 1)
        released(world, mate, at("/orders"))
        hours(world, 1)
        assert (state(world, victim), state(world, mate)) == ("Live", "Conflicted")
        released(world, victim, at("/orders", weight="100", port="next"), ports=OTHER_PORT)
        hours(world, 1)
        assert state(world, victim) == "Live"
        assert "503" not in {who(world, "/orders") for _ in range(40)}


LOST = {
    "a wrong value": (at("/a", auth="maybe"), {}),
    "too many networks": (at("/a", network=" ".join(f"net-{number}" for number in range(11))), {}),
    "a network that is not allowed any more": (at("/a"), {"allowed_networks": ("nothing",)}),
}


@pytest.mark.parametrize("what", LOST)
def test_what_serves_survives_a_lost_table_while_its_declaration_is_refused(what):
    labels, parameters = LOST[what]
    with account() as world:
        for number in range(11):
            world.make_network(f"net-{number}")
        arn = running(world, "victim", at("/a"))
        if parameters:
            world.build(dataclasses.replace(world.settings, **parameters))
        released(world, arn, labels)
        hours(world, 1)
        assert who(world, "/a") == "victim"
        lose_table(world)
        for _ in range(8):
            resynced(world)
            assert who(world, "/a") == "victim"
        world.build(dataclasses.replace(world.settings, allowed_networks=()))
        released(world, arn, at("/a"))
        hours(world, 2)
        assert (state(world, arn), who(world, "/a")) == ("Live", "victim")


def test_more_live_routes_than_max_routes_survive_a_lost_table():
    def routes(number: int):
        common = {key: value for key, value in at("/a").items() if "path" not in key}
        return {**common, **{f"lattice.routes.r{n}.path.prefix": f"/r{n}" for n in range(number)}}

    with account(max_routes=100) as world:
        arn = running(world, "victim", routes(3))
        world.build(dataclasses.replace(world.settings, max_routes=2))
        hours(world, 1)
        lose_table(world)
        for _ in range(8):
            resynced(world)
            assert [who(world, f"/r{n}") for n in range(3)] == ["victim"] * 3
        assert state(world, arn, "r0") == "Live"


def test_an_outsider_that_comes_first_after_a_lost_table_makes_nothing():
    with account() as world:
        running(world, "victim", at("/orders"))
        outsider = running(world, "outsider", at("/other"), RIVALS)
        lose_table(world)
        groups = set(lattice.backend().target_groups)
        tagged(world, outsider, network="platform")
        world.run(600)
        assert set(lattice.backend().target_groups) == groups
        assert state(world, outsider) == "Conflicted"
        assert who(world, "/orders") == "victim"
