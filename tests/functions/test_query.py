"""The handler of ``query`` on the in-process local AWS: what it tells of a service, and of what was changed."""

import json

import boto3
import pytest

from ecs_lattice import history
from ecs_lattice.aws.history import DynamoHistory
from ecs_lattice.bootstrap.common import wiring
from ecs_lattice.errors import UnknownEventError
from ecs_lattice.history import KEPT_SECONDS, MOST_STEPS, Entry
from functions.query.app import handler
from local_aws import lattice
from tests.functions.conftest import Deployed, recorded
from tests.histories.labels import LABELS, hooked_up

ROUTE_MEMBERS = {
    "latticeService", "route", "state", "code", "message", "command", "isProblem", "since", "isDeclared", "match", "listeners", "url",
    "domainName", "port", "targetGroupArn", "targets", "notices",
}  # fmt: skip


def asked(deployed: Deployed, **request):
    return json.loads(json.dumps(handler(request, deployed.context)))


def steps_of(entries):
    return [step for entry in entries for step in entry["steps"]]


def test_the_status_of_a_live_route_says_where_it_is_reached_and_how_many_targets_answer(deployed):
    arn = hooked_up(deployed.world, LABELS | {"lattice.listener": "HTTP:8081"})
    told = asked(deployed, mode="status")
    assert (told["schema"], told["at"]) == (1, deployed.world.clock.time())
    assert told["stack"] | {"version": ""} == {
        "owner": "ecs-lattice", "labelPrefix": "lattice", "version": "", "clusters": [],
        "isUninstalling": False, "isRebuilding": True,
    }  # fmt: skip
    (service,) = told["ecsServices"]
    assert (service["arn"], service["cluster"], service["service"]) == (arn, "shop", "orders")
    assert (service["revision"], service["problems"]) == ("orders:1", [])
    (route,) = service["routes"]
    assert set(route) == ROUTE_MEMBERS
    domain = route["domainName"]
    assert domain.startswith("orders-")
    assert route["url"] == f"http://{domain}:8081/orders"
    assert (route["state"], route["code"], route["isDeclared"], route["match"]) == ("Live", "", True, "/orders*")
    assert (route["listeners"], route["port"], route["targets"]) == (["HTTP:8081"], 8080, {"HEALTHY": 2})
    assert route["since"] <= told["at"]
    (lattice_service,) = told["latticeServices"]
    assert (lattice_service["name"], lattice_service["claims"]) == ("orders", 1)
    assert lattice_service["holder"] == "cluster/shop"


def test_the_status_of_one_service_reads_nothing_of_the_others(deployed):
    arn = hooked_up(deployed.world)
    other = deployed.world.deploy(
        deployed.world.register(LABELS | {"lattice.path.prefix": "/other"}, "other"), name="other"
    )
    deployed.world.run(1200)
    everything = asked(deployed, mode="status")
    assert [service["arn"] for service in everything["ecsServices"]] == sorted([arn, other])
    calls = len(lattice.backend().calls)
    alone = asked(deployed, mode="status", ecsService=arn)
    assert [service["arn"] for service in alone["ecsServices"]] == [arn]
    assert alone["ecsServices"] == [service for service in everything["ecsServices"] if service["arn"] == arn]
    assert len(lattice.backend().calls) == calls + 1  # ListTargets of its group
    unknown = asked(deployed, mode="status", ecsService=arn + "-unknown")
    assert unknown["ecsServices"] == []


def test_a_service_that_asks_for_nothing_is_not_listed_and_a_refused_one_is(deployed):
    deployed.world.deploy(deployed.world.register({}, "plain"), name="plain")
    deployed.world.deploy(deployed.world.register({"lattice.port": "web", "lattice.colour": "red"}, "odd"), name="odd")
    deployed.world.run(1200)
    (service,) = asked(deployed, mode="status")["ecsServices"]
    assert service["service"] == "odd"
    assert "UNKNOWN_KEY" in {problem["code"] for problem in service["problems"]}


def test_targets_that_cannot_be_read_are_null_and_everything_else_is_told(deployed):
    hooked_up(deployed.world)
    lattice.backend().faults.fail("ListTargets", times=20)
    (service,) = asked(deployed, mode="status")["ecsServices"]
    assert [(route["state"], route["targets"]) for route in service["routes"]] == [("Live", None)]


def test_the_history_tells_each_change_with_its_cause_in_order(deployed):
    arn = hooked_up(deployed.world)
    told = asked(deployed, mode="history")
    assert told["isCut"] is False
    entries = told["entries"]
    assert [entry["at"] for entry in entries] == sorted(entry["at"] for entry in entries)
    assert all(entry["cause"] and entry["steps"] for entry in entries)
    steps = steps_of(entries)
    created = [step for step in steps if "target group" in step or "rule" in step or "Lattice service" in step]
    assert len(created) >= 4
    assert any(step.startswith("update the ECS service in a new deployment to the target groups") for step in steps)
    of_service = asked(deployed, mode="history", key=arn)["entries"]
    assert of_service == [entry for entry in entries if entry["key"] == arn]
    assert of_service
    of_lattice = asked(deployed, mode="history", key="orders")["entries"]
    assert {entry["kind"] for entry in of_lattice} == {"latticeService"}
    later = entries[-1]["at"]
    assert asked(deployed, mode="history", since=later)["entries"] == [e for e in entries if e["at"] >= later]
    before = asked(deployed, mode="history")["entries"]
    deployed.world.run(3600)
    assert asked(deployed, mode="history")["entries"] == before, "nothing changes at rest"


def test_a_removal_is_in_the_history(deployed):
    arn = hooked_up(deployed.world)
    since = deployed.world.clock.time() + 1
    boto3.client("ecs").delete_service(cluster="shop", service=arn, force=True)
    deployed.world.run(4 * 3600)
    steps = steps_of(asked(deployed, mode="history", since=since)["entries"])
    assert any("delete" in step and "target group" in step for step in steps)


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        ({"mode": "status", "ecsService": "orders"}, "the long ARN is needed"),
        ({"mode": "status", "ecsService": 5}, "the long ARN is needed"),
        ({"mode": "history", "since": "yesterday"}, "epoch seconds are needed"),
        ({"mode": "history", "since": True}, "epoch seconds are needed"),
        ({"mode": "history", "key": 7}, "the ARN of an ECS service or the name of a Lattice service"),
    ],
)
def test_a_wrong_member_is_a_sentence_that_says_what_is_allowed(deployed, request_, words):
    with pytest.raises(UnknownEventError, match=words):
        handler(request_, deployed.context)


@pytest.mark.parametrize("event", [{}, {"mode": "sweep"}, {"mode": "status", "cluster": "x"}, {"Records": []}, []])
def test_what_is_meant_for_another_function_is_refused(deployed, event):
    with pytest.raises(UnknownEventError, match="QueryFunction takes"):
        handler(event, deployed.context)


def test_every_recorded_question_is_answered(deployed):
    for name in ("status", "status-ecs-service", "history"):
        assert handler(recorded(f"query/{name}"), deployed.context)["schema"] == 1


def test_entries_are_kept_for_ninety_days_by_the_tables_own_expiry_and_read_over_days(deployed):
    own = wiring()
    kept = DynamoHistory(own.clients.dynamodb, own.settings.table, own.now)
    now = own.now()
    ages = (3 * 86400, 86400, 10, 0)
    for age in ages:
        kept.add(Entry(now - age, "stack", "x", "a test", (f"{age} s old",)))
    assert [entry.steps[0] for entry in kept.since(0)] == [f"{age} s old" for age in ages]
    assert [entry.steps[0] for entry in kept.since(now - 86400)] == [f"{age} s old" for age in ages[1:]]
    items = own.clients.dynamodb.scan(TableName=own.settings.table)["Items"]
    expiries = [float(item["expiresAt"]["N"]) for item in items if item["pk"]["S"].startswith("history#")]
    assert sorted(expiries) == sorted(float(int(now - age + KEPT_SECONDS)) for age in ages)


def test_an_entry_has_bounds_whatever_tenants_write():
    entry = Entry(1.0, "customResource", "é" * 5000, "c" * 5000, tuple("s" * 5000 for _ in range(MOST_STEPS + 50)))
    assert len(entry.key.encode()) <= 900
    assert len(entry.cause) <= 200
    assert len(entry.steps) == MOST_STEPS + 1
    assert all(len(step) <= 200 for step in entry.steps)


def test_steps_of_an_inner_run_are_its_own():
    class Kept:
        def __init__(self):
            self.entries = []

        def add(self, entry):
            self.entries.append(entry)

    outer, inner = Kept(), Kept()
    with history.kept(outer, lambda: 1.0, "stack", "a", "x"):
        history.note("one")
        with history.kept(inner, lambda: 2.0, "stack", "b", "y"):
            history.note("two")
        history.note("three")
    assert [entry.steps for entry in outer.entries] == [("one", "three")]
    assert [entry.steps for entry in inner.entries] == [("two",)]
