"""What ECS governs in its own blue/green, linear and canary deployments is read and never written."""

import pytest

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
