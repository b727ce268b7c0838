"""The stack's label prefix reaches every message, status, problem and printed command: with ``mesh`` none of them names a
``lattice.`` label. What a running stack says is in tests/histories/test_label_prefix.py.
"""

import ast
import dataclasses
import json
import re
from pathlib import Path

import pytest
from hypothesis import given, settings

import ecs_lattice
from ecs_lattice.claims import Answer, Claim, ClaimRecord
from ecs_lattice.declaration import Bounds, declare
from ecs_lattice.declaration.keys import KEYS
from ecs_lattice.diagnosis import message
from ecs_lattice.diagnosis.causes import diagnose
from ecs_lattice.health import alarms
from ecs_lattice.model import Declaration, Placement, Route
from tests.core.test_declaration_properties import controllers, labels, mixed_pairs, port_sets, task_definition
from tests.diagnosis import recorded
from tests.diagnosis.making import CASES, SERVICE

SOURCES = Path(ecs_lattice.__file__).parent
FIRST_WORDS = sorted({key.name.partition(".")[0] for key in KEYS} | {"routes"})
LABEL = re.compile(rf"(?<![\w.-])lattice\.(?:(?:{'|'.join(FIRST_WORDS)})(?![\w-])|<|$)")
"""A label or tag with the default prefix, also one whose key is put in later; AWS's own names of VPC Lattice are none."""
TABLES = {"KEYS", "CODES"}
"""The tables from which the reference page is made, which documents the default prefix."""


@pytest.mark.parametrize(
    "text",
    ["set lattice.health.path", "`lattice.service`", "key=lattice.targets,value=x", "lattice.<key>", "write lattice."],
)
def test_a_label_is_found(text):
    assert LABEL.search(text)


@pytest.mark.parametrize(
    "text", ["vpc-lattice.amazonaws.com", "com.amazonaws.us-east-1.vpc-lattice", "ecs_lattice.ports", "mesh.port"]
)
def test_what_is_no_label_is_not(text):
    assert not LABEL.search(text)


@pytest.mark.parametrize("path", sorted(SOURCES.rglob("*.py")), ids=lambda path: str(path.relative_to(SOURCES)))
def test_no_text_in_the_source_names_a_label_with_the_default_prefix(path):
    tree = ast.parse(path.read_text())
    left_out = {constant for node in ast.walk(tree) if _is_documentation(node) for constant in ast.walk(node)}
    texts = (node for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str))
    assert [
        f"line {node.lineno}: {node.value}" for node in texts if node not in left_out and LABEL.search(node.value)
    ] == []


def _is_documentation(node):
    """A docstring, or a table for the reference page."""
    match node:
        case ast.Expr(value=ast.Constant(value=str())):
            return True
        case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
            return name in TABLES
    return False


@pytest.mark.parametrize("path", sorted(SOURCES.rglob("*.py")), ids=lambda path: str(path.relative_to(SOURCES)))
def test_no_function_has_a_prefix_of_its_own_where_the_stacks_was_forgotten(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.arguments):
            optional = (*node.args[len(node.args) - len(node.defaults) :],)
            optional += tuple(name for name, default in zip(node.kwonlyargs, node.kw_defaults, strict=True) if default)
            assert "label_prefix" not in {argument.arg for argument in optional}


def test_every_message_names_the_stacks_labels():
    messages = recorded.messages("mesh")
    texts = {name: f"{said.subject} {message.text(said)} {message.chat(said)}" for name, said in messages.items()}
    assert {name: LABEL.findall(text) for name, text in texts.items() if LABEL.search(text)} == {}
    assert sum("mesh." in text for text in texts.values()) >= 5


def test_every_finding_names_the_stacks_labels_also_beyond_what_a_message_shows():
    for evidence in CASES.values():
        for finding in diagnose(dataclasses.replace(evidence, label_prefix="mesh")):
            assert not LABEL.search(
                f"{finding.title} {finding.seen} {finding.advice} {' '.join(map(str, finding.commands))}"
            )


@settings(max_examples=40)
@given(labels, mixed_pairs, controllers, port_sets)
def test_every_problem_of_a_declaration_names_the_stacks_labels(written, tags, controller, ports):
    ours = tuple((container, _with_mesh(key), value) for container, key, value in written)
    tagged = tuple((_with_mesh(key), value) for key, value in tags)
    result = declare(task_definition(ours, ports), tagged, controller, Bounds(label_prefix="mesh"))
    for problem in () if isinstance(result, Declaration) else result.problems:
        said = dataclasses.replace(problem, value="")  # what people wrote is quoted as it is
        assert not LABEL.search(f"{said} {said.key}".replace(problem.value, "")), problem


def _with_mesh(key):
    return re.sub(r"^(\s*)lattice\.", r"\1mesh.", key, flags=re.IGNORECASE)


def test_the_description_of_an_alarm_names_the_stacks_labels():
    claim = Claim(SERVICE, 0.0, Route("default", "orders", "web"), Placement("vpc-11", "IPV4", 8080))
    (alarm,) = alarms.desired("stack", "mesh", [ClaimRecord(claim, 1, Answer("Live", group_arn="arn:x"))]).values()
    assert "mesh.alarm" in alarm.description
    assert not LABEL.search(json.dumps(dataclasses.asdict(alarm)))
