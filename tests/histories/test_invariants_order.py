"""A target group is in a rule for as long as any deployment of ECS names it, and no rule outlives its group.

VPC Lattice checks only targets whose group a rule names (User Guide, target groups); what ECS makes of the others is not
documented, so there must never be any.
"""

from local_aws import lattice
from local_aws.services import events
from tests.histories.labels import LABELS, hooked_up

TLS = {
    "lattice.service": "orders",
    "lattice.port": "web",
    "lattice.listener": "TLS_PASSTHROUGH:443",
    "lattice.domain": "orders.example.com",
}


def groups_in_rules(world) -> set[str]:
    """The ids of the target groups that some rule or default action names."""
    return {
        group
        for service in world.graph().values()
        for listener in service["listeners"].values()
        for action in (listener["default"], *(action for _, action in listener["rules"]))
        if isinstance(action, dict)
        for group in action
    }


def always_in_a_rule(world) -> None:
    """Every group that a listed deployment names is in a rule, and every group in a rule exists; from now on."""

    seen: list[tuple[int, int]] = []

    def question() -> str | None:
        # Asked at every timer; only an event or a write of Lattice can have changed the answer.
        writes = sum(call.writes for call in lattice.backend().calls)
        if seen[-1:] == [(writes, len(events().history))]:
            return None
        seen.append((writes, len(events().history)))
        listed = world.ecs.list_services(cluster="shop")["serviceArns"]
        services = world.ecs.describe_services(cluster="shop", services=listed)["services"] if listed else []
        names = {g["arn"]: g["name"] for g in world._all("list_target_groups")}
        named = {
            entry["targetGroupArn"]
            for service in services
            if service["status"] == "ACTIVE"
            for deployment in service["deployments"]
            for entry in deployment.get("vpcLatticeConfigurations", [])
        }
        used = groups_in_rules(world)
        if lost := [arn for arn in named if names.get(arn) not in used]:
            return f"ECS names {lost}, which no rule names"
        if dangling := used - set(names.values()):
            return f"a rule names {dangling}, which do not exist"
        return None

    world.watch(question)


def walk(world, labels: dict[str, str]) -> None:
    """Hooked up, moved to another Lattice service, taken off, declared again, deleted."""
    always_in_a_rule(world)
    arn = hooked_up(world, labels)
    for change in ({**labels, "lattice.service": "purchases", "lattice.domain": "purchases.example.com"}, {}, labels):
        wanted = change if "lattice.domain" in labels else {k: v for k, v in change.items() if k != "lattice.domain"}
        world.ecs.update_service(cluster="shop", service=arn, taskDefinition=world.register(wanted))
        world.run(2400)
    world.ecs.delete_service(cluster="shop", service=arn, force=True)
    world.run(1500)
    assert world.wrong == []
    assert world._all("list_target_groups") == []
    assert [
        call.error for call in lattice.backend().calls if call.operation == "DeleteTargetGroup" and call.error
    ] == []


def test_the_group_of_a_rule_is_in_a_rule_while_ecs_names_it(world):
    walk(world, LABELS)


def test_the_group_of_a_default_action_is_in_a_rule_while_ecs_names_it(world):
    walk(world, {key: value for key, value in LABELS.items() if key != "lattice.path.prefix"})


def test_the_group_of_a_passthrough_listener_is_in_its_default_action_while_ecs_names_it(world):
    walk(world, TLS)
