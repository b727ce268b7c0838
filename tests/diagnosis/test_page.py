"""docs/troubleshooting.md has a section for every cause."""

import re
from pathlib import Path

import pytest

from ecs_lattice.diagnosis.causes import CAUSES
from ecs_lattice.diagnosis.route_messages import NOT_FOUND

PAGE = (Path(__file__).parents[2] / "docs" / "troubleshooting.md").read_text()
SECTION = PAGE.split("\n## Causes\n")[1].split("\n## ")[0]


@pytest.mark.parametrize("code", [*CAUSES, NOT_FOUND])
def test_a_cause_has_its_section(code):
    body = re.search(rf"^### {code}$(.+?)(?=^### |\Z)", SECTION, flags=re.DOTALL | re.MULTILINE)
    assert body is not None
    assert len(body[1].split()) > 20


def test_no_section_describes_a_cause_that_no_longer_exists():
    assert set(re.findall(r"^### (.+)$", SECTION, flags=re.MULTILINE)) == {*CAUSES, NOT_FOUND}
