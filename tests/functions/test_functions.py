"""The four handlers with recorded events: they decide nothing, and everything they hand over arrives."""

import json
import re

import pytest

from ecs_lattice.errors import UnknownEventError
from functions.ecs_events.app import handler as ecs_events
from functions.ecs_service.app import handler as ecs_service
from functions.lattice_service.app import handler as lattice_service
from functions.resync.app import handler as resync
from tests.functions.conftest import recorded
from tests.histories.labels import LABELS

FILE_TRANSFER = "arn:aws:ecs:us-east-1:123456789012:service/transfer/file-transfer"


def keys(messages) -> list[str]:
    return [json.loads(message["Body"])["key"] for message in messages]


def work(deployed, *queues: str) -> None:
    """Hand what waits in the queues to their functions, once and in this order."""
    functions = {"ECS_SERVICES_QUEUE": ecs_service, "LATTICE_SERVICES_QUEUE": lattice_service}
    for queue in queues:
        batch = deployed.batch(queue)
        assert batch["Records"]
        assert functions[queue](batch, deployed.context) == {"batchItemFailures": []}


def test_an_event_enqueues_the_service_it_names(deployed):
    assert ecs_events(recorded("sqs/ecs-events"), deployed.context) == {"batchItemFailures": []}
    assert keys(deployed.messages("ECS_SERVICES_QUEUE")) == [FILE_TRANSFER]


def test_an_event_by_itself_is_processed_as_if_it_came_by_the_queue_and_the_answer_says_what_it_enqueued(deployed):
    enqueued = {"enqueued": [{"kind": "ecsService", "key": FILE_TRANSFER}]}
    assert ecs_events(recorded("ecs/deployment-completed"), deployed.context) == enqueued
    assert ecs_events(recorded("cloudtrail/update-service"), deployed.context) == enqueued
    assert keys(deployed.messages("ECS_SERVICES_QUEUE")) == [FILE_TRANSFER] * 2
    assert ecs_events({"kind": "latticeService", "key": "orders"}, deployed.context) == {
        "enqueued": [{"kind": "latticeService", "key": "orders"}]
    }
    assert keys(deployed.messages("LATTICE_SERVICES_QUEUE")) == ["orders"]
    for of_no_consequence in ("ecs/task-running", "ecs/task-of-a-run-task", "cloudtrail/failed-update-service"):
        assert ecs_events(recorded(of_no_consequence), deployed.context) == {"enqueued": []}
    assert deployed.messages("ECS_SERVICES_QUEUE") == []
    assert deployed.messages("DEAD_LETTER_QUEUE") == []


def test_a_delayed_request_is_passed_on(deployed):
    ecs_events(recorded("sqs/ecs-events-delayed-request"), deployed.context)
    enqueued = deployed.messages("ECS_SERVICES_QUEUE") + deployed.messages("LATTICE_SERVICES_QUEUE")
    assert len(enqueued) == 1


def test_a_request_for_a_service_that_asks_for_nothing_is_processed(deployed):
    assert ecs_service(recorded("sqs/ecs-service"), deployed.context) == {"batchItemFailures": []}
    assert lattice_service(recorded("sqs/lattice-service"), deployed.context) == {"batchItemFailures": []}
    assert deployed.messages("ECS_EVENTS_QUEUE") == []


def test_a_service_is_hooked_up_by_the_functions_and_its_plan_is_data_that_changes_nothing(deployed):
    world = deployed.world
    arn = world.deploy(world.register(LABELS))
    world.clock.advance(120)
    plan = ecs_service({"ecsService": arn, "mode": "plan"}, deployed.context)
    kinds = [step["step"] for step in plan["latticeServices"][0]["steps"]]
    assert {"CreateGroup", "CreateLatticeService"} <= set(kinds)
    assert world.graph() == {}
    assert json.loads(json.dumps(plan)) == plan
    assert ecs_service({"ecsService": arn, "mode": "apply"}, deployed.context) == {
        "enqueued": {"kind": "ecsService", "key": arn}
    }
    work(deployed, "ECS_SERVICES_QUEUE", "LATTICE_SERVICES_QUEUE")
    assert list(world.graph()) == ["orders"]
    for _ in range(3):  # the delayed requests are in SQS, whose time is real: sweeps go on without them
        world.run(900)
        world.sweep()
    world.run(900)
    assert world.ask("orders", "/orders").status == 200
    settled = ecs_service({"ecsService": arn, "mode": "plan"}, deployed.context)
    assert settled["claims"] == []
    assert settled["latticeServices"][0]["steps"] == []


def test_the_plan_of_a_changed_label_is_the_one_rule_that_would_change(deployed):
    world = deployed.world
    arn = world.deploy(world.register(LABELS))
    world.run(1200)
    world.ecs.tag_resource(resourceArn=arn, tags=[{"key": "lattice.path.prefix", "value": "/moved"}])
    with world.counting() as written:
        plan = ecs_service({"ecsService": arn, "mode": "plan"}, deployed.context)
    assert written == []
    (step,) = plan["latticeServices"][0]["steps"]
    assert step["step"] == "UpdateRule"
    assert "/moved" in json.dumps(step)
    assert lattice_service({"latticeService": "orders", "mode": "plan"}, deployed.context)["steps"] == []


@pytest.mark.parametrize(
    ("handler", "event", "said"),
    [
        (ecs_events, {"mode": "plan"}, "EcsEventsFunction takes a batch of the events queue"),
        (ecs_service, {"latticeService": "x", "mode": "plan"}, "ecsService"),
        (lattice_service, {"ecsService": FILE_TRANSFER, "mode": "plan"}, "latticeService"),
        (resync, {"mode": "delete-everything"}, '"sweep", "uninstall" or "approve-removals"'),
    ],
)
def test_a_call_that_is_meant_for_another_function_fails_with_what_is_allowed(deployed, handler, event, said):
    with pytest.raises(UnknownEventError, match=re.escape(said)):
        handler(event, deployed.context)


def test_the_schedule_enqueues_services_that_no_event_named(deployed):
    world = deployed.world
    arn = world.deploy(world.register(LABELS))
    done = resync(recorded("schedule/resync"), deployed.context)
    assert (done["read"], done["enqueued"], done["complete"]) == (1, 1, True)
    assert keys(deployed.messages("ECS_SERVICES_QUEUE")) == [arn]
    assert resync(recorded("resync/sweep"), deployed.context)["enqueued"] == 0


def test_approval_and_uninstall_say_what_they_did(deployed):
    assert resync(recorded("resync/approve-removals"), deployed.context)["approvedUntil"] > 0
    assert resync(recorded("resync/uninstall"), deployed.context) == {
        "left": {"ecsServices": [], "latticeServices": [], "targetGroups": [], "securityGroupRules": [], "alarms": []}
    }


def test_an_event_that_nobody_knows_goes_to_the_dead_letters_with_its_reason(deployed):
    record = {"messageId": "1", "body": "not json", "attributes": {}}
    assert ecs_events({"Records": [record]}, deployed.context) == {"batchItemFailures": []}
    (letter,) = deployed.messages("DEAD_LETTER_QUEUE")
    assert "not JSON" in letter["MessageAttributes"]["reason"]["StringValue"]


def test_a_task_event_costs_no_request_for_a_service_whose_tasks_ecs_registers(deployed):
    event = recorded("ecs/task-running")
    ecs_events({"Records": [{"messageId": "1", "body": json.dumps(event), "attributes": {}}]}, deployed.context)
    assert deployed.messages("ECS_SERVICES_QUEUE") == []
