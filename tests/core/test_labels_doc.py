"""The reference of labels is made from the table, and everything it shows is accepted."""

import json
import re
import runpy
from pathlib import Path

import pytest

from ecs_lattice.declaration import Bounds, declare, keys, problems
from ecs_lattice.facts import PortMapping, TaskDefinition
from ecs_lattice.model import Declaration

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "labels.md").read_text()
ARN = "arn:aws:ecs:us-east-1:123456789012:task-definition/orders:7"
PORTS = {"web": 8080, "admin": 9000, "transfer": 8443, "grpc": 50051}


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", PAGE, flags=re.DOTALL)


def declared(labels, ports):
    mappings = tuple(PortMapping(name, number, None, "tcp", "app") for name, number in ports.items())
    task_definition = TaskDefinition(ARN, "awsvpc", mappings, tuple(("app", *pair) for pair in labels.items()))
    return declare(task_definition, (), "ECS", Bounds())


def test_the_page_is_what_the_table_says():
    """If this fails: python scripts/labels.py > docs/labels.md."""
    assert runpy.run_path(str(ROOT / "scripts" / "labels.py"))["page"]() == PAGE


def test_the_page_has_examples():
    assert len(blocks("ini")) >= 6
    assert len(blocks("json")) == 1


@pytest.mark.parametrize("example", blocks("ini"))
def test_every_example_is_accepted(example):
    labels = dict(line.split(" = ", 1) for line in example.splitlines())
    result = declared(labels, PORTS)
    assert isinstance(result, Declaration), result
    assert result.routes


@pytest.mark.parametrize("example", blocks("json"))
def test_every_container_definition_is_accepted(example):
    container = json.loads(example)
    ports = {mapping["name"]: mapping["containerPort"] for mapping in container["portMappings"]}
    assert [route.name for route in declared(container["dockerLabels"], ports).routes] == ["default"]


def test_every_key_and_every_code_stands_on_the_page():
    missing = [key.name for key in keys.KEYS if f"| `{key.name}` |" not in PAGE]
    assert not missing
    assert not [code for code in problems.CODES if f"| `{code}` |" not in PAGE]


def test_every_key_has_a_group_that_is_printed():
    assert {key.group for key in keys.KEYS} == set(keys.GROUPS)


@pytest.mark.parametrize("key", keys.KEYS, ids=lambda key: key.name)
def test_every_example_of_a_key_is_a_value_of_it(key):
    assert key.parse(key.example) is not None


@pytest.mark.parametrize("key", keys.KEYS, ids=lambda key: key.name)
def test_no_example_of_a_key_needs_a_character_that_a_tag_cannot_hold(key):
    assert re.fullmatch(r"[\w\s.:/=+\-@]*", key.example)


def test_every_code_that_is_raised_is_in_the_table_and_the_other_way_round():
    folder = Path(problems.__file__).parent
    sources = [path.read_text() for path in folder.glob("*.py") if path.name != "problems.py"]
    raised = {code for text in sources for code in re.findall(r'"([A-Z][A-Z0-9]+(?:_[A-Z0-9]+)+)"', text)}
    not_codes = {"AWS_IAM", "TLS_PASSTHROUGH", "CODE_DEPLOY"}
    assert raised - not_codes == set(problems.CODES) - not_codes


def test_a_code_that_is_not_on_the_page_cannot_be_raised():
    with pytest.raises(KeyError):
        problems.problem("UNHEARD_OF", "x", key="k", value="v", where="w")
