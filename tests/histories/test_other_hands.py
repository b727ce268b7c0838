"""Histories in which somebody else acts: declarative tools, other teams, other stacks, a lost table."""

import boto3

from ecs_lattice.model import ServiceId
from tests.histories.labels import LABELS, hooked_up

ROLE = "arn:aws:iam::123456789012:role/somebody-elses"


def a_foreign_group(world, name: str = "by-hand") -> str:
    vpc = world.ec2.describe_subnets(SubnetIds=world.subnets)["Subnets"][0]["VpcId"]
    config = {"port": 9000, "protocol": "HTTP", "vpcIdentifier": vpc}
    arn = world.lattice.create_target_group(name=name, type="IP", config=config)["arn"]
    service = world.lattice.create_service(name=name)["id"]
    world.run(30)
    action = {"forward": {"targetGroups": [{"targetGroupIdentifier": arn}]}}
    world.lattice.create_listener(
        serviceIdentifier=service, name="http", protocol="HTTP", port=80, defaultAction=action
    )
    return arn


def test_a_declarative_tool_that_empties_the_list_is_not_fought_and_the_route_goes_on_answering(world):
    arn = hooked_up(world)
    world.watch(lambda: None if (answer := world.ask("orders", "/orders")).status == 200 else f"{answer.status}")
    for _ in range(2):
        world.ecs.update_service(cluster="shop", service=arn, vpcLatticeConfigurations=[])
        world.run(900)
        assert world.primary(arn).get("vpcLatticeConfigurations", []) == []
    assert world.wrong == []
    state, code = world.statuses(arn)["default"]
    assert (state, code) == ("Live", "LIST_OVERWRITTEN")
    message = next(s.message for s in world.ecs_side.status(ServiceId(arn)).routes)
    assert "ignore_changes" in message


def test_a_rolling_release_after_the_list_was_taken_away_is_followed_task_by_task(world):
    arn = hooked_up(world)
    world.ecs.update_service(cluster="shop", service=arn, vpcLatticeConfigurations=[])
    world.run(900)
    world.ecs.update_service(cluster="shop", service=arn, taskDefinition=world.register(LABELS))
    world.run(900)
    running = world.ecs.list_tasks(cluster="shop", serviceName="orders")["taskArns"]
    tasks = world.ecs.describe_tasks(cluster="shop", tasks=running)["tasks"]
    addresses = {c["networkInterfaces"][0]["privateIpv4Address"] for task in tasks for c in task["containers"]}
    (group,) = world._all("list_target_groups")
    targets = world._all("list_targets", targetGroupIdentifier=group["arn"])
    assert {target["id"] for target in targets if target["status"] == "HEALTHY"} == addresses


def test_entries_and_roles_of_others_stay_in_the_list_byte_for_byte(world):
    group = a_foreign_group(world)
    theirs = {"roleArn": ROLE, "targetGroupArn": group, "portName": "metrics"}
    world.build(_with_role(world))
    ports = (("web", 8080), ("metrics", 9000))
    arn = hooked_up(world, ports=ports, vpcLatticeConfigurations=[theirs])
    listed = world.primary(arn)["vpcLatticeConfigurations"]
    assert theirs in listed
    assert [entry["portName"] for entry in listed if entry != theirs] == ["web"]


def _with_role(world):
    import dataclasses

    return dataclasses.replace(world.settings, other_infrastructure_roles=(ROLE,))


def test_a_role_that_may_not_be_passed_is_refused_by_name_and_nothing_is_attached(world):
    group = a_foreign_group(world)
    theirs = {"roleArn": ROLE, "targetGroupArn": group, "portName": "metrics"}
    arn = hooked_up(world, ports=(("web", 8080), ("metrics", 9000)), vpcLatticeConfigurations=[theirs])
    assert world.primary(arn)["vpcLatticeConfigurations"] == [theirs]
    assert world.statuses(arn)["default"][1] == "ROLE_NOT_ALLOWED"
    assert ROLE in next(s.message for s in world.ecs_side.status(ServiceId(arn)).routes)


def test_a_lattice_service_of_somebody_else_is_never_touched(world):
    world.lattice.create_service(name="orders")
    world.run(30)
    arn = hooked_up(world)
    assert world.graph() == {"orders": {"listeners": {}, "networks": []}}
    assert world.statuses(arn)["default"] == ("Refused", "FOREIGN_SERVICE")


def test_another_stacks_lattice_service_is_somebody_elses(world):
    service = world.lattice.create_service(name="orders", tags={"ecs-lattice:owner": "another-stack"})
    world.run(30)
    arn = hooked_up(world)
    assert world.graph()["orders"]["listeners"] == {}
    assert world.statuses(arn)["default"] == ("Refused", "FOREIGN_SERVICE")
    tags = world.lattice.list_tags_for_resource(resourceArn=service["arn"])["tags"]
    assert tags == {"ecs-lattice:owner": "another-stack"}


def test_of_two_claims_on_one_path_the_older_service_wins_whatever_the_order_of_events(world):
    world.chaos.shuffle = True
    first = world.deploy(world.register(LABELS, "first"), name="first")
    world.machine.clock.advance(1)
    second = world.deploy(world.register(LABELS, "second"), name="second")
    world.run(2400)
    assert world.claims(first) == {"orders/default": "Live"}
    assert world.statuses(second)["default"] == ("Conflicted", "MATCH_TAKEN")
    assert b"first" in world.ask("orders", "/orders").body


def test_a_claim_that_lies_in_wait_does_not_get_the_path_at_the_instant_its_holder_is_replaced(world):
    first = hooked_up(world, family="first", name="first")
    second = hooked_up(world, family="second", name="second")
    world.ecs.delete_service(cluster="shop", service=first, force=True)
    world.run(120)
    assert world.claims(second) == {"orders/default": "Conflicted"}
    world.run(1200)
    again = hooked_up(world, family="first", name="first-again")
    assert world.claims(second) == {"orders/default": "Live"}
    assert world.claims(again) == {"orders/default": "Conflicted"}


def test_the_holder_of_a_lattice_service_survives_its_emptiness_and_a_lost_table(world):
    arn = hooked_up(world)
    world.ecs.delete_service(cluster="shop", service=arn, force=True)
    world.run(3600)
    for item in world.dynamodb.scan(TableName="registry")["Items"]:
        world.dynamodb.delete_item(TableName="registry", Key={"pk": item["pk"], "sk": item["sk"]})
    world.make_cluster("other")
    thief = hooked_up(world, family="thief", name="thief", cluster="other")
    assert world.statuses(thief)["default"] == ("Conflicted", "HELD_BY_OTHER")


def test_a_lost_table_loses_no_routing_and_is_rebuilt_before_anything_is_taken_away(world):
    first = hooked_up(world)
    second = hooked_up(world, {**LABELS, "lattice.path.prefix": "/b"}, family="b", name="b")
    world.sweep()
    before = world.graph()
    for item in world.dynamodb.scan(TableName="registry")["Items"]:
        world.dynamodb.delete_item(TableName="registry", Key={"pk": item["pk"], "sk": item["sk"]})
    world.watch(
        lambda: None if world.ask("orders", "/orders").status == world.ask("orders", "/b").status == 200 else "lost"
    )
    world.event_router.work({"Records": [{"messageId": "1", "body": _request(second)}]})
    world.run(600)
    world.sweep()
    world.run(3600)
    world.sweep()
    world.run(3600)
    assert world.wrong == []
    assert world.graph() == before
    assert world.claims(first) == world.claims(second) == {"orders/default": "Live"}


def _request(arn: str) -> str:
    import json

    return json.dumps({"kind": "ecsService", "key": arn})


def test_what_nobody_declares_after_a_lost_table_is_taken_away_in_the_end(world):
    arn = hooked_up(world)
    world.sweep()
    for item in world.dynamodb.scan(TableName="registry")["Items"]:
        world.dynamodb.delete_item(TableName="registry", Key={"pk": item["pk"], "sk": item["sk"]})
    world.ecs.delete_service(cluster="shop", service=arn, force=True)
    for _ in range(6):
        world.run(900)
        world.sweep()
    world.run(900)
    assert world.graph()["orders"]["listeners"]["HTTP:80"]["rules"] == []
    assert world._all("list_target_groups") == []


def test_clusters_outside_the_stacks_are_not_looked_at(world):
    import dataclasses

    world.build(dataclasses.replace(world.settings, clusters=("prod-*",)))
    arn = hooked_up(world)
    assert world.graph() == {}
    assert world.claims(arn) == {}
    world.make_cluster("prod-1")
    hooked_up(world, name="inside", cluster="prod-1")
    assert world.ask("orders", "/orders").status == 200


def test_tags_say_whose_each_object_is(world):
    arn = hooked_up(world)
    tagging = boto3.client("resourcegroupstaggingapi")
    found = tagging.get_resources(TagFilters=[{"Key": "ecs-lattice:owner", "Values": ["ecs-lattice"]}])
    kinds = [
        "/".join(mapping["ResourceARN"].split(":")[5].split("/")[::2]) for mapping in found["ResourceTagMappingList"]
    ]
    assert sorted(kinds) == [
        "service", "service/listener", "service/listener/rule", "servicenetworkserviceassociation", "targetgroup",
    ]  # fmt: skip
    assert arn.endswith("shop/orders")
