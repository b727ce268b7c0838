"""What both reconcilers' functions do with a message: reconcile its key, turn the outcome into bells and batch answers.

``NotYet`` is never a failure: the message is done and one delayed bell is sent, unless one is on its way already that
rings no later; so however many events come, a key has one chain of delayed bells. A failure leaves the message in its
queue with a visibility of 10 seconds, doubling with each receive, so that it does not hold its group for six times
the function's time-out.

Direct invocations. Of the reconcilers: ``plan`` shows what would be done and changes nothing, ``apply`` rings at once.

``apply`` goes through the queue like every bell: the queue's group is the only lock there is, and a second writer
beside it could give one rule two priorities.
"""

import dataclasses
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from ecs_lattice import api_calls, codec, deadline
from ecs_lattice.errors import (
    ConflictError,
    DeniedError,
    InvalidError,
    OutOfTimeError,
    QuotaError,
    ThrottledError,
    TooNewRecordError,
    UnknownEventError,
)
from ecs_lattice.messages.requests import Kind, ReconcileRequest
from ecs_lattice.model import ServiceId
from ecs_lattice.outcome import NotYet, Outcome, Problem, Refused
from ecs_lattice.ports import Now, RequestQueue
from ecs_lattice.telemetry import logger

_DUE = "due"  # the kind of document that says when the next delayed bell of a key rings
_MAXIMUM_WAIT_SECONDS = 900
_DAY_SECONDS = 86400
_FIRST_RETRY_SECONDS, _LAST_RETRY_SECONDS = 10, 320
_SHUTDOWN_MARGIN_SECONDS = 15  # what is left of the function's time for the answer to SQS


class Documents(Protocol):
    """What of the registry is needed here: when the next delayed bell of a key rings."""

    def document(self, kind: str, key: str) -> str | None: ...

    def put_document(self, kind: str, key: str, text: str, *, expires_at: float | None = None) -> None: ...


class Visibility(Protocol):
    """SQS's ChangeMessageVisibility, for one queue."""

    def retry_in(self, receipt_handle: str, seconds: int) -> None: ...


class Report(Protocol):
    """Where is told what became of each reconcile; must not raise."""

    def __call__(self, kind: str, outcome: Outcome | None, aws_calls: int) -> None:
        """``outcome`` is None when the reconcile failed."""


def _nowhere(kind: str, outcome: Outcome | None, aws_calls: int) -> None:
    """For those who do not ask."""


@dataclass(frozen=True, slots=True)
class ReconcileConsumer:
    """One reconciler as a queue consumer. ``kind`` is the kind of bells it takes."""

    kind: str
    reconcile: Callable[[str], Outcome]
    requests: RequestQueue
    documents: Documents
    visibility: Visibility
    now: Now
    report: Report = _nowhere

    def work(self, event: Mapping[str, Any], remaining_seconds: float) -> dict[str, list[dict[str, str]]]:
        """Handle an SQS event; what comes back is Lambda's partial batch response (failed messages and all behind them)."""
        records = event["Records"]
        for position, record in enumerate(records):
            if not self._handle(record, remaining_seconds):
                return {"batchItemFailures": [{"itemIdentifier": late["messageId"]} for late in records[position:]]}
        return {"batchItemFailures": []}

    def _handle(self, record: Mapping[str, Any], remaining_seconds: float) -> bool:
        try:
            request = self._request(str(record["body"]))
            outcome = self._reported(request, remaining_seconds)
            self._follow_up(request, outcome)
        except UnknownEventError as error:
            logger.error(
                "No reconciler knows what this message asks; it goes to its dead-letter queue", reason=str(error)
            )
            self._retry(record)
            return False
        except Exception:  # noqa: BLE001  the border of the function, see below
            # Whatever it is, it is logged once here and SQS gives the message again.
            logger.exception("The reconcile failed; the message will be delivered again", body=record.get("body"))
            self._retry(record)
            return False
        return True

    def _request(self, body: str) -> ReconcileRequest:
        """The bell in a message. UnknownEventError for anything else, also for a bell of the other reconciler."""
        try:
            message = json.loads(body)
            if message["kind"] != self.kind or not isinstance(message["key"], str) or not message["key"]:
                raise ValueError("it is none for this function")  # noqa: TRY301  one sentence for all that is no bell
            request: ReconcileRequest = codec.from_data(ReconcileRequest, message)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise UnknownEventError(
                f"A message of this queue is to be a bell of kind {self.kind}: {body[:200]!r}."
            ) from error
        return request

    def _reported(self, request: ReconcileRequest, remaining_seconds: float) -> Outcome:
        with api_calls.counted() as count:
            try:
                with deadline.within(remaining_seconds - _SHUTDOWN_MARGIN_SECONDS):
                    outcome = self._outcome(request)
            except Exception:
                self.report(self.kind, None, count.calls)
                raise
        self.report(self.kind, outcome, count.calls)
        return outcome

    def _outcome(self, request: ReconcileRequest) -> Outcome:
        try:
            return self.reconcile(request.key)
        except OutOfTimeError as error:
            return NotYet(0, str(error))
        except ThrottledError as error:
            return NotYet(int(error.retry_after) + 1, str(error))
        except TooNewRecordError as error:
            return NotYet(60, str(error))
        except ConflictError as error:
            return NotYet(10, str(error))
        except (DeniedError, InvalidError, QuotaError) as error:
            logger.error("AWS refused a call that no retry mends", key=request.key, reason=str(error))
            return Refused((Problem(error.code, str(error), where=request.key),))

    def _follow_up(self, request: ReconcileRequest, outcome: Outcome) -> None:
        # The problems of a refusal are logged by the side that finds them, once, when they are new.
        why = outcome.why if isinstance(outcome, NotYet) else ""
        logger.info(
            "Reconciled",
            key=request.key,
            kind=request.kind,
            cause=request.cause,
            outcome=type(outcome).__name__,
            why=why,
        )
        if isinstance(outcome, NotYet):
            self._enqueue_later(request, min(max(outcome.after, 1), _MAXIMUM_WAIT_SECONDS))

    def _enqueue_later(self, request: ReconcileRequest, seconds: int) -> None:
        """Ring in ``seconds``, unless a bell is on its way that rings by then. Rung first and noted after: a crash in
        between costs one bell more, never one less; two workers never have one key at a time, its queue sees to that.
        """
        now, key = self.now(), f"{request.kind}#{request.key}"
        booked = float(self.documents.document(_DUE, key) or 0)
        if now < booked <= now + seconds:
            return
        self.requests.enqueue_later(self._next(request), seconds)
        self.documents.put_document(_DUE, key, str(now + seconds), expires_at=now + seconds + _DAY_SECONDS)

    def _next(self, request: ReconcileRequest) -> ReconcileRequest:
        """The bell handed on. One that has rung for a day is reported, and its day begins anew."""
        began = request.requested_at or self.now()
        if self.now() - began > _DAY_SECONDS:
            logger.error(
                "Has been waiting for more than a day", key=request.key, attempts=request.attempts, cause=request.cause
            )
            began = self.now()
        return dataclasses.replace(request, requested_at=began, attempts=request.attempts + 1)

    def _retry(self, record: Mapping[str, Any]) -> None:
        received = int(record.get("attributes", {}).get("ApproximateReceiveCount", "1"))
        seconds = min(_FIRST_RETRY_SECONDS * 2 ** (received - 1), _LAST_RETRY_SECONDS)
        try:
            self.visibility.retry_in(record["receiptHandle"], seconds)
        except Exception:  # noqa: BLE001  must not hide the first failure
            # Only sooner or later: without it the queue's own visibility timeout applies.
            logger.exception("The message's visibility could not be changed")


_MODES = ("plan", "apply")


def is_direct(event: Mapping[str, Any]) -> bool:
    """Whether somebody invoked the function by hand (an SQS batch has Records)."""
    return "Records" not in event


def answer(
    event: Mapping[str, Any], kind: Kind, plan: Callable[[str], dict[str, Any]], requests: RequestQueue, now: Now
) -> dict[str, Any]:
    """What a direct invocation gets. Raises UnknownEventError, saying what is allowed, for anything else."""
    key, mode = event.get(kind), event.get("mode")
    if not isinstance(key, str) or not key or mode not in _MODES:
        raise UnknownEventError(
            f"This function takes a batch of its queue, or "
            f'{{"{kind}": "{"<long ARN>" if kind == "ecsService" else "<name>"}", "mode": "plan" or "apply"}}; '
            f"it got an object with the members {sorted(event)}" + (f" and mode {mode!r}." if "mode" in event else ".")
        )
    if kind == "ecsService" and not (key.startswith("arn:") and ServiceId(key).is_long):
        raise UnknownEventError(
            f"ecsService {key!r}: the long ARN is needed, arn:<partition>:ecs:<region>:<account>:service/<cluster>/<service>."
        )
    if mode == "plan":
        return plan(key)
    requests.enqueue([ReconcileRequest(kind, key, cause="invoked by hand", requested_at=now())])
    return {"enqueued": {"kind": kind, "key": key}}
