"""One alarm event out of every shape in which it arrives."""

import json
from pathlib import Path

import pytest

from ecs_lattice.diagnosis import subjects
from ecs_lattice.diagnosis.subjects import RouteSubject, StackSubject
from ecs_lattice.errors import ForeignEventError, UnknownEventError
from ecs_lattice.messages import alarms
from ecs_lattice.messages.alarms import AlarmChange, FollowUp, RouteStateChange, TargetUnhealthy
from ecs_lattice.messages.recognise import parse_body
from ecs_lattice.model import ServiceId

EVENTS = Path(__file__).parents[2] / "events"
SERVICE = ServiceId("arn:aws:ecs:us-east-1:123456789012:service/transfer/file-transfer")


def recorded(name):
    return json.loads((EVENTS / f"{name}.json").read_text())


def parsed(name):
    event = recorded(name)
    record = event.get("Records", [{}])[0]
    if "Sns" in record:
        event = parse_body(record["Sns"]["Message"])
    elif "body" in record:
        event = parse_body(record["body"])
    return alarms.parse_event(event)


def subject_of(alarm):
    return subjects.of_alarm(alarm.arn, alarm.namespace, alarm.metric, dict(alarm.dimensions))


@pytest.mark.parametrize("name", ["alarm/route-alarm", "alarm/direct-action", "alarm/sns-notification", "sqs/alarms"])
def test_an_alarm_is_the_same_in_every_shape(name):
    alarm = parsed(name)
    assert isinstance(alarm, AlarmChange)
    assert alarm == parsed("alarm/route-alarm")
    assert (alarm.state, alarm.previous, alarm.at) == ("ALARM", "OK", 1795416243.118)
    assert subject_of(alarm) == RouteSubject("file-transfer", SERVICE, "default")


def test_the_region_is_that_of_the_alarms_arn_and_not_its_display_name():
    event = recorded("alarm/sns-notification")["Records"][0]["Sns"]
    text = (
        event["Message"]
        .replace("cloudwatch:us-east-1", "cloudwatch:ap-northeast-1")
        .replace("US East (N. Virginia)", "Asia Pacific (Tokyo)")
    )
    assert subject_of(alarms.parse_event(parse_body(text))).service.region == "ap-northeast-1"


def test_a_notification_of_sns_inside_a_message_of_sqs_is_opened():
    body = json.dumps(recorded("alarm/sns-notification")["Records"][0]["Sns"])
    assert alarms.parse_event(parse_body(body)) == parsed("alarm/route-alarm")


def test_other_partitions_give_arns_of_their_own():
    event = json.loads(
        json.dumps(recorded("alarm/route-alarm")).replace("arn:aws:", "arn:aws-cn:").replace("us-east-1", "cn-north-1")
    )
    assert subject_of(alarms.parse_event(event)).service.arn.startswith(
        "arn:aws-cn:ecs:cn-north-1:123456789012:service/"
    )


@pytest.mark.parametrize(
    ("name", "subject"),
    [
        ("alarm/dead-letters", StackSubject("deadLetters", "ecs-lattice-DeadLetterQueue-4QJ2Z8V6N1XC")),
        ("alarm/probe-silent", StackSubject("probe")),
    ],
)
def test_an_alarm_of_the_stack_is_recognised_by_its_metric(name, subject):
    assert subject_of(parsed(name)) == subject


@pytest.mark.parametrize(
    ("namespace", "metric", "dimensions", "subject"),
    [
        ("AWS/Lambda", "Errors", {"FunctionName": "f"}, StackSubject("errors", "f")),
        ("AWS/Lambda", "Throttles", {"FunctionName": "f"}, StackSubject("throttles", "f")),
        ("AWS/SQS", "ApproximateAgeOfOldestMessage", {"QueueName": "q"}, StackSubject("queueAge", "q")),
        ("AWS/Lambda", "Duration", {"FunctionName": "f"}, StackSubject("other", "f")),
        ("", "", {}, StackSubject("other")),
    ],
)
def test_parts_of_the_stack_by_metric(namespace, metric, dimensions, subject):
    assert (
        subjects.of_alarm("arn:aws:cloudwatch:us-east-1:123456789012:alarm:x", namespace, metric, dimensions) == subject
    )


def test_an_alarm_on_an_expression_is_not_taken_for_an_alarm_on_one_of_its_metrics():
    event = recorded("alarm/route-alarm")
    event["detail"]["configuration"]["metrics"] *= 2
    alarm = alarms.parse_event(event)
    assert (alarm.namespace, alarm.metric, alarm.dimensions) == ("", "", ())


def test_a_composite_alarm_has_no_metric():
    event = recorded("alarm/route-alarm")
    event["detail"]["configuration"] = {"alarmRule": "ALARM(x)", "actionsSuppressor": "y"}
    assert subject_of(alarms.parse_event(event)) == StackSubject("other")


def test_ecs_reports_the_service_of_an_unhealthy_target():
    assert parsed("ecs/service-action-lattice-target-unhealthy") == TargetUnhealthy(SERVICE, 1795416249.482)


def test_of_a_route_event_only_the_service_is_read():
    assert parsed("alarm/route-refused") == RouteStateChange(SERVICE, "ecs-lattice")


@pytest.mark.parametrize(
    "value",
    [
        5,
        None,
        [],
        {},
        ["x"],
        "x",
        "arn:aws:ecs:us-east-1:1:service/short",
        SERVICE.arn + "/more",
        SERVICE.arn.replace("us-east-1", "$(reboot)"),
    ],
)
@pytest.mark.parametrize("member", ["ecsService", "owner"])
def test_a_route_event_of_a_wrong_shape_is_ignored(member, value):
    """Anybody may send one: it is neither retried nor put into the dead-letter queue, which would raise an alarm."""
    event = recorded("alarm/route-refused")
    event["detail"][member] = value
    if member == "owner" and isinstance(value, str):
        assert alarms.parse_event(event).owner == value
        return
    with pytest.raises(ForeignEventError):
        alarms.parse_event(event)


@pytest.mark.parametrize("detail", [None, 5, "text", [], {}])
def test_a_route_event_without_details_is_ignored(detail):
    with pytest.raises(ForeignEventError):
        alarms.parse_event({**recorded("alarm/route-refused"), "detail": detail})


def test_what_is_nested_too_deeply_is_ignored():
    with pytest.raises(ForeignEventError):
        parse_body("[" * 200_000)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("detail", "alarmName"), 5),
        (("detail", "state", "value"), ["ALARM"]),
        (("detail", "previousState", "value"), {}),
        (("resources",), ["arn:aws:cloudwatch:us-east-1;reboot:1:alarm:x"]),
        (("resources",), [5]),
    ],
)
def test_an_alarm_of_a_wrong_shape_is_rejected_before_it_is_responded_to(path, value):
    event = recorded("alarm/route-alarm")
    inner = event
    for member in path[:-1]:
        inner = inner[member]
    inner[path[-1]] = value
    with pytest.raises(UnknownEventError):
        alarms.parse_event(event)


def test_the_functions_own_delayed_message_is_parsed():
    assert alarms.parse_event(json.loads(alarms.follow_up("alarm#x", "abc"))) == FollowUp("alarm#x", "abc")
    assert isinstance(parsed("sqs/alarms-look-again"), FollowUp)


def without(name, *path):
    event = recorded(name)
    inner = event
    for member in path[:-1]:
        inner = inner[member]
    del inner[path[-1]]
    return event


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"detail-type": "ECS Service Action", "detail": {"eventName": "SERVICE_STEADY_STATE"}, "resources": []},
        {"detail-type": "ECS Service Action"},
        {"detail-type": "ECS Lattice Route State Change", "source": "another.source"},
        {"lookAgain": "x"},
        {"Records": []},
        without("alarm/route-alarm", "detail", "state", "timestamp"),
        without("alarm/route-alarm", "resources"),
        without("alarm/direct-action", "alarmArn"),
        without("alarm/route-refused", "detail", "owner"),
        without("alarm/route-refused", "detail", "ecsService"),
        {**recorded("alarm/route-alarm"), "detail": "text"},
        {
            **without("ecs/service-action-lattice-target-unhealthy", "detail", "clusterArn"),
            "resources": ["arn:aws:ecs:us-east-1:1:service/short"],
        },
    ],
)
def test_an_unknown_event_is_rejected_with_a_sentence(event):
    with pytest.raises(UnknownEventError, match=r"\.$"):
        alarms.parse_event(event)


@pytest.mark.parametrize("body", ["", "no json", "[]", "1", '"text"', '{"Type":"Notification","Message":"no json"}'])
def test_a_body_that_is_no_object_is_rejected(body):
    with pytest.raises(UnknownEventError):
        parse_body(body)
