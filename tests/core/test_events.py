"""From events to requests: which service an event names, and which events name none."""

import copy

import pytest

from ecs_lattice.errors import UnknownEventError
from ecs_lattice.messages import alarms
from ecs_lattice.messages.ecs import parse_event

ARN = "arn:aws:ecs:us-east-1:123456789012:service/shop/orders"
NOW = 1000.0


def an_event(detail_type: str, detail: dict, resources: list[str] | None = None) -> dict:
    return {
        "version": "0",
        "id": "1",
        "detail-type": detail_type,
        "source": "aws.ecs",
        "account": "123456789012",
        "time": "2026-11-23T09:00:00Z",
        "region": "us-east-1",
        "resources": [ARN] if resources is None else resources,
        "detail": detail,
    }


def a_call(name: str, parameters: dict, **more) -> dict:
    detail = {"eventSource": "ecs.amazonaws.com", "eventName": name, "requestParameters": parameters, **more}
    return an_event("AWS API Call via CloudTrail", detail, [])


def keys(event: dict) -> list[str]:
    return [request.key for request in parse_event(event, NOW).requests]


@pytest.mark.parametrize("detail_type", ["ECS Deployment State Change", "ECS Service Action"])
def test_a_service_event_requests_the_service_it_names(detail_type):
    (request,) = parse_event(an_event(detail_type, {"eventName": "SERVICE_DEPLOYMENT_COMPLETED"}), NOW).requests
    assert (request.kind, request.key, request.requested_at, request.attempts) == ("ecsService", ARN, NOW, 0)
    assert request.cause == f"{detail_type}: SERVICE_DEPLOYMENT_COMPLETED"


def test_a_short_arn_requests_nothing_because_it_names_no_cluster():
    short = "arn:aws:ecs:us-east-1:123456789012:service/orders"
    assert keys(an_event("ECS Service Action", {"eventName": "SERVICE_STEADY_STATE"}, [short])) == []


CLUSTER = "arn:aws:ecs:us-east-1:123456789012:cluster/shop"
SHORT = "arn:aws:ecs:us-east-1:123456789012:service/orders"


@pytest.mark.parametrize(
    "event",
    [
        an_event("ECS Service Action", {"eventName": "SERVICE_STEADY_STATE", "clusterArn": CLUSTER}, [SHORT]),
        an_event("ECS Deployment State Change", {"eventName": "X", "clusterArn": CLUSTER}, [SHORT]),
        a_call("UpdateService", {"service": SHORT, "cluster": "shop"}),
        a_call("DeleteService", {"service": SHORT, "cluster": CLUSTER}),
        a_call(
            "CreateService",
            {"serviceName": "orders", "cluster": "shop"},
            responseElements={"service": {"serviceArn": SHORT, "clusterArn": CLUSTER}},
        ),
    ],
)
def test_a_short_arn_is_completed_with_the_cluster_that_the_event_names(event):
    assert keys(event) == [ARN]


def test_an_unhealthy_target_of_a_service_with_a_short_arn_is_its_too():
    event = an_event(
        "ECS Service Action", {"eventName": "VPC_LATTICE_TARGET_UNHEALTHY", "clusterArn": CLUSTER}, [SHORT]
    )
    assert alarms.parse_event(event).service.arn == ARN


def test_a_changed_tag_requests_the_service():
    event = an_event("Tag Change on Resource", {"service": "ecs", "changed-tag-keys": ["lattice.service"]})
    assert keys(event) == [ARN]


def test_a_task_names_its_service_through_its_group():
    detail = {
        "group": "service:orders",
        "clusterArn": "arn:aws:ecs:us-east-1:123456789012:cluster/shop",
        "lastStatus": "RUNNING",
    }
    parsed = parse_event(an_event("ECS Task State Change", detail, []), NOW)
    assert [request.key for request in parsed.requests] == [ARN]
    assert parsed.is_task_event


def test_a_task_that_no_service_started_requests_nothing():
    detail = {
        "group": "family:batch",
        "clusterArn": "arn:aws:ecs:us-east-1:123456789012:cluster/shop",
        "lastStatus": "RUNNING",
    }
    assert keys(an_event("ECS Task State Change", detail, [])) == []


@pytest.mark.parametrize(
    ("event", "wanted"),
    [
        (a_call("CreateService", {"serviceName": "orders", "cluster": "shop"}), [ARN]),
        (
            a_call(
                "UpdateService", {"service": "orders", "cluster": "arn:aws:ecs:us-east-1:123456789012:cluster/shop"}
            ),
            [ARN],
        ),
        (a_call("DeleteService", {"service": ARN}), [ARN]),
        (a_call("UpdateService", {"service": "orders"}), [ARN.replace("shop", "default")]),
        (a_call("CreateService", {"serviceName": "x"}, responseElements={"service": {"serviceArn": ARN}}), [ARN]),
        (a_call("TagResource", {"resourceArn": ARN}), [ARN]),
        (a_call("UntagResource", {"resourceArn": ARN}), [ARN]),
        (a_call("TagResource", {"resourceArn": "arn:aws:ecs:us-east-1:123456789012:cluster/shop"}), []),
        (a_call("UpdateService", {"service": ARN}, errorCode="AccessDenied"), []),
        (a_call("RegisterTaskDefinition", {"family": "x"}), []),
    ],
)
def test_a_recorded_call_names_the_service_it_changed(event, wanted):
    assert keys(event) == wanted


@pytest.mark.parametrize(("region", "partition"), [("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov")])
def test_a_call_in_another_partition_names_an_arn_of_that_partition(region, partition):
    event = {**a_call("CreateService", {"serviceName": "orders", "cluster": "shop"}), "region": region}
    assert keys(event) == [f"arn:{partition}:ecs:{region}:123456789012:service/shop/orders"]


def test_a_delayed_request_keeps_its_history():
    request = {"kind": "latticeService", "key": "orders", "cause": "CloudTrail", "requested_at": 5.0, "attempts": 3}
    (again,) = parse_event(request, NOW).requests
    assert (again.kind, again.key, again.requested_at, again.attempts) == ("latticeService", "orders", 5.0, 3)


@pytest.mark.parametrize(
    "message",
    [
        {},
        {"kind": "colour", "key": "x"},
        {"kind": "ecsService", "key": 3},
        {"kind": {}, "key": "x"},
        {"kind": "ecsService", "key": "x", "requested_at": "yesterday"},
        {"kind": "ecsService", "key": "x", "attempts": [1]},
        {"detail-type": {"unhashable": 1}},
        an_event("ECS Task State Change", "text"),
        an_event("EC2 Instance State-change Notification", {}),
        an_event("AWS API Call via CloudTrail", {"eventSource": "ec2.amazonaws.com", "eventName": "RunInstances"}),
    ],
)
def test_an_unknown_shape_is_refused_with_a_reason(message):
    with pytest.raises(UnknownEventError) as raised:
        parse_event(message, NOW)
    assert str(raised.value).endswith(".")


@pytest.mark.parametrize("missing", ["resources", "detail"])
def test_a_known_event_without_a_member_it_needs_is_refused_by_name(missing):
    event = copy.deepcopy(an_event("ECS Service Action", {"eventName": "SERVICE_STEADY_STATE"}))
    del event[missing]
    with pytest.raises(UnknownEventError, match=missing):
        parse_event(event, NOW)
