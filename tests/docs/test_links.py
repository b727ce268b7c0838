"""What the pages name exists, and nothing in the repository points to one machine."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted(path for pattern in ("*.md", "docs/**/*.md", "examples/**/*.md") for path in ROOT.glob(pattern))
PACKAGE = ROOT / "layers" / "core" / "src" / "ecs_lattice"
# Folders that a page may omit: the pages on architecture and contributing shorten module paths.
FOLDERS = (ROOT, PACKAGE, PACKAGE / "ecs_side", PACKAGE / "lattice_side")
_SUFFIXES = "md|py|yaml|json|toml|sh|txt"
_MADE = (".venv", ".aws-sam", ".docs", ".local_aws")
_OF_THE_READER = {"plan.json", "left.json", "request.json", "orders.json"}
_MACHINE = re.compile(
    r"(?<![\w.}/-])/(?:work|root|home|Users|private|opt/(?!homebrew|python\b))(?:/|\b(?!=))"
    r"|https?://[^\s\"'`)]*(?:/simple\b|pypi|index)|--(?:extra-)?index-url|--find-links"
)


def without_code_blocks(page):
    return re.sub(r"^```.*?^```", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)


def anchors(page):
    """The ids that GitHub gives to the headings of a page."""
    headings = re.findall(r"^#+ (.*)$", without_code_blocks(page), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def broken_links(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", without_code_blocks(page)):
        path, _, anchor = target.partition("#")
        if "://" in path:
            continue
        found = (page.parent / path) if path else page
        if not found.exists() or (anchor and anchor not in anchors(found)):
            yield target


def missing_files(page):
    for name in re.findall(rf"`([\w./*-]+\.(?:{_SUFFIXES})|[\w.-]+(?:/[\w.-]+)*/)`", without_code_blocks(page)):
        if name.startswith(_MADE) or name in _OF_THE_READER:
            continue
        if not any(list(folder.glob(name)) for folder in (*FOLDERS, page.parent)):
            yield name


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_has_a_target(page):
    assert not list(broken_links(page))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_file_that_a_page_names_exists(page):
    assert not list(missing_files(page))


def test_a_link_to_nothing_is_found(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("# One two\n[a](#one-two) [b](#three) [c](page.md) [d](none.md) `none.py` `gone/`\n")
    assert list(broken_links(page)) == ["#three", "none.md"]
    assert list(missing_files(page)) == ["none.py", "gone/"]


@pytest.mark.parametrize("text", ["cd /root/code", "in `/home/me/x`", "https://example.com/simple", "--find-links x"])
def test_a_path_of_one_machine_or_a_package_index_is_found(text):
    assert _MACHINE.search(text)


def test_nothing_points_to_one_machine_or_to_one_package_index():
    """All tracked texts except this file, which has to name what it searches for."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True).stdout
    files = [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]
    found = [
        f"{path.relative_to(ROOT)}: {match.group()}"
        for path in files
        if path != Path(__file__)
        for match in _MACHINE.finditer(path.read_text(encoding="utf-8", errors="ignore"))
    ]
    assert files
    assert not found
