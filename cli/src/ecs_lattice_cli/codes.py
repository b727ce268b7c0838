"""The page on troubleshooting by its codes: what each means and what to do."""

import re
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from ecs_lattice_cli.errors import CommandError
from ecs_lattice_cli.nearest import nearest
from ecs_lattice_cli.output import wrapped

PAGE = "docs/troubleshooting.md"
_PLACES = (Path(__file__).with_name("troubleshooting.md"), Path(__file__).parents[3] / PAGE)
"""In the wheel the page lies beside this module; in the repository it is the page itself."""
_HEADING = re.compile(r"^(##+) (.+)$", re.MULTILINE)
_LIST_ITEM = re.compile(r"(- |\d+\. )")
_WRITTEN_LIKE_A_CODE = re.compile(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)*")
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


def meant(written: str) -> Explanation | None:
    """The explanation of the code that is ``written``, in any case; None for what is written like something else.
    CommandError with the nearest code for what is written like a code and is none."""
    if found := explanations().get(written.upper().replace("-", "_")):
        return found
    if not _WRITTEN_LIKE_A_CODE.fullmatch(written):
        return None
    near = nearest(written, explanations())
    hint = f"did you mean {near}?" if near else f"all codes are in {PAGE}. An ECS service is CLUSTER/{written}."
    raise CommandError(f"There is no code {written}; {hint}")


def render(result: Mapping[str, Any], columns: int) -> list[str]:
    """The section of the page at the width of the terminal; commands stay as they are."""
    page = f"{PAGE}#{result['code'].lower()}"
    return [f"{result['code']} ({result['group']})", "", *_reflowed(result["text"], columns), "", f"See {page}"]


def _reflowed(text: str, columns: int) -> list[str]:
    """Markdown's paragraphs and list items wrapped; code is left alone."""
    lines: list[str] = []
    for index, block in enumerate(re.split(r"(```.*?```)", text, flags=re.DOTALL)):
        if index % 2:
            lines += [f"    {line}" for line in block.splitlines()[1:-1]]
        else:
            lines += [line for part in re.split(r"\n{2,}", block) for line in _paragraph(part, columns)]
    return lines[:-1] if lines and not lines[-1] else lines


def _paragraph(part: str, columns: int) -> list[str]:
    if not part.strip():
        return []
    items = re.split(r"\n(?=(?:- |\d+\. ))", part.strip())
    return [*(line for item in items for line in _item(item, columns)), ""]


def _item(item: str, columns: int) -> list[str]:
    mark = _LIST_ITEM.match(item)
    indent = " " * len(mark[0]) if mark else ""
    first, *more = wrapped(textwrap.dedent(" ".join(item.split())), columns - len(indent)) or [""]
    return [first, *(indent + line for line in more)]
