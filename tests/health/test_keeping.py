"""How the alarms are kept: slowly, so many a run, and never by guessing."""

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
from ecs_lattice.health.alarm_sync import AlarmSync, Kept
from ecs_lattice.health.alarms import desired
from tests.health.making import FakeAlarms, FakeTime, a_record

OWNER = "ecs-lattice"


def keeper(alarms: FakeAlarms, time: FakeTime | None = None) -> AlarmSync:
    time = time or FakeTime()
    return AlarmSync(OWNER, "lattice", alarms, time.now, time.sleep)


def records(count: int):
    return [a_record(name=f"service-{number:03}") for number in range(count)]


def standing(count: int) -> FakeAlarms:
    return FakeAlarms(desired(OWNER, "lattice", records(count)))


def test_alarms_are_made_kept_and_taken_away_with_their_routes():
    alarms = FakeAlarms()
    assert keeper(alarms).keep(records(2), 30, may_delete=True) == Kept(put=2)
    alarms.calls.clear()
    assert keeper(alarms).keep(records(2), 30, may_delete=True) == Kept()
    assert [operation for operation, _ in alarms.calls] == ["with_prefix"]
    assert keeper(alarms).keep(records(1), 30, may_delete=True) == Kept(deleted=1)
    assert keeper(alarms).keep([], 30, may_delete=True) == Kept(deleted=1)
    assert alarms.there == {}


def test_nothing_is_deleted_while_the_registry_may_have_been_lost_and_what_is_new_is_made():
    alarms = standing(3)
    kept = keeper(alarms).keep([a_record(name="new")], 30, may_delete=False)
    assert kept == Kept(put=1)
    assert len(alarms.there) == 4


def test_calls_are_three_a_second_and_so_many_a_run_and_the_rest_is_left_for_the_next():
    alarms, time = FakeAlarms(), FakeTime()
    began = time.now()
    assert keeper(alarms, time).keep(records(100), 30, may_delete=True) == Kept(put=60, left=40)
    assert time.now() - began == pytest.approx(59 / 3)
    assert keeper(alarms, time).keep(records(100), 30, may_delete=True) == Kept(put=40)


def test_it_ends_in_time():
    alarms, time = FakeAlarms(), FakeTime()
    began = time.now()
    kept = keeper(alarms, time).keep(records(50), 2, may_delete=True)
    assert (kept.put, kept.left) == (6, 44)
    assert time.now() - began < 2


def test_deletes_are_a_hundred_a_call_and_bounded_by_time_only():
    alarms = standing(250)
    assert keeper(alarms).keep([], 30, may_delete=True) == Kept(deleted=250)
    assert [len(what) for operation, what in alarms.calls if operation == "delete"] == [100, 100, 50]


@pytest.mark.parametrize("error", [InvalidError, QuotaError, ConflictError, UnavailableError])
def test_one_alarm_that_aws_refuses_does_not_stop_the_others_and_is_said(error):
    alarms = FakeAlarms(errors={"put": [error("PutMetricAlarm", "Code", "not this one")]})
    assert keeper(alarms).keep(records(3), 30, may_delete=True) == Kept(
        put=2, left=1, problems=("PutMetricAlarm: Code: not this one",)
    )


def test_a_role_that_may_not_is_not_asked_sixty_times():
    denied = DeniedError("PutMetricAlarm", "AccessDenied", "no")
    alarms = FakeAlarms(errors={"put": [denied, denied]})
    kept = keeper(alarms).keep(records(5), 30, may_delete=True)
    assert (kept.put, kept.left, len(kept.problems)) == (0, 5, 1)


def test_throttling_ends_the_run_without_a_problem():
    alarms = FakeAlarms(errors={"put": [ThrottledError("PutMetricAlarm", "Throttling", "slow")]})
    assert keeper(alarms).keep(records(5), 30, may_delete=True) == Kept(left=5)
    alarms = FakeAlarms(errors={"with_prefix": [ThrottledError("DescribeAlarms", "Throttling", "slow")]})
    assert keeper(alarms).keep(records(5), 30, may_delete=True) == Kept(left=5)


def test_a_run_whose_time_is_over_before_the_alarms_are_read_leaves_them_all():
    alarms = FakeAlarms(errors={"with_prefix": [OutOfTimeError("over")]})
    assert keeper(alarms).keep(records(5), 30, may_delete=True) == Kept(left=5)


def test_alarms_that_cannot_be_read_are_not_taken_for_none():
    alarms = standing(2)
    alarms.errors["with_prefix"] = [UnavailableError("DescribeAlarms", "InternalFailure", "later")]
    kept = keeper(alarms).keep(records(3), 30, may_delete=True)
    assert kept == Kept(left=3, problems=("DescribeAlarms: InternalFailure: later",))
    assert len(alarms.there) == 2


def test_a_failed_delete_does_not_keep_new_alarms_from_being_made():
    alarms = standing(1)
    alarms.errors["delete"] = [UnavailableError("DeleteAlarms", "InternalFailure", "later")]
    kept = keeper(alarms).keep([a_record(name="new")], 30, may_delete=True)
    assert (kept.put, kept.deleted, kept.left, len(kept.problems)) == (1, 0, 1, 1)


def test_an_alarm_of_somebody_else_under_our_name_is_left_alone_and_said():
    alarms = standing(1)
    ((name, alarm),) = alarms.there.items()

    alarms.there[name] = theirs = dataclasses.replace(alarm, description="mine")
    kept = keeper(alarms).keep(records(1), 30, may_delete=True)
    assert kept == Kept(foreign=(name,))
    assert alarms.there == {name: theirs}
