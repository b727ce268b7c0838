"""The handlers in this process: the environment that the template gives them, on the in-process local AWS."""

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest

from tests import world as worlds

EVENTS = Path(__file__).parents[2] / "events"


@dataclass(frozen=True)
class Context:
    """What Lambda hands a handler beside the event."""

    function_name: str = "function"
    memory_limit_in_mb: int = 256
    invoked_function_arn: str = "arn:aws:lambda:us-east-1:123456789012:function:function"
    aws_request_id: str = "00000000-0000-0000-0000-000000000000"
    log_group_name: str = "/ecs-lattice/function"
    remaining: int = 60_000

    def get_remaining_time_in_millis(self) -> int:
        return self.remaining


@dataclass
class Deployed:
    """The functions' environment: a world whose queues are SQS's."""

    world: worlds.World
    queues: dict[str, str]
    context: Context = Context()

    def __post_init__(self) -> None:
        self.sqs = boto3.client("sqs")

    def messages(self, queue: str) -> list[dict[str, Any]]:
        """What waits in a queue, taken out of it."""
        taken = self.sqs.receive_message(
            QueueUrl=self.queues[queue], MaxNumberOfMessages=10, MessageAttributeNames=["All"]
        ).get("Messages", [])
        for message in taken:
            self.sqs.delete_message(QueueUrl=self.queues[queue], ReceiptHandle=message["ReceiptHandle"])
        return taken

    def batch(self, queue: str) -> dict[str, Any]:
        """The messages of a queue as Lambda hands them over."""
        return {
            "Records": [
                {
                    "messageId": message["MessageId"],
                    "receiptHandle": message["ReceiptHandle"],
                    "body": message["Body"],
                    "attributes": {"ApproximateReceiveCount": "1"},
                }
                for message in self.messages(queue)
            ]
        }


def recorded(name: str) -> dict[str, Any]:
    """An event of the events folder."""
    event: dict[str, Any] = json.loads((EVENTS / f"{name}.json").read_text())
    return event


@pytest.fixture
def deployed(world, monkeypatch) -> Iterator[Deployed]:
    sqs = boto3.client("sqs")
    fifo = {"FifoQueue": "true"}
    queues = {
        "ECS_EVENTS_QUEUE": sqs.create_queue(QueueName="events")["QueueUrl"],
        "ECS_SERVICES_QUEUE": sqs.create_queue(QueueName="ecs.fifo", Attributes=fifo)["QueueUrl"],
        "LATTICE_SERVICES_QUEUE": sqs.create_queue(QueueName="lattice.fifo", Attributes=fifo)["QueueUrl"],
        "DEAD_LETTER_QUEUE": sqs.create_queue(QueueName="dead")["QueueUrl"],
        "ALARMS_QUEUE": sqs.create_queue(QueueName="alarms")["QueueUrl"],
    }
    settings = {
        "OWNER": "ecs-lattice",
        "TABLE": "registry",
        "NOTIFY_TOPIC": "arn:aws:sns:us-east-1:123456789012:notify",
        "INFRASTRUCTURE_ROLE": worlds.SETTINGS.infrastructure_role,
        "DEFAULT_NETWORKS": "platform",
        "ECS_READS_PER_SECOND": "1000",
    }
    for name, value in {**queues, **settings}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("time.time", world.clock.time)
    forget()
    yield Deployed(world, queues)
    forget()


def forget() -> None:
    """Make the handlers' collaborators anew, as a fresh execution environment would."""
    own = [module for name, module in sys.modules.items() if name.startswith(("ecs_lattice.bootstrap.", "functions."))]
    for made in (value for module in own for value in vars(module).values()):
        if callable(getattr(made, "cache_clear", None)):
            made.cache_clear()
