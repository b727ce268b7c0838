"""The bells' queues. No content-based deduplication and a fresh deduplication id for every send: Amazon SQS accepts a
message with a known id within 5 minutes and does not deliver it (SQS API, SendMessage), which would swallow a bell.
"""

import json
import uuid
from collections.abc import Iterable
from dataclasses import asdict
from itertools import batched
from typing import TYPE_CHECKING, Any

from ecs_lattice import naming
from ecs_lattice.aws.errors import translated
from ecs_lattice.bells import Bell, Kind
from ecs_lattice.errors import UnavailableError

if TYPE_CHECKING:
    from types_boto3_sqs import SQSClient

_SEND_BATCH_ENTRIES = 10  # SQS API, SendMessageBatch
_MAXIMUM_DELAY_SECONDS = 900  # SQS API, SendMessage


class SqsBells:
    """:class:`ecs_lattice.ports.Bells` over the FIFO queue of each kind and the standard queue for delayed ones."""

    def __init__(self, client: "SQSClient", *, ecs_services: str, lattice_services: str, later: str) -> None:
        self._client = client
        self._queues: dict[Kind, str] = {"ecsService": ecs_services, "latticeService": lattice_services}
        self._later = later

    def ring(self, bells: Iterable[Bell]) -> None:
        folded = {(bell.kind, bell.key): bell for bell in bells}
        for kind, queue in self._queues.items():
            mine = [bell for bell in folded.values() if bell.kind == kind]
            for part in batched(mine, _SEND_BATCH_ENTRIES, strict=False):
                self._send_batch(queue, part)

    def ring_later(self, bell: Bell, seconds: int) -> None:
        with translated("SendMessage"):
            self._client.send_message(
                QueueUrl=self._later,
                MessageBody=json.dumps(asdict(bell)),
                DelaySeconds=max(0, min(seconds, _MAXIMUM_DELAY_SECONDS)),
            )

    def _send_batch(self, queue: str, bells: Iterable[Bell]) -> None:
        entries: list[Any] = [
            {
                "Id": str(number),
                "MessageBody": json.dumps(asdict(bell)),
                "MessageGroupId": naming.group_id(bell.key),
                "MessageDeduplicationId": uuid.uuid4().hex,
            }
            for number, bell in enumerate(bells)
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
    """:class:`ecs_lattice.worker.Visibility`: when a message that failed is delivered again."""

    def __init__(self, client: "SQSClient", queue_url: str) -> None:
        self._client = client
        self._queue_url = queue_url

    def retry_in(self, receipt_handle: str, seconds: int) -> None:
        with translated("ChangeMessageVisibility"):
            self._client.change_message_visibility(
                QueueUrl=self._queue_url, ReceiptHandle=receipt_handle, VisibilityTimeout=seconds
            )
