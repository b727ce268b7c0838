"""The benchmark of cold starts: it measures what it says, and its table says what it measured."""

import functools

import pytest

from bench.cold import functions, starting, table
from bench.cold.starting import Function, Start, StartError

SLEEPY = """
import time
time.sleep(0.3)


def handler(event, context):
    time.sleep(0.1)
    if event.get("fail"):
        raise ValueError("asked to fail")
    return event
"""
EMULATOR = starting.emulator()
WAYS = {"process": starting.in_process}
if EMULATOR:
    WAYS["emulator"] = functools.partial(starting.in_emulator, EMULATOR)


@pytest.fixture
def function(tmp_path):
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "app.py").write_text(SLEEPY)
    return functools.partial(Function, "sleepy", tmp_path / "code", tmp_path / "layer", "app.handler", {})


@pytest.mark.parametrize("way", WAYS)
def test_a_start_is_as_long_as_the_function_takes_in_each_phase(way, function, tmp_path):
    start = WAYS[way](function(b"{}"), runtime=functions.runtime(tmp_path))
    assert start.init >= 300
    assert start.first >= 100
    assert 5 < start.memory < 200


@pytest.mark.parametrize("way", WAYS)
def test_a_first_invocation_that_fails_is_no_measurement(way, function, tmp_path):
    with pytest.raises(StartError, match="asked to fail"):
        WAYS[way](function(b'{"fail": true}'), runtime=functions.runtime(tmp_path))


@pytest.mark.parametrize("way", WAYS)
def test_a_function_that_does_not_start_is_no_measurement(way, function, tmp_path):
    broken = function(b"{}")
    (broken.code / "app.py").write_text("import absent_module")
    with pytest.raises(StartError, match="absent_module"):
        WAYS[way](broken, runtime=functions.runtime(tmp_path))


def starts(shipped: float, plain: float, floor: float) -> dict[str, dict[str, list[Start]]]:
    of = {table.SHIPPED: shipped, table.PLAIN: plain, table.FLOOR: floor}
    return {"AFunction": {name: [Start(init + d, 10.0, 50.0) for d in (-9, 0, 1)] for name, init in of.items()}}


def test_a_row_has_the_medians_and_their_ratios():
    row = table.render(starts(100, 400, 200)).splitlines()[-1]
    assert [cell.strip() for cell in row.strip("|").split("|")] == [
        "A", "100, 400, 200", "0.25", "0.50", "10, 10", "110, 410", "50, 50, 50",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("shipped", "plain", "floor", "misses"),
    [(100, 200, 101, []), (101, 200, 102, ["plain"]), (100, 200, 100, ["floor"]), (300, 400, 200, ["plain", "floor"])],
)
def test_an_aim_is_half_of_the_plain_layer_and_below_the_floor(shipped, plain, floor, misses):
    said = table.missed(starts(shipped, plain, floor))
    assert len(said) == len(misses)
    assert all(word in line for word, line in zip(misses, said, strict=True))
