"""Metrics that AWS services publish, as far as this application's alarms need them.

Sources: AWS Lambda Developer Guide, "Types of metrics for Lambda functions"; Amazon SQS Developer Guide, "Available
CloudWatch metrics for Amazon SQS". Names, units and dimensions are theirs.
"""

from typing import Any

from moto.sqs.models import Queue, sqs_backends

from local_aws.eventbus import ACCOUNT, REGION
from local_aws.monitoring.metrics import record
from local_aws.services import clock

_POISON = 3
"""The receive count from which on a standard queue's age ignores a message (SQS Developer Guide, ApproximateAgeOfOldestMessage)."""


def invoked(function: str, at: float, seconds: float, *, failed: bool) -> None:
    """A function ran: ``at`` is when it began, ``seconds`` how long it took."""
    dimensions = {"FunctionName": function}
    record("AWS/Lambda", "Invocations", dimensions, 1, at, "Count")
    record("AWS/Lambda", "Errors", dimensions, 1 if failed else 0, at, "Count")
    record("AWS/Lambda", "Throttles", dimensions, 0, at, "Count")
    record("AWS/Lambda", "Duration", dimensions, seconds * 1000, at, "Milliseconds")


def throttled(function: str) -> None:
    """A function's invocation was throttled."""
    record("AWS/Lambda", "Throttles", {"FunctionName": function}, 1, None, "Count")


def sample_queues(at: float) -> None:
    """Record the metrics that SQS publishes per queue and minute."""
    for queue in list(sqs_backends[ACCOUNT][REGION].queues.values()):
        dimensions = {"QueueName": str(queue.name)}
        for name, value in _counts(queue).items():
            record("AWS/SQS", name, dimensions, value, at, "Count")
        record("AWS/SQS", "ApproximateAgeOfOldestMessage", dimensions, oldest(queue), at, "Seconds")


def oldest(queue: Queue) -> float:
    """The age of the oldest message in the queue in seconds; 0 if there is none.

    In a dead-letter queue, the time since it was moved. In a standard queue, messages that have been received three
    times or more do not count.
    """
    now = clock().time()
    waiting: list[Any] = list(queue._messages)
    if not queue.fifo_queue:
        waiting = [message for message in waiting if message.approximate_receive_count < _POISON or _moved(message)]
    return max([max(0.0, now - _came(message)) for message in waiting], default=0.0)


def _counts(queue: Queue) -> dict[str, int]:
    return {
        "ApproximateNumberOfMessagesVisible": queue.approximate_number_of_messages,
        "ApproximateNumberOfMessagesNotVisible": queue.approximate_number_of_messages_not_visible,
        "ApproximateNumberOfMessagesDelayed": queue.approximate_number_of_messages_delayed,
    }


def _came(message: Any) -> float:
    came = getattr(message, "came", None)
    return float(message.sent_timestamp) / 1000 if came is None else float(came)


def _moved(message: Any) -> bool:
    """Whether a message is in a dead-letter queue, where its previous receive count does not matter."""
    return bool(getattr(message, "moved", False))
