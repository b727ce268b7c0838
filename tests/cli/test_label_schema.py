"""lint --schema: the schema takes what the parser takes, and rejects unknown keys and wrong words."""

import json
import re

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecs_lattice.declaration.keys import KEYS
from ecs_lattice.declaration.reading import _find
from ecs_lattice.declaration.values import Word
from ecs_lattice_cli.label_schema import label_schema

VALIDATOR = jsonschema.Draft202012Validator(label_schema())
WORDS = [(key, word) for key in KEYS if isinstance(key.parse, Word) for word in key.parse.words]


def is_valid(labels, validator=VALIDATOR):
    return validator.is_valid(labels)


def written(key):
    return key.name.replace("<name>", "X-Tenant")


def test_it_is_a_schema_and_lint_prints_it(run):
    jsonschema.Draft202012Validator.check_schema(label_schema())
    done = run("lint", "--schema", "--prefix", "net")
    assert (done.exit_code, json.loads(done.stdout)) == (0, label_schema("net"))


@pytest.mark.parametrize("key", KEYS, ids=lambda key: key.name)
def test_every_key_of_the_table_is_known_with_and_without_a_route(key):
    starts = ["lattice.routes.api.", " LATTICE.Routes.a_1."] + ([] if key.named_only else ["lattice.", "Lattice."])
    for start in starts:
        for name in (written(key), written(key).upper() + " "):
            assert is_valid({start + name: f" {key.example} "}), start + name


def test_every_unnamed_key_can_be_completed_with_its_description():
    properties = label_schema("net")["properties"]
    assert set(properties) == {f"net.{key.name}" for key in KEYS if not key.named_only and "<name>" not in key.name}
    assert properties["net.health.interval"]["description"].startswith(
        "The time between checks. Allowed: seconds, from 5"
    )


@pytest.mark.parametrize(
    "key",
    ["lattice.servce", "Lattice.servce", "lattice.", "lattice.routes", "lattice.routes.a", "lattice.routes.a.b.service",
     "lattice.remove", "lattice.header", "lattice.routes.a.servce"],
)  # fmt: skip
def test_an_unknown_key_is_rejected(key):
    assert not is_valid({key: "orders"})


@pytest.mark.parametrize("other", ["com.example.lattice", "lattices.service", "com.lattice.service", "traefik.enable"])
def test_other_labels_are_left_alone(other):
    assert is_valid({other: "anything"})


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("health.interval", "ten"),
        ("pause", "yes"),
        ("path.prefix", "orders"),
        ("path.prefix", f"/{'x' * 200}"),
        ("service", " "),
    ],
)
def test_a_wrong_value_is_rejected(key, value):
    assert not is_valid({f"lattice.{key}": value})
    assert not is_valid({f"lattice.routes.api.{key}": value})


@pytest.mark.parametrize(("key", "word"), WORDS)
def test_every_word_is_taken_in_any_case(key, word):
    start = "lattice.routes.a." if key.named_only else "lattice."
    assert is_valid({start + key.name: word.upper()})
    assert not is_valid({start + key.name: f"{word}x"})


@given(st.sampled_from(KEYS), st.text(st.characters(codec="ascii"), max_size=12) | st.integers().map(str))
def test_what_the_parser_takes_is_never_rejected(key, value):
    try:
        key.parse(value.strip())
    except ValueError:
        return
    if value.strip():
        assert is_valid({f"lattice.routes.api.{written(key)}": value})


@given(st.text(st.sampled_from("abcelorstuvi.- "), max_size=20))
def test_a_key_is_known_to_the_schema_exactly_if_the_parser_knows_it(name):
    found = _find(name.strip().lower())
    is_known = found is not None and not found[0].named_only
    if name.strip().partition(".")[0] != "routes" and not re.search(r"\s", name.strip()):
        value = found[0].example if found else "x"
        assert is_valid({f"lattice.{name}": value}) == is_known
