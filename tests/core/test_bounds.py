"""Whoever writes labels decides how long they are, never how much they take of the log, the registry or a message.

By counts and sizes, never by time.
"""

import io
import json
import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecs_lattice import bounds, codec, telemetry
from ecs_lattice.claims import Answer, Notice
from ecs_lattice.declaration import Bounds, declare
from ecs_lattice.ecs_side.record import EcsRecord, parse, text_of
from ecs_lattice.ecs_side.status import RouteStatus
from ecs_lattice.facts import TaskDefinition
from ecs_lattice.outcome import MORE_PROBLEMS, NotYet, Problem, Refused, reported
from tests.core.declaring import ARN, WEB

NETWORKS = " ".join(f"n{number:04}" for number in range(8500))
NASTY = ["x", '"', "\n", "é", "\U0001f600", "\x00", "\ud800"]
ANY_TEXT = st.builds(
    lambda text, times: text * times, st.text(st.sampled_from("".join(NASTY)), max_size=40), st.integers(0, 400)
)


def refused(*labels):
    definition = TaskDefinition(ARN, "awsvpc", (WEB,), tuple(("app", *label) for label in labels))
    result = declare(definition, (), "ECS", Bounds(allowed_networks=("platform",)))
    assert isinstance(result, Refused)
    return result.problems


def many(key, value, count, *more):
    return (*((key.format(n), value.format(n)) for n in range(count)), *more)


SERVICE = ("lattice.service", "orders")
HOSTILE = {
    "a label of 50 KB": (SERVICE, ("lattice.network", NETWORKS)),
    "a label of 50 KB that 400 routes inherit": many(
        "lattice.routes.r{}.path.prefix", "/{}", 400, SERVICE, ("lattice.network", NETWORKS)
    ),
    "2,500 unknown keys": many("lattice.k{}", "x", 2500),
    "a key of 50 KB": ((f"lattice.{'k' * 50_000}", "v"),),
    "a listener of 50 KB that 400 routes inherit": many(
        "lattice.routes.r{}.path.prefix", "/{}", 400, SERVICE,
        ("lattice.listener", " ".join(f"HTTP:{port}" for port in range(1, 4000))),
    ),
    "900 headers that 300 routes inherit": many("lattice.header.x{}", "1", 900, SERVICE)
    + many("lattice.routes.r{}.path.prefix", "/{}", 300),
    "900 routes with one match": many("lattice.routes.r{}.priority", "1", 900, SERVICE, ("lattice.path.prefix", "/a")),
    "codes of 30 KB": (SERVICE, ("lattice.health.code", "200 " * 7500)),
    "a certificate of 30 KB": (SERVICE, ("lattice.certificate", f"arn:aws:acm:us-east-1:123456789012:certificate/{'a' * 30_000}")),
    "500 values that disagree with one of 20 KB": many(
        "lattice.routes.r{}.domain", "a{}.x.org", 500, SERVICE, ("lattice.routes.a.certificate", "c" * 20_000)
    ),
    "control characters, which JSON writes six times as long": (SERVICE, ("lattice.network", "\x01" * 50_000)),
}  # fmt: skip


@pytest.mark.parametrize("labels", HOSTILE.values(), ids=HOSTILE)
def test_whatever_the_labels_are_their_problems_are_short(labels):
    """No problem quotes a whole label, so that their sum grows with the labels and not with their square."""
    problems = refused(*labels)
    assert max(len(codec.dumps(problem)) for problem in problems) < 3000
    assert sum(len(problem.message) + len(problem.value) for problem in problems) < 3_000_000
    assert len(problems) <= 2 * len(labels)


@pytest.mark.parametrize("labels", HOSTILE.values(), ids=HOSTILE)
def test_whatever_the_labels_are_few_problems_are_told(labels):
    problems = reported(refused(*labels))
    assert len(problems) <= bounds.MOST_PROBLEMS + 1
    assert len(codec.dumps(problems)) < bounds.PROBLEMS * 1.2


def test_those_that_are_not_told_are_counted():
    problems = reported(refused(*many("lattice.k{}", "x", 2500)))
    assert len(problems) == 21
    assert problems[-1].code == MORE_PROBLEMS
    assert problems[-1].message.startswith("and 2,480 more problems")
    assert reported(problems[:20]) == problems[:20]


@given(ANY_TEXT, st.integers(60, 1000))
def test_what_is_cut_is_within_the_limit_in_json_says_so_and_stays_as_it_is(text, limit):
    cut = bounds.cut(text, limit)
    assert len(json.dumps(cut)) - 2 <= limit
    assert cut == text or cut.endswith(f"... ({len(text):,} characters)")
    assert bounds.cut(cut, limit) == cut


@given(ANY_TEXT)
def test_all_that_is_told_is_within_bounds_from_the_start_and_comes_back_from_the_registry(text):
    problem = Problem("CODE", text, text, text, text, text)
    answer = Answer("Refused", "CODE", text, notices=(Notice("CODE", text),) * 50)
    assert len(codec.dumps(problem)) < 6500
    assert problem.command in {text, ""}
    assert len(codec.dumps(answer)) < 23_000
    assert len(answer.notices) == 20
    assert bounds.length(NotYet(1, text).why) <= bounds.MESSAGE
    for value in (problem, answer):
        assert codec.loads(type(value), codec.dumps(value)) == value


def a_record(statuses=25, message="m" * 1000, labels=()):
    definition = TaskDefinition(ARN, "awsvpc", (WEB,), labels)
    problems = tuple(Problem(f"C{n}", message, "k" * 200, "v" * 200, "w" * 300, "c" * 2000) for n in range(20))
    found = tuple(
        RouteStatus(f"r{n}", "orders", "Refused", "CODE", message, command="c" * 2000) for n in range(statuses)
    )
    return EcsRecord("arn", effective=definition, problems=reported(problems), statuses=found)


@pytest.mark.parametrize(
    "record",
    [
        a_record(),
        a_record(labels=(("app", "other", "\x01" * 60_000),)),
        a_record(labels=(("app", "other", "x" * 60_000),)),
        a_record(statuses=500),
        a_record(statuses=500, message="\x01" * 1000, labels=(("app", "other", "\U0001f600" * 15_000),)),
    ],
)
def test_the_status_is_always_stored(record):
    text = text_of(record)
    assert len(text) <= bounds.ITEM
    stored = parse(text)
    assert [(s.route, s.state, s.code) for s in stored.statuses] == [
        (s.route, s.state, s.code) for s in record.statuses[: len(stored.statuses)]
    ]
    assert len(stored.statuses) == min(len(record.statuses), 100)
    assert stored.problems
    assert text_of(stored) == text


def test_a_record_that_fits_is_stored_whole():
    record = a_record(statuses=3)
    assert parse(text_of(record)) == record


def test_routes_that_are_being_removed_are_left_out_of_the_status_first():
    record = a_record(statuses=200)
    leaving = tuple(RouteStatus(f"old{n}", "orders", "Removing", message="m" * 1000) for n in range(200))
    stored = parse(text_of(EcsRecord("arn", statuses=(*leaving, *record.statuses))))
    assert {status.state for status in stored.statuses} == {"Refused"}


@pytest.mark.parametrize(
    "value", ["x" * 200_000, "é" * 200_000, "\x01" * 200_000, ["v" * 90] * 3000, {"a": ["b" * 50_000] * 50}]
)
def test_a_line_of_the_log_is_short_whatever_it_tells(value, monkeypatch):
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(telemetry.BoundedFormatter())
    log = logging.getLogger("test.bounds")
    monkeypatch.setattr(log, "handlers", [handler])
    log.propagate = False
    log.warning("Received", extra={"body": value})
    line = stream.getvalue()
    assert len(line.encode()) <= bounds.LOG_LINE
    assert json.loads(line)["message"] == "Received"


def test_a_line_of_the_standard_librarys_loggers_is_short_too():
    record = logging.LogRecord("x", logging.WARNING, "", 1, "%s: %s", ("arn", "\x01" * 50_000), None)
    assert telemetry.bounded(record)
    assert bounds.length(record.getMessage()) <= bounds.LOG_LINE
    assert record.getMessage().startswith("arn: ")
    short = logging.LogRecord("x", logging.WARNING, "", 1, "%s", ("arn",), None)
    assert telemetry.bounded(short)
    assert short.args == ("arn",)
