"""The published schemas: one a verb, strict, and described. Each run with --json in these tests is validated (conftest.py)."""

import json

import jsonschema
import pytest

from ecs_lattice_cli.main import SUMMARIES
from tests.cli.conftest import SCHEMAS, validate

DOCUMENT = {"schema": 1, "command": "retry", "at": "2026-11-28T12:00:00Z", "result": {"ecsService": "arn"}}


def test_every_verb_has_one():
    assert {path.stem for path in SCHEMAS.glob("*.json")} == set(SUMMARIES)


@pytest.mark.parametrize("verb", SUMMARIES)
def test_it_is_a_schema_of_the_common_document(verb):
    schema = json.loads((SCHEMAS / f"{verb}.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["properties"]["command"] == {"const": verb}
    assert schema["required"] == ["schema", "command", "at", "result"]


def test_a_document_that_is_not_as_published_is_found():
    validate(DOCUMENT)
    for wrong in ({"schema": 2}, {"result": {}}, {"result": {"ecsService": "a", "more": 1}}, {"more": 1}):
        with pytest.raises(jsonschema.ValidationError):
            validate(DOCUMENT | wrong)
