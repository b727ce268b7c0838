"""The complexity check: what it counts, and when it fails."""

import importlib.util
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "complexity.py"


@pytest.fixture
def complexity():
    spec = importlib.util.spec_from_file_location("complexity", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("body", "score"),
    [
        ("pass", 1),
        ("if a: pass\nelif b: pass\nelse: pass", 3),
        ("for x in y: pass\nelse: pass", 2),
        ("while a and b or c: pass", 4),
        ("try: pass\nexcept A: pass\nexcept B: pass", 3),
        ("return a if b else c", 2),
        ("return [x for x in y if x if z for v in w]", 5),
        ("return not a and b == c and d", 3),
        ("match a:\n case 1: pass\n case _: pass", 3),
        ("with a: assert b", 1),
        ("def inner():\n  if a: pass", 2),
    ],
)
def test_every_decision_counts(complexity, tmp_path, body, score):
    path = tmp_path / "code.py"
    path.write_text("def outer():\n" + "".join(f" {line}\n" for line in body.splitlines()))
    assert max(score for score, _ in complexity.functions(path)) == score


def folder_with(folder: Path, simple: int, complex_: int) -> Path:
    conditions = " and ".join("abcdefghijk")
    lines = [f"def s{n}(): pass" for n in range(simple)] + [f"def c{n}(): return {conditions}" for n in range(complex_)]
    (folder / "code.py").write_text("\n".join(lines))
    return folder


def test_two_in_a_hundred_may_be_complex(complexity, tmp_path, capsys):
    assert complexity.main(folder_with(tmp_path, 98, 2)) == 0
    assert "2 of 100 functions (2.0%)" in capsys.readouterr().out


def test_more_fail_and_are_named(complexity, tmp_path, capsys):
    assert complexity.main(folder_with(tmp_path, 97, 3)) == 1
    said = capsys.readouterr().err
    assert all(f"code.py:{line} c{number}" in said for number, line in enumerate((98, 99, 100)))
    assert "3 of 100 functions (3.0%)" in said


def test_a_folder_without_code_is_no_success(complexity, tmp_path, capsys):
    assert complexity.main(tmp_path) == 1
    assert "no function" in capsys.readouterr().err
