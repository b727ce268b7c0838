"""Check the language of what people read: no former word of the pages, the template, the examples or a message is left.

python scripts/words.py

Of Python files the string constants are read, docstrings and comments aside.
"""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
TEXTS = (
    "README.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs/**/*.md", "template.yaml", "examples/**/*", "tests/diagnosis/messages/*"
)  # fmt: skip
SOURCES = ("layers/core/src/**/*.py", "functions/**/*.py", "local_aws/**/*.py", "cli/src/**/*.py")

WORDS = {
    r"bells?": "reconcile request",
    r"rung|rings?|ringing": "enqueue, enqueued",
    r"not well(?: since)?": "unhealthy, has been unhealthy since",
    r"well again": "recovered",
    r"ill": "unhealthy",
    r"comes? and goes?": "is flapping",
    r"(?:is|are|was|were|be|been) told(?: of)?": "is notified of",
    r"hears?(?: of)?|heard": "is notified of, receives",
    r"tells? (?:of|people|somebody|everybody)|somebody to tell|whom to tell": "notifies, Notifications",
    r"mends?|mended|mending": "fix, To fix:",
    r"shows it": "To inspect:",
    r"nobody foresaw": "unexpected error",
    r"put into the dead-letter queue": "moved to the dead-letter queue",
    r"were given up on": "exhausted their retries",
    r"worked off": "is backing up",
    r"asks and checks": "uses port ... for requests and health checks",
    r"what it was to do": "the failed work is retried",
    r"as it should": "succeeded",
    r"by chance": "may fail: ... (fail-open)",
}
"""Former words (regular expressions, in any case, whole words) and what to write instead."""

EXCEPTIONS = {
    "CHANGELOG.md": r"\| .* \| .* \|",  # the table of the words that changed
}
"""Lines (whole) of a file in which a former word is meant, and why."""


class Found(NamedTuple):
    """A former word, the line on which it begins, and what to write instead."""

    line: int
    word: str
    instead: str


def former_words(text: str, first_line: int = 1) -> Iterator[Found]:
    """The former words in ``text``, which begins on ``first_line``; a word may go on on the next line."""
    for pattern, instead in WORDS.items():
        for match in re.finditer(rf"\b(?:{pattern.replace(' ', r'\s+')})\b", text, re.IGNORECASE):
            yield Found(first_line + text.count("\n", 0, match.start()), " ".join(match[0].split()), instead)


def messages(source: str) -> Iterator[tuple[int, str]]:
    """The string constants of a module with their lines, docstrings aside."""
    tree = ast.parse(source)
    statements = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in statements:
            yield node.lineno, node.value


def in_file(path: Path) -> Iterator[Found]:
    """The former words of one file that no exception covers."""
    text = path.read_text(encoding="utf-8")
    lines, excepted = text.splitlines(), EXCEPTIONS.get(str(path.relative_to(ROOT)))
    parts = messages(text) if path.suffix == ".py" else [(1, text)]
    for line, part in parts:
        for found in former_words(part, line):
            if not (excepted and re.fullmatch(excepted, lines[found.line - 1])):
                yield found


def main() -> int:
    """Print every former word; the exit status says whether there is one."""
    files = sorted({path for pattern in TEXTS + SOURCES for path in ROOT.glob(pattern) if path.is_file()})
    count = 0
    for path in files:
        for found in sorted(in_file(path)):
            print(f"{path.relative_to(ROOT)}:{found.line}: {found.word!r}: write {found.instead!r}")
            count += 1
    return min(count, 1)


if __name__ == "__main__":
    sys.exit(main())
