"""A look into dead-letter queues that leaves everything in them."""

from typing import TYPE_CHECKING, Any

from ecs_lattice.aws.errors import translated
from ecs_lattice.diagnosis.ports import Letter, Peek

if TYPE_CHECKING:
    from types_boto3_sqs import SQSClient

_LETTERS = 10  # Amazon SQS API, ReceiveMessage
_BODY_CHARACTERS = 2000


class SqsLetterBox:
    """:class:`ecs_lattice.diagnosis.ports.LetterBox` over a boto3 client. Messages are received with a visibility timeout of
    0: they stay where they are, also in a FIFO queue, whose groups would wait otherwise."""

    def __init__(self, client: "SQSClient") -> None:
        self._client = client

    def peek(self, queue_name: str) -> Peek:
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
        return Peek(url, tuple(_letter(message) for message in answer.get("Messages", [])))


def _letter(message: Any) -> Letter:
    attributes = message.get("MessageAttributes", {})
    return Letter(
        tuple(sorted((name, str(value.get("StringValue", ""))) for name, value in attributes.items())),
        str(message.get("Body", ""))[:_BODY_CHARACTERS],
        int(message.get("Attributes", {}).get("SentTimestamp", 0)) / 1000,
    )
