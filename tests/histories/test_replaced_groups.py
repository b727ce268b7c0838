"""A route whose target group is replaced, because its port name, protocol, version, VPC or address family has changed:
tasks leave the old group after the grace time, whoever registers them, and an uninstall ends."""

import pytest

from tests.histories.labels import LABELS, hooked_up

OTHER_PORTS = (("web", 8080), ("next", 8080))
CHANGES = {
    "port name": {"lattice.port": "next"},
    "protocol": {"lattice.protocol": "HTTPS"},
    "version": {"lattice.protocol-version": "HTTP2"},
}


def groups_of(world) -> dict[str, set[str]]:
    """The addresses that take new requests, by the name of the target group."""
    return {
        group["name"]: {
            target["id"]
            for target in world._all("list_targets", targetGroupIdentifier=group["arn"])
            if target["status"] != "DRAINING"
        }
        for group in world._all("list_target_groups")
    }


def another_vpc(world) -> dict:
    """The network configuration of tasks in a new VPC, open to VPC Lattice."""
    from tests.world import open_group

    vpc = world.ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    subnet = world.ec2.create_subnet(VpcId=vpc, CidrBlock="10.9.1.0/24")["Subnet"]["SubnetId"]
    group = open_group(world.ec2, "open-there", VpcId=vpc)
    return {"awsvpcConfiguration": {"subnets": [subnet], "securityGroups": [group]}}


def live_then_changed(world, targets: str, change: str) -> tuple[str, str]:
    """An ECS service that is live and then released with the change; its ARN and the name of its first group."""
    world.registry.put_document("stack", "marker", "{}")
    listener = "HTTPS:443" if change == "version" else "HTTP:80"
    labels = {**LABELS, "lattice.targets": targets, "lattice.listener": listener}
    arn = hooked_up(world, labels, ports=OTHER_PORTS)
    ((before, addresses),) = groups_of(world).items()
    assert len(addresses) == 2
    release = {"networkConfiguration": another_vpc(world)} if change == "VPC" else {}
    environment = {"TLS_PORTS": "8080"} if change == "protocol" else {}
    revision = world.register({**labels, **CHANGES.get(change, {})}, ports=OTHER_PORTS, environment=environment)
    world.ecs.update_service(cluster="shop", service=arn, taskDefinition=revision, **release)
    return arn, before


def uninstalled(world) -> dict[str, list[str]]:
    """What an uninstall leaves after an hour."""
    left: dict[str, list[str]] = {}
    for _ in range(12):
        left = world.uninstall.run()["left"]
        world.run(300)
    return {kind: names for kind, names in left.items() if names}


@pytest.mark.parametrize(
    ("targets", "change"),
    [
        *(("controller", change) for change in (*CHANGES, "VPC")),
        # By ECS the new tasks would not become healthy in the old group if the protocol or the VPC changed.
        ("ecs", "port name"),
        ("ecs", "version"),
    ],
)
def test_tasks_leave_a_replaced_group_after_the_grace_time_and_it_is_deleted(world, targets, change):
    arn, before = live_then_changed(world, targets, change)
    world.run(3600)
    ((after, addresses),) = groups_of(world).items()
    assert after != before
    assert len(addresses) == 2
    assert world.statuses(arn)["default"][0] in {"Live", "Attaching"}
    world.ecs.update_service(cluster="shop", service=arn, forceNewDeployment=True)
    world.run(1800)
    assert groups_of(world).keys() == {after}
    assert len(groups_of(world)[after]) == 2
    assert uninstalled(world) == {}
    assert groups_of(world) == {}


def test_a_replaced_group_keeps_its_tasks_until_its_successor_has_taken_over(world):
    arn, before = live_then_changed(world, "controller", "port name")
    world.run(300)
    serving = groups_of(world)
    assert len(serving) == 2
    assert world.claims(arn) == {"orders/default": "Live"}
    running = set.intersection(*serving.values())
    assert len(running) == 2
    # No new task joins it, and a task that stops leaves it at once: its address is soon another's.
    world.ecs.update_service(cluster="shop", service=arn, forceNewDeployment=True)
    world.run(400)
    assert not groups_of(world).get(before)


def test_a_task_stays_at_its_port_until_the_group_of_the_new_port_has_it(world):
    """A service tag changes the port without a deployment, so the same tasks change groups."""
    world.registry.put_document("stack", "marker", "{}")
    labels = {key: value for key, value in LABELS.items() if key != "lattice.port"}
    tags = [{"key": "lattice.port", "value": "web"}, {"key": "lattice.targets", "value": "controller"}]
    ports = (("web", 8080), ("next", 9090))
    arn = hooked_up(world, labels, ports=ports, tags=tags)
    assert world.claims(arn) == {"orders/default": "Live"}
    world.watch(lambda: None if world.ask("orders", "/orders").status == 200 else f"{world.clock.time()}")
    world.ecs.tag_resource(resourceArn=arn, tags=[{"key": "lattice.port", "value": "next"}])
    world.sweep()
    world.run(3600)
    assert world.wrong == []
    assert len(groups_of(world)) == 1


def test_an_uninstall_ends_while_a_replaced_group_still_has_tasks(world):
    live_then_changed(world, "controller", "port name")
    world.run(300)
    assert len(groups_of(world)) == 2
    assert uninstalled(world) == {}
    assert groups_of(world) == {}
