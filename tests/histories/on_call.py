"""The ``alarm`` function in the world: events by the template's own rules, messages by the local Amazon SNS."""

import json
import shlex
from dataclasses import dataclass, field
from typing import Any

import boto3
from awscli.clidriver import create_clidriver

from ecs_lattice.aws.evidence import BotoSources
from ecs_lattice.aws.queues import AlarmQueue, SqsDeadLetterQueue
from ecs_lattice.aws.security_groups import BotoSecurityGroups
from ecs_lattice.aws.topic import SnsTopic
from ecs_lattice.consumers.alarms import AlarmConsumer
from ecs_lattice.diagnosis.collect import Collector
from ecs_lattice.diagnosis.respond import Responder
from local_aws.delivery import topics
from local_aws.services import events
from tests.world import World, template_patterns


@dataclass
class OnCallWorld:
    """Receives what the rules of AlarmsQueue match and handles it at once; what is postponed waits on the clock."""

    world: World
    refused: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        world, sns = self.world, boto3.client("sns")
        topic = sns.create_topic(Name="notify")["TopicArn"]
        sns.subscribe(TopicArn=topic, Protocol="email", Endpoint="on-call@example.com")
        sns.subscribe(TopicArn=topic, Protocol="https", Endpoint="https://chat.example.com/hook")
        now = world.clock.time
        sources = BotoSources(world.ecs, world.ec2, world.lattice)
        groups = BotoSecurityGroups(world.ec2, world.settings.owner)
        responder = Responder(
            world.settings.owner, world.settings.table, Collector(sources, groups, world.registry, now, world.settings.label_prefix),
            world.registry,
            SnsTopic(sns, topic), AlarmQueue(self, "alarms"), SqsDeadLetterQueue(boto3.client("sqs")), world, now,
        )  # fmt: skip
        self.on_call = AlarmConsumer(responder, self, self, now)
        events().subscribe(self._on_event)

    # The ends of the queue.

    def send_message(self, **request: Any) -> None:
        self.world.clock.call_later(request["DelaySeconds"], lambda: self._deliver(request["MessageBody"]))

    def put(self, body: str, reason: str, now: float) -> None:
        self.refused.append(reason)

    def retry_in(self, receipt_handle: str, seconds: int) -> None:
        raise AssertionError("nothing fails here")

    def _on_event(self, event: dict[str, Any]) -> None:
        if any(pattern.matches_event(event) for pattern in template_patterns("AlarmsQueue")):
            self.world.clock.call_later(0.1, lambda: self._deliver(json.dumps(event)))

    def _deliver(self, body: str) -> None:
        record = {"messageId": "m", "receiptHandle": "r", "body": body, "attributes": {}}
        assert self.on_call.work({"Records": [record]}, 60) == {"batchItemFailures": []}

    # What people receive.

    def mails(self) -> list[tuple[str, str]]:
        """Subject and text of all mails, oldest first."""
        return [(mail.subject or "", mail.body) for mail in topics.deliveries() if mail.protocol == "email"]

    def subjects(self) -> list[str]:
        return [subject for subject, _ in self.mails()]

    def chats(self) -> list[dict[str, Any]]:
        """What HTTPS subscribers receive, without the envelope of SNS."""
        bodies = [json.loads(sent.body) for sent in topics.deliveries() if sent.protocol == "https"]
        return [json.loads(body["Message"]) if "Message" in body else body for body in bodies]


def causes(mail: str) -> list[str]:
    """The codes that a mail names, in its order."""
    titles = mail.replace("\n   [", " [").splitlines()
    return [line.rsplit("[", 1)[1].rstrip("]") for line in titles if line[:1].isdigit() and line.endswith("]")]


def run_command(mail: str, begins: str) -> None:
    """Run the first command of a mail that begins so, as if it was pasted."""
    lines = [line.strip() for line in mail.splitlines()]
    start = next(number for number, line in enumerate(lines) if line.startswith(begins))
    words = []
    for line in lines[start:]:
        words.append(line.removesuffix("\\"))
        if not line.endswith("\\"):
            break
    _, *arguments = shlex.split(" ".join(words))
    assert create_clidriver().main(arguments) == 0
