"""docs/command.md names what there is: verbs, options, variables, exit codes, and a policy that is enough."""

import json
import re

import pytest

from ecs_lattice_cli import errors
from ecs_lattice_cli.main import SUMMARIES
from ecs_lattice_cli.options import global_options
from local_aws.iam.evaluation import Policy, Request, decide
from tests.world import ROOT

PAGE = (ROOT / "docs" / "command.md").read_text()
POLICY = json.loads((ROOT / "docs" / "command-policy.json").read_text())
OFFLINE = {"lint"}
READS = "Reads"
"""Ends the name of a verb's second statement: of actions that know no resource (AWS service authorization reference)."""


def test_every_verb_has_a_section_and_every_section_a_verb():
    verbs = PAGE.partition("## Verbs")[2].partition("\n## ")[0]
    assert re.findall(r"^### (.+)$", verbs, re.MULTILINE) == list(SUMMARIES)


def test_every_verb_that_calls_aws_has_a_statement_of_its_name():
    named = {statement["Sid"].removesuffix(READS) for statement in POLICY["Statement"]} - {"Stack"}
    assert named == {_sid(verb) for verb in SUMMARIES if verb not in OFFLINE}


def _sid(verb):
    return verb.title().replace("-", "")


def of_verb(verb):
    """The example policy, cut to what the page says that the verb needs."""
    kept = [
        statement for statement in POLICY["Statement"] if statement["Sid"].removesuffix(READS) in {"Stack", _sid(verb)}
    ]
    return Policy(verb, {**POLICY, "Statement": kept})


@pytest.mark.parametrize("line", [["resync"], ["retry", "orders"], ["explain", "orders"]])
def test_the_statements_of_a_verb_allow_what_it_asks_for(stack, ask, line):
    stack.live()
    assert ask(*line).exit_code == 0
    assert stack.asked
    assert {one for one in stack.asked if not decide([of_verb(line[0])], Request(*one)).allowed} == set()
    others = {"resync": "retry", "retry": "resync", "explain": "status"}
    assert not all(decide([of_verb(others[line[0]])], Request(*one)).allowed for one in stack.asked)


@pytest.mark.parametrize("option", global_options(of_verb=False), ids=lambda option: option.name)
def test_every_global_option_is_there_with_its_variable(option):
    assert f"| {', '.join(f'`{name}`' for name in option.opts)} | `{option.envvar}` |" in PAGE


def test_the_exit_codes_are_those_of_the_code():
    codes = {errors.GOOD, errors.PROBLEM, errors.CHANGES, errors.USAGE, errors.UNAVAILABLE, errors.NOT_YET}
    assert set(map(int, re.findall(r"^\| (\d+) \|", PAGE, re.MULTILINE))) == codes
