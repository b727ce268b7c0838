"""Many reads in a short time."""

import threading

import pytest

from ecs_lattice import api_calls
from ecs_lattice.errors import DeniedError, OutOfTimeError, ThrottledError, UnavailableError
from ecs_lattice.health.pace import Pace, read_all
from tests.health.making import NOW, FakeTime


def a_pace(time: FakeTime, seconds: float = 60.0, every: float = 0.0) -> Pace:
    return Pace(time.now, time.sleep, NOW + seconds, every)


def throttled(seconds: float) -> ThrottledError:
    error = ThrottledError("ListTargets", "ThrottlingException", "slow down")
    error.retry_after = seconds
    return error


def test_all_are_read_in_their_order():
    asked = []

    def read(key):
        asked.append(key)
        return key * 2

    read_ = read_all([3, 1, 2], read, a_pace(FakeTime()), threads=1)
    assert asked == [3, 1, 2]
    assert read_.values == {3: 6, 1: 2, 2: 4}
    assert (read_.failed, read_.not_reached) == ({}, ())


def test_several_are_read_at_a_time():
    together = threading.Barrier(4, timeout=60)
    read_ = read_all(range(4), lambda _key: together.wait() >= 0, a_pace(FakeTime()), threads=4)
    assert read_.values == dict.fromkeys(range(4), True)


def test_the_deadline_of_the_function_holds_for_its_threads():
    def read(key):
        api_calls.check_time()
        return key

    with api_calls.within(-1):
        read_ = read_all([1, 2], read, a_pace(FakeTime()), threads=2)
    assert read_.values == {}
    assert read_.not_reached == (1, 2)


def test_what_fails_is_unknown_and_does_not_stop_the_others():
    def read(key):
        if key == 2:
            raise DeniedError("ListTargets", "AccessDeniedException", "another account's")
        return key

    read_ = read_all([1, 2, 3], read, a_pace(FakeTime()), threads=1)
    assert dict(read_.values) == {1: 1, 3: 3}
    assert read_.failed == {2: "ListTargets: AccessDeniedException: another account's"}


def test_a_throttled_read_makes_the_whole_pass_back_off_as_long_as_aws_says_and_is_retried():
    time, waiting = FakeTime(), [throttled(7)]
    seen = []

    def read(key):
        seen.append((key, time.now() - NOW))
        if waiting:
            raise waiting.pop()
        return key

    read_ = read_all([1, 2], read, a_pace(time), threads=1)
    assert dict(read_.values) == {1: 1, 2: 2}
    assert seen == [(1, 0), (1, 7), (2, 7)]


def test_a_read_that_is_throttled_for_ever_is_unknown_and_ends():
    def read(_key):
        raise throttled(1)

    read_ = read_all([1], read, a_pace(FakeTime()), threads=1)
    assert read_.values == {}
    assert "slow down" in read_.failed[1]


def test_what_the_time_does_not_suffice_for_is_not_reached_and_not_failed():
    time = FakeTime()

    def read(key):
        time.time += 10
        return key

    read_ = read_all(range(5), read, a_pace(time, seconds=30), threads=1)
    assert list(read_.values) == [0, 1, 2]
    assert read_.not_reached == (3, 4)
    assert read_.failed == {}


def test_nobody_sleeps_beyond_the_end():
    time = FakeTime()
    pace = a_pace(time, seconds=5)
    pace.back_off(6)
    with pytest.raises(OutOfTimeError):
        pace.wait()
    assert time.slept == []


def test_a_read_that_hangs_is_abandoned_and_is_unknown():
    freed = threading.Event()

    def read(key):
        if key == 1:
            freed.wait(120)
        return key

    try:
        read_ = read_all([1, 2], read, a_pace(FakeTime(), seconds=0.01), threads=2)
        assert read_.failed == {1: "no answer before the time was over"}
        assert dict(read_.values) == {2: 2}
    finally:
        freed.set()


def test_reads_behind_one_that_hangs_are_not_reached():
    freed = threading.Event()
    try:
        read_ = read_all([1, 2], lambda _key: freed.wait(120), a_pace(FakeTime(), seconds=0.01), threads=1)
        assert list(read_.failed) == [1]
        assert read_.not_reached == (2,)
    finally:
        freed.set()


def test_calls_start_no_faster_than_the_pace():
    time = FakeTime()
    pace = a_pace(time, every=0.5)
    for _ in range(4):
        pace.wait()
    assert time.now() == NOW + 1.5
    time.time += 60
    assert pace.remaining == 0


def test_an_error_of_the_program_is_not_taken_for_an_unknown():
    def read(_key):
        raise KeyError("status")

    with pytest.raises(KeyError):
        read_all([1], read, a_pace(FakeTime()), threads=1)


def test_an_answer_that_never_came_is_unknown():
    def read(_key):
        raise UnavailableError("ListTargets", "ReadTimeoutError", "no answer")

    assert list(read_all([1], read, a_pace(FakeTime()), threads=1).failed) == [1]
