"""A target group of the stack that somebody deletes by hand: it is made anew, and the list of the ECS service loses the entry
that ECS refuses with every release."""

import pytest
from botocore.exceptions import ClientError

from ecs_lattice.messages.requests import ReconcileRequest
from ecs_lattice.model import ServiceId
from tests.histories.labels import LABELS, hooked_up
from tests.histories.test_other_hands import a_foreign_group


def the_group(world, name: str = "orders") -> str:
    """The ARN of the only target group of an ECS service."""
    (group,) = (found["arn"] for found in world._all("list_target_groups") if found["name"].startswith(name))
    return group


def delete_by_hand(world, group: str, service: str = "orders") -> None:
    """Delete the rules of the Lattice service, the targets and the group, while nothing of it is noticed."""
    (found,) = (found["id"] for found in world._all("list_services") if found["name"] == service)
    for listener in world._all("list_listeners", serviceIdentifier=found):
        place = {"serviceIdentifier": found, "listenerIdentifier": listener["id"]}
        for rule in world._all("list_rules", **place):
            if not rule["isDefault"]:
                world.lattice.delete_rule(**place, ruleIdentifier=rule["id"])
    delete_unused(world, group)


def delete_unused(world, group: str) -> None:
    """Delete a group that no rule names, with its targets."""
    targets = world._all("list_targets", targetGroupIdentifier=group)
    members = [{"id": target["id"], "port": target["port"]} for target in targets]
    world.lattice.deregister_targets(targetGroupIdentifier=group, targets=members)
    world.machine.clock.advance(400)
    world.lattice.delete_target_group(targetGroupIdentifier=group)
    world.machine.clock.advance(30)


def noticed(world) -> None:
    """What CloudTrail or the drift time leads to."""
    world.enqueue([ReconcileRequest("latticeService", "orders", "drift", world.clock.time())])
    world.run(3600)


def listed(world, arn: str) -> list[str]:
    return [entry["targetGroupArn"] for entry in world.primary(arn).get("vpcLatticeConfigurations", [])]


@pytest.mark.parametrize("targets", ["ecs", "controller"])
def test_it_is_made_anew_and_releases_are_accepted_again(world, targets):
    world.registry.put_document("stack", "marker", "{}")
    arn = hooked_up(world, {**LABELS, "lattice.targets": targets})
    before = the_group(world)
    delete_by_hand(world, before)
    noticed(world)
    after = the_group(world)
    assert after != before
    assert listed(world, arn) == ([after] if targets == "ecs" else [])
    world.ecs.update_service(cluster="shop", service=arn, forceNewDeployment=True)
    world.run(1800)
    assert world.statuses(arn) == {"default": ("Live", "")}
    assert world.ask("orders", "/orders").status == 200
    with world.counting() as written:
        world.run(3600)
    assert written == []


def test_until_it_counts_as_gone_the_entry_stays_and_the_decision_says_what_it_waits_for(world):
    world.registry.put_document("stack", "marker", "{}")
    arn = hooked_up(world)
    before = the_group(world)
    delete_by_hand(world, before)
    world.enqueue([ReconcileRequest("latticeService", "orders", "drift", world.clock.time())])
    said = {}
    for _ in range(60):
        if listed(world, arn) != [before]:
            break
        decision = world.ecs_side.plan(ServiceId(arn)).attach
        said[decision.code] = (decision.kind, decision.message)
        world.run(5)
    kind, message = said["LISTED_GROUP_GONE"]
    assert kind == "wait"
    assert message.startswith(f"Target group {before} of the list does not exist")


def test_a_task_event_notices_it_where_the_stack_registers_the_tasks(world):
    world.registry.put_document("stack", "marker", "{}")
    arn = hooked_up(world, {**LABELS, "lattice.targets": "controller"})
    before = the_group(world)
    delete_by_hand(world, before)
    world.ecs.update_service(cluster="shop", service=arn, forceNewDeployment=True)
    world.run(1800)
    assert the_group(world) != before
    assert world.ask("orders", "/orders").status == 200
    assert world.dead == []


def test_a_dead_entry_goes_also_when_no_route_is_left_that_would_take_its_place(world):
    world.registry.put_document("stack", "marker", "{}")
    arn = hooked_up(world)
    before = the_group(world)
    delete_by_hand(world, before)
    revision = world.register({**LABELS, "lattice.targets": "controller"})
    world.enqueue([ReconcileRequest("latticeService", "orders", "drift", world.clock.time())])
    world.run(20)
    with pytest.raises(ClientError, match="does not exist"):
        world.ecs.update_service(cluster="shop", service=arn, taskDefinition=revision)
    world.run(3600)
    assert before not in listed(world, arn)
    world.ecs.update_service(cluster="shop", service=arn, taskDefinition=revision)


def delete_theirs(world, group: str) -> None:
    """Delete a group of :func:`a_foreign_group` with the Lattice service that forwards to it."""
    (service,) = (found["id"] for found in world._all("list_services") if found["name"] == "by-hand")
    for listener in world._all("list_listeners", serviceIdentifier=service):
        world.lattice.delete_listener(serviceIdentifier=service, listenerIdentifier=listener["id"])
    delete_unused(world, group)


def entry_of(world, group: str, port: str) -> dict[str, str]:
    return {"roleArn": world.settings.infrastructure_role, "targetGroupArn": group, "portName": port}


def test_a_group_of_somebody_else_that_is_gone_is_no_longer_taken_for_his_own(world):
    """That it was his was remembered, so the route was refused for ever."""
    world.registry.put_document("stack", "marker", "{}")
    group = a_foreign_group(world)
    arn = hooked_up(world, ports=(("web", 9000),), vpcLatticeConfigurations=[entry_of(world, group, "web")])
    assert world.statuses(arn) == {"default": ("Refused", "OWN_GROUP_UNUSABLE")}
    delete_theirs(world, group)
    for _ in range(40):  # the drift time
        world.sweep()
        world.run(900)
    assert world.statuses(arn) == {"default": ("Live", "")}
    assert listed(world, arn) == [the_group(world)]


def test_a_dead_entry_of_somebody_else_alone_is_no_reason_for_a_deployment(world):
    world.registry.put_document("stack", "marker", "{}")
    group = a_foreign_group(world)
    ports = (("web", 8080), ("metrics", 9000))
    arn = hooked_up(world, ports=ports, vpcLatticeConfigurations=[entry_of(world, group, "metrics")])
    both = [group, the_group(world)]
    assert listed(world, arn) == both
    delete_theirs(world, group)
    for _ in range(4):
        world.sweep()
        world.run(900)
    assert listed(world, arn) == both
    assert world.statuses(arn) == {"default": ("Live", "")}


def test_where_the_owner_cannot_be_read_the_entry_stays(world, monkeypatch):
    from ecs_lattice.errors import DeniedError

    world.registry.put_document("stack", "marker", "{}")
    arn = hooked_up(world)
    before = the_group(world)
    delete_by_hand(world, before)

    def denied(_group: str) -> None:
        raise DeniedError("ListTagsForResource", "AccessDeniedException", "no")

    monkeypatch.setattr(type(world.ecs_side.targets), "tags", lambda _self, group: denied(group))
    noticed(world)
    assert listed(world, arn) == [before]
    monkeypatch.undo()
    world.run(1800)
    world.sweep()
    world.run(3600)
    assert before not in listed(world, arn)
