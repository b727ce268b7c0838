"""Which security groups a label can open, and which rules the stack revokes."""

import dataclasses

import pytest

from ecs_lattice.ingress.limits import Limits
from tests.histories.checks import deployments_of, released
from tests.histories.labels import LABELS, hooked_up
from tests.histories.test_ingress import WEB, by_hand, group_of, killed, message_of, notices, settled, sweeps

ON_8090 = {**LABELS, "lattice.health.port": "8090"}
TWO = (("web", 8080), ("admin", 9090))


def tag(world, group: str, value: str) -> None:
    world.ec2.create_tags(Resources=[group], Tags=[{"Key": "ecs-lattice:ingress", "Value": value}])


def tag_service(world, arn: str, **tags: str) -> None:
    pairs = {f"lattice.{key.replace('_', '.')}": value for key, value in tags.items()}
    world.ecs.tag_resource(resourceArn=arn, tags=[{"key": key, "value": value} for key, value in pairs.items()])


def only_tagged(world) -> None:
    world.build(dataclasses.replace(world.settings, ingress_groups="tagged"))


@pytest.mark.parametrize("port", [22, 5432])
def test_a_health_port_that_no_container_maps_is_not_opened_and_the_route_is_not_attached(world, port):
    group = group_of(world, "database")
    arn = hooked_up(world, {**LABELS, "lattice.health.port": str(port)}, groups=[group])
    assert world.inbound(group) == {WEB}
    assert world.statuses(arn) == {"default": ("Refused", "HEALTH_PORT_NOT_MAPPED")}
    assert f"containerPort {port}" in message_of(world, arn, "HEALTH_PORT_NOT_MAPPED")
    assert "vpcLatticeConfigurations" not in world.primary(arn)
    released(world, arn, {**LABELS, "lattice.health.port": str(port)}, ports=(("web", 8080), ("", port)))
    world.run(1200)
    assert world.inbound(group) == {WEB, ("ours", "IPv4", port, port)}
    assert "vpcLatticeConfigurations" in world.primary(arn)


def test_a_health_port_that_somebody_else_has_opened_needs_no_mapping(world):
    group = group_of(world)
    by_hand(world, group, 8090)
    arn = hooked_up(world, {**LABELS, "lattice.health.port": "8090"}, groups=[group])
    assert "vpcLatticeConfigurations" in world.primary(arn)
    assert world.inbound(group) == {WEB, ("theirs", "IPv4", 8090, 8090)}


def test_the_routes_of_one_cluster_use_at_most_half_of_a_groups_quota(world):
    group = group_of(world, "database")
    ports = tuple((f"p{number}", 8000 + 10 * number) for number in range(5))
    labels = {"lattice.service": "orders", "lattice.listener": "HTTP:80"}
    for name, _ in ports:
        labels |= {f"lattice.routes.{name}.port": name, f"lattice.routes.{name}.path.prefix": f"/{name}"}
    arn = hooked_up(world, labels, ports=ports, groups=[group])
    assert len(world.inbound(group)) == 3
    assert [code for _, code in world.statuses(arn).values()] == [""] * 3 + ["INGRESS_HALF_USED"] * 2
    neighbour = hooked_up(world, {**LABELS, "lattice.service": "carts"}, family="carts", name="carts", groups=[group])
    assert world.statuses(neighbour)["default"] == ("Refused", "INGRESS_HALF_USED")
    assert len(world.inbound(group)) == 3


@pytest.mark.parametrize("mode", ["any", "tagged"])
def test_the_tag_of_a_group_decides_about_new_rules(world, mode):
    group = group_of(world)
    if mode == "tagged":
        only_tagged(world)
    else:
        tag(world, group, "off")
    arn = hooked_up(world, groups=[group])
    code = {"any": "INGRESS_TAGGED_OFF", "tagged": "INGRESS_NOT_TAGGED"}[mode]
    assert world.inbound(group) == set()
    assert world.statuses(arn) == {"default": ("Refused", code)}
    said = message_of(world, arn, code)
    assert f"Security group {group}" in said
    assert f"aws ec2 create-tags --resources {group} --tags Key=ecs-lattice:ingress,Value=on" in said
    assert list(world.registry.requirements()) == []
    assert "vpcLatticeConfigurations" not in world.primary(arn)
    tag(world, group, "on")
    world.run(1200)
    assert world.inbound(group) == {WEB}
    assert world.statuses(arn) == {"default": ("Live", "")}


def test_a_service_that_was_attached_harmlessly_opens_nothing_in_another_group(world):
    own, database = group_of(world), group_of(world, "database")
    tag(world, database, "off")
    arn = hooked_up(world, groups=[own])
    world.ecs.update_service(cluster="shop", service=arn, networkConfiguration=world.network_in(database))
    tag_service(world, arn, health_port="5432")
    sweeps(world, 4)
    assert world.inbound(database) == set()
    assert "INGRESS_TAGGED_OFF" in notices(world, arn)


def test_a_release_of_an_attached_service_moves_its_port_in_a_group_without_a_tag(world):
    group = group_of(world)
    arn = hooked_up(world, groups=[group])
    only_tagged(world)
    released(world, arn, LABELS, ports=(("web", 9090),))
    world.run(1200)
    assert deployments_of(world, arn)[-1] == "SUCCESSFUL"
    assert killed() == []
    assert world.statuses(arn) == {"default": ("Live", "")}


def test_a_refused_declaration_opens_nothing(world):
    group = group_of(world)
    arn = hooked_up(world, ports=TWO, groups=[group])
    tag_service(world, arn, routes_admin_port="admin", routes_admin_path_prefix="/admin")
    world.run(1200)
    assert "DEFAULT_ROUTE_LOST" in notices(world, arn)
    assert world.inbound(group) == {WEB}


def test_the_world_of_the_version_before_stays_as_it_is_for_a_day_of_sweeps(world, monkeypatch):
    """Ports that are not mapped, more than half of a quota, groups without a tag, rules that are not recorded."""
    group, other = group_of(world), group_of(world, "other")
    settled(world)
    with monkeypatch.context() as before:
        before.setattr(Limits, "violated", lambda *_: "")
        arn = hooked_up(world, ON_8090, environment={"LISTEN": "8080 8090"}, groups=[group])
        carts = {**LABELS, "lattice.service": "carts", "lattice.health.port": "9000"}
        listens, more = {"LISTEN": "7000 9000"}, {"family": "carts", "name": "carts", "ports": (("web", 7000),)}
        second = hooked_up(world, carts, environment=listens, groups=[group], **more)
        gone = hooked_up(world, {**LABELS, "lattice.service": "gone"}, family="gone", name="gone", groups=[other])
    world.ecs.delete_service(cluster="shop", service=gone, force=True)
    world.run(1200)
    for item in world.dynamodb.scan(TableName="registry")["Items"]:
        if item["sk"]["S"].startswith("rule#") or item["pk"]["S"] == "stack#authorized-rules":
            world.dynamodb.delete_item(TableName="registry", Key={name: item[name] for name in ("pk", "sk")})
    inbound, statuses, graph = world.inbound(group), [world.statuses(one) for one in (arn, second)], world.graph()
    assert (len(inbound), world.inbound(other)) == (4, {WEB})
    assert statuses == [{"default": ("Live", "")}] * 2
    world.build(dataclasses.replace(world.settings, ingress_groups="tagged"))
    tag(world, group, "off")
    for _ in range(24):
        world.run(3600)
        assert world.resync.sweep(600).notices == ()
        assert world.inbound(group) == inbound
        world._drain()
    assert [world.statuses(one) for one in (arn, second)] == statuses
    assert {name: graph[name] for name in ("orders", "carts")} == {
        name: world.graph()[name] for name in ("orders", "carts")
    }
    assert world.inbound(other) == set()  # nobody requires it any more: as before
    world.ecs.delete_service(cluster="shop", service=arn, force=True)
    world.ecs.delete_service(cluster="shop", service=second, force=True)
    sweeps(world, 4)
    assert world.inbound(group) == set()


def test_after_a_lost_table_the_ports_of_attached_services_are_required_again_whatever_the_limits(world, monkeypatch):
    group = group_of(world)
    settled(world)
    with monkeypatch.context() as before:
        before.setattr(Limits, "violated", lambda *_: "")
        arn = hooked_up(world, ON_8090, environment={"LISTEN": "8080 8090"}, groups=[group])
    tag(world, group, "off")
    inbound = world.inbound(group)
    for item in world.dynamodb.scan(TableName="registry")["Items"]:
        world.dynamodb.delete_item(TableName="registry", Key={name: item[name] for name in ("pk", "sk")})
    for _ in range(6):
        world.run(900)
        assert world.resync.sweep(600).notices == ()
        world._drain()
    assert world.inbound(group) == inbound
    assert world.statuses(arn) == {"default": ("Live", "")}
    world.ecs.delete_service(cluster="shop", service=arn, force=True)
    sweeps(world, 4)
    assert world.inbound(group) == set()


def test_a_rule_that_somebody_tags_as_ours_is_reported_by_the_resync_and_goes_with_the_uninstall(world, caplog):
    group = group_of(world)
    by_hand(world, group, 5432)
    rules = world.ec2.describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [group]}])
    (rule,) = [one for one in rules["SecurityGroupRules"] if not one["IsEgress"]]
    owner = {"Key": "ecs-lattice:owner", "Value": world.settings.owner}
    settled(world)
    world.ec2.create_tags(Resources=[rule["SecurityGroupRuleId"]], Tags=[owner])
    sweeps(world, 4)
    (notice,) = world.resync.sweep(600).notices
    command = f"aws ec2 revoke-security-group-ingress --group-id {group} --security-group-rule-ids"
    assert "INGRESS_UNKNOWN_RULE" in notice
    assert f"{command} {rule['SecurityGroupRuleId']} --region us-east-1" in notice
    assert notice in caplog.text
    assert world.inbound(group) == {("ours", "IPv4", 5432, 5432)}
    for _ in range(4):
        left = world.uninstall.run()["left"]
        world._drain()
        world.run(600)
    assert left["securityGroupRules"] == []
    assert world.inbound(group) == set()
