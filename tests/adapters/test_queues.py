"""Requests through SQS: never deduplicated, a message group per key, failures raised."""

import json

import boto3
import pytest
from moto import mock_aws

from ecs_lattice.aws.queues import SqsDeadLetters, SqsQueue, SqsRequestQueue
from ecs_lattice.errors import StackResourceError, UnavailableError
from ecs_lattice.messages.requests import ReconcileRequest

ARN = "arn:aws:ecs:us-east-1:123456789012:service/shop/orders"


@pytest.fixture
def sqs(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    with mock_aws():
        yield boto3.client("sqs", region_name="us-east-1")


@pytest.fixture
def queues(sqs):
    fifo = {"FifoQueue": "true", "ContentBasedDeduplication": "false"}
    return {
        "ecs_services": sqs.create_queue(QueueName="ecs.fifo", Attributes=fifo)["QueueUrl"],
        "lattice_services": sqs.create_queue(QueueName="lattice.fifo", Attributes=fifo)["QueueUrl"],
        "later": sqs.create_queue(QueueName="events")["QueueUrl"],
    }


@pytest.fixture
def requests(sqs, queues):
    return SqsRequestQueue(sqs, **queues)


def received(sqs, url: str) -> list[dict]:
    messages = []
    while batch := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, AttributeNames=["All"]).get("Messages"):
        messages += batch
        for message in batch:
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return messages


def test_a_request_goes_to_the_queue_of_its_kind_in_a_group_of_its_key(sqs, queues, requests):
    requests.enqueue([ReconcileRequest("ecsService", ARN), ReconcileRequest("latticeService", "orders")])
    (ecs,) = received(sqs, queues["ecs_services"])
    (lattice,) = received(sqs, queues["lattice_services"])
    assert json.loads(ecs["Body"])["key"] == ARN
    assert json.loads(lattice["Body"])["key"] == "orders"
    assert len(ecs["Attributes"]["MessageGroupId"]) <= 128
    assert ecs["Attributes"]["MessageGroupId"] != lattice["Attributes"]["MessageGroupId"]


def test_the_same_request_again_is_delivered_again(sqs, queues, requests):
    requests.enqueue([ReconcileRequest("ecsService", ARN)])
    (first,) = received(sqs, queues["ecs_services"])
    requests.enqueue([ReconcileRequest("ecsService", ARN)])
    (again,) = received(sqs, queues["ecs_services"])
    # SQS would swallow a known id for five minutes, also after the first message was deleted (SQS API, SendMessage).
    assert first["Attributes"]["MessageDeduplicationId"] != again["Attributes"]["MessageDeduplicationId"]


def test_requests_for_one_key_in_one_call_are_coalesced_and_many_are_sent_by_tens(sqs, queues, requests):
    requests.enqueue([ReconcileRequest("ecsService", f"{ARN}-{number % 23}") for number in range(46)])
    assert len(received(sqs, queues["ecs_services"])) == 23


def test_a_delayed_request_waits_in_the_events_queue_for_at_most_fifteen_minutes(sqs, queues, requests):
    requests.enqueue_later(ReconcileRequest("ecsService", ARN, attempts=3), 0)
    (message,) = received(sqs, queues["later"])
    assert json.loads(message["Body"])["attempts"] == 3
    requests.enqueue_later(ReconcileRequest("ecsService", ARN), 5000)
    delayed = sqs.get_queue_attributes(QueueUrl=queues["later"], AttributeNames=["All"])["Attributes"]
    assert delayed["ApproximateNumberOfMessagesDelayed"] == "1"


def test_a_request_that_sqs_did_not_take_is_an_error():
    class Half:
        def send_message_batch(self, **_):
            return {"Failed": [{"Id": "0", "Code": "InternalError", "SenderFault": False}]}

    with pytest.raises(UnavailableError, match="InternalError"):
        SqsRequestQueue(Half(), ecs_services="a", lattice_services="b", later="c").enqueue(
            [ReconcileRequest("ecsService", ARN)]
        )


def test_a_missing_queue_is_a_fault_of_the_stack(sqs):
    with pytest.raises(StackResourceError):
        SqsRequestQueue(
            sqs,
            ecs_services="https://sqs.us-east-1.amazonaws.com/123456789012/no.fifo",
            lattice_services="b",
            later="c",
        ).enqueue([ReconcileRequest("ecsService", ARN)])


def test_a_failed_message_can_be_made_visible_sooner(sqs, queues):
    sqs.send_message(QueueUrl=queues["later"], MessageBody="x")
    (message,) = sqs.receive_message(QueueUrl=queues["later"], VisibilityTimeout=600)["Messages"]
    SqsQueue(sqs, queues["later"]).retry_in(message["ReceiptHandle"], 0)
    assert len(sqs.receive_message(QueueUrl=queues["later"])["Messages"]) == 1


def test_a_dead_letter_carries_its_reason(sqs, queues):
    SqsDeadLetters(sqs, queues["later"], "ecs_events").put("{}", "An event of type None. " * 100, 0.0)
    (message,) = sqs.receive_message(QueueUrl=queues["later"], MessageAttributeNames=["All"])["Messages"]
    attributes = {name: value["StringValue"] for name, value in message["MessageAttributes"].items()}
    assert attributes["function"] == "ecs_events"
    assert attributes["at"] == "1970-01-01T00:00:00+00:00"
    assert attributes["reason"].startswith("An event of type None.")
    assert len(attributes["reason"]) == 1000
