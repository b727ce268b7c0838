"""The queue of the ``alarm`` function, as far as the function itself writes to it."""

from typing import TYPE_CHECKING

from ecs_lattice.aws.errors import translated

if TYPE_CHECKING:
    from types_boto3_sqs import SQSClient

_MAXIMUM_DELAY_SECONDS = 900  # Amazon SQS API, SendMessage


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
                DelaySeconds=max(0, min(seconds, _MAXIMUM_DELAY_SECONDS)),
            )
