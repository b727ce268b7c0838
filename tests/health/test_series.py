"""Which zeros are left out: an alarm decides in every minute what it would decide if each minute had its value."""

import dataclasses

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ecs_lattice.health import alarms
from ecs_lattice.health.publish import Reading
from ecs_lattice.health.series import Series, key
from local_aws.monitoring.alarms import evaluate_alarm
from tests.health.making import NOW, a_record

HOUR = 60


@dataclasses.dataclass
class Watched:
    """A route's alarm in CloudWatch, which looks ``extra`` minutes further back than it evaluates: how far is not published."""

    record: object
    extra: int
    state: str = "INSUFFICIENT_DATA"
    values: dict[int, float] = dataclasses.field(default_factory=dict)

    def add(self, minute: int, value: float) -> None:
        """The statistic is the maximum of the minute."""
        self.values[minute] = max(value, self.values.get(minute, 0.0))

    def evaluate(self, minute: int) -> str:
        route = self.record.claim.route
        periods = alarms.evaluation_periods(route)
        found = [self.values.get(minute - ago) for ago in range(periods + self.extra - 1, -1, -1)]
        breaching = [None if value is None else value >= 1 for value in found]
        self.state = evaluate_alarm(breaching, periods, route.alarm_minutes, "ignore").state or self.state
        return self.state


def whole(record, impaired, extra) -> list[str]:
    """The alarm's states where each minute has its value."""
    watched, states = Watched(record, extra), []
    for minute, value in enumerate(impaired):
        if value is not None:
            watched.add(minute, float(value))
        states.append(watched.evaluate(minute))
    return states


def sparse(record, impaired, extra, unknown=frozenset()) -> tuple[list[str], Watched]:
    """The states where the zeros are left out, and the alarm. In the ``unknown`` minutes its state cannot be read."""
    watched, states, text = Watched(record, extra), [], None
    for minute, value in enumerate(impaired):
        now = NOW + 60 * minute
        reading, series = Reading(record, None, value), Series.parse(text, now)
        for published in series.values(reading).values():
            watched.add(minute, published)
        state = None if minute in unknown else watched.state
        for at in series.zeros(reading, state):
            watched.add(round((at - NOW) / 60), 0.0)
        text = series.extended([(reading, state)]).text
        states.append(watched.evaluate(minute))
    return states, watched


minute = st.sampled_from([False] * 6 + [True, True, None])
stretch = st.tuples(st.sampled_from([False, False, False, True, None]), st.integers(1, 130)).map(
    lambda s: [s[0]] * s[1]
)
history = st.lists(st.one_of(stretch, st.lists(minute, min_size=1, max_size=20)), max_size=8).map(
    lambda all_: sum(all_, [])
)


@given(st.integers(1, 8), st.integers(0, 12), history)
@example(3, 2, [False] * 100 + [True] * 3)
@example(3, 2, [False] * 100 + [None, True, True, True, None] + [False] * 100)
@example(3, 2, ([True] + [False] * 9) * 20)
@example(1, 2, [False] * 100 + [True] + [None] * 30 + [False] * 80 + [True])
@example(60, 2, [False] * 200 + [True] * 60 + [False] * 300)
def test_the_alarm_has_the_same_state_in_every_minute(minutes, extra, impaired):
    record = a_record(alarm_minutes=minutes)
    assert sparse(record, impaired, extra)[0] == whole(record, impaired, extra)


@given(st.integers(1, 8), st.integers(0, 12), history, st.sets(st.integers(0, 300)))
def test_that_the_state_cannot_be_read_makes_no_alarm_later_or_falser(minutes, extra, impaired, unknown):
    record, known = a_record(alarm_minutes=minutes), 90  # until the state of the new alarm has been read
    history = [False] * known + impaired
    later = frozenset(minute + known for minute in unknown)
    assert sparse(record, history, extra, later)[0] == whole(record, history, extra)


def test_a_route_that_is_well_has_values_for_an_hour_and_then_none():
    _, watched = sparse(a_record(), [False] * 24 * HOUR, 2)
    assert sorted(watched.values) == list(range(HOUR))


def test_a_minute_that_is_not_well_costs_an_hour_of_values():
    impaired = [False] * 3 * HOUR + [True] + [False] * 5 * HOUR
    _, watched = sparse(a_record(), impaired, 2)
    later = sorted(minute for minute in watched.values if minute >= HOUR)
    assert later == list(range(3 * HOUR - 5, 4 * HOUR))


def test_an_alarm_of_another_state_than_ok_gets_the_zeros_that_it_ends_with():
    reading = Reading(a_record(), None, impaired=False)
    for state in ("ALARM", "INSUFFICIENT_DATA", ""):
        series = Series.parse(None, NOW)
        assert list(series.zeros(reading, state)) == [NOW]
        assert series.extended([(reading, state)]).until == {key(reading): int(NOW) + 3600}
    for state in ("OK", None):
        assert list(Series(NOW).zeros(reading, state)) == []
        assert Series(NOW).extended([(reading, state)]).until == {}


def test_a_route_without_an_alarm_has_values_while_it_is_not_well_alone():
    record = a_record(alarm=False)
    assert list(Series(NOW).zeros(Reading(record, None, impaired=False), "")) == []
    assert list(Series(NOW).zeros(Reading(record, None, impaired=True), "")) == []
    assert Series(NOW).values(Reading(record, None, impaired=True)) == {"Impaired": 1.0}


def test_a_minute_that_is_not_known_has_no_value_of_its_own():
    reading = Reading(a_record(), None, None)
    series = Series.parse(None, NOW)
    assert series.values(reading) == {}
    assert list(series.zeros(reading, "OK")) == [NOW - 60 * ago for ago in (5, 4, 3, 2, 1)]
    assert list(series.zeros(reading, "ALARM")) == []
    later = Series.parse(series.extended([(reading, "OK")]).text, NOW + 60)
    assert (later.values(reading), list(later.zeros(reading, "OK"))) == ({}, [])


@pytest.mark.parametrize("minutes", [3, 60])
def test_what_lasts_is_written_once_an_hour_at_most_twice(minutes):
    reading, text, writes = Reading(a_record(alarm_minutes=minutes), None, impaired=True), None, 0
    for number in range(6 * HOUR):
        after = Series.parse(text, NOW + 60 * number).extended([(reading, "ALARM")]).text
        writes, text = writes + (after != text), after
    assert writes <= 8
