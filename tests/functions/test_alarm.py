"""The handler of the alarm function with recorded events, on the in-process local AWS."""

import json

import boto3
import pytest

from ecs_lattice.claims import Claim
from ecs_lattice.ecs_side import record as records
from ecs_lattice.ecs_side.record import EcsRecord
from ecs_lattice.ecs_side.status import RouteStatus
from ecs_lattice.errors import UnknownEventError
from ecs_lattice.model import Placement, Route, ServiceId
from functions.alarm.app import handler
from local_aws.delivery import topics
from tests.functions.conftest import forget, recorded

DONE = {"batchItemFailures": []}
SERVICE = ServiceId("arn:aws:ecs:us-east-1:123456789012:service/transfer/file-transfer")


def known(world):
    """The registry knows the route of the recorded events, which is refused."""
    route = Route("default", "file-transfer", "web")
    world.registry.put_claim(Claim(SERVICE, 1.0, route, Placement("vpc-1", "IPV4", 8080)))
    status = RouteStatus("default", "file-transfer", "Refused", "NETWORK_UNKNOWN", "there is no such network.")
    records.write(world.registry, EcsRecord(SERVICE.arn, statuses=(status,)))


@pytest.fixture
def sent(deployed, monkeypatch):
    """The function with a topic that has a subscriber; gives the subjects of what was sent."""
    sns = boto3.client("sns")
    topic = sns.create_topic(Name="notify")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="email", Endpoint="on-call@example.com")
    monkeypatch.setenv("NOTIFY_TOPIC", topic)
    forget()
    known(deployed.world)
    return lambda: [delivery.subject for delivery in topics.deliveries()]


def in_a_batch(*names, receives="1"):
    return {
        "Records": [
            {
                "messageId": f"m{number}", "receiptHandle": "r", "body": json.dumps(recorded(name)),
                "attributes": {"ApproximateReceiveCount": receives}, "eventSource": "aws:sqs",
            }
            for number, name in enumerate(names)
        ]
    }  # fmt: skip


ALARM = "ALARM file-transfer/default (transfer/file-transfer): no cause found"


@pytest.mark.parametrize("name", ["sqs/alarms", "alarm/direct-action", "alarm/sns-notification", "alarm/route-alarm"])
def test_an_alarm_is_reported_in_whatever_envelope_it_arrives(deployed, sent, name):
    assert handler(recorded(name), deployed.context) == DONE
    assert handler(recorded(name), deployed.context) == DONE
    assert sent() == [ALARM]


def test_an_alarm_and_its_recovery_are_reported(deployed, sent):
    assert handler(in_a_batch("alarm/route-alarm", "alarm/route-ok"), deployed.context) == DONE
    assert sent() == [ALARM, "OK file-transfer/default (transfer/file-transfer): recovered after 12 minutes"]


def test_refusals_dead_letters_and_the_silent_probe_are_reported(deployed, sent):
    names = ("alarm/route-refused", "alarm/route-no-longer-refused", "alarm/dead-letters", "alarm/probe-silent")
    assert handler(in_a_batch(*names), deployed.context) == DONE
    assert sent() == [
        "REFUSED file-transfer/default (transfer/file-transfer): NETWORK_UNKNOWN",
        "ALARM Dead-letter queue ecs-lattice-DeadLetterQueue-4QJ2Z8V6N1XC is holding messages",
        "ALARM Route health is unmonitored",
    ]


def test_what_is_of_no_consequence_is_done(deployed, sent):
    names = ("ecs/service-action-lattice-target-unhealthy",)
    assert handler(in_a_batch(*names), deployed.context) == DONE
    assert handler(recorded("sqs/alarms-look-again"), deployed.context) == DONE
    assert sent() == []


def test_an_unknown_event_goes_to_the_dead_letters_with_its_reason_and_the_others_are_reported(deployed, sent):
    batch = in_a_batch("ecs/steady-state", "alarm/route-alarm")
    assert handler(batch, deployed.context) == DONE
    (letter,) = deployed.messages("DEAD_LETTER_QUEUE")
    assert "ECS Service Action" in letter["MessageAttributes"]["reason"]["StringValue"]
    assert letter["MessageAttributes"]["function"]["StringValue"] == "alarm"
    assert sent() == [ALARM]


def test_an_event_whose_message_could_not_be_sent_is_delivered_again_by_itself(deployed, sent, monkeypatch):
    topic = boto3.client("sns").list_topics()["Topics"][0]["TopicArn"]
    monkeypatch.setenv("NOTIFY_TOPIC", topic + "-gone")
    forget()
    batch = in_a_batch("alarm/route-alarm")
    batch["Records"].append({**in_a_batch("alarm/route-refused", receives="9")["Records"][0], "messageId": "m1"})
    failed = [{"itemIdentifier": "m0"}, {"itemIdentifier": "m1"}]
    assert handler(batch, deployed.context) == {"batchItemFailures": failed}
    monkeypatch.setenv("NOTIFY_TOPIC", topic)
    forget()
    assert handler(batch, deployed.context) == DONE
    assert sent() == [ALARM, "REFUSED file-transfer/default (transfer/file-transfer): NETWORK_UNKNOWN"]


def test_what_anybody_may_have_sent_is_dropped_and_is_no_dead_letter(deployed, sent):
    """Of a wrong shape, about an unknown service, or an alarm that the stack does not keep."""
    forged = recorded("alarm/route-refused")
    bodies = [
        {**forged, "detail": {**forged["detail"], "state": ["x"], "ecsService": [SERVICE.arn]}},
        {**forged, "detail": {**forged["detail"], "ecsService": f"{SERVICE.arn}-of-nobody"}},
        json.loads(json.dumps(recorded("alarm/route-alarm")).replace("file-transfer/default", "file-transfer/mine")),
        json.loads(json.dumps(recorded("alarm/dead-letters")).replace("stack/dead-letters", "stack/mine")),
    ]
    batch = in_a_batch(*["alarm/route-refused"] * 4)
    for record, body in zip(batch["Records"], bodies, strict=True):
        record["body"] = json.dumps(body)
    assert handler(batch, deployed.context) == DONE
    assert sent() == []
    assert deployed.messages("DEAD_LETTER_QUEUE") == []


def test_whoever_invokes_it_by_hand_is_answered_why_an_event_is_ignored(deployed, sent):
    event = json.loads(json.dumps(recorded("alarm/route-alarm")).replace("file-transfer/default", "file-transfer/mine"))
    answer = handler(event, deployed.context)
    assert answer["batchItemFailures"] == []
    assert "is not one of this stack" in answer["ignored"][0]
    assert sent() == []


@pytest.mark.parametrize("event", [{}, {"mode": "plan"}, {"ecsService": "arn", "mode": "apply"}])
def test_a_call_that_is_meant_for_another_function_fails_with_what_is_allowed(deployed, sent, event):
    with pytest.raises(UnknownEventError, match="AlarmFunction takes a batch of the alarms' queue"):
        handler(event, deployed.context)


def test_a_message_is_delivered_again_sooner_than_the_queue_would_have_it(deployed, sent):
    from ecs_lattice.consumers.alarms import AlarmConsumer
    from ecs_lattice.errors import BusyError
    from ecs_lattice.messages import alarms

    waits = []

    class Busy:
        def respond(self, signal):
            raise BusyError(f"Busy with {signal}.")

    class Visibility:
        def retry_in(self, receipt_handle, seconds):
            waits.append(seconds)
            raise RuntimeError("only sooner or later")

    on_call = AlarmConsumer(Busy(), None, Visibility(), lambda: 0.0)
    body = alarms.follow_up("alarm#x", "y")
    for receives in ("1", "2", "3", "9"):
        record = {
            "messageId": "m",
            "receiptHandle": "r",
            "body": body,
            "attributes": {"ApproximateReceiveCount": receives},
        }
        assert on_call.work({"Records": [record]}, 60) == {"batchItemFailures": [{"itemIdentifier": "m"}]}
    assert waits == [15, 30, 60, 240]
