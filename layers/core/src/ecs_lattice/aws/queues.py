"""The adapters to Amazon SQS: reconcile requests, the visibility of failed messages, delayed messages, dead letters."""

import json
import uuid
from collections.abc import Iterable
from dataclasses import asdict
from datetime import UTC, datetime
from itertools import batched
from typing import TYPE_CHECKING, Any

from ecs_lattice import naming
from ecs_lattice.aws.clients import translating
from ecs_lattice.errors import UnavailableError
from ecs_lattice.messages.requests import Kind, ReconcileRequest

if TYPE_CHECKING:
    from types_boto3_sqs import SQSClient

    from ecs_lattice.diagnosis.ports import DeadLetterSample

# Amazon SQS API: SendMessageBatch, SendMessage, ReceiveMessage.
_ENTRIES, _MAXIMUM_DELAY_SECONDS, _SAMPLE_MESSAGES = 10, 900, 10
_REASON_CHARACTERS, _BODY_CHARACTERS = 1000, 2000


class SqsRequestQueue:
    """:class:`ecs_lattice.ports.RequestQueue`: a FIFO queue for each kind, and a standard queue for delayed requests.

    Every message gets a new deduplication id: SQS accepts a message with an id that it has seen within 5 minutes and does
    not deliver it (Amazon SQS API, SendMessage), which would lose a request.
    """

    def __init__(self, client: "SQSClient", *, ecs_services: str, lattice_services: str, later: str) -> None:
        self._client = translating(client, of_stack=True)
        self._queues: dict[Kind, str] = {"ecsService": ecs_services, "latticeService": lattice_services}
        self._later = SqsQueue(client, later)

    def enqueue(self, requests: Iterable[ReconcileRequest]) -> None:
        by_key = {(request.kind, request.key): request for request in requests}
        for kind, queue in self._queues.items():
            of_kind = [request for request in by_key.values() if request.kind == kind]
            for part in batched(of_kind, _ENTRIES, strict=False):
                self._send(queue, part)

    def enqueue_later(self, request: ReconcileRequest, seconds: int) -> None:
        self._later.send_later(json.dumps(asdict(request)), seconds)

    def _send(self, queue: str, requests: Iterable[ReconcileRequest]) -> None:
        entries: list[Any] = [
            {
                "Id": str(number),
                "MessageBody": json.dumps(asdict(request)),
                "MessageGroupId": naming.group_id(request.key),
                "MessageDeduplicationId": uuid.uuid4().hex,
            }
            for number, request in enumerate(requests)
        ]
        failed = self._client.send_message_batch(QueueUrl=queue, Entries=entries).get("Failed", [])
        if failed:
            reasons = ", ".join(sorted({f"{entry['Code']}: {entry.get('Message', '')}" for entry in failed}))
            raise UnavailableError(
                "SendMessageBatch", "PartialFailure", f"{len(failed)} requests were not sent: {reasons}"
            )


class SqsQueue:
    """:class:`ecs_lattice.ports.Visibility` and :class:`ecs_lattice.diagnosis.ports.AlarmQueue` for one queue.

    Only a standard queue takes messages with a delay of their own.
    """

    def __init__(self, client: "SQSClient", url: str) -> None:
        self._client = translating(client, of_stack=True)
        self._url = url

    def send_later(self, body: str, seconds: int) -> None:
        delay = max(0, min(seconds, _MAXIMUM_DELAY_SECONDS))
        self._client.send_message(QueueUrl=self._url, MessageBody=body, DelaySeconds=delay)

    def retry_in(self, receipt_handle: str, seconds: int) -> None:
        self._client.change_message_visibility(
            QueueUrl=self._url, ReceiptHandle=receipt_handle, VisibilityTimeout=seconds
        )


class SqsDeadLetters:
    """:class:`ecs_lattice.ports.DeadLetters` and :class:`ecs_lattice.diagnosis.ports.DeadLetterQueue`.

    ``function`` puts messages into the queue at ``url`` itself, because SQS's redrive cannot add a reason: attributes
    ``reason``, ``function`` and ``at`` (ISO 8601, UTC).
    """

    def __init__(self, client: "SQSClient", url: str, function: str) -> None:
        self._client = translating(client)
        self._url = url
        self._function = function

    def put(self, body: str, reason: str, now: float) -> None:
        attributes = {
            "reason": reason[:_REASON_CHARACTERS],
            "function": self._function,
            "at": datetime.fromtimestamp(now, tz=UTC).isoformat(timespec="seconds"),
        }
        self._client.send_message(
            QueueUrl=self._url,
            MessageBody=body,
            MessageAttributes={
                name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()
            },
        )

    def sample(self, queue_name: str) -> "DeadLetterSample":
        """A visibility timeout of 0 leaves the messages in the queue, also in a FIFO queue, whose groups would wait."""
        from ecs_lattice.diagnosis.ports import DeadLetter, DeadLetterSample  # noqa: PLC0415  only alarm loads them

        url = self._client.get_queue_url(QueueName=queue_name)["QueueUrl"]
        messages: Any = self._client.receive_message(
            QueueUrl=url,
            MaxNumberOfMessages=_SAMPLE_MESSAGES,
            VisibilityTimeout=0,
            MessageAttributeNames=["All"],
            MessageSystemAttributeNames=["SentTimestamp"],
        ).get("Messages", [])
        return DeadLetterSample(
            url,
            tuple(
                DeadLetter(
                    _attributes(message),
                    message.get("Body", "")[:_BODY_CHARACTERS],
                    int(message.get("Attributes", {}).get("SentTimestamp", 0)) / 1000,
                )
                for message in messages
            ),
        )


def _attributes(message: Any) -> tuple[tuple[str, str], ...]:
    attributes = message.get("MessageAttributes", {})
    return tuple(sorted((name, value.get("StringValue", "")) for name, value in attributes.items()))
