"""What ECS governs in its own blue/green, linear and canary deployments is read and never written."""

import pytest

from ecs_lattice.facts import Deployment, EcsService, LatticeEntry
from ecs_lattice.model import ServiceId
from local_aws import lattice
from tests.histories.labels import LABELS, hooked_up


def the_rule(world) -> dict[str, str]:
    """The identifiers of the one rule of Lattice service ``orders`` that is no default."""
    (service,) = world._all("list_services")
    (listener,) = world._all("list_listeners", serviceIdentifier=service["id"])
    rules = world._all("list_rules", serviceIdentifier=service["id"], listenerIdentifier=listener["id"])
    (rule,) = [rule for rule in rules if not rule["isDefault"]]
    return {
        "serviceIdentifier": service["id"],
        "listenerIdentifier": listener["id"],
        "ruleIdentifier": rule["id"],
        "arn": rule["arn"],
    }


def shifted_to_green(world, strategy="BLUE_GREEN"):
    """A live service after ECS has shifted its traffic; its ARN, the rule's identifiers and the entry that it lists."""
    arn = hooked_up(world)
    (blue,) = world.primary(arn)["vpcLatticeConfigurations"]
    rule = the_rule(world)
    vpc = world.ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
    config = {"port": 80, "protocol": "HTTP", "vpcIdentifier": vpc}
    green = world.lattice.create_target_group(name="green", type="IP", config=config)["arn"]
    advanced = {"alternateTargetGroupArn": green, "productionListenerRule": rule.pop("arn")}
    world.ecs.update_service(
        cluster="shop",
        service=arn,
        deploymentConfiguration={"strategy": strategy},
        vpcLatticeConfigurations=[{**blue, "advancedConfiguration": advanced}],
    )
    world.run(30)
    weights = [
        {"targetGroupIdentifier": blue["targetGroupArn"], "weight": 0},
        {"targetGroupIdentifier": green, "weight": 100},
    ]
    world.lattice.update_rule(**rule, action={"forward": {"targetGroups": weights}})
    return arn, rule, blue


def test_a_strategy_of_rolling_alone_puts_no_weight_back(world):
    arn, rule, _ = shifted_to_green(world)
    before = world.lattice.get_rule(**rule)
    world.ecs.update_service(cluster="shop", service=arn, deploymentConfiguration={"strategy": "ROLLING"})
    with world.counting() as written:
        world.workers["ecsService"].reconcile(arn)
        world.run(900)
        world.sweep()
        world.workers["latticeService"].reconcile("orders")
        world.run(3600)
    assert written == []
    after = world.lattice.get_rule(**rule)
    assert (after["match"], after["action"]) == (before["match"], before["action"])
    (problem,) = world.ecs_side.status(ServiceId(arn)).problems
    assert problem.code == "GOVERNED_BY_ECS"
    assert "advancedConfiguration" in problem.message


def test_governing_ends_with_a_rolling_deployment_without_advanced_configuration(world):
    arn, rule, blue = shifted_to_green(world)
    world.ecs.update_service(
        cluster="shop",
        service=arn,
        deploymentConfiguration={"strategy": "ROLLING"},
        vpcLatticeConfigurations=[{name: value for name, value in blue.items() if name != "advancedConfiguration"}],
    )
    world.run(1800)
    assert world.ecs_side.status(ServiceId(arn)).problems == ()
    groups = world.lattice.get_rule(**rule)["action"]["forward"]["targetGroups"]
    assert [(group["targetGroupIdentifier"], group["weight"]) for group in groups if group["weight"]] == [
        (blue["targetGroupArn"].rsplit("/", 1)[-1], 100)
    ]


def test_an_advanced_configuration_of_a_group_that_is_not_the_services_governs_nothing():
    entry = LatticeEntry("role", "arn:other", "web", (("alternateTargetGroupArn", "arn:green"),))
    deployment = Deployment("d", "PRIMARY", "COMPLETED", "td", 1.0, entries=(entry,))
    service = EcsService(ServiceId("arn"), "ACTIVE", 1.0, 1, 1, "ECS", "ROLLING", (deployment,))
    assert service.shifts_traffic({"arn:other"})
    assert not service.shifts_traffic({"arn:ours"})


@pytest.mark.parametrize("strategy", ["BLUE_GREEN", "LINEAR", "CANARY"])
def test_the_weights_that_ecs_shifts_on_our_rule_are_never_put_back(world, strategy):
    arn = hooked_up(world)
    (blue,) = world.primary(arn)["vpcLatticeConfigurations"]
    rule = the_rule(world)
    vpc = world.ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
    green = world.lattice.create_target_group(
        name="green", type="IP", config={"port": 80, "protocol": "HTTP", "vpcIdentifier": vpc}
    )["arn"]
    advanced = {"alternateTargetGroupArn": green, "productionListenerRule": rule.pop("arn")}
    world.ecs.update_service(
        cluster="shop",
        service=arn,
        taskDefinition=world.register({**LABELS, "lattice.path.prefix": "/elsewhere"}),
        deploymentConfiguration={"strategy": strategy},
        vpcLatticeConfigurations=[{**blue, "advancedConfiguration": advanced}],
    )
    shifted = {"forward": {"targetGroups": [
        {"targetGroupIdentifier": blue["targetGroupArn"], "weight": 0}, {"targetGroupIdentifier": green, "weight": 100}
    ]}}  # fmt: skip
    world.run(30)
    world.lattice.update_rule(**rule, action=shifted)
    before = world.lattice.get_rule(**rule)
    calls, deployments = len(lattice.backend().calls), len(world.service(arn)["deployments"])
    world.run(3600)
    world.sweep()
    world.workers["latticeService"].reconcile("orders")
    world.run(900)
    after = world.lattice.get_rule(**rule)
    assert (after["match"], after["action"], after["priority"]) == (
        before["match"],
        before["action"],
        before["priority"],
    )
    ours = [c.operation for c in lattice.backend().calls[calls:] if c.writes and c.caller != lattice.ECS]
    assert ours == []
    assert len(world.service(arn)["deployments"]) <= deployments
    assert world.primary(arn)["vpcLatticeConfigurations"][0]["advancedConfiguration"] == advanced
    assert "STRATEGY_LATER" in [problem.code for problem in world.ecs_side.status(ServiceId(arn)).problems]


def put_aside(world, rule):
    """Somebody edits the match of the rule by hand; what it was."""
    before = world.lattice.get_rule(**rule)["match"]
    elsewhere = {"httpMatch": {"pathMatch": {"match": {"prefix": "/by-hand"}}}}
    world.lattice.update_rule(**rule, match=elsewhere)
    return before


@pytest.mark.parametrize("strategy", ["BLUE_GREEN", "LINEAR", "CANARY"])
def test_the_name_of_a_strategy_alone_freezes_no_rule_and_starts_no_deployment(world, strategy):
    arn = hooked_up(world)
    rule = the_rule(world)
    rule.pop("arn")
    world.ecs.update_service(cluster="shop", service=arn, deploymentConfiguration={"strategy": strategy})
    world.run(60)
    before, deployments = put_aside(world, rule), len(world.service(arn)["deployments"])
    world.workers["ecsService"].reconcile(arn)
    world.workers["latticeService"].reconcile("orders")
    world.sweep()
    world.run(900)
    assert world.lattice.get_rule(**rule)["match"] == before
    assert "STRATEGY_LATER" in [problem.code for problem in world.ecs_side.status(ServiceId(arn)).problems]
    with world.counting() as written:
        world.run(3600)
    assert written == []
    assert len(world.service(arn)["deployments"]) == deployments


@pytest.mark.parametrize("strategy", ["ROLLING", "BLUE_GREEN"])
def test_somebody_elses_group_with_an_advanced_configuration_freezes_no_rule(world, strategy):
    arn = hooked_up(world)
    rule = the_rule(world)
    ours = rule.pop("arn")
    vpc = world.ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
    config = {"port": 80, "protocol": "HTTP", "vpcIdentifier": vpc}
    blue, green = (
        world.lattice.create_target_group(name=n, type="IP", config=config)["arn"]
        for n in ("their-blue", "their-green")
    )
    (entry,) = world.primary(arn)["vpcLatticeConfigurations"]
    advanced = {"alternateTargetGroupArn": green, "productionListenerRule": ours}
    theirs = {**entry, "targetGroupArn": blue, "advancedConfiguration": advanced}
    world.ecs.update_service(
        cluster="shop",
        service=arn,
        deploymentConfiguration={"strategy": strategy},
        vpcLatticeConfigurations=[entry, theirs],
    )
    world.run(120)
    before = put_aside(world, rule)
    world.workers["latticeService"].reconcile("orders")
    world.run(900)
    assert world.lattice.get_rule(**rule)["match"] == before
    assert theirs in world.primary(arn)["vpcLatticeConfigurations"]
