"""Killed after any call, edited by hand, throttled: the next reconcile continues from there, and nothing is created twice."""

import contextlib
from collections.abc import Callable

import pytest

from ecs_lattice.aws.lattice import BotoLattice
from ecs_lattice.errors import UnavailableError
from ecs_lattice.lattice_side.reconcile import LatticeSide
from ecs_lattice.outcome import Done, NotYet
from tests.lattice_side.direct import Crash, DirectClient
from tests.lattice_side.stage import SETTINGS, Stage, path, service

WEB = service("web")


@pytest.fixture
def client(stage: Stage) -> DirectClient:
    """The stage's client, which can kill the function."""
    client = DirectClient()
    stage.lattice = client
    adapter = BotoLattice(client)  # type: ignore[arg-type]
    stage.side = LatticeSide(SETTINGS, adapter, stage.registry, stage.requests, stage.clock.time, stage.holders)
    return client


def until_settled(stage: Stage, client: DirectClient) -> None:
    """Reconciles until all is done; after a kill SQS delivers the request again."""
    for _ in range(200):
        try:
            outcome = stage.reconcile()
        except Crash:
            stage.clock.advance(1)
            continue
        waiting, client.crash_in = client.crash_in, None
        changed = stage.ecs()
        client.crash_in = waiting
        if not changed and not isinstance(outcome, NotYet):
            return
        stage.clock.advance(outcome.after if isinstance(outcome, NotYet) and not changed else 0)
    raise AssertionError("it does not settle")


@pytest.mark.parametrize("late", [True, False])
@pytest.mark.parametrize("write", range(1, 11))
def test_a_kill_at_any_write_of_the_hook_up_or_the_removal_changes_nothing_in_the_end(
    stage: Stage, client: DirectClient, write: int, late: bool
) -> None:
    stage.claim(WEB, stage.route("orders", path("/orders")))
    stage.claim(WEB, stage.route())
    client.crash_in, client.late = write, late
    until_settled(stage, client)
    assert stage.ask("/orders") == stage.ask("/") == "prod/web:http"
    assert (len(stage.rules()), len(stage.groups())) == (1, 1)
    for name in ("orders", "default"):
        stage.vanish(WEB, name)
    client.crash_in, client.late = write, late
    until_settled(stage, client)
    assert stage.records() == ()
    assert (stage.rules(), stage.groups()) == ([], [])


CREATES = [
    "CreateTargetGroup",
    "CreateService",
    "CreateListener",
    "CreateRule",
    "CreateServiceNetworkServiceAssociation",
]


@pytest.mark.parametrize("operation", CREATES)
def test_a_lost_answer_makes_nothing_twice(stage: Stage, client: DirectClient, operation: str) -> None:
    stage.claim(WEB, stage.route("orders", path("/orders")))
    stage.backend.faults.lose_answer(operation)
    for _ in range(10):
        with contextlib.suppress(UnavailableError):
            stage.reconcile()
        stage.clock.advance(5)
    stage.settle()
    assert stage.ask("/orders") == "prod/web:http"
    assert (len(stage.rules()), len(stage.groups()), len(client.list_services()["items"])) == (1, 1, 1)


@pytest.mark.parametrize("operation", CREATES)
def test_a_throttled_call_is_tried_again_when_aws_says(stage: Stage, operation: str) -> None:
    stage.claim(WEB, stage.route("orders", path("/orders")))
    stage.backend.faults.throttle(operation, retry_after=7)
    for _ in range(20):
        outcome = stage.reconcile()
        if not isinstance(outcome, NotYet):
            break
        stage.clock.advance(outcome.after)
    assert not stage.backend.faults.waiting[operation]
    assert stage.settle() == Done()
    assert stage.state(WEB, "orders") == "Live"


def delete_rule(stage: Stage) -> None:
    stage.lattice.delete_rule(**stage.listener(), ruleIdentifier=stage.rules()[0]["id"])


def delete_listener(stage: Stage) -> None:
    stage.lattice.delete_listener(**stage.listener())


def delete_association(stage: Stage) -> None:
    found = stage.lattice.list_service_network_service_associations(serviceIdentifier=stage.service_id())["items"]
    stage.lattice.delete_service_network_service_association(serviceNetworkServiceAssociationIdentifier=found[0]["id"])


def change_match(stage: Stage) -> None:
    match = {"httpMatch": {"pathMatch": {"match": {"exact": "/elsewhere"}}}}
    stage.lattice.update_rule(**stage.listener(), ruleIdentifier=stage.rules()[0]["id"], match=match)


def change_action(stage: Stage) -> None:
    action = {"fixedResponse": {"statusCode": 404}}
    stage.lattice.update_rule(**stage.listener(), ruleIdentifier=stage.rules()[0]["id"], action=action)


def change_health_check(stage: Stage) -> None:
    group = stage.lattice.list_target_groups()["items"][0]["id"]
    stage.lattice.update_target_group(targetGroupIdentifier=group, healthCheck={"enabled": True, "path": "/edited"})


def delete_service(stage: Stage) -> None:
    delete_association(stage)
    stage.clock.advance(30)
    stage.lattice.delete_service(serviceIdentifier=stage.service_id())
    stage.clock.advance(30)


@pytest.mark.parametrize(
    "edit",
    [
        delete_rule,
        delete_listener,
        delete_association,
        change_match,
        change_action,
        change_health_check,
        delete_service,
    ],
)
def test_what_is_edited_or_deleted_by_hand_is_put_right(stage: Stage, edit: Callable[[Stage], None]) -> None:
    stage.claim(WEB, stage.route("orders", path("/orders")))
    stage.settle()
    edit(stage)
    assert stage.settle() == Done()
    assert stage.ask("/orders/1") == "prod/web:http"
    assert len(stage.rules()) == 1
    group = stage.lattice.list_target_groups()["items"][0]["id"]
    assert stage.lattice.get_target_group(targetGroupIdentifier=group)["config"]["healthCheck"]["path"] == "/"
    found = stage.lattice.list_service_network_service_associations(serviceIdentifier=stage.service_id())["items"]
    assert [one["status"] for one in found] == ["ACTIVE"]
    with stage.writes() as made:
        stage.reconcile()
    assert made == []
