"""explain CODE: every code of the page, without AWS."""

import json

import pytest

from ecs_lattice_cli import codes
from tests.docs.test_codes import PAGE, sections

CODES = [title for title, _ in sections(PAGE.read_text())]


def test_the_codes_are_those_of_the_page():
    assert len(CODES) > 100
    assert list(codes.explanations()) == CODES


@pytest.mark.parametrize("code", CODES)
def test_every_code_is_explained_in_100_columns(run, code):
    done = run("explain", code)
    assert done.exit_code == 0
    first, blank, *text, page = done.stdout.splitlines()
    assert (first.partition(" ")[0], blank, page) == (code, "", f"See docs/troubleshooting.md#{code.lower()}")
    assert len(" ".join(text).split()) > 3
    assert max(len(line) for line in text if not line.startswith(("    ", "|"))) <= 100


def test_nothing_of_a_section_is_lost(run):
    for title, body in sections(PAGE.read_text()):
        words = codes._LINK.sub(r"\1", body).replace("```sh", "").replace("```", "").split()
        assert " ".join(words) in " ".join(run("explain", title).stdout.split()), title


def test_the_json_has_group_and_text(run):
    result = json.loads(run("explain", "not-listening", "--json").stdout)["result"]
    assert (result["code"], result["group"]) == ("NOT_LISTENING", "Causes")
    assert "](" not in result["text"]


def test_a_wrong_code_gets_the_nearest(run):
    done = run("explain", "MATCH_TAKE")
    assert (done.exit_code, done.stdout) == (64, "")
    assert done.stderr == "Error: There is no code MATCH_TAKE; did you mean MATCH_TAKEN?\n"
    assert "docs/troubleshooting.md" in run("explain", "XYZXYZ").stderr
