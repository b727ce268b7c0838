"""The walk: what it counts, and when it fails."""

import subprocess
import sys
from collections import Counter
from pathlib import Path

import boto3
import pytest

from bench import walk
from local_aws import inprocess

ROOT = Path(__file__).parents[2]


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package with three modules instead of the product."""
    folder = tmp_path / "walked"
    (folder / "inner").mkdir(parents=True)
    (folder / "__init__.py").write_text("")
    (folder / "inner" / "__init__.py").write_text("def low(): return 1\n")
    (folder / "late.py").write_text("class Late:\n  def go(self): return (lambda: 1)()\n")
    (folder / "top.py").write_text(
        "from walked.inner import low\n"
        "from dataclasses import dataclass\n"
        "@dataclass(frozen=True)\n"
        "class Value:\n  n: int\n"
        "def steps():\n  yield low()\n  yield low()\n"
        "def top():\n  from walked.late import Late\n  Late().go()\n"
        "  return [Value(n) for n in steps()], tuple(low() for _ in range(2)), sorted([2, 1])\n"
    )
    monkeypatch.setattr(walk, "PACKAGE", "walked")
    monkeypatch.syspath_prepend(tmp_path)
    yield
    for name in [name for name in sys.modules if name.split(".")[0] == "walked"]:
        del sys.modules[name]


def test_named_functions_and_changes_of_module_are_counted_up_to_the_call(package):
    from walked import top

    recorder = walk.Recorder()
    with inprocess.started(), recorder.until("ec2", "DescribeVpcs"):
        top.top()
        boto3.client("ec2").describe_subnets()
        boto3.client("ec2").describe_vpcs()
        top.top()
    assert recorder.arrived
    assert recorder.walk.calls == {
        ("top", "top"): 1, ("late", "Late.go"): 1, ("top", "steps"): 3, ("inner", "low"): 4,
    }  # fmt: skip
    # top, late, top (steps), inner, top, inner, top (exhausted), inner
    assert recorder.walk.changes == {
        ("top", "late"): 1, ("late", "top"): 1, ("top", "inner"): 3, ("inner", "top"): 2,
    }  # fmt: skip
    assert recorder.walk.figures == (4, 3, 7)
    assert list(recorder.walk.modules) == ["top", "late", "inner"]


def test_a_walk_without_its_last_call_is_no_measurement(monkeypatch):
    monkeypatch.setitem(walk.WALKS, "nowhere", lambda _recorder: None)
    with pytest.raises(AssertionError, match="nowhere"):
        walk.walk("nowhere")


@pytest.mark.parametrize(
    ("figures", "said"),
    [
        ((500, 76, 1180), []),
        ((501, 76, 1180), ["501 functions, the limit is 500"]),
        ((1, 77, 1181), ["77 modules, the limit is 76", "1181 changes of module, the limit is 1180"]),
    ],
)
def test_every_figure_above_its_limit_is_named(figures, said):
    lines = walk.excess("label -> CreateRule", walk.Figures(*figures))
    assert lines == [f"label -> CreateRule: {line}" for line in said]


def test_a_walk_without_limits_has_no_excess():
    assert walk.excess("unhealthy target -> mail", walk.Figures(10**6, 10**6, 10**6)) == []


def test_the_list_shows_modules_in_order_and_the_changes():
    walked = walk.Walk(Counter({("b", "f"): 2, ("a", "g"): 1, ("b", "h"): 1}), Counter({("b", "a"): 1, ("a", "b"): 5}))
    lines = [line.split() for line in walk.render_list(walked).splitlines()]
    assert lines[1:3] == [["b", "2", "3"], ["a", "1", "1"]]
    assert lines[-2:] == [["5", "a", "->", "b"], ["1", "b", "->", "a"]]


def test_the_figures_are_the_same_with_every_hash_seed():
    printed = {
        subprocess.run(
            [sys.executable, "-m", "bench.walk"], cwd=ROOT, env={"PYTHONHASHSEED": seed}, capture_output=True,
            text=True, check=True, timeout=240,
        ).stdout
        for seed in ("1", "2")
    }  # fmt: skip
    (table,) = printed
    assert [line.rsplit(maxsplit=3)[0] for line in table.splitlines()[1:]] == list(walk.WALKS)
