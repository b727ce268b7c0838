"""Fails when too many functions of the core are complex.

python scripts/complexity.py [FOLDER]

The cyclomatic complexity of a function is 1 plus its decisions: `if`, `elif`, `for`, `while`, `except`, `case`, conditional
expressions, each loop and each condition of a comprehension, and each `and` or `or`. Nested functions belong to the
function around them and are functions themselves. Ruff's C901 counts neither comprehensions nor boolean operators.
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

CORE = Path(__file__).parents[1] / "layers/core/src/ecs_lattice"
COMPLEX_ABOVE = 10
SHARE_LIMIT = 0.02
_ONE = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.ExceptHandler, ast.IfExp, ast.match_case)


def decisions(node: ast.AST) -> int:
    """The decisions that this node itself takes, without those of the nodes in it."""
    match node:
        case ast.comprehension():
            return 1 + len(node.ifs)
        case ast.BoolOp():
            return len(node.values) - 1
        case _:
            return int(isinstance(node, _ONE))


def functions(path: Path) -> Iterator[tuple[int, str]]:
    """Complexity and place (path, line, name) of each function in a file."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield 1 + sum(map(decisions, ast.walk(node))), f"{path}:{node.lineno} {node.name}"


def main(folder: Path = CORE) -> int:
    """Print the complex functions and their share; the exit code is 1 when the share is above the limit."""
    found = [each for path in sorted(folder.rglob("*.py")) for each in functions(path)]
    if not found:
        print(f"complexity: no function in {folder}", file=sys.stderr)
        return 1
    above = sorted((each for each in found if each[0] > COMPLEX_ABOVE), reverse=True)
    summary = (
        f"{len(above)} of {len(found)} functions ({len(above) / len(found):.1%}) have a cyclomatic complexity above "
        f"{COMPLEX_ABOVE}; the limit is {SHARE_LIMIT:.0%}"
    )
    if len(above) <= SHARE_LIMIT * len(found):
        print(summary)
        return 0
    for score, place in above:
        print(f"{score:4}  {place}", file=sys.stderr)
    print(f"complexity: {summary}. Simplify the functions above.", file=sys.stderr)
    return 1


if __name__ == "__main__":
    raise SystemExit(main(*map(Path, sys.argv[1:2])))
