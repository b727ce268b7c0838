"""Decisions: one form, numbers without gaps, an index in step, and named where the code implements them."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs" / "decisions"
PAGES = sorted(path for path in FOLDER.glob("*.md") if path.name != "README.md")
_PAGE = re.compile(
    r"# (?P<number>\d{4})\. (?P<title>\S.*)\n\n"
    r"- Status: (?P<status>accepted|superseded by \[(?P<by>\d{4})\]\((?P<file>[\w-]+\.md)\))\n"
    r"- Date: \d{4}-\d{2}-\d{2}\n\n"
    r"## Context\n\n(?P<context>\S.*?)\n\n## Decision\n\n(?P<decision>\S.*?)\n\n## Consequences\n\n\S.*",
    re.DOTALL,
)
_NAMED = re.compile(r"\bdecision\s+(\d+)\b|\bdecisions/(\d{4})-", re.IGNORECASE)


def parsed(page):
    match = _PAGE.fullmatch(page.read_text())
    assert match, f"{page.name} does not have the head and the sections of a decision"
    return match


def slug(title):
    return re.sub(r"[^a-z0-9]+", "-", title.lower().replace("'", "")).strip("-")


def named_in(files):
    """The numbers of decisions that these files name, with the first file that does."""
    found = {}
    for path in files:
        for match in _NAMED.finditer(path.read_text(encoding="utf-8", errors="ignore")):
            found.setdefault(int(match[1] or match[2]), path.relative_to(ROOT))
    return found


def tracked(*patterns):
    listed = subprocess.run(["git", "ls-files", "-z", *patterns], cwd=ROOT, capture_output=True, check=True, text=True)
    paths = [ROOT / name for name in listed.stdout.split("\0") if name]
    return [
        path for path in paths if path.is_file() and FOLDER not in path.parents and path.parent != Path(__file__).parent
    ]


def test_numbers_have_no_gap():
    assert [path.name[:4] for path in PAGES] == [f"{number:04}" for number in range(1, len(PAGES) + 1)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name[:4])
def test_every_decision_has_one_form_and_a_file_named_after_its_title(page):
    head = parsed(page)
    assert "## " not in head["context"] + head["decision"]
    assert page.name == f"{head['number']}-{slug(head['title'])}.md"


def test_a_superseded_decision_and_its_successor_name_each_other():
    superseded = {page: head for page in PAGES if (head := parsed(page))["by"]}
    assert superseded
    for page, head in superseded.items():
        assert head["file"].startswith(head["by"])
        assert int(head["by"]) > int(head["number"])
        assert f"]({page.name})" in (FOLDER / head["file"]).read_text()


def test_the_index_lists_all_in_order():
    rows = re.findall(
        r"^\| \[(\d{4})\]\((\S+)\) \| (.*?) \| \S.* \|$", (FOLDER / "README.md").read_text(), re.MULTILINE
    )
    heads = [(path, parsed(path)) for path in PAGES]
    assert rows == [
        (head["number"], path.name, head["title"] + (f" (superseded by {head['by']})" if head["by"] else ""))
        for path, head in heads
    ]


def test_every_decision_that_is_named_exists():
    named = named_in(tracked(":!CHANGELOG.md"))
    assert {number: str(path) for number, path in named.items() if not 1 <= number <= len(PAGES)} == {}


def test_every_decision_that_holds_is_named_where_it_is_implemented():
    named = named_in(tracked(":!*.md"))
    assert [page.name for page in PAGES if not parsed(page)["by"] and int(page.name[:4]) not in named] == []


def test_a_decision_is_named_in_words_or_by_its_file():
    numbers = [
        int(match[1] or match[2]) for match in _NAMED.finditer("(decision 7) decision\n    12, decisions/0033-keys.md")
    ]
    assert numbers == [7, 12, 33]


def test_a_decision_is_recognized_by_its_form_alone(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(PAGES[0].read_text().replace("- Status: accepted", "- Status: fine"))
    with pytest.raises(AssertionError, match=r"page\.md"):
        parsed(page)
