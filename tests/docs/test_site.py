"""The pages of `make docs` before they are built, and the check of what was built."""

import importlib.util
import subprocess
import tomllib

import pytest

from tests.docs.test_links import PAGES, ROOT, anchors, broken_links, without_code_blocks

SCRIPT = ROOT / "scripts" / "docs.py"
REPOSITORY = "https://example.com/owner/ecs-lattice/blob/main"


@pytest.fixture(scope="module")
def docs():
    spec = importlib.util.spec_from_file_location("docs", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_page_of_the_repository_is_a_page_of_the_site(docs):
    found = docs.sources()
    assert {ROOT / source for source in found} == set(PAGES)
    assert len(set(found.values())) == len(found)


def test_the_navigation_names_every_page_but_the_single_decisions(docs):
    project = tomllib.loads((ROOT / "zensical.toml").read_text())["project"]
    named = list(leaves(project["nav"]))
    assert len(named) == len(set(named))
    assert set(named) == {place for place in docs.sources().values() if not place.startswith("decisions/0")}
    assert (ROOT / project["docs_dir"], ROOT / project["site_dir"]) == (docs.PAGES, docs.SITE)


def leaves(nav):
    for entry in nav:
        for value in entry.values():
            if isinstance(value, str):
                yield value
            else:
                yield from leaves(value)


def test_fonts_are_those_of_the_system(docs):
    theme = tomllib.loads((ROOT / "zensical.toml").read_text())["project"]["theme"]
    assert theme["font"] is False


@pytest.mark.parametrize("repository", ["", REPOSITORY])
def test_every_link_of_the_site_has_a_target(docs, tmp_path, repository):
    pages = docs.assembled(repository=repository)
    for name, text in pages.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    assert {name: broken for name in pages if (broken := list(broken_links(tmp_path / name)))} == {}


def test_links_lead_to_pages_to_files_of_the_repository_or_nowhere(docs):
    places = docs.sources()
    changed = {url: docs.linked("docs/operations.md", places, url) for url in ("", REPOSITORY + "/")}
    for change in changed.values():
        assert change("[a](labels.md#keys)") == "[a](labels.md#keys)"
        assert change("[a](decisions/README.md)") == "[a](decisions/index.md)"
        assert change("[a](../README.md#deploy-it)") == "[a](index.md#deploy-it)"
        assert change("[a](../examples/ingress/)") == "[a](examples/ingress.md)"
        assert change("[a](#dashboard) [b](https://example.com)") == "[a](#dashboard) [b](https://example.com)"
    assert changed[""]("see [`samconfig.toml`](../samconfig.toml).") == "see `samconfig.toml`."
    assert changed[REPOSITORY + "/"]("[`a`](../events/invoke)") == f"[`a`]({REPOSITORY}/events/invoke)"
    deeper = docs.linked("docs/decisions/0001-parked-rules.md", places, "")
    assert deeper("[a](../labels.md) [b](README.md)") == "[a](../labels.md) [b](index.md)"


def test_code_stays_as_it_is(docs):
    change = docs.linked("README.md", {"README.md": "index.md"}, "")
    text = "[a](gone.py) `[b](gone.py)`\n```sh\n[c](gone.py)\n```\n[`d`](gone.py)\n"
    assert docs.outside_code(text, change) == "a `[b](gone.py)`\n```sh\n[c](gone.py)\n```\n`d`\n"


def test_each_code_has_one_anchor_that_is_its_name(docs):
    page = ROOT / "docs" / "troubleshooting.md"
    codes = docs.codes_of(page.read_text())
    assert len(codes) > 100
    assert {code.lower() for code in codes} <= anchors(page)
    headings = [line.lstrip("# ").lower() for line in without_code_blocks(page).splitlines() if line.startswith("#")]
    assert len(headings) == len(set(headings)), "a second heading of the same name would get another anchor"


@pytest.fixture
def site(tmp_path):
    """A built site without a problem."""
    (tmp_path / "more").mkdir()
    (tmp_path / "index.html").write_text(
        '<link rel="stylesheet" href="a.css"><link rel="canonical" href="https://example.com/">'
        '<a href="troubleshooting.html#match_taken">a</a><a href="more/">b</a><a href="https://example.com">c</a>'
    )
    (tmp_path / "more" / "index.html").write_text('<h1 id="a%20b">x</h1><a href="../index.html">a</a><a href="#">b</a>')
    (tmp_path / "troubleshooting.html").write_text('<h3 id="match_taken">x</h3><script src="./b.js"></script>')
    (tmp_path / "404.html").write_text('<a href="/from/the/root.html">a</a>')
    for name in ("a.css", "b.js"):
        (tmp_path / name).write_text("")
    return tmp_path


def test_a_good_site_has_no_problems(docs, site):
    assert docs.problems(site, ["MATCH_TAKEN"]) == []


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        ('<a href="gone.html">', "index.html: gone.html leads to nothing"),
        ('<a href="more/#gone">', "index.html: more/#gone: there is no such anchor"),
        ('<a href="#gone">', "index.html: #gone: there is no such anchor"),
        ('<script src="gone.js">', "index.html: gone.js leads to nothing"),
        (
            '<script src="https://cdn.example.com/x.js">',
            "index.html: loads https://cdn.example.com/x.js from elsewhere",
        ),
        ('<link rel="preconnect" href="//fonts.example.com">', "index.html: loads //fonts.example.com from elsewhere"),
        ('<img src="http://example.com/x.png">', "index.html: loads http://example.com/x.png from elsewhere"),
    ],
)
def test_what_is_wrong_with_a_page_is_said(docs, site, written, problem):
    (site / "index.html").write_text(written)
    assert docs.problems(site, []) == [problem]


def test_a_code_without_an_anchor_is_said(docs, site):
    assert docs.problems(site, ["MATCH_TAKEN", "GONE"]) == ["troubleshooting.html: no anchor #gone"]


def test_make_docs_builds_it_though_there_is_a_folder_of_that_name():
    command = ["make", "--dry-run", "--no-print-directory", "docs", f"REPOSITORY={REPOSITORY}"]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert f'./scripts/docs.sh --repository "{REPOSITORY}"' in said
