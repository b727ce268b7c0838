"""Event source mappings: Lambda reads a queue, invokes the function with batches, and deletes processed messages.

Behavior: AWS Lambda Developer Guide, "Using Lambda with Amazon SQS" (batch size, window, FIFO order, concurrency).
"""

import contextlib
import json
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from moto.awslambda.exceptions import LambdaClientError
from moto.awslambda.models import EventSourceMapping
from moto.awslambda.utils import get_backend
from moto.sqs.exceptions import QueueDoesNotExist, ReceiptHandleIsInvalid
from moto.sqs.models import Message, Queue, sqs_backends

from local_aws.delivery.queues import LocalSqsBackend, real_seconds, wait_for_change
from local_aws.delivery.records import event_of, failed_ids, is_wanted
from local_aws.eventbus import ACCOUNT, REGION
from local_aws.iam.polling import Polling
from local_aws.runtime.functions import environments_from_environment
from local_aws.runtime.values import Outcome, ThrottledError, Trigger

_IDLE_SECONDS = 0.05
"""Real time between two polls of an idle queue: messages also become visible by the passing of time."""

Invoke = Callable[[str, bytes, Trigger], Outcome]


class Pollers:
    """One poller per event source mapping, from its creation to its deletion."""

    def __init__(self, invoke: Invoke) -> None:
        self._invoke = invoke
        self._pollers: dict[str, _Poller] = {}
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="local-aws-mappings", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Stop all pollers; running batches continue until their function ends."""
        self._stopped.set()
        self._thread.join(timeout=5)
        for poller in self._pollers.values():
            poller.stop()

    def _watch(self) -> None:
        while not self._stopped.wait(_IDLE_SECONDS):
            mappings = dict(get_backend(ACCOUNT, REGION)._event_source_mappings)
            for uuid, mapping in mappings.items():
                if uuid not in self._pollers and ":sqs:" in mapping.event_source_arn:
                    self._pollers[uuid] = _Poller(mapping, self._invoke)
            for uuid in self._pollers.keys() - mappings.keys():
                self._pollers.pop(uuid).stop()


class _Poller:
    def __init__(self, mapping: EventSourceMapping, invoke: Invoke) -> None:
        self._mapping = mapping
        self._invoke = invoke
        self._queue_name = mapping.event_source_arn.rpartition(":")[2]
        self._polling = Polling(mapping.event_source_arn)
        self._fifo = self._queue_name.endswith(".fifo")
        most = environments_from_environment()
        wanted = (mapping.scaling_config or {}).get("MaximumConcurrency", most)
        # Never more than environments: the visibility timeout of a waiting batch would only expire.
        self._slots = threading.Semaphore(min(int(wanted), most))
        self._threads = ThreadPoolExecutor(most, thread_name_prefix=f"local-aws-{self._queue_name}")
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"local-aws-poll-{self._queue_name}", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join(timeout=5)
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _run(self) -> None:
        while not self._stopped.is_set():
            if not self._slots.acquire(timeout=_IDLE_SECONDS):
                continue
            try:
                batch = self._collect() if self._mapping.enabled and self._may_poll() else []
            except QueueDoesNotExist:
                batch = []
            if batch and not self._stopped.is_set():
                self._note(self._polling.received)
                self._threads.submit(self._handle, batch)
                continue
            self._release({message.id for message in batch})
            self._slots.release()
            self._idle()

    def _may_poll(self) -> bool:
        """A role without the permissions stops the polling; the mapping shows the reason."""
        function = self._function()
        problem = None if function is None else self._polling.problem(*function)
        mapping: Any = self._mapping
        mapping.last_processing_result = "No records processed" if problem is None else f"PROBLEM: {problem}"
        return function is not None and problem is None

    def _function(self) -> tuple[str, str] | None:
        """The role and ARN of the function; None if it was deleted."""
        try:
            function = get_backend(ACCOUNT, REGION).get_function(self._mapping.function_arn, None)
        except LambdaClientError:
            return None
        return str(function.role), str(function.function_arn)

    def _idle(self) -> None:
        queue = _backend().queues.get(self._queue_name)
        if queue is None or not self._mapping.enabled:
            self._stopped.wait(_IDLE_SECONDS)
        else:
            wait_for_change(queue, _IDLE_SECONDS)

    def _collect(self) -> list[Message]:
        """The next batch, full or as old as the batching window; FIFO queues have no window."""
        size = int(self._mapping.batch_size)
        batch = self._receive(size)
        window = 0 if self._fifo else int(self._mapping.max_batch_window or 0)
        if not batch or not window:
            return batch
        end = time.monotonic() + real_seconds(window)
        while len(batch) < size and (left := end - time.monotonic()) > 0 and not self._stopped.is_set():
            wait_for_change(self._queue(), min(left, _IDLE_SECONDS))
            batch += self._receive(size - len(batch))
        return batch

    def _receive(self, count: int) -> list[Message]:
        backend = _backend()
        queue: Any = self._queue()  # moto sets its attributes by name
        with backend.lock:
            visibility = queue.visibility_timeout
            received = backend.receive_message(self._queue_name, count, 0, visibility, ["All"])
            wanted = [m for m in received if is_wanted(m, self._mapping.filter_criteria)]
            for message in received:
                if message not in wanted:
                    backend.delete_message(self._queue_name, str(message.receipt_handle))
            backend.hold(self._queue_name, {message.id for message in wanted}, held=True)
        return wanted

    def _handle(self, batch: list[Message]) -> None:
        try:
            failed = self._process(batch)
            done = [message for message in batch if message.id not in failed]
            for message in done:
                self._delete(message)
            if done:
                self._note(self._polling.deleted)
        except ThrottledError:
            pass  # the messages come back after their visibility timeout, as in AWS
        except Exception as error:
            if not self._stopped.is_set():
                print(f"A batch of {self._queue_name} could not be processed: {error!r}", file=sys.stderr)
        finally:
            self._release({message.id for message in batch})
            self._slots.release()

    def _note(self, used: Callable[[str, str], None]) -> None:
        function = self._function()
        if function is not None:
            used(*function)

    def _process(self, batch: list[Message]) -> set[str]:
        """Invoke the function; the ids of the messages to retry."""
        event = event_of(batch, self._mapping.event_source_arn, REGION)
        ids = [message.id for message in batch]
        outcome = self._invoke(self._mapping.function_arn, json.dumps(event).encode(), self._trigger(batch))
        if outcome.error is not None:
            return set(ids)
        if "ReportBatchItemFailures" in (self._mapping.function_response_types or ()):
            return failed_ids(outcome.payload, ids)
        return set()

    def _trigger(self, batch: list[Message]) -> Trigger:
        groups = sorted({message.group_id for message in batch if message.group_id})
        detail = {"queue": self._queue_name, "messageIds": [m.id for m in batch], "messageGroupIds": groups}
        return Trigger("sqs", {**detail, "eventIds": [i for m in batch if (i := _event_id(m.body))]})

    def _delete(self, message: Message) -> None:
        # The function may have deleted it itself, or the queue.
        with contextlib.suppress(ReceiptHandleIsInvalid, QueueDoesNotExist):
            _backend().delete_message(self._queue_name, str(message.receipt_handle))

    def _release(self, message_ids: set[str]) -> None:
        if message_ids:
            _backend().hold(self._queue_name, message_ids, held=False)

    def _queue(self) -> Queue:
        return _backend().get_queue(self._queue_name)


def _backend() -> LocalSqsBackend:
    backend: Any = sqs_backends[ACCOUNT][REGION]
    return backend


def _event_id(body: str) -> str | None:
    """The id of the EventBridge event in a message; None for other messages."""
    try:
        event = json.loads(body)
    except ValueError:
        return None
    return event.get("id") if isinstance(event, dict) and "detail-type" in event else None


__all__ = ["Pollers"]
