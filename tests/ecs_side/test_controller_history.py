"""Controller mode and a list that somebody took away, on the local ECS with real target groups."""

from ecs_lattice.outcome import Done, NotYet
from local_aws import lattice
from tests.ecs_side.bench import LABELS, SERVICE

BY_CONTROLLER = {**LABELS, "lattice.targets": "controller"}


def registered(bench):
    """A service in controller mode whose tasks are registered; its target group."""
    group = bench.wired(task_definition=bench.define(BY_CONTROLLER))
    bench.go()
    bench.taken_in()
    return group


def test_running_tasks_are_registered_without_any_deployment_and_a_second_reconcile_writes_nothing(bench):
    group = registered(bench)
    assert bench.serving_targets(group) == bench.addresses()
    assert len(bench.addresses()) == 2
    assert bench.history() == ["SUCCESSFUL"]
    claim = bench.records()["default"].claim
    assert (claim.named, claim.serving) == (True, True)
    before = bench.stored()
    with bench.writes() as written:
        assert bench.go() == Done()
    assert written == []
    assert bench.stored() == before


def test_nothing_is_registered_before_the_route_is_wired(bench):
    bench.create(bench.define(BY_CONTROLLER))
    bench.completed()
    with bench.writes() as written:
        bench.go()
        bench.go()
    assert written == []
    assert not bench.records()["default"].claim.serving


def test_new_tasks_join_at_the_port_of_their_own_revision_and_leave_when_ecs_wants_them_stopped(bench):
    group = registered(bench)
    old = bench.addresses()
    bench.deploy(bench.define(BY_CONTROLLER, {"web": 9999}))
    for _ in range(40):
        bench.advance(5)
        bench.go()
        assert bench.serving_targets(group) == bench.addresses()
    bench.completed()
    bench.go()
    assert not bench.addresses() & old
    ports = {
        one["port"]
        for one in bench.lattice.list_targets(targetGroupIdentifier=group)["items"]
        if one["status"] != "DRAINING"
    }
    assert ports == {9999}


def test_a_target_that_drains_is_left_alone(bench):
    group = registered(bench)
    address = min(bench.addresses())
    bench.lattice.deregister_targets(targetGroupIdentifier=group, targets=[{"id": address, "port": 8080}])
    assert bench.targets(group)[address] == "DRAINING"
    with bench.writes() as written:
        outcome = bench.go()
    assert written == []
    assert outcome == NotYet.until(15, outcome.why)
    bench.advance(400)
    bench.go()
    assert bench.serving_targets(group) == bench.addresses()


def test_what_lattice_answers_as_unsuccessful_is_tried_again(bench):
    group = bench.wired(task_definition=bench.define(BY_CONTROLLER))
    refused = min(bench.addresses())
    original = bench.side.targets.register

    def half(group_arn, targets):
        failed = {one: "Busy: later" for one in targets if one.address == refused}
        original(group_arn, [one for one in targets if one not in failed])
        return failed

    bench.side.targets.register = half
    outcome = bench.go()
    assert (isinstance(outcome, NotYet), outcome.after) == (True, 15)
    assert not bench.records()["default"].claim.serving
    bench.side.targets.register = original
    bench.advance(15)
    bench.go()
    assert bench.serving_targets(group) == bench.addresses()
    assert bench.records()["default"].claim.serving


def test_a_parked_route_s_targets_are_deregistered_and_then_no_longer_named(bench):
    group = registered(bench)
    bench.answer("Live", group)
    bench.go()
    bench.deploy(bench.define({}))
    bench.completed()
    bench.go()
    assert bench.serving_targets(group) == bench.addresses()
    bench.answer("Parked", group)
    bench.go()
    assert bench.serving_targets(group) == set()
    assert not bench.records()["default"].claim.named
    assert bench.history() == ["SUCCESSFUL", "SUCCESSFUL"]


def test_a_stopped_task_of_a_deleted_service_is_deregistered(bench):
    group = registered(bench)
    bench.ecs.delete_service(cluster="shop", service="orders", force=True)
    bench.go()
    assert bench.serving_targets(group) == set()


# Somebody takes the list away.


def list_overwritten(bench):
    """A live service whose list a declarative tool has emptied; its group and the tasks before."""
    group = bench.live()
    bench.deploy(bench.define(), vpcLatticeConfigurations=[])
    return group


def test_when_an_apply_overwrites_the_list_its_tasks_are_registered_at_once_and_no_moment_is_without_targets(bench):
    group = list_overwritten(bench)
    for _ in range(30):
        bench.advance(10)
        bench.go()
        serving = {address for address, status in bench.targets(group).items() if status in {"HEALTHY", "INITIAL"}}
        assert serving
        assert bench.addresses() <= set(bench.targets(group))
    bench.completed()
    bench.go()
    bench.taken_in()
    assert bench.serving_targets(group) == bench.addresses()
    assert bench.attached() == []
    claim = bench.records()["default"].claim
    assert (claim.named, claim.serving) == (True, True)
    assert bench.go() == Done()


def test_a_list_that_was_overwritten_is_not_restored_and_the_status_says_how_to_hand_it_back(bench):
    list_overwritten(bench)
    deployments = len(bench.history())
    for _ in range(20):
        bench.advance(60)
        bench.go()
        bench.taken_in()
    assert len(bench.history()) == deployments
    assert bench.problems() == ["LIST_OVERWRITTEN"]
    (problem,) = bench.side.status(SERVICE).problems
    assert "ignore_changes = [vpc_lattice_configurations]" in problem.message
    assert bench.states()["default"] == ("Live", "LIST_OVERWRITTEN")


def test_a_second_apply_finds_the_tasks_registered_too(bench):
    group = list_overwritten(bench)
    bench.completed()
    bench.go()
    bench.deploy(bench.define(), vpcLatticeConfigurations=[])
    for _ in range(30):
        bench.advance(10)
        bench.go()
    bench.completed()
    bench.go()
    assert bench.serving_targets(group) == bench.addresses()


def test_the_list_back_in_the_template_ends_controller_mode_and_leaves_no_target_behind(bench):
    group = bench.live()
    entries = bench.primary()["vpcLatticeConfigurations"]
    bench.deploy(bench.define(), vpcLatticeConfigurations=[])
    bench.completed()
    bench.go()
    assert bench.record().list_overwritten
    bench.deploy(bench.define(), vpcLatticeConfigurations=entries)
    for _ in range(40):
        bench.advance(12)
        bench.go()
    bench.completed()
    bench.go()
    bench.taken_in()
    assert bench.record().list_overwritten == ""
    assert bench.record().registered == {}
    assert bench.serving_targets(group) == bench.addresses()
    assert bench.go() == Done()
    assert bench.problems() == []


def test_other_routes_end_the_mode_and_the_tasks_are_attached_by_ecs_again(bench):
    group = bench.live()
    bench.deploy(bench.define({**LABELS, "lattice.path.prefix": "/new"}), vpcLatticeConfigurations=[])
    for _ in range(60):
        bench.advance(25)
        bench.go()
        bench.taken_in()
    assert bench.attached() == [group]
    assert bench.record().list_overwritten == ""
    assert bench.record().registered == {}
    assert bench.serving_targets(group) == bench.addresses()


def test_targets_of_a_deployment_that_names_the_group_are_never_the_controllers(bench):
    group = bench.live()
    bench.deploy(bench.define(), vpcLatticeConfigurations=[])
    bench.advance(30)
    named = {
        task["containers"][0]["networkInterfaces"][0]["privateIpv4Address"]
        for task in bench.ecs.describe_tasks(
            cluster="shop", tasks=bench.ecs.list_tasks(cluster="shop", serviceName="orders")["taskArns"]
        )["tasks"]
        if task["startedBy"] != bench.primary()["id"] and task["containers"][0].get("networkInterfaces")
    }
    before = len(lattice.backend().calls)
    bench.go()
    ours = [
        one
        for one in lattice.backend().calls[before:]
        if one.operation in {"RegisterTargets", "DeregisterTargets"} and one.caller != lattice.ECS
    ]
    assert all(target["id"] not in named for one in ours for target in one.parameters["targets"])
    assert named
    assert group
