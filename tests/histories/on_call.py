"""The ``alarm`` function on the world: events by the template's own rules, messages by the local Amazon SNS."""

import dataclasses
import json
import shlex
from dataclasses import dataclass, field
from typing import Any

import boto3
from awscli.clidriver import create_clidriver

from ecs_lattice.aws.queues import SqsDeadLetters
from ecs_lattice.bootstrap.alarm import alarm_consumer
from ecs_lattice.diagnosis.ports import DeadLetterSample
from local_aws.delivery import topics
from local_aws.services import events
from tests.world import SimulatedWiring, World, template_patterns


class OnCallWiring(SimulatedWiring):
    """The world's collaborators with the queue and the dead letters of the alarm function."""

    def __init__(self, on_call: "OnCallWorld", topic: str) -> None:
        super().__init__(on_call.world)
        self.settings = dataclasses.replace(self.settings, notify_topic=topic)
        self.on_call = on_call

    def queue(self, url: str) -> "OnCallWorld":
        return self.on_call

    def dead_letters(self, function: str) -> "OnCallWorld":
        return self.on_call


@dataclass
class OnCallWorld:
    """Receives what the rules of AlarmsQueue match, and works it at once; what is delayed waits on the clock."""

    world: World
    refused: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        sns = boto3.client("sns")
        topic = sns.create_topic(Name="notify")["TopicArn"]
        sns.subscribe(TopicArn=topic, Protocol="email", Endpoint="on-call@example.com")
        sns.subscribe(TopicArn=topic, Protocol="https", Endpoint="https://chat.example.com/hook")
        self.on_call = alarm_consumer(OnCallWiring(self, topic))
        events().subscribe(self._on_event)

    # The ends of the queue.

    def send_later(self, body: str, seconds: int) -> None:
        assert 0 <= seconds <= 900
        self.world.clock.call_later(seconds, lambda: self._deliver(body))

    def put(self, body: str, reason: str, now: float) -> None:
        self.refused.append(reason)

    def sample(self, queue_name: str) -> DeadLetterSample:
        return SqsDeadLetters(self.world.clients.sqs, "dead", "alarm").sample(queue_name)

    def retry_in(self, receipt_handle: str, seconds: int) -> None:
        raise AssertionError("nothing fails here")

    def _on_event(self, event: dict[str, Any]) -> None:
        if any(pattern.matches_event(event) for pattern in template_patterns("AlarmsQueue")):
            self.world.clock.call_later(0.1, lambda: self._deliver(json.dumps(event)))

    def _deliver(self, body: str) -> None:
        record = {"messageId": "m", "receiptHandle": "r", "body": body, "attributes": {}}
        assert self.on_call.work({"Records": [record]}, 60) == {"batchItemFailures": []}

    # What people get.

    def mails(self) -> list[tuple[str, str]]:
        """Subject and text of all mails, oldest first."""
        return [(each.subject or "", each.body) for each in topics.deliveries() if each.protocol == "email"]

    def subjects(self) -> list[str]:
        return [subject for subject, _ in self.mails()]

    def chats(self) -> list[dict[str, Any]]:
        """What HTTPS subscribers get, without the envelope of SNS."""
        bodies = [json.loads(each.body) for each in topics.deliveries() if each.protocol == "https"]
        return [json.loads(body["Message"]) if "Message" in body else body for body in bodies]


def causes(mail: str) -> list[str]:
    """The codes that a mail names, in its order."""
    titles = mail.replace("\n   [", " [").splitlines()
    return [line.rsplit("[", 1)[1].rstrip("]") for line in titles if line[:1].isdigit() and line.endswith("]")]


def run_command(mail: str, begins: str) -> None:
    """Run the first command of a mail that begins so, as somebody would who pastes it."""
    lines = [line.strip() for line in mail.splitlines()]
    start = next(number for number, line in enumerate(lines) if line.startswith(begins))
    words = []
    for line in lines[start:]:
        words.append(line.removesuffix("\\"))
        if not line.endswith("\\"):
            break
    _, *arguments = shlex.split(" ".join(words))
    assert create_clidriver().main(arguments) == 0
