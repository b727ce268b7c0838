"""The recorded events: each is what AWS sends, and each is matched by the rule that is there for it and by no other."""

import hashlib
import json
import re
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from moto.events.models import EventPattern
from samtranslator.yaml_helper import yaml_parse

from ecs_lattice.custom_resource import properties, protocol
from ecs_lattice.messages import alarms
from ecs_lattice.messages.ecs import parse_event
from ecs_lattice.naming import group_id

ROOT = Path(__file__).parents[2]
EVENTS = ROOT / "events"
SERVICE = "arn:aws:ecs:us-east-1:123456789012:service/transfer/file-transfer"

DEPLOYMENT, ACTION, TASK, CALL = "DeploymentStateRule", "ServiceActionRule", "TaskStateRule", "ApiCallRule"
TAG, LATTICE = "TagChangeRule", "LatticeCallRule"
ALARM, UNHEALTHY, ROUTE = "AlarmStateRule", "TargetUnhealthyRule", "RouteStateRule"
# Every event that EventBridge delivers, and the rule of the template that takes it to the reconcilers (None: no rule may).
MATCHES = {
    "ecs/deployment-in-progress": DEPLOYMENT,
    "ecs/deployment-completed": DEPLOYMENT,
    "ecs/deployment-failed": DEPLOYMENT,
    "ecs/deployment-rollback": DEPLOYMENT,
    "ecs/steady-state": ACTION,
    "ecs/service-action-deployment-completed": ACTION,
    "ecs/service-action-desired-count-updated": ACTION,
    "ecs/service-action-lattice-target-unhealthy": ACTION,
    "ecs/service-action-task-placement-failure": ACTION,
    "ecs/service-action-task-start-impaired": ACTION,
    "ecs/service-action-tasks-stopped": ACTION,
    "ecs/task-running": TASK,
    "ecs/task-stopping": TASK,
    "ecs/task-pending": None,
    "ecs/task-of-a-run-task": None,
    "cloudtrail/create-service": CALL,
    "cloudtrail/update-service": CALL,
    "cloudtrail/delete-service": CALL,
    "cloudtrail/tag-resource": CALL,
    "cloudtrail/untag-resource": CALL,
    "cloudtrail/failed-update-service": None,
    "cloudtrail/lattice-delete-rule": LATTICE,
    "cloudtrail/lattice-delete-association": LATTICE,
    "cloudtrail/lattice-update-rule-of-our-own": None,
    "cloudtrail/lattice-update-rule-of-ecs": None,
    "cloudtrail/lattice-failed-delete-rule": None,
    "tag/changed-tag": TAG,
    "schedule/resync": None,  # the schedule's own rule has no pattern
    "schedule/target-health": None,
}
# Every event that EventBridge delivers to the alarm function, and the rule that takes it there.
TO_ALARMS = {
    "ecs/service-action-lattice-target-unhealthy": UNHEALTHY,
    "alarm/route-alarm": ALARM,
    "alarm/route-ok": ALARM,
    "alarm/dead-letters": ALARM,
    "alarm/probe-silent": ALARM,
    "alarm/route-refused": ROUTE,
    "alarm/route-no-longer-refused": ROUTE,
}
DELIVERED = sorted({**MATCHES, **TO_ALARMS})
NOT_BY_EVENTBRIDGE = {"alarm/direct-action", "alarm/sns-notification"}  # shapes that an operator may wire
OWNER = "ecs-lattice"
ENVELOPE = {"version", "id", "detail-type", "source", "account", "time", "region", "resources", "detail"}
FILES = sorted(str(path.relative_to(EVENTS).with_suffix("")) for path in EVENTS.rglob("*.json"))
BATCHES = [name for name in FILES if name.startswith("sqs/")]


def load(name: str) -> dict[str, Any]:
    return json.loads((EVENTS / f"{name}.json").read_text())


@pytest.fixture(scope="module")
def resources() -> dict[str, dict[str, Any]]:
    return yaml_parse((ROOT / "template.yaml").read_text())["Resources"]


@pytest.fixture(scope="module")
def patterns(resources) -> dict[str, EventPattern]:
    """The rules' patterns, compiled by moto's matcher."""
    return {
        key: EventPattern.load(json.dumps(with_owner(resource["Properties"]["EventPattern"])))
        for key, resource in resources.items()
        if resource["Type"] == "AWS::Events::Rule"
    }


def with_owner(value: Any) -> Any:
    """The pattern as CloudFormation makes it, in the account and Region of the recorded events."""
    if isinstance(value, list):
        return [with_owner(one) for one in value]
    if not isinstance(value, dict):
        return value
    if set(value) == {"Ref"}:
        return {"AWS::AccountId": "123456789012", "AWS::Region": "us-east-1", "LabelPrefix": "lattice"}[value["Ref"]]
    if set(value) == {"Fn::Sub"}:
        return value["Fn::Sub"].replace("${LabelPrefix}", "lattice")
    if set(value) == {"Fn::GetAtt"}:
        name = value["Fn::GetAtt"]
        return f"arn:aws:iam::123456789012:role/{name[0] if isinstance(name, list) else name.partition('.')[0]}"
    if set(value) == {"Fn::If"}:
        assert value["Fn::If"][0] == "OwnerIsStackName"
        return OWNER
    if set(value) == {"Fn::Join"}:
        return value["Fn::Join"][0].join(with_owner(value["Fn::Join"][1]))
    return {key: with_owner(one) for key, one in value.items()}


def matched(patterns: dict[str, EventPattern], event: dict[str, Any]) -> set[str]:
    return {key for key, pattern in patterns.items() if pattern.matches_event(event)}


def test_the_table_names_every_rule_and_every_event_that_eventbridge_delivers(patterns):
    folders = {"ecs", "cloudtrail", "tag", "schedule", "alarm"}
    assert {*DELIVERED, *NOT_BY_EVENTBRIDGE} == {name for name in FILES if name.split("/")[0] in folders}
    assert {rule for rule in (*MATCHES.values(), *TO_ALARMS.values()) if rule} == set(patterns)


@pytest.mark.parametrize("name", DELIVERED)
def test_an_event_is_matched_by_its_rule_and_by_no_other(patterns, name):
    assert matched(patterns, load(name)) == {MATCHES.get(name), TO_ALARMS.get(name)} - {None}


@pytest.mark.parametrize("name", DELIVERED)
def test_an_event_has_the_envelope_of_eventbridge(name):
    event = load(name)
    assert set(event) == ENVELOPE
    assert (event["version"], event["account"], event["region"]) == ("0", "123456789012", "us-east-1")
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", event["id"])
    assert datetime.strptime(event["time"], "%Y-%m-%dT%H:%M:%SZ")  # noqa: DTZ007  EventBridge's times are UTC


def test_no_two_events_have_one_id():
    ids = [load(name)["id"] for name in DELIVERED]
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("name", [name for name, rule in MATCHES.items() if rule == LATTICE])
def test_a_call_to_vpc_lattice_names_objects_that_the_registry_may_know(name):
    parsed = parse_event(load(name), now=0.0)
    assert parsed.requests == ()
    (found,) = parsed.lattice_ids
    assert found.removeprefix("svc-").removeprefix("snsa-") == "0123456789abcdef0"


@pytest.mark.parametrize("name", [name for name, rule in MATCHES.items() if rule not in {None, LATTICE}])
def test_an_event_that_is_matched_enqueues_the_service_it_is_about(name):
    parsed = parse_event(load(name), now=0.0)
    assert [(request.kind, request.key) for request in parsed.requests] == [("ecsService", SERVICE)]
    assert parsed.is_task_event == (MATCHES[name] == TASK)


@pytest.mark.parametrize("name", [name for name, rule in MATCHES.items() if rule == CALL])
def test_a_recorded_call_was_carried_out_and_wrote_something(name):
    detail = load(name)["detail"]
    assert "errorCode" not in detail
    assert detail["readOnly"] is False
    assert detail["eventVersion"]
    assert detail["eventSource"] == "ecs.amazonaws.com"


def test_create_and_update_say_the_service_by_different_names():
    assert "serviceName" in load("cloudtrail/create-service")["detail"]["requestParameters"]
    assert "service" in load("cloudtrail/update-service")["detail"]["requestParameters"]


@pytest.mark.parametrize("name", ["ecs/task-running", "ecs/task-stopping"])
def test_a_task_has_its_address_in_both_spellings(name):
    detail = load(name)["detail"]
    (attachment,) = detail["attachments"]
    address = {pair["name"]: pair["value"] for pair in attachment["details"]}["privateIPv4Address"]
    assert detail["containers"][0]["networkInterfaces"] == [
        {"attachmentId": attachment["id"], "privateIpv4Address": address}
    ]


def ecs(detail_type: str, **detail: Any) -> dict[str, Any]:
    return {**load("ecs/task-running"), "detail-type": detail_type, "detail": detail}


FOREIGN = {
    "container instance": ecs("ECS Container Instance State Change", status="ACTIVE", agentConnected=True, version=4),
    "pending task": ecs(
        "ECS Task State Change", group="service:file-transfer", lastStatus="PENDING", desiredStatus="RUNNING"
    ),
    "group that only begins like a service's": ecs(
        "ECS Task State Change", group="services:file-transfer", lastStatus="RUNNING", desiredStatus="RUNNING"
    ),
    "task without group": ecs("ECS Task State Change", lastStatus="RUNNING", desiredStatus="RUNNING"),
    "another call to ECS": ecs(
        "AWS API Call via CloudTrail", eventSource="ecs.amazonaws.com", eventName="RegisterTaskDefinition"
    ),
    "a call of that name to another service": ecs(
        "AWS API Call via CloudTrail", eventSource="ec2.amazonaws.com", eventName="UpdateService"
    ),
    "alarm of another stack": {
        **load("alarm/route-alarm"),
        "detail": {**load("alarm/route-alarm")["detail"], "alarmName": "ecs-lattice/ecs-lattice-dev/a/b/c/d"},
    },
    "alarm of somebody else": {
        **load("alarm/route-alarm"),
        "detail": {**load("alarm/route-alarm")["detail"], "alarmName": "cpu of ecs-lattice/ecs-lattice/"},
    },
    "alarm that has too little data": {
        **load("alarm/route-alarm"),
        "detail": {**load("alarm/route-alarm")["detail"], "state": {"value": "INSUFFICIENT_DATA"}},
    },
    "route of another stack": {
        **load("alarm/route-refused"),
        "detail": {**load("alarm/route-refused")["detail"], "owner": "ecs-lattice-dev"},
    },
    "route told by somebody else": {**load("alarm/route-refused"), "source": "com.example"},
    "call to VPC Lattice": {**load("cloudtrail/update-service"), "source": "aws.vpc-lattice"},
    "own source": {**load("ecs/deployment-completed"), "source": "com.example.ecs"},
    "source that only begins like ECS": {**load("ecs/steady-state"), "source": "aws.ecs-anywhere"},
    "EC2": {
        **load("ecs/steady-state"),
        "source": "aws.ec2",
        "detail-type": "EC2 Instance State-change Notification",
        "detail": {"instance-id": "i-0123456789abcdef0", "state": "terminated"},
    },
    "tag change of a cluster": {
        **load("tag/changed-tag"),
        "detail": {"service": "ecs", "resource-type": "cluster", "changed-tag-keys": ["lattice.service"]},
    },
    "tag change that is no label": {
        **load("tag/changed-tag"),
        "detail": {"service": "ecs", "resource-type": "service", "changed-tag-keys": ["team", "latticework"]},
    },
}


@pytest.mark.parametrize("event", FOREIGN.values(), ids=FOREIGN)
def test_an_event_of_somebody_else_is_matched_by_no_rule(patterns, event):
    assert matched(patterns, event) == set()


CALLS_NOT_TO_ANSWER = {
    # What reads is told of only by a trail that asks for it; it changes nothing, and our own reads would ring for ever.
    "ListServices": {"readOnly": True},
    "DescribeServices": {"readOnly": True},
    "ListTagsForResource": {"readOnly": True},
    # What is not about an ECS service, or of which ECS tells by events of its own.
    "RunTask": {},
    "StopTask": {},
    "RegisterTaskDefinition": {},
    "CreateCluster": {},
    "PutClusterCapacityProviders": {},
    "CreateTaskSet": {},
    "SubmitTaskStateChange": {},
}


@pytest.mark.parametrize("name", CALLS_NOT_TO_ANSWER)
def test_a_call_that_changes_no_ecs_service_is_matched_by_no_rule(patterns, name):
    event = load("cloudtrail/update-service")
    event["detail"] |= {"eventName": name, **CALLS_NOT_TO_ANSWER[name]}
    assert matched(patterns, event) == set()


@pytest.mark.parametrize("name", [name for name, rule in MATCHES.items() if rule == CALL])
@pytest.mark.parametrize("code", ["AccessDenied", "ClientException", "ServiceNotFoundException"])
def test_a_call_that_was_refused_changed_nothing_and_is_matched_by_no_rule(patterns, name, code):
    event = load(name)
    event["detail"] |= {"errorCode": code, "errorMessage": "no"}
    assert matched(patterns, event) == set()


@pytest.mark.parametrize("name", [name for name in DELIVERED if not name.startswith("schedule/")])
@pytest.mark.parametrize("where", [{"account": "999999999999"}, {"region": "eu-west-1"}], ids=["account", "region"])
def test_an_event_that_another_account_or_region_sends_to_the_bus_is_matched_by_no_rule(patterns, name, where):
    """A bus may get events of other accounts and Regions (Amazon EventBridge User Guide): their services are not ours."""
    assert matched(patterns, {**load(name), **where}) == set()


@pytest.mark.parametrize(
    ("last", "desired", "taken"),
    [
        ("RUNNING", "RUNNING", True),
        ("RUNNING", "STOPPED", True),
        ("DEACTIVATING", "STOPPED", True),
        ("STOPPED", "STOPPED", True),
        ("PROVISIONING", "RUNNING", False),
        ("ACTIVATING", "RUNNING", False),
    ],
)
def test_a_task_is_of_interest_once_it_runs_and_as_soon_as_it_is_to_stop(patterns, last, desired, taken):
    event = ecs("ECS Task State Change", group="service:file-transfer", lastStatus=last, desiredStatus=desired)
    assert matched(patterns, event) == ({TASK} if taken else set())


@pytest.mark.parametrize("name", BATCHES)
def test_a_batch_is_what_lambda_hands_over_from_a_queue(name):
    for record in load(name)["Records"]:
        assert record["eventSource"] == "aws:sqs"
        assert record["awsRegion"] == "us-east-1"
        assert record["md5OfBody"] == hashlib.md5(record["body"].encode(), usedforsecurity=False).hexdigest()
        assert record["receiptHandle"]
        assert set(record["attributes"]) >= {"ApproximateReceiveCount", "SentTimestamp", "SenderId"}
        is_fifo = record["eventSourceARN"].endswith(".fifo")
        assert ({"SequenceNumber", "MessageGroupId", "MessageDeduplicationId"} <= set(record["attributes"])) == is_fifo


@pytest.mark.parametrize("name", ["sqs/ecs-service", "sqs/lattice-service"])
def test_a_request_waits_in_the_group_of_what_it_enqueues(name):
    (record,) = load(name)["Records"]
    request = json.loads(record["body"])
    assert set(request) == {"kind", "key", "cause", "requested_at", "attempts"}
    assert record["attributes"]["MessageGroupId"] == group_id(request["key"])


def test_the_events_queue_carries_events_as_eventbridge_delivers_them():
    (record,) = load("sqs/ecs-events")["Records"]
    assert json.loads(record["body"]) == load("ecs/deployment-in-progress")


def test_the_alarms_queue_carries_events_as_eventbridge_delivers_them():
    (record,) = load("sqs/alarms")["Records"]
    assert json.loads(record["body"]) == load("alarm/route-alarm")


def test_what_the_alarms_queue_gets_is_understood_by_the_alarm_function():
    for name in TO_ALARMS:
        parsed = alarms.parse_event(load(name))
        assert isinstance(parsed, alarms.AlarmChange | alarms.TargetUnhealthy | alarms.RouteStateChange), name


@pytest.mark.parametrize("kind", ["Create", "Update", "Delete"])
def test_a_request_for_a_custom_resource_is_whole_and_its_properties_are_text(kind):
    event = load(f"cloudformation/{kind.lower()}-lattice-ingress")
    request = protocol.read(event)
    assert (request.type, request.resource_type) == (kind, "Custom::LatticeIngress")
    assert protocol.response_url(event).startswith("https://cloudformation-custom-resource-response-")
    assert request.physical_id == ("" if kind == "Create" else request.own_id)
    assert bool(request.old_properties) == (kind == "Update")
    for given in filter(None, (request.properties, request.old_properties)):
        assert isinstance(properties.read(given), properties.IngressProperties)
        assert all(
            isinstance(one, str) for value in given.values() for one in ([value] if isinstance(value, str) else value)
        )
    assert request.properties["ServiceToken"] == event["ServiceToken"]


def test_a_delayed_request_in_the_events_queue_is_enqueued_again():
    (record,) = load("sqs/ecs-events-delayed-request")["Records"]
    (request,) = parse_event(json.loads(record["body"]), now=5.0).requests
    assert (request.kind, request.key, request.attempts, request.requested_at) == ("ecsService", SERVICE, 3, 5.0)


def test_the_rest_are_direct_invocations_with_a_mode_that_the_functions_know():
    direct = {name: load(name) for name in FILES if name.split("/")[0] in {"invoke", "query", "resync"}}
    requests = [name for name in FILES if name.startswith("cloudformation/")]
    assert sorted([*DELIVERED, *NOT_BY_EVENTBRIDGE, *BATCHES, *direct, *requests]) == FILES
    modes = {name: event["mode"] for name, event in direct.items()}
    assert modes == {
        "invoke/plan-ecs-service": "plan",
        "invoke/apply-ecs-service": "apply",
        "invoke/plan-lattice-service": "plan",
        "invoke/apply-lattice-service": "apply",
        "invoke/explain-ecs-service": "explain",
        "query/status": "status",
        "query/status-ecs-service": "status",
        "query/history": "history",
        "resync/sweep": "sweep",
        "resync/uninstall": "uninstall",
        "resync/approve-removals": "approve-removals",
    }
