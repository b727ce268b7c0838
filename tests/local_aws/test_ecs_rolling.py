"""The local ECS's pure decisions: one step of a rolling update, thresholds, pauses, what a container is told."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local_aws.ecs import breaker, container, rolling
from local_aws.ecs.rolling import Bounds, Candidate, Condition, Step
from local_aws.ecs.settings import Settings
from local_aws.network import Request

STARTING, WAITING, HEALTHY, UNHEALTHY = Condition


def new(key: str, condition: Condition = HEALTHY) -> Candidate:
    return Candidate(key, True, condition)


def old(key: str, condition: Condition = HEALTHY) -> Candidate:
    return Candidate(key, False, condition)


def test_percentages_round_the_minimum_up_and_the_maximum_down() -> None:
    assert Bounds.of(3, 50, 150) == Bounds(3, 2, 4)


def test_an_empty_service_starts_all_its_tasks() -> None:
    assert rolling.decide([], Bounds.of(3, 100, 200)) == Step(start=3)


def test_old_tasks_stay_until_new_ones_are_healthy() -> None:
    tasks = [old("a"), old("b"), new("c", WAITING), new("d", STARTING)]
    assert rolling.decide(tasks, Bounds.of(2, 100, 200)) == Step()


def test_each_healthy_new_task_frees_one_old_task() -> None:
    tasks = [old("a"), old("b"), new("c"), new("d", WAITING)]
    assert rolling.decide(tasks, Bounds.of(2, 100, 200)).stop_replaced == ("a",)


def test_old_tasks_that_do_not_serve_go_at_once() -> None:
    tasks = [old("a"), old("b", STARTING), old("c", UNHEALTHY)]
    assert set(rolling.decide(tasks, Bounds.of(1, 100, 300)).stop_replaced) == {"b", "c"}


def test_without_room_the_minimum_lets_old_tasks_go_first() -> None:
    step = rolling.decide([old("a"), old("b")], Bounds.of(2, 50, 100))
    assert step == Step(start=0, stop_replaced=("a",))


def test_an_unhealthy_task_stays_until_its_replacement_is_healthy() -> None:
    bounds = Bounds.of(1, 100, 200)
    assert rolling.decide([new("a", UNHEALTHY)], bounds) == Step(start=1)
    assert rolling.decide([new("a", UNHEALTHY), new("b", WAITING)], bounds) == Step()
    assert rolling.decide([new("a", UNHEALTHY), new("b")], bounds) == Step(stop_unhealthy=("a",))


def test_when_the_replacement_is_unhealthy_too_the_oldest_makes_room() -> None:
    step = rolling.decide([new("a", UNHEALTHY), new("b", UNHEALTHY)], Bounds.of(1, 100, 200))
    assert step == Step(stop_unhealthy=("a",))


def test_scaling_in_stops_the_youngest_and_least_useful() -> None:
    tasks = [new("a"), new("b"), new("c"), new("d", STARTING)]
    assert rolling.decide(tasks, Bounds.of(1, 100, 200)).stop_surplus == ("d", "c", "b")


def test_a_failed_deployment_starts_nothing() -> None:
    assert rolling.decide([old("a")], Bounds.of(2, 100, 200), may_start=False) == Step()


candidates = st.lists(st.tuples(st.booleans(), st.sampled_from(list(Condition))), max_size=12).map(
    lambda rows: [Candidate(str(number), *row) for number, row in enumerate(rows)]
)


@given(candidates, st.integers(0, 6), st.integers(0, 100), st.integers(100, 300))
def test_no_step_leaves_the_bounds(tasks: list[Candidate], desired: int, minimum: int, maximum: int) -> None:
    bounds = Bounds.of(desired, minimum, maximum)
    step = rolling.decide(tasks, bounds)
    assert step.start == 0 or len(tasks) + step.start <= bounds.maximum
    serving = {
        task.key for task in tasks if task.condition is HEALTHY or (not task.primary and task.condition is WAITING)
    }
    lost = serving & {*step.stop_replaced}
    assert len(serving - lost) >= min(len(serving), bounds.minimum)
    assert len(step.stops) == len(set(step.stops))


@pytest.mark.parametrize(
    ("configuration", "desired", "threshold"),
    [
        ({}, 1, 3),
        ({}, 25, 13),
        ({}, 1000, 200),
        ({"thresholdConfiguration": {"type": "COUNT", "value": 7}}, 1000, 7),
        ({"thresholdConfiguration": {"type": "BOUNDED_PERCENT", "value": 10}}, 10, 3),
        ({"thresholdConfiguration": {"type": "UNBOUNDED_PERCENT", "value": 10}}, 10, 1),
        ({"thresholdConfiguration": {"type": "UNBOUNDED_PERCENT", "value": 100}}, 1000, 1000),
    ],
)
def test_the_threshold_of_the_breaker(configuration: dict[str, object], desired: int, threshold: int) -> None:
    assert breaker.threshold(configuration, desired) == threshold


def test_the_pause_between_failing_starts_doubles_up_to_27_minutes() -> None:
    pauses = [breaker.pause(failures, Settings()) for failures in (1, 2, 3, 4, 5, 50)]
    assert pauses == [0, 0, 10, 20, 40, 1620]


def test_the_longest_prefix_decides_the_status() -> None:
    script = container.behavior({"environment": [{"name": "RESPOND", "value": "/=201 /api=500 /api/v2=204"}]})
    paths = ("/", "/api", "/api/v2/x?y=/", "/apiary")
    assert [script.status(path) for path in paths] == [201, 500, 204, 500]


def test_what_no_rule_names_is_answered_with_200() -> None:
    script = container.behavior({"environment": [{"name": "RESPOND", "value": "/healthz=503"}]})
    assert (script.status("/"), script.status("/healthz")) == (200, 503)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("START_SECONDS", "soon"),
        ("START_SECONDS", "-1"),
        ("CRASH_AFTER_SECONDS", "nan"),
        ("RESPOND", "healthz=503"),
        ("RESPOND", "/=700"),
        ("OUT_OF_MEMORY_AFTER_SECONDS", "0"),
        ("LISTEN", "nowhere"),
        ("LISTEN", "0"),
        ("TLS_PORTS", "https"),
        ("TLS_PORTS", "70000"),
    ],
)
def test_nonsense_is_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(container.BadBehaviorError, match=name):
        container.behavior({"environment": [{"name": name, "value": value}]})


def test_an_answer_says_who_answered_and_how_it_was_asked() -> None:
    respond = container.responder({"name": "app", "environment": [{"name": "VERSION", "value": "2.1"}]}, "web:7", 8080)
    answer = respond(Request("POST", "/x", {"host": "shop"}))
    assert answer.headers["x-task-definition"] == "web:7"
    assert b'"version": "2.1"' in answer.body
    assert b'"path": "/x"' in answer.body
    assert b'"host": "shop"' in answer.body
