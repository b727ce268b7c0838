"""The page on troubleshooting by its codes: what each means and what to do."""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

PAGE = "docs/troubleshooting.md"
_PLACES = (Path(__file__).with_name("troubleshooting.md"), Path(__file__).parents[3] / PAGE)
"""In the wheel the page lies beside this module; in the repository it is the page itself."""
_HEADING = re.compile(r"^(##+) (.+)$", re.MULTILINE)
_LINK = re.compile(r"\[([^\]]+)\]\([^)]+\)")


@dataclass(frozen=True, slots=True)
class Explanation:
    """A section of the page. ``group`` is the heading above it, ``text`` its Markdown without links."""

    code: str
    group: str
    text: str


@cache
def explanations() -> dict[str, Explanation]:
    """All sections about codes, by code."""
    page = next(place for place in _PLACES if place.is_file()).read_text(encoding="utf-8")
    parts = _HEADING.split(page)[1:]
    found, group = {}, ""
    for level, title, body in zip(parts[::3], parts[1::3], parts[2::3], strict=True):
        if level == "##":
            group = title
        else:
            found[title] = Explanation(title, group, _LINK.sub(r"\1", body).strip())
    return found
