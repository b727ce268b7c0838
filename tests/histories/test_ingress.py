"""Security groups are opened before the tasks are attached, for every deployment, and no longer than required."""

import pytest
from botocore.exceptions import ClientError

from ecs_lattice.custom_resource.resource import open_groups
from ecs_lattice.ingress.model import AllowedPorts, PortRange
from ecs_lattice.messages.requests import ReconcileRequest
from ecs_lattice.model import ServiceId
from local_aws import ec2 as security
from local_aws.services import events
from tests.histories.checks import answers, comes_to_rest, deployments_of, failing, released
from tests.histories.labels import LABELS, hooked_up

WEB = ("ours", "IPv4", 8080, 8080)
COMMAND = "aws ec2 authorize-security-group-ingress --group-id"


def group_of(world, name: str = "web") -> str:
    """A new security group that lets nobody in."""
    return world.ec2.create_security_group(GroupName=name, Description=name)["GroupId"]


def by_hand(world, group: str, first: int, last: int | None = None, **source) -> None:
    """Somebody lets VPC Lattice's IPv4 addresses in, or whom ``source`` says."""
    name = [{"Name": "prefix-list-name", "Values": ["com.amazonaws.us-east-1.vpc-lattice"]}]
    found = world.ec2.describe_managed_prefix_lists(Filters=name)["PrefixLists"][0]["PrefixListId"]
    permission = {"IpProtocol": "tcp", "FromPort": first, "ToPort": last or first}
    permission |= source or {"PrefixListIds": [{"PrefixListId": found}]}
    world.ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[permission])


def fill(world, group: str, rules: int = 55) -> None:
    """Leave no room for a rule of a prefix list."""
    ranges = [{"CidrIp": f"10.0.{n}.0/24"} for n in range(rules)]
    by_hand(world, group, 22, IpRanges=ranges)


def close(world, group: str) -> None:
    """Somebody takes every inbound rule away."""
    found = world.ec2.describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [group]}])
    ids = [one["SecurityGroupRuleId"] for one in found["SecurityGroupRules"] if not one["IsEgress"]]
    world.ec2.revoke_security_group_ingress(GroupId=group, SecurityGroupRuleIds=ids)


def sweeps(world, count: int = 2) -> None:
    for _ in range(count):
        world.run(900)
        world.sweep()


def settled(world) -> None:
    """The table has its marker: it is known not to be new. Of a new one the first two sweeps revoke nothing; of the others the
    second revokes a rule that nobody requires, and the third forgets it."""
    sweeps(world)


def killed() -> list[str]:
    """What ECS said of tasks that it replaces because they fail the checks of VPC Lattice."""
    names = [one["detail"].get("eventName", "") for one in events().history if one["source"] == "aws.ecs"]
    return [name for name in names if name == "VPC_LATTICE_TARGET_UNHEALTHY"]


def notices(world, arn: str) -> list[str]:
    return [problem.code for problem in world.ecs_side.status(ServiceId(arn)).problems]


def message_of(world, arn: str, code: str) -> str:
    return next(one.text for one in world.ecs_side.status(ServiceId(arn)).problems if one.code == code)


def test_a_closed_group_is_open_before_ecs_gets_the_target_group_and_no_task_is_killed(world):
    group = group_of(world)
    seen = []
    world.ecs.meta.events.register("before-call.ecs.UpdateService", lambda **_: seen.append(world.inbound(group)))
    arn = hooked_up(world, groups=[group])
    assert seen == [{WEB}]
    assert world.ask("orders", "/orders").status == 200
    assert deployments_of(world, arn) == ["SUCCESSFUL", "SUCCESSFUL"]
    assert killed() == []
    assert world.inbound(group) == {WEB}
    comes_to_rest(world)
    assert world.inbound(group) == {WEB}


def test_a_quiet_reconcile_asks_ec2_nothing(world):
    arn = hooked_up(world, groups=[group_of(world)])
    before = len(security.backend().calls)
    world.workers["ecsService"].reconcile(arn)
    assert [call.operation for call in security.backend().calls[before:]] == []


def test_a_release_that_moves_the_port_completes_and_is_answered_all_the_time(world):
    group = group_of(world)
    settled(world)
    arn = hooked_up(world, groups=[group])
    answers(world, "orders", "/orders")
    released(world, arn, LABELS, ports=(("web", 9090),))
    world.run(30)
    assert world.primary(arn)["rolloutState"] == "IN_PROGRESS"
    assert world.inbound(group) == {WEB, ("ours", "IPv4", 9090, 9090)}
    comes_to_rest(world)
    assert world.wrong == []
    assert deployments_of(world, arn)[-1] == "SUCCESSFUL"
    assert killed() == []
    assert world.inbound(group) == {("ours", "IPv4", 9090, 9090)}


def test_a_release_that_moves_the_group_completes_and_the_old_group_is_closed_again(world):
    old, new = group_of(world, "old"), group_of(world, "new")
    settled(world)
    arn = hooked_up(world, groups=[old])
    answers(world, "orders", "/orders")
    world.ecs.update_service(cluster="shop", service=arn, networkConfiguration=world.network_in(new))
    world.run(30)
    assert (world.inbound(old), world.inbound(new)) == ({WEB}, {WEB})
    comes_to_rest(world)
    assert world.wrong == []
    assert deployments_of(world, arn)[-1] == "SUCCESSFUL"
    assert killed() == []
    assert (world.inbound(old), world.inbound(new)) == (set(), {WEB})


def test_the_port_of_the_health_check_is_opened_too(world):
    group = group_of(world)
    hooked_up(world, {**LABELS, "lattice.health.port": "8090"}, ports=(("web", 8080), ("admin", 8090)), groups=[group])
    assert world.inbound(group) == {WEB, ("ours", "IPv4", 8090, 8090)}
    assert world.ask("orders", "/orders").status == 200


def test_adjacent_ports_become_one_rule(world):
    group = group_of(world)
    settled(world)
    hooked_up(world, groups=[group])
    hooked_up(
        world,
        {**LABELS, "lattice.service": "carts"},
        family="carts",
        name="carts",
        ports=(("web", 8081),),
        groups=[group],
    )
    sweeps(world)
    assert world.inbound(group) == {("ours", "IPv4", 8080, 8081)}


def test_a_deleted_service_gives_its_group_back_in_two_sweeps_and_not_in_one(world):
    group = group_of(world)
    settled(world)
    arn = hooked_up(world, groups=[group])
    world.ecs.delete_service(cluster="shop", service=arn, force=True)
    world.run(1200)
    assert list(world.registry.requirements()) == []
    world.sweep()
    assert world.inbound(group) == {WEB}
    world.sweep()
    assert world.inbound(group) == set()


def test_while_the_tasks_of_a_deleted_service_still_run_its_group_stays_open(world):
    group = group_of(world)
    settled(world)
    arn = hooked_up(world, groups=[group])
    world.ecs.delete_service(cluster="shop", service=arn, force=True)
    world.run(5)
    assert world.claims(arn) != {}
    assert [requirement.consumer for requirement in world.registry.requirements()] == [arn]


def test_a_deleted_service_keeps_its_requirement_as_long_as_anything_of_it_exists(world):
    arn = hooked_up(world, groups=[group_of(world)])
    with failing(world.lattice, "DeleteTargetGroup", "ConflictException"):
        world.ecs.delete_service(cluster="shop", service=arn, force=True)
        world.run(1200)
        assert world.service(arn)["status"] == "INACTIVE"
        assert [requirement.consumer for requirement in world.registry.requirements()] == [arn]
    world.run(1200)
    assert list(world.registry.requirements()) == []


def test_a_route_that_is_no_longer_declared_keeps_its_port_until_it_is_gone(world):
    group = group_of(world)
    settled(world)
    arn = hooked_up(world, groups=[group])
    released(world, arn, {})
    world.run(600)
    world.sweep()
    world.sweep()
    assert world.inbound(group) == {WEB}
    sweeps(world, 5)
    assert world.claims(arn) == {}
    assert world.inbound(group) == set()


def test_a_full_group_refuses_the_attach_with_a_reason_and_opens_when_there_is_room(world):
    group = group_of(world)
    fill(world, group)
    arn = hooked_up(world, groups=[group])
    assert world.statuses(arn) == {"default": ("Refused", "INGRESS_GROUP_FULL")}
    assert "IPv4 at least 55 of 60" in message_of(world, arn, "INGRESS_GROUP_FULL")
    assert "vpcLatticeConfigurations" not in world.primary(arn)
    assert deployments_of(world, arn) == ["SUCCESSFUL"]
    sweeps(world, 14)  # looked at less and less often
    close(world, group)
    sweeps(world, 1)
    world.run(600)
    assert world.inbound(group) == {WEB}
    assert world.statuses(arn) == {"default": ("Live", "")}


def test_a_raised_quota_is_used(world):
    group = group_of(world)
    fill(world, group)
    security.backend().quotas.rules_per_security_group = 100
    arn = hooked_up(world, groups=[group])
    assert world.statuses(arn) == {"default": ("Live", "")}
    assert world.inbound(group) == {WEB}


def test_the_next_group_of_the_tasks_is_opened_when_the_first_is_full(world):
    full, other = group_of(world, "full"), group_of(world, "other")
    fill(world, full)
    arn = hooked_up(world, groups=[full, other])
    assert world.statuses(arn) == {"default": ("Live", "")}
    assert (world.inbound(full), world.inbound(other)) == (set(), {WEB})
    assert [requirement.group_id for requirement in world.registry.requirements()] == [other]


def test_a_full_group_that_is_open_to_everybody_is_open(world):
    group = group_of(world)
    by_hand(world, group, 8000, 9000, IpRanges=[{"CidrIp": "0.0.0.0/0"}])
    fill(world, group)
    arn = hooked_up(world, groups=[group])
    assert world.statuses(arn) == {"default": ("Live", "")}
    assert world.inbound(group) == set()


def test_the_default_group_is_opened_only_when_manage_is_written_out(world):
    default = next(
        one for one in world.ec2.describe_security_groups()["SecurityGroups"] if one["GroupName"] == "default"
    )
    arn = hooked_up(world, groups=[])
    assert world.statuses(arn) == {"default": ("Refused", "INGRESS_DEFAULT_GROUP")}
    assert f"{COMMAND} {default['GroupId']}" in message_of(world, arn, "INGRESS_DEFAULT_GROUP")
    assert world.inbound(default["GroupId"]) == set()
    released(world, arn, {**LABELS, "lattice.ingress": "manage"})
    world.run(1200)
    assert world.inbound(default["GroupId"]) == {WEB}
    assert world.statuses(arn) == {"default": ("Live", "")}
    before = len(security.backend().calls)
    world.workers["ecsService"].reconcile(arn)
    assert len(security.backend().calls) == before


def test_a_default_group_that_somebody_opened_is_used_as_it_is(world):
    vpc = world.ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
    default = world.ingress.groups.default_group(vpc).id
    by_hand(world, default, 8000, 9000)
    arn = hooked_up(world, groups=[])
    assert world.statuses(arn) == {"default": ("Live", "")}
    assert list(world.registry.requirements()) == []


def test_a_group_of_another_account_is_never_written_and_works_once_its_owner_has_opened_it(world):
    group = security.backend().foreign_group("210987654321")
    arn = hooked_up(world, groups=[group])
    assert world.statuses(arn) == {"default": ("Refused", "INGRESS_FOREIGN_GROUP")}
    said = message_of(world, arn, "INGRESS_FOREIGN_GROUP")
    assert "210987654321" in said
    assert f"{COMMAND} {group} --ip-permissions 'IpProtocol=tcp,FromPort=8080,ToPort=8080,PrefixListIds=[" in said
    assert "AuthorizeSecurityGroupIngress" not in {call.operation for call in security.backend().calls}
    security.backend().get_security_group_from_id(group).owner_id = "123456789012"
    by_hand(world, group, 8080)
    security.backend().get_security_group_from_id(group).owner_id = "210987654321"
    world.run(900)
    assert world.statuses(arn) == {"default": ("Live", "")}


def test_services_that_share_a_group_get_a_notice_and_it_stays_open_for_the_last(world):
    group = group_of(world)
    settled(world)
    first = hooked_up(world, groups=[group])
    second = hooked_up(world, {**LABELS, "lattice.service": "carts"}, family="carts", name="carts", groups=[group])
    assert notices(world, second) == ["INGRESS_SHARED"]
    assert "shop/orders" in message_of(world, second, "INGRESS_SHARED")
    assert world.statuses(second) == {"default": ("Live", "")}
    world.ecs.delete_service(cluster="shop", service=first, force=True)
    sweeps(world, 4)
    assert world.inbound(group) == {WEB}
    assert world.ask("carts", "/orders").status == 200


@pytest.mark.parametrize(
    ("labels", "parameter"),
    [({"lattice.ingress": "off"}, "manage"), ({}, "off"), ({"lattice.ingress": "manage"}, "off")],
    ids=["by label", "by parameter", "the parameter stands above the label"],
)
def test_where_ingress_is_off_nothing_is_opened_and_the_notice_has_the_command(world, labels, parameter):
    world.build(world.settings.__class__(**{**_members(world.settings), "ingress": parameter}))
    group = group_of(world)
    arn = hooked_up(world, {**LABELS, **labels}, groups=[group])
    assert world.inbound(group) == set()
    assert list(world.registry.requirements()) == []
    assert "vpcLatticeConfigurations" not in world.primary(arn)
    assert world.statuses(arn)["default"] == ("Wired", "INGRESS_OFF")
    assert f"{COMMAND} {group}" in message_of(world, arn, "INGRESS_OFF")
    by_hand(world, group, 8080)
    world.run(900)
    sweeps(world)
    world.run(900)
    assert world.statuses(arn) == {"default": ("Live", "")}
    assert notices(world, arn) == []


def _members(settings) -> dict:
    return {name: getattr(settings, name) for name in settings.__dataclass_fields__}


def test_a_route_that_turns_ingress_off_gets_a_notice_before_its_rule_is_revoked(world):
    group = group_of(world)
    settled(world)
    arn = hooked_up(world, groups=[group])
    released(world, arn, {**LABELS, "lattice.ingress": "off"})
    world.run(600)
    assert world.inbound(group) == {WEB}
    assert notices(world, arn) == ["INGRESS_OFF"]
    by_hand(world, group, 8000, 9000)
    sweeps(world)
    assert world.inbound(group) == {("theirs", "IPv4", 8000, 9000)}
    assert notices(world, arn) == []


def test_a_rule_deleted_by_hand_comes_back_in_the_resync(world):
    group = group_of(world)
    hooked_up(world, groups=[group])
    close(world, group)
    world.sweep()
    assert world.inbound(group) == {WEB}


def test_a_rule_added_by_hand_is_left_alone_and_stays(world):
    group = group_of(world)
    by_hand(world, group, 8080)
    settled(world)
    arn = hooked_up(world, groups=[group])
    theirs = {("theirs", "IPv4", 8080, 8080)}
    assert world.inbound(group) == theirs
    world.ecs.delete_service(cluster="shop", service=arn, force=True)
    sweeps(world, 4)
    assert world.inbound(group) == theirs


def test_a_deleted_foreign_rule_is_replaced_by_one_of_ours(world):
    group = group_of(world)
    by_hand(world, group, 8080)
    hooked_up(world, groups=[group])
    close(world, group)
    world.sweep()
    assert world.inbound(group) == {WEB}


def test_what_was_closed_again_before_the_attach_is_opened_again_before_it(world):
    group = group_of(world)
    arn = world.deploy(world.register(LABELS), groups=[group])
    while world.inbound(group) != {WEB}:
        assert not world.primary(arn).get("vpcLatticeConfigurations")
        world.run(1)
    assert world.primary(arn)["rolloutState"] == "COMPLETED"
    close(world, group)
    world.run(1200)
    assert world.statuses(arn) == {"default": ("Live", "")}
    assert killed() == []


def test_a_route_that_cannot_be_opened_stops_no_other_one(world):
    group = group_of(world)
    by_hand(world, group, 9090)
    fill(world, group, 45)
    labels = {
        "lattice.service": "orders",
        "lattice.listener": "HTTP:80",
        "lattice.routes.web.port": "web",
        "lattice.routes.web.path.prefix": "/web",
        "lattice.routes.admin.port": "admin",
        "lattice.routes.admin.path.prefix": "/admin",
    }
    arn = hooked_up(world, labels, ports=(("web", 8080), ("admin", 9090)), groups=[group])
    assert world.statuses(arn) == {"admin": ("Live", ""), "web": ("Refused", "INGRESS_GROUP_FULL")}
    assert world.ask("orders", "/admin").status == 200
    assert killed() == []


def test_another_route_is_not_attached_while_the_tasks_cannot_be_reached_for_the_first(world):
    group = group_of(world)
    labels = {
        "lattice.service": "orders",
        "lattice.listener": "HTTP:80",
        "lattice.health.path": "/healthz",
        "lattice.routes.default.port": "web",
        "lattice.routes.default.path.prefix": "/orders",
    }
    arn = hooked_up(world, labels, ports=(("web", 8080), ("admin", 9090)), groups=[group])
    close(world, group)
    by_hand(world, group, 9090)
    fill(world, group, 45)
    tags = {"lattice.routes.admin.port": "admin", "lattice.routes.admin.path.prefix": "/admin"}
    world.ecs.tag_resource(resourceArn=arn, tags=[{"key": key, "value": value} for key, value in tags.items()])
    world.run(1200)
    assert world.statuses(arn) == {"admin": ("Wired", "INGRESS_GROUP_FULL"), "default": ("Live", "INGRESS_GROUP_FULL")}
    assert [entry["portName"] for entry in world.primary(arn)["vpcLatticeConfigurations"]] == ["web"]
    close(world, group)
    world.sweep()
    world.run(1200)
    assert world.statuses(arn) == {"admin": ("Live", ""), "default": ("Live", "")}
    assert world.inbound(group) == {WEB, ("ours", "IPv4", 9090, 9090)}


def test_a_missing_permission_is_reported_and_an_attached_service_stays(world):
    group, other = group_of(world), group_of(world, "other")
    arn = hooked_up(world, groups=[group])
    with failing(world.ec2, "AuthorizeSecurityGroupIngress", "UnauthorizedOperation"):
        late = hooked_up(world, {**LABELS, "lattice.service": "carts"}, family="carts", name="carts", groups=[other])
        released(world, arn, LABELS, ports=(("web", 9090),))
        world.run(60)
        assert world.statuses(late) == {"default": ("Refused", "INGRESS_DENIED")}
        assert "INGRESS_DENIED" in notices(world, arn)
        assert [entry["portName"] for entry in world.primary(arn)["vpcLatticeConfigurations"]] == ["web"]
    sweeps(world, 1)
    world.run(1800)
    assert world.statuses(late) == {"default": ("Live", "")}
    assert notices(world, arn) == []


@pytest.mark.parametrize("operation", ["DescribeSecurityGroups", "DescribeSecurityGroupRules"])
def test_groups_that_may_not_be_read_do_not_count_as_open(world, operation):
    with failing(world.ec2, operation, "UnauthorizedOperation"):
        arn = hooked_up(world, groups=[group_of(world)])
        assert world.statuses(arn) == {"default": ("Refused", "INGRESS_DENIED")}
    world.run(1200)
    assert world.statuses(arn) == {"default": ("Live", "")}


def test_a_throttled_ec2_only_takes_longer(world):
    group = group_of(world)
    with failing(world.ec2, "DescribeSecurityGroupRules", "RequestLimitExceeded", times=3) as refused:
        arn = hooked_up(world, groups=[group])
    assert len(refused) == 3
    assert world.statuses(arn) == {"default": ("Live", "")}
    assert world.dead == []


def test_a_paused_service_has_nothing_opened_and_nothing_taken_back(world):
    old, new = group_of(world, "old"), group_of(world, "new")
    settled(world)
    arn = hooked_up(world, groups=[old])
    world.ecs.tag_resource(resourceArn=arn, tags=[{"key": "lattice.pause", "value": "true"}])
    world.run(60)
    world.ecs.update_service(cluster="shop", service=arn, networkConfiguration=world.network_in(new))
    sweeps(world, 3)
    assert (world.inbound(old), world.inbound(new)) == ({WEB}, set())


def test_the_plan_shows_what_would_be_opened_and_opens_nothing(world):
    group = group_of(world)
    world.chaos.lose = 1.0
    arn = world.deploy(world.register(LABELS), groups=[group])
    world.run(300)
    (requirement,) = world.ecs_side.plan(ServiceId(arn)).openings
    assert (requirement.group_id, requirement.ports) == (group, (AllowedPorts("IPV4", PortRange(8080, 8080)),))
    assert world.inbound(group) == set()
    assert list(world.registry.requirements()) == []


def test_uninstalling_revokes_the_rules_of_routes_and_leaves_those_of_custom_resources(world):
    group = group_of(world)
    settled(world)
    hooked_up(world, groups=[group])
    ports = [AllowedPorts("IPV4", PortRange(7000, 7000))]
    assert open_groups(world.ingress, "ecs-lattice-ingress-1", {group: False}, ports, "by a template").problems == ()
    left = {}
    for _ in range(12):
        left = world.uninstall.run()["left"]
        world._drain()
        world.run(600)
    assert left == {
        "ecsServices": [],
        "latticeServices": left["latticeServices"],
        "targetGroups": [],
        "securityGroupRules": [],
        "alarms": [],
    }
    assert world.inbound(group) == {("ours", "IPv4", 7000, 7000)}


def test_a_lost_table_closes_nothing_and_its_custom_resources_are_rebuilt(world):
    group, unused = group_of(world), group_of(world, "unused")
    settled(world)
    hooked_up(world, groups=[group])
    ports = [AllowedPorts("IPV4", PortRange(7000, 7001)), AllowedPorts("IPV6", PortRange(7000, 7000))]
    open_groups(world.ingress, "ecs-lattice-ingress-1", {group: False}, ports, "by a template")
    open_groups(world.ingress, "ecs-lattice-ingress-2", {unused: False}, ports[:1], "by a template")
    requirements = sorted(world.registry.requirements())
    assert len(requirements) == 3
    before = world.inbound(group)
    for item in world.dynamodb.scan(TableName="registry")["Items"]:
        world.dynamodb.delete_item(TableName="registry", Key={name: item[name] for name in ("pk", "sk")})
    world.watch(lambda: None if world.inbound(group) == before else f"{world.inbound(group)}")
    # Deleted before the table is known to be whole: what else is needed of the group is not known.
    world.ingress.close("ecs-lattice-ingress-2", {unused: False})
    assert world.inbound(unused) == {("ours", "IPv4", 7000, 7001)}
    sweeps(world, 6)
    assert world.wrong == []
    assert world.inbound(group) == before
    assert [requirement for requirement in requirements if requirement.group_id == group] == sorted(
        requirement for requirement in world.registry.requirements() if requirement.group_id == group
    )


def lose_the_table(world) -> None:
    for item in world.dynamodb.scan(TableName="registry")["Items"]:
        world.dynamodb.delete_item(TableName="registry", Key={name: item[name] for name in ("pk", "sk")})


@pytest.mark.parametrize("minutes", [0, 45], ids=["at once", "after 45 minutes without messages"])
def test_a_release_on_another_port_kills_no_task_though_label_table_and_messages_are_lost(world, minutes):
    group = group_of(world)
    settled(world)
    tags = [{"key": key, "value": value} for key, value in LABELS.items()]
    arn = world.deploy(world.register({}), groups=[group], tags=tags)
    world.run(1200)
    assert world.inbound(group) == {WEB}
    world.chaos.lose = 1.0
    world.ecs.untag_resource(resourceArn=arn, tagKeys=list(LABELS))
    lose_the_table(world)
    for _ in range(minutes // 15):
        world.run(900)
        world.sweep()
    world.chaos.lose = 0.0
    before = len(killed())
    released(world, arn, {}, ports=(("web", 9090),))
    world.run(600)
    assert {WEB, ("ours", "IPv4", 9090, 9090)} <= world.inbound(group)
    assert killed()[before:] == []
    sweeps(world, 6)
    comes_to_rest(world)
    assert killed()[before:] == []
    assert world.primary(arn).get("vpcLatticeConfigurations", []) == []


def announced(world) -> list[tuple[str, str, str, str, str]]:
    details = [one["detail"] for one in events().history if one["source"] == "ecs-lattice"]
    return [(d["route"], d["previousState"], d["state"], d["code"], d["previousCode"]) for d in details]


def test_a_route_that_becomes_refused_and_recovers_is_announced_once_each(world):
    group = group_of(world)
    fill(world, group)
    hooked_up(world, groups=[group])
    assert announced(world)[-1][2:4] == ("Refused", "INGRESS_GROUP_FULL")
    told = len(announced(world))
    close(world, group)
    sweeps(world, 3)
    later = announced(world)[told:]
    assert [(one[1], one[4]) for one in later] == [("Refused", "INGRESS_GROUP_FULL")]
    assert later[0][2] != "Refused"


def test_a_refused_declaration_is_announced_and_so_is_its_end(world):
    arn = hooked_up(world)
    assert announced(world) == []
    released(world, arn, {**LABELS, "lattice.prot": "web"})
    world.run(900)
    assert announced(world) == [("", "", "Refused", "UNKNOWN_KEY", "")]
    released(world, arn, LABELS)
    world.run(900)
    assert announced(world)[1:] == [("", "Refused", "Pending", "", "UNKNOWN_KEY")]


def test_an_announcement_that_is_lost_on_its_way_is_made_again(world, monkeypatch):
    arn = hooked_up(world)
    lost = []

    def put_events(**request):
        if not lost:
            lost.append(request)
            raise ClientError(
                {"Error": {"Code": "InternalFailure"}, "ResponseMetadata": {"HTTPStatusCode": 500}}, "PutEvents"
            )
        return type(world).put_events(world, **request)

    monkeypatch.setattr(world, "put_events", put_events)
    released(world, arn, {**LABELS, "lattice.prot": "web"})
    world.run(900)
    assert len(lost) == 1
    assert [one[3] for one in announced(world)] == ["UNKNOWN_KEY"]


def test_an_account_that_forbids_announcing_is_served_all_the_same(world, monkeypatch):
    def put_events(**_request):
        raise ClientError({"Error": {"Code": "AccessDeniedException"}}, "PutEvents")

    monkeypatch.setattr(world, "put_events", put_events)
    group = group_of(world)
    fill(world, group)
    arn = hooked_up(world, groups=[group])
    assert world.statuses(arn) == {"default": ("Refused", "INGRESS_GROUP_FULL")}
    close(world, group)
    world.enqueue([ReconcileRequest("ecsService", arn, "test", world.clock.time())])
    world.run(1200)
    assert world.statuses(arn) == {"default": ("Live", "")}


def test_a_service_created_again_under_its_name_withdraws_what_the_one_before_required(world):
    """Only its record knows in which groups it may have needs."""
    old, new = group_of(world, "old"), group_of(world, "new")
    settled(world)
    arn = hooked_up(world, groups=[old])
    world.ecs.delete_service(cluster="shop", service=arn, force=True)
    world.run(120)
    assert hooked_up(world, groups=[new]) == arn
    assert [requirement.group_id for requirement in world.registry.requirements()] == [new]
    sweeps(world, 3)
    assert (world.inbound(old), world.inbound(new)) == (set(), {WEB})


def test_the_old_health_check_port_stays_open_as_long_as_aws_refuses_to_check_the_new_one(world):
    group = group_of(world)
    settled(world)
    ports = (("web", 8080), ("a", 8090), ("b", 8095))
    arn = hooked_up(world, {**LABELS, "lattice.health.port": "8090"}, ports=ports, groups=[group])
    with failing(world.lattice, "UpdateTargetGroup", "AccessDeniedException"):
        world.ecs.tag_resource(resourceArn=arn, tags=[{"key": "lattice.health.port", "value": "8095"}])
        sweeps(world, 3)
        assert {first for _, _, first, _ in world.inbound(group)} == {8080, 8090, 8095}
        assert killed() == []
    sweeps(world, 5)
    assert {first for _, _, first, _ in world.inbound(group)} == {8080, 8095}
    assert world.statuses(arn) == {"default": ("Live", "")}
