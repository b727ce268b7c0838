"""SQS in the local AWS's time, safe for concurrent pollers, with the deduplication interval of FIFO queues.

moto does the rest: visibility, delay, message groups, redrive to the dead-letter queue by ``maxReceiveCount``.
"""

import itertools
import threading
import time
from typing import Any

import moto.sqs.models as moto_sqs
from moto.core.responses import BaseResponse
from moto.sqs.models import Message, Queue, SQSBackend

from local_aws import extend
from local_aws.services import clock

_DEDUPLICATION_SECONDS = 300
"""Amazon SQS Developer Guide, "Using the message deduplication ID": also after the message was deleted."""

_sequence = itertools.count(18870266526534479616)


class LocalSqsBackend(SQSBackend):
    """moto's, one request at a time: moto gives the same message to two concurrent receivers."""

    def __init__(self, region_name: str, account_id: str) -> None:
        super().__init__(region_name, account_id)
        self.lock = threading.RLock()

    def send_message(self, *args: Any, **kwargs: Any) -> Message:
        with self.lock:
            return super().send_message(*args, **kwargs)

    def receive_message(
        self,
        queue_name: str,
        count: int,
        wait_seconds_timeout: int,
        visibility_timeout: int,
        message_attribute_names: list[str] | None = None,
    ) -> list[Message]:
        end = time.monotonic() + real_seconds(wait_seconds_timeout)
        while True:
            with self.lock:
                received = super().receive_message(queue_name, count, 0, visibility_timeout, message_attribute_names)
            left = end - time.monotonic()
            if received or left <= 0:
                return received
            wait_for_change(self.get_queue(queue_name), min(left, 0.1))

    def delete_message(self, queue_name: str, receipt_handle: str) -> None:
        with self.lock:
            super().delete_message(queue_name, receipt_handle)
        changed(self.get_queue(queue_name))

    def change_message_visibility(self, queue_name: str, receipt_handle: str, visibility_timeout: int) -> None:
        with self.lock:
            super().change_message_visibility(queue_name, receipt_handle, visibility_timeout)
        changed(self.get_queue(queue_name))

    def hold(self, queue_name: str, message_ids: set[str], *, held: bool) -> None:
        """Keep messages invisible while a function processes them, or stop doing so.

        Functions run in real time and visibility timeouts in the local AWS's: with a fast clock a message would become
        visible while its function runs, which AWS prevents (the visibility timeout is at least the function's).
        """
        with self.lock:
            queue = self.queues.get(queue_name)
            messages: list[Any] = queue._messages if queue else []
            for message in messages:
                if message.id in message_ids:
                    message.held = held
        if queue:
            changed(queue)


def real_seconds(seconds: float) -> float:
    """The real duration of ``seconds`` of the local AWS's time; 0 where time is moved by hand."""
    speed = clock().speed
    return seconds / speed if speed else 0.0


def wait_for_change(queue: Queue, seconds: float) -> None:
    """Wait until the queue changes, at most ``seconds`` of real time."""
    with queue._messages_lock:
        queue._messages_lock.wait(seconds)


def changed(queue: Queue) -> None:
    """Wake the threads that wait for the queue."""
    with queue._messages_lock:
        queue._messages_lock.notify_all()


def _add_message(queue: Queue, message: Message) -> None:
    moved = message.approximate_receive_count > 0  # dead letters are not deduplicated
    if queue.fifo_queue:
        if message.deduplication_id and not moved and _is_duplicate(queue, message.deduplication_id):
            return
        message.sequence_number = message.sequence_number or str(next(_sequence))
    known: Any = message  # moto's messages do not record when they entered their queue
    known.came, known.moved = clock().time(), moved
    with queue._messages_lock:
        queue._messages.append(message)
        queue._messages_lock.notify_all()


def _is_duplicate(queue: Queue, deduplication_id: str) -> bool:
    now = clock().time()
    seen: dict[str, float] = queue.__dict__.setdefault("_seen_deduplication_ids", {})
    for known, when in tuple(seen.items()):
        if now - when >= _DEDUPLICATION_SECONDS:
            del seen[known]
    duplicate = deduplication_id in seen
    seen.setdefault(deduplication_id, now)
    return duplicate


def _visible(message: Any) -> bool:
    return not message.held and clock().time() * 1000 >= message.visible_at


def install(response_class: type[BaseResponse]) -> None:
    """Replace moto's SQS, whose requests ``response_class`` serves."""
    extend.install("sqs", LocalSqsBackend, response_class)
    module: Any = moto_sqs
    module.unix_time = lambda: clock().time()
    module.unix_time_millis = lambda: clock().time() * 1000
    module.Message.held = False
    module.Message.visible = property(_visible)
    module.Queue.add_message = _add_message
