"""`make docs`: the pages of the repository as a site in .docs/site, with strict links (decision 57).

python scripts/docs.py [--repository URL]

The pages stay what they are on a code host: links between them lead to files, and anchors are those that GitHub makes. Here they
are put together under .docs/pages, zensical builds them, and what was built is checked: every link and anchor of a page
has a target, each code has its anchor, and nothing is loaded from elsewhere. A link to a file that is no page leads to
it below URL (such as https://github.com/<owner>/<name>/blob/main); without URL its text alone is left.
"""

import argparse
import posixpath
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

ROOT = Path(__file__).resolve().parents[1]
PAGES, SITE = ROOT / ".docs" / "pages", ROOT / ".docs" / "site"
ZENSICAL = ROOT / ".venv" / "docs" / "bin" / "zensical"
_CODE = re.compile(r"^```.*?^```$|`[^`\n]+`", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^)\s]+)\)")
_CODE_HEADING = re.compile(r"^### ([A-Z][A-Z0-9_]+)$", re.MULTILINE)
# What a page makes a browser load by itself.
_LOADS = {"script": "src", "link": "href", "img": "src", "iframe": "src", "source": "src", "video": "src"}
_NOT_LOADED = {"canonical", "next", "prev", "alternate", "edit"}


def sources(root: Path = ROOT) -> dict[str, str]:
    """Path in the site by path in the repository, for each page."""
    found = {"README.md": "index.md", "CONTRIBUTING.md": "contributing.md", "CHANGELOG.md": "changelog.md"}
    for path in sorted((root / "docs").rglob("*.md")):
        name = path.relative_to(root / "docs").as_posix()
        found[f"docs/{name}"] = name.replace("README.md", "index.md")
    for path in sorted((root / "examples").glob("*/README.md")):
        found[path.relative_to(root).as_posix()] = f"examples/{path.parent.name}.md"
    return found


def assembled(root: Path = ROOT, repository: str = "") -> dict[str, str]:
    """The text of each page by its path in the site, with its links led to where their targets are there."""
    places = sources(root)
    return {
        place: outside_code((root / source).read_text(encoding="utf-8"), linked(source, places, repository))
        for source, place in places.items()
    }


def outside_code(text: str, change: Callable[[str], str]) -> str:
    """``text`` with what is not code changed."""
    parts, at = [], 0
    for code in _CODE.finditer(text):
        parts += [text[at : code.start()], code[0]]
        at = code.end()
    # A link may have code in its text, so code is put aside rather than split off.
    whole = "".join(part if index % 2 == 0 else f"\0{index}\0" for index, part in enumerate(parts)) + text[at:]
    return re.sub(r"\0(\d+)\0", lambda mark: parts[int(mark[1])], change(whole))


def linked(source: str, places: Mapping[str, str], repository: str) -> Callable[[str], str]:
    """What changes the links of the page ``source``."""
    folder, here = posixpath.dirname(source), posixpath.dirname(places[source])

    def led(link: re.Match[str]) -> str:
        text, target = link[1], link[2]
        path, _, anchor = target.partition("#")
        if not path or urlsplit(target).scheme:
            return link[0]
        path = posixpath.normpath(posixpath.join(folder, path))
        place = places.get(path) or places.get(f"{path}/README.md")
        if place is not None:
            return f"[{text}]({posixpath.relpath(place, here)}{'#' if anchor else ''}{anchor})"
        return f"[{text}]({repository.rstrip('/')}/{path})" if repository else text

    return lambda prose: _LINK.sub(led, prose)


class _Page(HTMLParser):
    """The anchors of a built page, its links, and what it loads."""

    def __init__(self) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.links: list[str] = []
        self.loads: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.ids.add(given.get("id", ""))
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        if tag in _LOADS and _LOADS[tag] in given and given.get("rel") not in _NOT_LOADED:
            self.loads.append(given[_LOADS[tag]])


def problems(site: Path, codes: Iterator[str] | list[str]) -> list[str]:
    """What is wrong with the built site: links and anchors without a target, codes without an anchor, and what would be loaded
    from elsewhere."""
    pages = {path.relative_to(site).as_posix(): _read(path) for path in sorted(site.rglob("*.html"))}
    found = [f"{name}: {problem}" for name, page in pages.items() for problem in _of(name, page, pages, site)]
    known = pages["troubleshooting.html"].ids if "troubleshooting.html" in pages else set()
    return found + [f"troubleshooting.html: no anchor #{code.lower()}" for code in codes if code.lower() not in known]


def _read(path: Path) -> _Page:
    page = _Page()
    page.feed(path.read_text(encoding="utf-8"))
    return page


def _of(name: str, page: _Page, pages: Mapping[str, _Page], site: Path) -> Iterator[str]:
    for load in page.loads:
        if urlsplit(load).netloc:
            yield f"loads {load} from elsewhere"
    for link in [*page.links, *page.loads]:
        parts = urlsplit(link)
        if parts.scheme or parts.netloc or name == "404.html":  # whose links begin at the root of the server
            continue
        path = posixpath.normpath(posixpath.join(posixpath.dirname(name), unquote(parts.path))) if parts.path else name
        target = f"{path}/index.html" if (site / path).is_dir() else path
        if not (site / target).is_file():
            yield f"{link} leads to nothing"
        elif parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].ids:
            yield f"{link}: there is no such anchor"


def codes_of(page: str) -> list[str]:
    """The codes that have a section in the page on troubleshooting."""
    return _CODE_HEADING.findall(page)


def main(arguments: list[str] | None = None) -> int:
    """Exit code: 0 if the site was built and nothing is wrong with it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repository", default="", metavar="URL", help="where the files are that are no pages")
    shutil.rmtree(ROOT / ".docs", ignore_errors=True)
    pages = assembled(repository=parser.parse_args(arguments).repository)
    for name, text in pages.items():
        (PAGES / name).parent.mkdir(parents=True, exist_ok=True)
        (PAGES / name).write_text(text, encoding="utf-8")
    built = subprocess.run([ZENSICAL, "build", "--strict", "--clean"], cwd=ROOT, check=False)  # noqa: S603  our own, locked
    if built.returncode:
        return built.returncode
    found = problems(SITE, codes_of(pages["troubleshooting.md"]))
    for problem in found:
        print(problem, file=sys.stderr)
    if not found:
        print(f"{len(pages)} pages: {(SITE / 'index.html').relative_to(ROOT)}")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
