"""StartMessageMoveTask: dead letters back to the queue that they came from, which moto lacks.

Amazon SQS API, StartMessageMoveTask. Assumption: all visible messages are moved at once, where AWS moves them at a rate; tasks can
be neither listed nor cancelled.
"""

import uuid
from typing import Any

from moto.core.responses import ActionResult
from moto.sqs.exceptions import SQSException
from moto.sqs.models import Queue
from moto.sqs.responses import SQSResponse

from local_aws.delivery import queues
from local_aws.delivery.queues import LocalSqsBackend


class LocalSqsResponse(SQSResponse):
    """moto's, with StartMessageMoveTask."""

    def start_message_move_task(self) -> ActionResult:
        backend = self.sqs_backend
        assert isinstance(backend, LocalSqsBackend)
        source = _queue(backend, self._get_param("SourceArn"))
        destination = self._get_param("DestinationArn")
        targets = [_queue(backend, destination)] if destination else _sources(backend, source)
        if len(targets) != 1:
            message = f"{source.name} is the dead-letter queue of {len(targets)} queues; DestinationArn is needed."
            raise SQSException("InvalidParameterValue", message)
        with backend.lock:
            present: list[Any] = source._messages
            moved = [message for message in present if message.visible]
            for message in moved:
                present.remove(message)
                message.approximate_receive_count = 0
                targets[0].add_message(message)
        queues.changed(targets[0])
        return ActionResult({"TaskHandle": uuid.uuid4().hex})


def install() -> None:
    """Replace moto's SQS."""
    queues.install(LocalSqsResponse)


def _queue(backend: LocalSqsBackend, arn: str | None) -> Queue:
    found = next((queue for queue in backend.queues.values() if queue.queue_arn == arn), None)
    if found is None:
        raise SQSException("ResourceNotFoundException", f"There is no queue {arn}.")
    return found


def _sources(backend: LocalSqsBackend, dead_letters: Queue) -> list[Queue]:
    """The queues whose dead-letter queue it is: only such a queue can be moved (Amazon SQS Developer Guide, redrive)."""
    sources = [queue for queue in backend.queues.values() if queue.dead_letter_queue is dead_letters]
    if not sources:
        raise SQSException("InvalidParameterValue", "Source queue must be configured as a Dead Letter Queue.")
    return sources
