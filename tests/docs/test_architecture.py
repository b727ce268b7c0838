"""The eight stops on the page on architecture exist in the code, under the names that the page gives."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "layers" / "core" / "src" / "ecs_lattice"
STOPS = re.findall(
    r"^\| (\d) \| `([\w/]+\.py)` \| `([\w.]+)` \| ", (ROOT / "docs" / "architecture.md").read_text(), re.MULTILINE
)


def defined(source):
    """Names of the functions, classes and methods (``Class.method``) of a module."""
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name
        if isinstance(node, ast.ClassDef):
            yield from (f"{node.name}.{member.name}" for member in node.body if isinstance(member, ast.FunctionDef))


def test_there_are_eight_stops():
    assert [int(number) for number, _, _ in STOPS] == list(range(1, 9))


@pytest.mark.parametrize(("module", "name"), [stop[1:] for stop in STOPS], ids=[stop[1] for stop in STOPS])
def test_every_stop_exists(module, name):
    assert name in set(defined((PACKAGE / module).read_text()))


def test_the_names_of_a_module_are_its_functions_classes_and_methods():
    assert set(defined("class A:\n    def b(self): pass\ndef c(): pass\nd = 1\n")) == {"A", "A.b", "c"}
