"""Histories on bad days: AWS refuses, throttles, lags or forgets, messages fail for an hour. It converges all the same."""

import dataclasses

import pytest

from tests.histories.checks import comes_to_rest, deployments_of, failing, lagging, released
from tests.histories.labels import LABELS, hooked_up


@pytest.mark.parametrize("operation", ["DescribeTaskDefinition", "UpdateService"])
def test_a_role_that_may_nothing_in_its_first_five_minutes_hooks_the_service_up_all_the_same(world, operation):
    arn = world.deploy(world.register(LABELS))
    with failing(world.ecs, operation, "AccessDeniedException") as refused:
        world.run(300)
    assert refused
    world.run(1200)
    world.sweep()
    world.run(1200)
    assert world.claims(arn) == {"orders/default": "Live"}
    assert deployments_of(world, arn) == ["SUCCESSFUL", "SUCCESSFUL"]


@pytest.mark.parametrize("operation", ["CreateRule", "ListTargets"])
def test_a_call_of_lattice_that_fails_for_an_hour_is_made_good_afterwards(world, operation):
    with failing(world.lattice, operation, "AccessDeniedException") as refused:
        arn = world.deploy(world.register(LABELS))
        for _ in range(4):
            world.run(900)
            world.sweep()
    assert refused
    world.run(900)
    world.sweep()
    world.run(1800)
    assert world.claims(arn) == {"orders/default": "Live"}
    assert world.ask("orders", "/orders").status == 200
    assert len(world._all("list_target_groups")) == 1


@pytest.mark.parametrize("code", ["AccessDeniedException", "ClientException"])
def test_when_ecs_cannot_be_read_for_an_hour_a_service_deployed_meanwhile_is_found_afterwards(world, code):
    arn = world.deploy(world.register(LABELS))
    with failing(world.ecs, "DescribeTaskDefinition", code):
        for _ in range(4):
            world.run(900)
            world.sweep()
    for _ in range(3):
        world.sweep()
        world.run(900)
    assert world.claims(arn) == {"orders/default": "Live"}


@pytest.mark.parametrize(
    "code", ["ServerException", "ThrottlingException", "ClientException", "ServiceNotActiveException"]
)
def test_an_update_service_that_fails_once_is_made_again_and_only_once(world, code):
    with failing(world.ecs, "UpdateService", code, times=1) as refused:
        arn = hooked_up(world)
    assert refused == ["UpdateService"]
    comes_to_rest(world)
    assert deployments_of(world, arn) == ["SUCCESSFUL", "SUCCESSFUL"]
    assert world.claims(arn) == {"orders/default": "Live"}


def test_requests_that_a_sweep_sends_in_vain_are_sent_again_by_a_later_one(world):
    world.chaos.lose = 1.0
    arn = world.deploy(world.register(LABELS))
    world.run(900)
    world.sweep()
    world.run(900)
    world.sweep()
    world.chaos.lose = 0.0
    for _ in range(3):
        world.sweep()
        world.run(900)
    assert world.claims(arn) == {"orders/default": "Live"}


def test_reads_that_lag_cause_no_second_attach_and_no_removal(world):
    lagging(world, ecs_reads=25, lists=30)
    arn = hooked_up(world)
    released(world, arn, {**LABELS, "lattice.path.prefix": "/purchases"})
    comes_to_rest(world)
    assert world.ask("orders", "/purchases").status == 200
    assert deployments_of(world, arn) == ["SUCCESSFUL"] * 3


def test_a_service_made_anew_under_its_name_is_live_again_and_nothing_is_double(world):
    first = hooked_up(world)
    world.ecs.delete_service(cluster="shop", service=first, force=True)
    world.run(120)
    second = hooked_up(world)
    assert second == first
    comes_to_rest(world)
    assert world.claims(second) == {"orders/default": "Live"}
    assert world.ask("orders", "/orders").status == 200
    assert len(world._all("list_target_groups")) == 1
    assert deployments_of(world, second)[-2:] == ["SUCCESSFUL", "SUCCESSFUL"]


def test_a_cluster_that_is_deleted_with_its_services_leaves_no_rule_group_or_claim(world):
    arns = [hooked_up(world), hooked_up(world, {**LABELS, "lattice.path.prefix": "/b"}, family="b", name="b")]
    for arn in arns:
        world.ecs.delete_service(cluster="shop", service=arn, force=True)
    world.chaos.lose = 1.0  # nobody hears of it
    world.run(3700)
    world.ecs.delete_cluster(cluster="shop")
    world.chaos.lose = 0.0
    for _ in range(5):
        world.sweep()
        world.run(900)
    comes_to_rest(world)
    assert world.graph()["orders"]["listeners"]["HTTP:80"]["rules"] == []
    assert world._all("list_target_groups") == []
    assert [world.claims(arn) for arn in arns] == [{}, {}]
    assert not list(world.registry.documents("ecs"))


def test_a_task_definition_that_is_deregistered_and_deleted_changes_nothing_for_what_runs(world):
    arn = hooked_up(world)
    before = world.graph()
    revision = world.primary(arn)["taskDefinition"]
    world.ecs.deregister_task_definition(taskDefinition=revision)
    world.ecs.delete_task_definitions(taskDefinitions=[revision])
    world.build()
    world.workers["ecsService"].reconcile(arn)
    comes_to_rest(world)
    assert world.graph() == before
    assert world.claims(arn) == {"orders/default": "Live"}


def test_a_stack_update_in_the_middle_of_an_attach_changes_nothing_of_it(world):
    arn = world.deploy(world.register(LABELS))
    for seconds in (20, 40, 60, 80):
        world.run(seconds)
        world.build(dataclasses.replace(world.settings, max_removals=6))
    comes_to_rest(world)
    assert world.claims(arn) == {"orders/default": "Live"}
    assert deployments_of(world, arn) == ["SUCCESSFUL", "SUCCESSFUL"]
