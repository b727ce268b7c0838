"""docs/troubleshooting.md has a section for every cause."""

import re
from pathlib import Path

import pytest

from ecs_lattice.diagnosis.findings import RANKS
from ecs_lattice.diagnosis.route_messages import NOT_FOUND

PAGE = (Path(__file__).parents[2] / "docs" / "troubleshooting.md").read_text()
CAUSES = PAGE.split("\n## Causes\n")[1].split("\n## ")[0]


@pytest.mark.parametrize("code", [*RANKS, NOT_FOUND])
def test_a_cause_has_its_section(code):
    body = re.search(rf"^### {code}$(.+?)(?=^### |\Z)", CAUSES, flags=re.DOTALL | re.MULTILINE)
    assert body is not None
    assert len(body[1].split()) > 20


def test_no_section_is_of_a_cause_that_is_no_more():
    assert set(re.findall(r"^### (.+)$", CAUSES, flags=re.MULTILINE)) == {*RANKS, NOT_FOUND}
