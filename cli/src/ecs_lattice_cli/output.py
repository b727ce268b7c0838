"""What is printed: one JSON document, or lines of text at the terminal's width. Data goes to stdout, talk to stderr.

Colour only doubles a word. It is left out where stdout is no terminal, with `--no-color`, and with NO_COLOR
(https://no-color.org: any value but the empty one).
"""

import os
import re
import shutil
import sys
import textwrap
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import click

SCHEMA = 1
"""Of every JSON document. Members are never renamed within a schema; unknown ones are to be ignored."""
WIDTH = 100
"""Where stdout is no terminal."""
GAP = "  "

COLORS = {
    **dict.fromkeys(("Live", "OK", "HEALTHY"), "green"),
    **dict.fromkeys(("Pending", "Wired", "Attaching", "Parked", "Removing", "Paused", "SKIPPED", "INITIAL"), "yellow"),
    **dict.fromkeys(("Refused", "Conflicted", "NOT OK", "UNHEALTHY"), "red"),
}
"""Words with a color of their own."""
_STYLE = re.compile(r"\x1b\[[0-9;]*m")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1a\x1c-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]|\x1b(?!\[[0-9;]*m)")


def width() -> int:
    """The columns of the terminal, or 100."""
    return shutil.get_terminal_size((WIDTH, 24)).columns if sys.stdout.isatty() else WIDTH


def wants_color(*, is_off: bool) -> bool:
    """Whether stdout takes colors."""
    return not is_off and not os.environ.get("NO_COLOR") and sys.stdout.isatty()


def word(text: str) -> str:
    """``text`` in its color, if it has one. The color is removed again where stdout takes none."""
    return click.style(text, fg=COLORS[text]) if text in COLORS else text


def length(text: str) -> int:
    """The columns that ``text`` takes."""
    return len(_STYLE.sub("", text))


def safe(text: object) -> str:
    """Text that somebody else chose, with what would control the terminal written out."""
    return _CONTROL.sub(_written_out, str(text).replace("\x1b", "\\x1b").replace("\t", "\\t"))


def _written_out(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape").decode("ascii")


def table(heads: Sequence[str], rows: Iterable[Sequence[str]], columns: int = WIDTH) -> list[str]:
    """Left-aligned columns below their heads; the last one is wrapped to fit into ``columns``."""
    lines = [list(heads), *map(list, rows)]
    widths = [max(length(line[index]) for line in lines) for index in range(len(heads))]
    left = sum(widths[:-1]) + len(GAP) * (len(heads) - 1)
    return [line for cells in lines for line in _row(cells, widths, left, columns)]


def _row(cells: Sequence[str], widths: Sequence[int], left: int, columns: int) -> list[str]:
    begin = "".join(f"{_pad(cell, room)}{GAP}" for cell, room in zip(cells[:-1], widths[:-1], strict=True))
    last, room = cells[-1], max(columns - left, 20)
    is_whole = len(last) <= room or length(last) != len(last)  # a word with a color is short
    first, *more = [last] if is_whole else textwrap.wrap(last, room)
    return [f"{begin}{first}".rstrip(), *(f"{' ' * left}{line}" for line in more)]


def _pad(cell: str, room: int) -> str:
    return cell + " " * (room - length(cell))


def wrapped(text: str, columns: int, indent: str = "") -> list[str]:
    """A paragraph within ``columns``, each line after ``indent``. Long words (ARNs, commands' arguments) stay whole."""
    return textwrap.wrap(
        text, max(columns, 40), initial_indent=indent, subsequent_indent=indent,
        break_long_words=False, break_on_hyphens=False,
    )  # fmt: skip


def command_lines(command: str, columns: int) -> tuple[str, ...]:
    """A shell command within ``columns``, each option on a line of its own where it is longer, so that it can still be copied.
    What is more than words, such as a substitution, stays as it is."""
    import shlex  # noqa: PLC0415  not for --help

    from ecs_lattice.diagnosis.findings import Command  # noqa: PLC0415

    whole = Command("", raw=command)
    try:
        words = Command("", tuple(shlex.split(command)))
    except ValueError:  # a quotation that does not end
        return whole.lines(columns)
    return (words if str(words) == command else whole).lines(columns)


def moment(epoch: float) -> str:
    """A time for JSON and for text, in UTC to the second: ``2026-11-28T02:37:00Z``."""
    return datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def span(seconds: float) -> str:
    """A length of time for people: ``41 s``, ``3 min``, ``2 h 5 min``, ``3 d 4 h``."""
    whole = max(round(seconds), 0)
    for unit, size, smaller, part in (("d", 86400, "h", 3600), ("h", 3600, "min", 60)):
        if whole >= size:
            rest = whole % size // part
            return f"{whole // size} {unit}" + (f" {rest} {smaller}" if rest else "")
    return f"{whole // 60} min" if whole >= 60 else f"{whole} s"  # noqa: PLR2004  seconds in a minute


def document(command: str, at: float, result: Any) -> str:
    """The JSON document of a command, in ASCII."""
    import json  # noqa: PLC0415  not for --help

    return json.dumps({"schema": SCHEMA, "command": command, "at": moment(at), "result": result}, indent=2)


def write(line: str, *, color: bool = False) -> None:
    """A line on stdout. What controls a terminal, colors aside, is written out, whoever it comes from."""
    click.echo(_CONTROL.sub(_written_out, line), color=color)


def talk(text: str) -> None:
    """Lines on stderr, without colors."""
    for line in text.splitlines():
        click.echo(safe(line), err=True)


def is_terminal() -> bool:
    """Whether somebody can be asked: who reads stderr and writes on stdin."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def ask(prompt: str) -> str:
    """A line of stdin, after a prompt on stderr. At its end the command is interrupted."""
    click.echo(f"{safe(prompt)} ", nl=False, err=True)
    line = sys.stdin.readline()
    if not line:
        click.echo(err=True)
        raise click.Abort
    return line.strip()
