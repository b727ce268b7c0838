"""A claim begins with a deployment that completed: before, a declaration is checked and reported, and nothing is made."""

import dataclasses

import pytest

from ecs_lattice.claims import Answer, Claim, ClaimRecord, Notice
from ecs_lattice.ecs_side import record as documents
from ecs_lattice.ecs_side.claims import AttachmentFacts, desired_claims
from ecs_lattice.model import Placement, Route
from ecs_lattice.outcome import Done, NotYet
from tests.ecs_side.bench import LABELS, SERVICE
from tests.ecs_side.test_decisions import NOW, a_claim, asked

WAITING = {"default": ("Pending", "WAITING_FOR_DEPLOYMENT")}
NEVER_READY = {"START_SECONDS": 100_000}
BREAKER = {"deploymentCircuitBreaker": {"enable": True, "rollback": False}}


def requirements(bench):
    return list(bench.registry.requirements())


def test_the_first_deployment_makes_nothing_until_it_completes(bench):
    bench.create(bench.define(START_SECONDS=120))
    with bench.writes() as written:
        outcome = bench.go()
    assert isinstance(outcome, NotYet)
    assert written == []
    assert (bench.records(), bench.requests.enqueued, requirements(bench)) == ({}, [], [])
    assert bench.states() == WAITING
    assert bench.problems() == ["WAITING_FOR_DEPLOYMENT"]
    assert bench.announced.changes == []
    bench.completed()
    bench.go()
    assert bench.states() == {"default": ("Pending", "CREATING")}
    assert bench.problems() == []
    assert [request.key for request in bench.requests.enqueued] == ["orders"]
    assert bench.announced.changes == []


def test_a_first_release_that_crashes_never_claims_whatever_its_labels_ask_for(bench):
    labels = {**LABELS, "lattice.auth": "iam", "lattice.network": "public"}
    bench.create(bench.define(labels, CRASH_AFTER_SECONDS=1), deploymentConfiguration=BREAKER)
    for _ in range(30):
        bench.go()
        bench.advance(30)
    assert bench.primary()["rolloutState"] == "FAILED"
    assert bench.go() == Done()
    assert (bench.records(), bench.requests.enqueued) == ({}, [])
    bench.ecs.delete_service(cluster="shop", service="orders", force=True)
    bench.advance(4000)
    bench.go()
    assert bench.stored() == []


def test_the_declaration_of_a_first_deployment_is_checked(bench):
    bench.create(bench.define({**LABELS, "lattice.prot": "web"}, **NEVER_READY))
    bench.go()
    assert bench.problems() == ["UNKNOWN_KEY"]
    assert [change.code for change in bench.announced.changes] == ["UNKNOWN_KEY"]
    bench.deploy(bench.define(LABELS, **NEVER_READY))
    bench.go()
    assert bench.states() == WAITING


def test_a_service_without_tasks_completes_at_once(bench):
    bench.create(desired=0)
    bench.until(lambda: bench.primary()["rolloutState"] == "COMPLETED", limit=60)
    bench.go()
    assert set(bench.records()) == {"default"}


def test_a_plan_of_a_first_deployment_has_the_routes_and_no_claim(bench):
    bench.create(bench.define(**NEVER_READY))
    plan = bench.side.plan(SERVICE)
    assert [route.name for route in plan.routes] == ["default"]
    assert (plan.claims, plan.openings, plan.source) == ((), (), "primary")
    assert [problem.code for problem in plan.problems] == ["WAITING_FOR_DEPLOYMENT"]


def test_a_waiting_service_is_settled_for_the_resync_and_is_forgotten_by_the_uninstall(bench):
    bench.create(bench.define(**NEVER_READY))
    bench.go()
    assert documents.is_settled(bench.registry.document(documents.KIND, SERVICE.arn))
    bench.registry.put_document("stack", "uninstall", "{}")
    bench.go()
    assert bench.registry.document(documents.KIND, SERVICE.arn) is None


def test_what_stands_from_before_stays_as_it_is(bench):
    """The version before claimed for a service whose first deployment was still in progress."""
    bench.create(bench.define(**NEVER_READY))
    bench.go()
    created_at = bench.side.ecs.service(SERVICE).created_at
    placement = Placement(bench.vpc, "IPV4", 8080)
    standing = Claim(SERVICE, created_at, Route("default", "orders", "web", networks=("platform",)), placement)
    bench.registry.put_claim(standing)
    bench.answer("Live", bench.group())
    bench.deploy(bench.define({**LABELS, "lattice.path.prefix": "/new"}, **NEVER_READY))
    with bench.writes() as written:
        bench.go()
    assert written == []
    claim = bench.records()["default"].claim
    assert dataclasses.replace(claim, named=False, serving=False) == standing
    (status,) = bench.side.status(SERVICE)
    assert (status.state, status.code) == ("Live", "")
    assert [notice.code for notice in status.notices] == ["WAITING_FOR_DEPLOYMENT"]


def test_the_claim_of_a_predecessor_vanishes_while_its_successor_has_never_completed(bench):
    group = bench.live()
    bench.ecs.delete_service(cluster="shop", service="orders", force=True)
    bench.advance(600)
    bench.create(bench.define(**NEVER_READY))
    bench.go()
    assert bench.records()["default"].claim.phase == "vanished"
    assert bench.states() == {"default": ("Live", "VANISHED")}
    bench.answer("Parked", group)
    bench.go()
    assert bench.states() == WAITING


def test_what_was_rebuilt_from_tags_is_held_until_a_deployment_completes():
    """A lost table while the PRIMARY task set of a service is not steady: what its tags say is not removed meanwhile."""
    lost = a_claim("lost-1", phase="vanished", since=NOW - 60, own_group="tg", route={})
    lost = dataclasses.replace(lost, created_at=0.0)
    key = ("orders", "lost-1")
    known = {key: ClaimRecord(lost, 1, Answer("Live", group_arn="tg"), 1, 1, 1)}
    waiting = dataclasses.replace(asked(known=known), routes=None, waiting=(Route("default", "orders", "web"),))
    assert desired_claims(waiting, AttachmentFacts())[key].route.pause
    declared = asked(known=known, routes=(Route("default", "orders", "web"),))
    assert not desired_claims(declared, AttachmentFacts())[key].route.pause


@pytest.mark.parametrize(("rollout", "is_waiting"), [("IN_PROGRESS", True), ("COMPLETED", False)])
def test_a_task_set_claims_once_it_is_primary_and_steady(bench, rollout, is_waiting):
    bench.ecs.create_service(
        cluster="shop", serviceName="orders", desiredCount=1, deploymentController={"type": "EXTERNAL"}
    )
    bench.ecs.create_task_set(
        cluster="shop",
        service="orders",
        taskDefinition=bench.define(),
        launchType="FARGATE",
        networkConfiguration={"awsvpcConfiguration": {"subnets": bench.subnets, "securityGroups": [bench.open_group]}},
        scale={"value": 100.0, "unit": "PERCENT"},
    )
    service = bench.side.ecs.service(SERVICE)
    (primary,) = service.deployments
    primary = dataclasses.replace(primary, status="PRIMARY", rollout=rollout)
    shown = dataclasses.replace(service, deployments=(primary,), subnets=tuple(bench.subnets))
    bench.side.ecs.service = lambda _: shown
    bench.go()
    assert (bench.records() == {}) is is_waiting
    assert bench.problems() == (["WAITING_FOR_DEPLOYMENT"] if is_waiting else [])


def test_notices_of_the_lattice_side_are_in_the_status_and_an_event(bench):
    group = bench.live()
    bench.answer("Live", group, notices=(Notice("SHADOWED", "Another route covers it."),))
    bench.go()
    (status,) = bench.side.status(SERVICE)
    assert status.notices == (Notice("SHADOWED", "Another route covers it."),)
    assert bench.side.plan(SERVICE).notices == {"orders/default": status.notices}
    (change,) = bench.announced.changes
    assert (change.state, change.code, change.previous_state) == ("Live", "SHADOWED", "Live")


def test_a_first_deployment_that_crash_loops_counts_its_failed_tasks_and_is_told_after_a_quarter_of_an_hour(bench):
    bench.create(bench.define(CRASH_AFTER_SECONDS=1))
    told = []
    for _ in range(40):
        bench.go()
        (status,) = bench.side.status(SERVICE)
        told.append(bool(status.notices))
        bench.advance(30)
    assert bench.states() == WAITING
    assert (
        "tasks have failed within the last hour, the newest with: Essential container in task exited" in status.message
    )
    assert "container app exited with code 1" in status.message
    assert [notice.code for notice in status.notices] == ["FIRST_DEPLOYMENT_FAILING"]
    assert told.index(True) * 30 in range(900, 960)
    (change,) = bench.announced.changes
    assert change.code == "FIRST_DEPLOYMENT_FAILING"


def test_a_slow_first_deployment_without_failed_tasks_is_not_told(bench):
    bench.create(bench.define(**NEVER_READY))
    for _ in range(40):
        bench.go()
        bench.advance(30)
    assert (bench.states(), bench.announced.changes) == (WAITING, [])
