"""docs/command.md names what there is: verbs, options, variables, exit codes, permissions."""

import re

import pytest

from ecs_lattice_cli import errors
from ecs_lattice_cli.main import SUMMARIES
from ecs_lattice_cli.options import global_options
from tests.world import ROOT

PAGE = (ROOT / "docs" / "command.md").read_text()
OFFLINE = {"lint", "explain"}


def test_every_verb_has_a_section_and_every_section_a_verb():
    verbs = PAGE.partition("## Verbs")[2].partition("\n## ")[0]
    assert re.findall(r"^### (.+)$", verbs, re.MULTILINE) == list(SUMMARIES)


def test_every_verb_that_calls_aws_has_its_permissions():
    table = PAGE.partition("## Permissions")[2]
    assert {verb for verb in SUMMARIES if f"| `{verb}` |" not in table} == OFFLINE


@pytest.mark.parametrize("option", global_options(of_verb=False), ids=lambda option: option.name)
def test_every_global_option_is_there_with_its_variable(option):
    assert f"| {', '.join(f'`{name}`' for name in option.opts)} | `{option.envvar}` |" in PAGE


def test_the_exit_codes_are_those_of_the_code():
    codes = {errors.GOOD, errors.PROBLEM, errors.CHANGES, errors.USAGE, errors.UNAVAILABLE, errors.NOT_YET}
    assert set(map(int, re.findall(r"^\| (\d+) \|", PAGE, re.MULTILINE))) == codes
