"""How the alarms are synchronized: paced, limited per run, and never by guessing."""

import dataclasses

import pytest

from ecs_lattice.errors import (
    ConflictError,
    DeniedError,
    InvalidError,
    OutOfTimeError,
    QuotaError,
    ThrottledError,
    UnavailableError,
)
from ecs_lattice.health.alarm_sync import AlarmSync, SyncedAlarms
from ecs_lattice.health.alarms import desired
from tests.health.making import FakeAlarms, FakeTime, a_record

OWNER = "ecs-lattice"


def alarm_sync(alarms: FakeAlarms, time: FakeTime | None = None) -> AlarmSync:
    time = time or FakeTime()
    return AlarmSync(OWNER, "lattice", alarms, time.now, time.sleep)


def records(count: int):
    return [a_record(name=f"service-{number:03}") for number in range(count)]


def existing(count: int) -> FakeAlarms:
    return FakeAlarms(desired(OWNER, "lattice", records(count)))


def test_alarms_are_created_kept_and_deleted_with_their_routes():
    alarms = FakeAlarms()
    assert alarm_sync(alarms).sync(records(2), 30, may_delete=True) == SyncedAlarms(put=2)
    alarms.calls.clear()
    assert alarm_sync(alarms).sync(records(2), 30, may_delete=True) == SyncedAlarms()
    assert [operation for operation, _ in alarms.calls] == ["with_prefix"]
    assert alarm_sync(alarms).sync(records(1), 30, may_delete=True) == SyncedAlarms(deleted=1)
    assert alarm_sync(alarms).sync([], 30, may_delete=True) == SyncedAlarms(deleted=1)
    assert alarms.there == {}


def test_nothing_is_deleted_while_the_registry_may_have_been_lost_and_new_alarms_are_created():
    alarms = existing(3)
    synced = alarm_sync(alarms).sync([a_record(name="new")], 30, may_delete=False)
    assert synced == SyncedAlarms(put=1)
    assert len(alarms.there) == 4


def test_calls_are_three_a_second_and_limited_per_run_and_the_rest_remains_for_the_next():
    alarms, time = FakeAlarms(), FakeTime()
    began = time.now()
    assert alarm_sync(alarms, time).sync(records(100), 30, may_delete=True) == SyncedAlarms(put=60, remaining=40)
    assert time.now() - began == pytest.approx(59 / 3)
    assert alarm_sync(alarms, time).sync(records(100), 30, may_delete=True) == SyncedAlarms(put=40)


def test_it_ends_in_time():
    alarms, time = FakeAlarms(), FakeTime()
    began = time.now()
    synced = alarm_sync(alarms, time).sync(records(50), 2, may_delete=True)
    assert (synced.put, synced.remaining) == (6, 44)
    assert time.now() - began < 2


def test_deletes_are_a_hundred_a_call_and_bounded_by_time_only():
    alarms = existing(250)
    assert alarm_sync(alarms).sync([], 30, may_delete=True) == SyncedAlarms(deleted=250)
    assert [len(what) for operation, what in alarms.calls if operation == "delete"] == [100, 100, 50]


@pytest.mark.parametrize("error", [InvalidError, QuotaError, ConflictError, UnavailableError])
def test_one_alarm_that_aws_rejects_does_not_stop_the_others_and_is_reported(error):
    alarms = FakeAlarms(errors={"put": [error("PutMetricAlarm", "Code", "not this one")]})
    assert alarm_sync(alarms).sync(records(3), 30, may_delete=True) == SyncedAlarms(
        put=2, remaining=1, problems=("PutMetricAlarm: Code: not this one",)
    )


def test_a_missing_permission_is_not_tried_sixty_times():
    denied = DeniedError("PutMetricAlarm", "AccessDenied", "no")
    alarms = FakeAlarms(errors={"put": [denied, denied]})
    synced = alarm_sync(alarms).sync(records(5), 30, may_delete=True)
    assert (synced.put, synced.remaining, len(synced.problems)) == (0, 5, 1)


def test_throttling_ends_the_run_without_a_problem():
    alarms = FakeAlarms(errors={"put": [ThrottledError("PutMetricAlarm", "Throttling", "slow")]})
    assert alarm_sync(alarms).sync(records(5), 30, may_delete=True) == SyncedAlarms(remaining=5)
    alarms = FakeAlarms(errors={"with_prefix": [ThrottledError("DescribeAlarms", "Throttling", "slow")]})
    assert alarm_sync(alarms).sync(records(5), 30, may_delete=True) == SyncedAlarms(remaining=5)


def test_a_run_whose_time_is_over_before_the_alarms_are_read_leaves_them_all():
    alarms = FakeAlarms(errors={"with_prefix": [OutOfTimeError("over")]})
    assert alarm_sync(alarms).sync(records(5), 30, may_delete=True) == SyncedAlarms(remaining=5)


def test_alarms_that_cannot_be_read_do_not_count_as_missing():
    alarms = existing(2)
    alarms.errors["with_prefix"] = [UnavailableError("DescribeAlarms", "InternalFailure", "later")]
    synced = alarm_sync(alarms).sync(records(3), 30, may_delete=True)
    assert synced == SyncedAlarms(remaining=3, problems=("DescribeAlarms: InternalFailure: later",))
    assert len(alarms.there) == 2


def test_a_failed_delete_does_not_prevent_new_alarms():
    alarms = existing(1)
    alarms.errors["delete"] = [UnavailableError("DeleteAlarms", "InternalFailure", "later")]
    synced = alarm_sync(alarms).sync([a_record(name="new")], 30, may_delete=True)
    assert (synced.put, synced.deleted, synced.remaining, len(synced.problems)) == (1, 0, 1, 1)


def test_a_foreign_alarm_under_our_name_is_left_alone_and_reported():
    alarms = existing(1)
    ((name, alarm),) = alarms.there.items()

    alarms.there[name] = theirs = dataclasses.replace(alarm, description="mine")
    synced = alarm_sync(alarms).sync(records(1), 30, may_delete=True)
    assert synced == SyncedAlarms(foreign=(name,))
    assert alarms.there == {name: theirs}
