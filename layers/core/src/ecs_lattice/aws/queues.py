"""The bells' queues. No content-based deduplication and a fresh deduplication id for every send: Amazon SQS accepts a
message with a known id within 5 minutes and does not deliver it (SQS API, SendMessage), which would swallow a bell.

The queue of the ``alarm`` function, as far as the function itself writes to it.

Messages that no retry can mend go to the dead-letter queue by hand, with their reason: redrive cannot carry one.

A look into dead-letter queues that leaves everything in them.
"""

import json
import uuid
from collections.abc import Iterable
from dataclasses import asdict
from itertools import batched
from typing import TYPE_CHECKING, Any

from ecs_lattice import naming
from ecs_lattice.aws.errors import translated
from ecs_lattice.errors import UnavailableError
from ecs_lattice.messages.requests import Kind, ReconcileRequest

if TYPE_CHECKING:
    from types_boto3_sqs import SQSClient
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ecs_lattice.diagnosis.ports import DeadLetter, DeadLetterSample

_SEND_BATCH_ENTRIES = 10  # SQS API, SendMessageBatch
_MAXIMUM_DELAY_SECONDS = 900  # SQS API, SendMessage


class SqsRequestQueue:
    """:class:`ecs_lattice.ports.Bells` over the FIFO queue of each kind and the standard queue for delayed ones."""

    def __init__(self, client: "SQSClient", *, ecs_services: str, lattice_services: str, later: str) -> None:
        self._client = client
        self._queues: dict[Kind, str] = {"ecsService": ecs_services, "latticeService": lattice_services}
        self._later = later

    def enqueue(self, requests: Iterable[ReconcileRequest]) -> None:
        folded = {(request.kind, request.key): request for request in requests}
        for kind, queue in self._queues.items():
            mine = [request for request in folded.values() if request.kind == kind]
            for part in batched(mine, _SEND_BATCH_ENTRIES, strict=False):
                self._send_batch(queue, part)

    def enqueue_later(self, request: ReconcileRequest, seconds: int) -> None:
        with translated("SendMessage"):
            self._client.send_message(
                QueueUrl=self._later,
                MessageBody=json.dumps(asdict(request)),
                DelaySeconds=max(0, min(seconds, _MAXIMUM_DELAY_SECONDS)),
            )

    def _send_batch(self, queue: str, requests: Iterable[ReconcileRequest]) -> None:
        entries: list[Any] = [
            {
                "Id": str(number),
                "MessageBody": json.dumps(asdict(request)),
                "MessageGroupId": naming.group_id(request.key),
                "MessageDeduplicationId": uuid.uuid4().hex,
            }
            for number, request in enumerate(requests)
        ]
        with translated("SendMessageBatch"):
            answer = self._client.send_message_batch(QueueUrl=queue, Entries=entries)
        failed = answer.get("Failed", [])
        if failed:
            reasons = ", ".join(sorted({f"{entry['Code']}: {entry.get('Message', '')}" for entry in failed}))
            raise UnavailableError(
                "SendMessageBatch", "PartialFailure", f"{len(failed)} bells were not sent: {reasons}"
            )


class SqsVisibility:
    """:class:`ecs_lattice.consumers.reconciles.Visibility`: when a message that failed is delivered again."""

    def __init__(self, client: "SQSClient", queue_url: str) -> None:
        self._client = client
        self._queue_url = queue_url

    def retry_in(self, receipt_handle: str, seconds: int) -> None:
        with translated("ChangeMessageVisibility"):
            self._client.change_message_visibility(
                QueueUrl=self._queue_url, ReceiptHandle=receipt_handle, VisibilityTimeout=seconds
            )


_MAXIMUM_DELAY_SECONDS_of_alarm_queue = 900  # Amazon SQS API, SendMessage


class AlarmQueue:
    """:class:`ecs_lattice.diagnosis.ports.Later` over a boto3 client; a standard queue, so that a message can be delayed."""

    def __init__(self, client: "SQSClient", queue_url: str) -> None:
        self._client = client
        self._queue_url = queue_url

    def send_later(self, body: str, seconds: int) -> None:
        with translated("SendMessage"):
            self._client.send_message(
                QueueUrl=self._queue_url,
                MessageBody=body,
                DelaySeconds=max(0, min(seconds, _MAXIMUM_DELAY_SECONDS_of_alarm_queue)),
            )


_ATTRIBUTE_LENGTH = 1000


class DeadLetters:
    """The queue for what is refused; attributes ``reason``, ``function`` and ``at`` (ISO 8601, UTC)."""

    def __init__(self, client: "SQSClient", queue_url: str, function: str) -> None:
        self._client = client
        self._queue_url = queue_url
        self._function = function

    def put(self, body: str, reason: str, now: float) -> None:
        attributes = {
            "reason": reason[:_ATTRIBUTE_LENGTH],
            "function": self._function,
            "at": datetime.fromtimestamp(now, tz=UTC).isoformat(timespec="seconds"),
        }
        with translated("SendMessage"):
            self._client.send_message(
                QueueUrl=self._queue_url,
                MessageBody=body,
                MessageAttributes={
                    name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()
                },
            )


_LETTERS = 10  # Amazon SQS API, ReceiveMessage
_BODY_CHARACTERS = 2000


class SqsDeadLetterQueue:
    """:class:`ecs_lattice.diagnosis.ports.LetterBox` over a boto3 client. Messages are received with a visibility timeout of
    0: they stay where they are, also in a FIFO queue, whose groups would wait otherwise."""

    def __init__(self, client: "SQSClient") -> None:
        self._client = client

    def peek(self, queue_name: str) -> DeadLetterSample:
        with translated("GetQueueUrl"):
            url = self._client.get_queue_url(QueueName=queue_name)["QueueUrl"]
        with translated("ReceiveMessage"):
            answer = self._client.receive_message(
                QueueUrl=url,
                MaxNumberOfMessages=_LETTERS,
                VisibilityTimeout=0,
                MessageAttributeNames=["All"],
                MessageSystemAttributeNames=["SentTimestamp"],
            )
        return DeadLetterSample(url, tuple(_letter(message) for message in answer.get("Messages", [])))


def _letter(message: Any) -> DeadLetter:
    attributes = message.get("MessageAttributes", {})
    return DeadLetter(
        tuple(sorted((name, str(value.get("StringValue", ""))) for name, value in attributes.items())),
        str(message.get("Body", ""))[:_BODY_CHARACTERS],
        int(message.get("Attributes", {}).get("SentTimestamp", 0)) / 1000,
    )
