"""The consumer of a reconciler's queue: reconcile the key of each message, and turn the outcome into what happens next.

``NotYet`` is not a failure: the message is done, and one delayed request is sent, unless one that is due no later is on its
way already. So a key has one chain of delayed requests, however many events arrive. A failed message stays in its queue
with a short visibility timeout: it would hold its message group for six times the function's timeout otherwise.

A direct invocation with mode ``plan`` shows what would be done and changes nothing; ``apply`` enqueues a request, and so
does ``retry``, after which what has failed is tried again. It uses
the queue because the queue's message group is the only lock: a second writer could give two rules one priority.
"""

import dataclasses
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ecs_lattice import api_calls, codec, history
from ecs_lattice.consumers.retry import Retry
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
from ecs_lattice.history import History
from ecs_lattice.messages.ecs import parse_request
from ecs_lattice.messages.requests import Kind, ReconcileRequest
from ecs_lattice.model import ServiceId
from ecs_lattice.outcome import DAY_SECONDS, NO_PROGRESS, NotYet, Outcome, Problem, Refused, put_off
from ecs_lattice.ports import Documents, Now, RequestQueue, Visibility
from ecs_lattice.telemetry import logger

_DUE = "due"  # the kind of document that says when the next delayed request of a key is due
_LATE_SECONDS = 60  # how late a delayed request may arrive
_FIRST_RETRY_SECONDS, _LAST_RETRY_SECONDS = 10, 320
_SHUTDOWN_MARGIN_SECONDS = 15  # of the function's time, kept for the answer to SQS
_MODES: Mapping[Kind, tuple[str, ...]] = {
    "ecsService": ("plan", "apply", "retry"),
    "latticeService": ("plan", "apply", "retry"),
}


@dataclass(frozen=True, slots=True)
class _Due:
    """The delayed request of a key: ``at`` when it is due, ``why`` it waits and ``since`` when for that; ``told_at``: when it
    was last reported that this takes more than a day. Times are epoch seconds."""

    at: float = 0.0
    why: str = ""
    since: float = 0.0
    told_at: float = 0.0

    @classmethod
    def parse(cls, text: str | None) -> "_Due":
        """The stored value; earlier versions stored the time alone."""
        data = json.loads(text or "0")
        return codec.from_data(cls, data) if isinstance(data, dict) else cls(float(data))

    def after(self, outcome: NotYet, now: float) -> "_Due":
        """It for ``outcome``, which goes on with a wait for the same reason, whatever led to this look."""
        goes_on = self.why == outcome.why and now <= self.at + _LATE_SECONDS
        since, told_at = (self.since, self.told_at) if goes_on else (now, now)
        return _Due(now + put_off(outcome, since, now).after, outcome.why, since, told_at)


@dataclass(frozen=True, slots=True)
class ReconcileConsumer:
    """A reconciler as the consumer of the queue of requests of ``kind``."""

    kind: Kind
    reconcile: Callable[[str, str], Outcome]
    """Is called with the key and the request's ``claims_of``."""
    requests: RequestQueue
    documents: Documents
    visibility: Visibility
    history: History
    now: Now
    forget_failures: Callable[[str], None] = lambda _key: None
    """Is called with the key before the reconcile of a request for a ``retry``."""

    def work(self, event: Mapping[str, Any], remaining_seconds: float) -> dict[str, list[dict[str, str]]]:
        """Handle an SQS batch. Returns Lambda's partial batch response: the first failed message and all behind it."""
        records = event["Records"]
        for position, record in enumerate(records):
            if not self._handle(record, remaining_seconds):
                return {"batchItemFailures": [{"itemIdentifier": left["messageId"]} for left in records[position:]]}
        return {"batchItemFailures": []}

    def _handle(self, record: Mapping[str, Any], remaining_seconds: float) -> bool:
        try:
            request = parse_request(str(record["body"]), self.kind)
            outcome = self._reconcile(request, remaining_seconds)
            if isinstance(outcome, NotYet):
                self._enqueue_later(request, outcome)
        except UnknownEventError as error:
            logger.error("A message was rejected; SQS will move it to the dead-letter queue", reason=str(error))
        except Exception:  # noqa: BLE001  the border of the function: logged once here, and SQS delivers it again
            logger.exception("Unexpected error; the message will be delivered again", body=record.get("body"))
        else:
            return True
        Retry(self.visibility, _FIRST_RETRY_SECONDS, _LAST_RETRY_SECONDS).later(record)
        return False

    def _reconcile(self, request: ReconcileRequest, remaining_seconds: float) -> Outcome:
        with history.kept(self.history, self.now, request.kind, request.key, request.cause) as steps:
            return self._outcome(request, remaining_seconds, steps)

    def _outcome(self, request: ReconcileRequest, remaining_seconds: float, steps: list[str]) -> Outcome:
        outcome: Outcome
        with api_calls.within(remaining_seconds - _SHUTDOWN_MARGIN_SECONDS) as budget:
            try:
                if request.retry:
                    self.forget_failures(request.key)
                outcome = self.reconcile(request.key, request.claims_of)
            except OutOfTimeError as error:
                outcome = NotYet(0, str(error))
            except ThrottledError as error:
                outcome = NotYet(int(error.retry_after) + 1, str(error))
            except TooNewRecordError as error:
                outcome = NotYet(60, str(error))
            except ConflictError as error:
                outcome = NotYet(10, str(error))
            except (DeniedError, InvalidError, QuotaError) as error:
                logger.error("AWS rejected a call, and a retry cannot succeed", key=request.key, reason=str(error))
                outcome = Refused((Problem(error.code, str(error), where=request.key),))
        # The side that finds the problems of a refusal logs them when they are new.
        why, name, calls = outcome.why if isinstance(outcome, NotYet) else "", type(outcome).__name__, budget.calls
        logger.info(
            "Reconciled",
            key=request.key,
            kind=request.kind,
            cause=request.cause,
            outcome=name,
            why=why,
            calls=calls,
            steps=steps,
        )
        return outcome

    def _enqueue_later(self, request: ReconcileRequest, outcome: NotYet) -> None:
        """Enqueue it again after the outcome's seconds, later the longer the same reason lasts, unless a delayed request is due
        by then (decision 6). Enqueued first and noted after: a crash in between costs a second request. No two workers have
        the same key at a time: the queue ensures that.
        """
        now, key = self.now(), f"{request.kind}#{request.key}"
        before = _Due.parse(self.documents.document(_DUE, key))
        due = before.after(outcome, now)
        if now < before.at <= due.at:
            return
        # A wait whose end is known is none without progress.
        if not outcome.is_timed and now - due.told_at > DAY_SECONDS:
            logger.error(NO_PROGRESS, key=request.key, cause=request.cause, why=due.why, since=due.since)
            due = dataclasses.replace(due, told_at=now)
        again = dataclasses.replace(request, attempts=request.attempts + 1, claims_of="", retry=False)
        self.requests.enqueue_later(again, int(due.at - now))
        self.documents.put_document(_DUE, key, codec.dumps(due), expires_at=due.at + DAY_SECONDS)


def is_direct(event: Mapping[str, Any]) -> bool:
    """Whether the function was invoked directly (an SQS batch has Records)."""
    return "Records" not in event


def answer(
    event: Mapping[str, Any],
    kind: Kind,
    plan: Callable[[str, Mapping[str, Any]], dict[str, Any]],
    requests: RequestQueue,
    now: Now,
) -> dict[str, Any]:
    """The answer to a direct invocation (decision 2). Raises UnknownEventError, with what is allowed, for anything
    else."""
    key, mode = event.get(kind), event.get("mode")
    if not isinstance(key, str) or not key or mode not in _MODES[kind]:
        name = "<long ARN>" if kind == "ecsService" else "<name>"
        modes = " or ".join(f'"{known}"' for known in _MODES[kind])
        mode_text = f" and mode {mode!r}" if "mode" in event else ""
        raise UnknownEventError(
            f'This function takes a batch of its queue, or {{"{kind}": "{name}", "mode": {modes}}}; '
            f"it got an object with the members {sorted(event)}{mode_text}."
        )
    if kind == "ecsService" and not ServiceId(key).is_long:
        raise UnknownEventError(
            f"ecsService {key!r}: the long ARN is needed, arn:<partition>:ecs:<region>:<account>:service/<cluster>/<service>."
        )
    if mode == "plan":
        return plan(key, event)
    requests.enqueue([ReconcileRequest(kind, key, cause="invoked by hand", requested_at=now(), retry=mode == "retry")])
    return {"enqueued": {"kind": kind, "key": key}}
