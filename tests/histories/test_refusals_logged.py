"""Each resync logs the routes that are refused or in conflict, as the dashboard reads them."""

import json
import logging
import re

import pytest

from ecs_lattice import codec, refusals
from ecs_lattice.ecs_side.record import SCHEMA, EcsRecord
from ecs_lattice.ecs_side.status import RouteStatus
from tests.histories.labels import LABELS, hooked_up

PARSED = re.compile(re.escape(refusals.LINE).replace("%s", "(.*?)") + "$")


@pytest.fixture
def lines(caplog):
    """What the lines say since they were asked for last, taken apart as Logs Insights does."""
    caplog.set_level(logging.INFO, "ecs_lattice.refusals")

    def logged() -> list[tuple[str, ...]]:
        found = [record for record in caplog.records if record.name == "ecs_lattice.refusals"]
        caplog.clear()
        assert {record.levelname for record in found} <= {"INFO"}
        return [PARSED.match(record.getMessage()).groups() for record in found]

    return logged


def test_a_sweep_logs_what_is_refused_and_in_conflict_as_long_as_it_is(world, lines):
    hooked_up(world)
    world.sweep()
    assert lines() == []

    rival = world.deploy(world.register(LABELS, "rival"), name="rival")
    wrong = world.deploy(world.register({**LABELS, "lattice.path.prefix": "orders"}, "wrong"), name="wrong")
    world.run(1200)
    lines()
    expected = [
        ("default", "shop/rival", "orders", "Conflicted", "MATCH_TAKEN"),
        ("-", "shop/wrong", "-", "Refused", "BAD_VALUE"),
    ]
    for _ in range(2):  # with each one
        world.sweep()
        assert [line for line in lines() if line in expected] == expected

    for arn in (rival, wrong):
        world.ecs.delete_service(cluster="shop", service=arn, force=True)
    world.run(1200)
    lines()
    world.sweep()
    assert lines() == []


def record(name: str, *states: str, refused: str = "") -> tuple[str, str]:
    arn = f"arn:aws:ecs:us-east-1:123456789012:service/shop/{name}"
    statuses = tuple(RouteStatus(f"r{n}", "orders", state, "CODE") for n, state in enumerate(states))
    return arn, codec.dumps(EcsRecord(arn, statuses=statuses, refused=refused))


def test_services_come_in_order_and_what_is_not_refused_is_left_out(lines):
    refusals.log(dict([record("b", "Live", "Refused"), record("a", "Conflicted", "Pending", "Paused", refused="X Y")]))
    assert lines() == [
        ("-", "shop/a", "-", "Refused", "X Y"),
        ("r0", "shop/a", "orders", "Conflicted", "CODE"),
        ("r1", "shop/b", "orders", "Refused", "CODE"),
    ]


def test_no_more_lines_than_the_table_has_rows(lines):
    refusals.log(dict(record(f"s{n}", *["Refused"] * 7) for n in range(40)))
    assert len(lines()) == refusals.MOST_LINES < 40 * 7


def test_the_record_of_a_newer_version_is_left_to_it(lines):
    arn, text = record("new", "Refused")
    newer = json.dumps({**json.loads(text), "schema": SCHEMA + 1})
    refusals.log({arn: newer, **dict([record("old", "Refused")])})
    assert [service for _, service, *_ in lines()] == ["shop/old"]
