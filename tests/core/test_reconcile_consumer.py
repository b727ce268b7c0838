"""What a reconciler's function does with a message: outcomes become requests, failures become another delivery."""

import dataclasses
import json
import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass, field

import pytest

from ecs_lattice import api_calls
from ecs_lattice.consumers.reconciles import ReconcileConsumer
from ecs_lattice.errors import (
    ConflictError,
    DeniedError,
    InvalidError,
    OutOfTimeError,
    StackResourceError,
    ThrottledError,
    TooNewRecordError,
    UnavailableError,
)
from ecs_lattice.history import Entry, note
from ecs_lattice.messages.requests import ReconcileRequest
from ecs_lattice.outcome import Done, NotYet, Outcome, Problem, Refused, soonest
from ecs_lattice.telemetry import logger

NOW = 500_000.0


@dataclass
class Recorder:
    """Requests and visibility as lists."""

    later: list[tuple[ReconcileRequest, int]] = field(default_factory=list)
    visible: list[tuple[str, int]] = field(default_factory=list)
    breaks: bool = False
    notes: dict[str, str] = field(default_factory=dict)
    entries: list[Entry] = field(default_factory=list)

    def document(self, kind, key):
        return self.notes.get(f"{kind}#{key}")

    def put_document(self, kind, key, text, *, expires_at=None):
        self.notes[f"{kind}#{key}"] = text

    def add(self, entry):
        if self.breaks:
            raise UnavailableError("PutItem", "ServiceUnavailable", "try again")
        self.entries.append(entry)

    def enqueue(self, requests):
        raise AssertionError(f"nothing is enqueued at once here: {list(requests)}")

    def enqueue_later(self, request, seconds):
        if self.breaks:
            raise UnavailableError("SendMessage", "ServiceUnavailable", "try again")
        self.later.append((request, seconds))

    def retry_in(self, receipt_handle, seconds):
        if self.breaks:
            raise UnavailableError("ChangeMessageVisibility", "ServiceUnavailable", "try again")
        self.visible.append((receipt_handle, seconds))


def a_batch(*requests: ReconcileRequest, received: int = 1) -> dict:
    return {
        "Records": [
            {
                "messageId": f"message-{number}",
                "receiptHandle": f"handle-{number}",
                "body": json.dumps(asdict(request)),
                "attributes": {"ApproximateReceiveCount": str(received)},
            }
            for number, request in enumerate(requests)
        ]
    }


def a_consumer(recorder: Recorder, outcome: Outcome | Exception) -> ReconcileConsumer:
    def reconcile(_key: str, _claims_of: str = "") -> Outcome:
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    return over(recorder, reconcile)


def over(recorder: Recorder, reconcile: Callable[[str], Outcome]) -> ReconcileConsumer:
    return ReconcileConsumer("ecsService", reconcile, recorder, recorder, recorder, recorder, lambda: NOW)


REQUEST = ReconcileRequest("ecsService", "arn", "a cause", NOW - 10, 2)


def test_what_is_done_sends_nothing():
    recorder = Recorder()
    assert a_consumer(recorder, Done()).work(a_batch(REQUEST), 60) == {"batchItemFailures": []}
    assert recorder == Recorder()


@pytest.mark.parametrize(("after", "sent"), [(30, 30), (5000, 900), (0, 1)])
def test_not_yet_acknowledges_the_message_and_sends_one_delayed_request(after, sent):
    recorder = Recorder()
    assert a_consumer(recorder, NotYet(after, "drains")).work(a_batch(REQUEST), 60) == {"batchItemFailures": []}
    assert recorder.later == [(ReconcileRequest("ecsService", "arn", "a cause", NOW - 10, 3), sent)]


def changing(outcome: Outcome | Exception) -> Callable[[str], Outcome]:
    """A reconcile that carries out two steps, and then ends with ``outcome``."""

    def reconcile(_key: str, _claims_of: str = "") -> Outcome:
        note("create rule 1")
        note("create rule 2")
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    return reconcile


@pytest.mark.parametrize(
    "outcome",
    [Done(), NotYet(5, "drains"), InvalidError("GetRule", "Validation", "no"), RuntimeError("a defect")],
    ids=lambda outcome: type(outcome).__name__,
)
def test_what_a_reconcile_changed_is_one_entry_of_the_history_however_it_ends(outcome):
    recorder = Recorder()
    over(recorder, changing(outcome)).work(a_batch(REQUEST), 60)
    assert recorder.entries == [Entry(NOW, "ecsService", "arn", "a cause", ("create rule 1", "create rule 2"))]
    note("outside of a reconcile")
    over(recorder, lambda _key, _claims_of="": Done()).work(a_batch(REQUEST), 60)
    assert len(recorder.entries) == 1, "a reconcile that changes nothing has no entry"


def test_an_entry_that_cannot_be_kept_is_logged_and_the_reconcile_counts_as_done(caplog):
    recorder = Recorder(breaks=True)
    assert over(recorder, changing(Done())).work(a_batch(REQUEST), 60) == {"batchItemFailures": []}
    assert "The history lacks 2 steps of arn" in caplog.text


def test_however_many_requests_are_answered_with_not_yet_one_delayed_request_is_on_its_way():
    recorder = Recorder()
    for after in (60, 90, 60):
        a_consumer(recorder, NotYet(after, "rolls")).work(a_batch(REQUEST), 60)
    assert [seconds for _, seconds in recorder.later] == [60]
    a_consumer(recorder, NotYet(5, "drains")).work(a_batch(REQUEST), 60)
    assert [seconds for _, seconds in recorder.later] == [60, 5]


def test_a_delayed_request_whose_time_has_come_does_not_stand_in_for_the_next():
    recorder = Recorder(notes={"due#ecsService#arn": str(NOW)})
    a_consumer(recorder, NotYet(60, "rolls")).work(a_batch(REQUEST), 60)
    assert [seconds for _, seconds in recorder.later] == [60]


def repeated(outcome, times, *, between=lambda recorder, now: None):
    """The seconds of a chain in which every reconcile comes to the same. ``between`` two of them something may happen."""
    recorder, now, seconds = Recorder(), NOW, []
    for _ in range(times):
        at(recorder, now, outcome)
        _, after = recorder.later[-1]
        seconds.append(after)
        between(recorder, now + after / 2)
        now += after
    return seconds


def at(recorder, now, outcome, cause="a cause"):
    request = ReconcileRequest("ecsService", "arn", cause, now)
    dataclasses.replace(a_consumer(recorder, outcome), now=lambda: now).work(a_batch(request), 60)


def test_a_wait_for_the_same_reason_again_doubles_up_to_fifteen_minutes():
    assert repeated(NotYet(10, "in use"), 10) == [10, 20, 40, 80, 160, 320, 640, 900, 900, 900]


def test_another_reason_begins_anew():
    recorder = Recorder()
    for now, why, seconds in [(0, "in use", 10), (10, "in use", 20), (30, "another reason", 10), (40, "in use", 10)]:
        at(recorder, NOW + now, NotYet(10, why))
        assert recorder.later[-1][1] == seconds


def test_an_event_may_look_at_once_and_resets_nothing():
    def event(recorder, now):
        at(recorder, now, NotYet(10, "in use"), "an event")

    assert repeated(NotYet(10, "in use"), 8, between=event) == [10, 20, 40, 80, 160, 320, 640, 900]


def test_a_wait_that_was_over_in_between_begins_anew():
    recorder = Recorder()
    at(recorder, NOW, NotYet(10, "in use"))
    at(recorder, NOW + 10, Done())
    at(recorder, NOW + 100, NotYet(10, "in use"))
    assert recorder.later[-1][1] == 10


def test_a_wait_whose_end_is_known_is_not_put_off_nor_is_it_by_another():
    assert repeated(NotYet.until(30, "bakes"), 4) == [30] * 4
    together = soonest([NotYet(10, "in use"), NotYet.until(300, "grace")])
    assert repeated(together, 7) == [10, 20, 40, 80, 160, 300, 300]


def days(outcome, caplog):
    """The reports of two and a half days in which every reconcile comes to ``outcome``."""
    logging.getLogger(logger.name).addHandler(caplog.handler)
    recorder, now = Recorder(), NOW
    while now < NOW + 60 * 3600:
        at(recorder, now, outcome)
        now += recorder.later[-1][1]
    logging.getLogger(logger.name).removeHandler(caplog.handler)
    return [record for record in caplog.handler.records if record.getMessage() == "NO_PROGRESS"]


def test_a_wait_without_an_end_is_reported_each_day(caplog):
    reports = {id(report): report for report in days(NotYet(5, "x"), caplog)}.values()
    assert [(report.key, report.why, report.since) for report in reports] == [("arn", "x", NOW)] * 2


def test_a_wait_whose_end_is_known_is_not_reported(caplog):
    assert days(NotYet.until(900, "grace"), caplog) == []


def test_a_refusal_is_not_tried_again():
    recorder = Recorder()
    assert a_consumer(recorder, Refused((Problem("X", "no"),))).work(a_batch(REQUEST), 60) == {"batchItemFailures": []}
    assert recorder == Recorder()


@pytest.mark.parametrize(
    ("error", "seconds"),
    [
        (ThrottledError("CreateRule", "ThrottlingException", "slow"), 6),
        (ConflictError("CreateRule", "ConflictException", "busy"), 10),
        (OutOfTimeError("over"), 1),
        (TooNewRecordError("newer"), 60),
    ],
)
def test_an_error_that_time_mends_is_a_not_yet(error, seconds):
    recorder = Recorder()
    assert a_consumer(recorder, error).work(a_batch(REQUEST), 60) == {"batchItemFailures": []}
    assert [wait for _, wait in recorder.later] == [seconds]


@pytest.mark.parametrize("kind", [DeniedError, InvalidError])
def test_an_error_that_nothing_mends_is_refused_without_a_storm(kind):
    recorder = Recorder()
    assert a_consumer(recorder, kind("UpdateService", "Code", "no")).work(a_batch(REQUEST), 60) == {
        "batchItemFailures": []
    }
    assert recorder == Recorder()


def test_a_refusal_of_our_own_table_or_queue_is_a_fault_that_comes_again():
    recorder = Recorder()
    failed = a_consumer(recorder, StackResourceError("PutItem", "AccessDeniedException", "no")).work(
        a_batch(REQUEST), 60
    )
    assert failed == {"batchItemFailures": [{"itemIdentifier": "message-0"}]}
    assert recorder.visible == [("handle-0", 10)]


@pytest.mark.parametrize(("received", "seconds"), [(1, 10), (2, 20), (4, 80), (9, 320)])
def test_a_failure_comes_again_after_a_delay_that_doubles(received, seconds):
    recorder = Recorder()
    failed = a_consumer(recorder, RuntimeError("boom")).work(a_batch(REQUEST, received=received), 60)
    assert failed == {"batchItemFailures": [{"itemIdentifier": "message-0"}]}
    assert recorder.visible == [("handle-0", seconds)]


def test_after_a_failure_the_messages_behind_it_are_given_back_in_order():
    failed = a_consumer(Recorder(), RuntimeError("boom")).work(a_batch(REQUEST, REQUEST, REQUEST), 60)
    assert [item["itemIdentifier"] for item in failed["batchItemFailures"]] == ["message-0", "message-1", "message-2"]


def test_a_request_that_cannot_be_sent_fails_the_message_and_so_is_not_lost():
    recorder = Recorder(breaks=True)
    failed = a_consumer(recorder, NotYet(5, "x")).work(a_batch(REQUEST), 60)
    assert failed["batchItemFailures"] == [{"itemIdentifier": "message-0"}]
    assert recorder.notes == {}


def test_no_call_starts_when_the_functions_time_is_nearly_over():
    def reconcile(_key: str, _claims_of: str = "") -> Outcome:
        api_calls.check_time()
        return Done()

    recorder = Recorder()
    consumer = over(recorder, reconcile)
    consumer.work(a_batch(REQUEST), 15)
    assert [wait for _, wait in recorder.later] == [1]
    consumer.work(a_batch(REQUEST), 60)
    assert len(recorder.later) == 1


@pytest.mark.parametrize("outcome", [Done(), NotYet(5, "drains"), Refused((Problem("X", "no"),))])
def test_what_became_of_a_reconcile_is_logged_with_the_calls_it_made_and_none_of_others(outcome, caplog):
    def reconcile(_key: str, _claims_of: str = "") -> Outcome:
        api_calls.start()
        api_calls.start(model="of botocore")
        return outcome

    consumer = over(Recorder(), reconcile)
    api_calls.start()
    consumer.work(a_batch(REQUEST), 60)
    consumer.work(a_batch(REQUEST), 60)
    lines = [record.__dict__ for record in caplog.records if record.message == "Reconciled"]
    name, why = type(outcome).__name__, getattr(outcome, "why", "")
    assert [(line["kind"], line["outcome"], line["why"], line["calls"]) for line in lines] == [
        ("ecsService", name, why, 2)
    ] * 2


def test_a_message_that_is_no_request_is_a_failure():
    recorder = Recorder()
    consumer = a_consumer(recorder, Done())
    batch = a_batch(REQUEST)
    batch["Records"][0]["body"] = "[]"
    assert consumer.work(batch, 60)["batchItemFailures"]


@pytest.mark.parametrize(
    "body",
    [
        "not json",
        "[1]",
        "null",
        "{}",
        '{"kind": "latticeService", "key": "orders"}',
        '{"kind": "ecsService", "key": ""}',
        '{"kind": "ecsService", "key": ["x"]}',
        '{"kind": "ecsService", "key": "x", "requested_at": "yesterday"}',
        '{"detail-type": "ECS Service Action", "source": "aws.ecs"}',
    ],
)
def test_what_is_no_request_of_its_kind_is_worked_by_nobody_and_goes_to_the_dead_letter_queue_with_one_line_in_the_log(
    caplog, body
):
    recorder = Recorder()
    consumer = a_consumer(recorder, AssertionError("a reconcile of something unknown"))
    batch = a_batch(ReconcileRequest("ecsService", "a"), received=3)
    batch["Records"][0]["body"] = body
    logger.addHandler(caplog.handler)
    try:
        assert consumer.work(batch, 60) == {"batchItemFailures": [{"itemIdentifier": "message-0"}]}
    finally:
        logger.removeHandler(caplog.handler)
    (line,) = {id(record): record for record in caplog.records}.values()  # also seen by the root logger
    assert line.levelno == logging.ERROR
    assert not line.exc_info
    assert "Expected a reconcile request for ecsService" in line.reason
    assert recorder.visible == [("handle-0", 40)]
