"""`explain CODE`: what a code means and what to do, without AWS."""

import re
import textwrap
from dataclasses import asdict
from typing import Any

import click

from ecs_lattice_cli import codes
from ecs_lattice_cli.app import App
from ecs_lattice_cli.errors import CommandError
from ecs_lattice_cli.nearest import nearest
from ecs_lattice_cli.options import verb
from ecs_lattice_cli.output import wrapped

_LIST_ITEM = re.compile(r"(- |\d+\. )")


@verb("explain")
@click.argument("code")
def command(app: App, code: str) -> None:
    """Say what a code means and what to do.

    CODE is that of a status, a message or a lint, such as MATCH_TAKEN. It needs no AWS.
    """
    app.emit("explain", asdict(explained(code)), render)


def explained(code: str) -> codes.Explanation:
    """The explanation of ``code``, in any case. CommandError with the nearest code if there is none."""
    known = codes.explanations()
    if found := known.get(code.upper().replace("-", "_")):
        return found
    near = nearest(code, known)
    hint = f"did you mean {near}?" if near else f"all codes are in {codes.PAGE}."
    raise CommandError(f"There is no code {code}; {hint}")


def render(result: dict[str, Any], columns: int) -> list[str]:
    """The section of the page at the width of the terminal; commands stay as they are."""
    page = f"{codes.PAGE}#{result['code'].lower()}"
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
