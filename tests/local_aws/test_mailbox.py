"""The page of mails: what SNS would have sent to mailboxes, as text."""

import boto3
import pytest

from local_aws import inprocess, mailbox
from local_aws.delivery.topics import deliveries
from local_aws.inspection import Inspection
from local_aws.journal import Journal


@pytest.fixture
def machine():
    with inprocess.started() as started:
        yield started


@pytest.fixture
def publish(machine):
    """Publish to a topic with two mailboxes, one of them for JSON, and a queue."""
    sns, sqs = boto3.client("sns"), boto3.client("sqs")
    topic = sns.create_topic(Name="ecs-lattice-Notify")["TopicArn"]
    queue = sqs.create_queue(QueueName="others")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    for protocol, endpoint in [("email", "on-call@example.com"), ("email-json", "robot@example.com"), ("sqs", arn)]:
        sns.subscribe(TopicArn=topic, Protocol=protocol, Endpoint=endpoint)
    return lambda text, **more: sns.publish(TopicArn=topic, Message=text, **more)


def asked(machine, query=""):
    """Content type and text of the page."""
    inspection = Inspection(machine.services, Journal(), None)
    heads = []
    environ = {"PATH_INFO": "/_local_aws/mail", "QUERY_STRING": query}
    (body,) = inspection(environ, lambda status, headers: heads.append((status, dict(headers))))
    ((status, headers),) = heads
    assert (status, headers["Content-Length"]) == ("200 OK", str(len(body)))
    return headers["Content-Type"], body.decode()


def test_without_a_mail_it_says_so(machine):
    assert asked(machine) == ("text/plain; charset=utf-8", mailbox.NONE_YET)


def test_a_mail_is_shown_as_it_is_read(machine, publish):
    publish("It is über.\n\nTo fix:\n  aws ecs …\n", Subject="ALARM orders/default")
    kind, text = asked(machine, "to=on-call@example.com")
    assert kind == "text/plain; charset=utf-8"
    first, date, *rest = text.splitlines()
    assert first == "--- mail 1 ---------------------------------------------------------------------"
    assert len(first) == 80
    assert date == f"Date: {machine.clock.now():%Y-%m-%d %H:%M:%S} UTC"
    assert rest == [
        "To: on-call@example.com",
        "Topic: ecs-lattice-Notify",
        "Subject: ALARM orders/default",
        "",
        "It is über.",
        "",
        "To fix:",
        "  aws ecs …",
    ]


def test_mails_are_numbered_oldest_first_and_what_is_no_mail_is_left_out(machine, publish):
    publish("one")
    publish("two")
    assert len(deliveries()) == 6
    _, text = asked(machine)
    assert [text.index(f"--- mail {number} ") for number in (1, 2, 3, 4)] == sorted(
        text.index(f"--- mail {number} ") for number in (1, 2, 3, 4)
    )
    assert "--- mail 5 " not in text
    assert "sqs" not in text
    assert "Subject: (none)" in text
    assert '"Type": "Notification"' in text  # of email-json, the envelope


def test_mails_that_were_read_can_be_left_out(machine, publish):
    publish("one")
    publish("two")
    _, text = asked(machine, "to=on-call@example.com&since=1")
    assert "one" not in text.splitlines()
    assert text.startswith("--- mail 2 ")
    assert asked(machine, "to=on-call@example.com&since=2")[1] == mailbox.NONE_YET
    assert asked(machine, "to=nobody@example.com")[1] == mailbox.NONE_YET
