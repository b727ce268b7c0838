"""`doctor`: whether what the stack needs is there, and whether it works."""

import traceback
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from functools import cache
from typing import Any

from ecs_lattice_cli.app import App
from ecs_lattice_cli.dead_letter_queues import QUEUES
from ecs_lattice_cli.doctor import account, running
from ecs_lattice_cli.doctor.findings import NOT_OK, OK, SKIPPED, Check, run
from ecs_lattice_cli.doctor.quotas import quotas
from ecs_lattice_cli.errors import GOOD, PROBLEM
from ecs_lattice_cli.options import verb
from ecs_lattice_cli.output import safe, word, wrapped

_STATE_COLUMNS = 9
_THING_COLUMNS = 15


@verb("doctor")
def command(app: App) -> int:
    """Check what the stack needs, and whether it works.

    A line is OK, NOT OK or SKIPPED: what may not be read, or could not be. Ends with 1 where something is NOT OK.
    """
    stack = app.stack
    assert stack.outputs is not None  # a stack that is not there is an error, not ten lines
    findings = list(run(_checks(app), lambda: traceback.print_exc() if app.debug else None))
    app.emit("doctor", {"findings": [asdict(each) for each in findings]}, render)
    return PROBLEM if any(each.state == NOT_OK for each in findings) else GOOD


def _checks(app: App) -> list[tuple[str, Check]]:
    """The things in the order in which they are told."""
    stack = app.stack
    status = cache(lambda: stack.invoke("QueryFunctionName", {"mode": "status"}))
    return [
        ("version", lambda: running.version(status())),
        ("state", lambda: running.state(status())),
        ("network", lambda: account.networks(stack, status())),
        ("prefix lists", lambda: account.prefix_lists(stack)),
        ("role", lambda: account.role(stack)),
        ("trail", lambda: account.trail(stack)),
        ("quotas", lambda: quotas(stack, status())),
        ("errors", lambda: running.errors(stack, app.now())),
        ("dead letters", lambda: running.dead_letters(stack, QUEUES)),
        ("notifications", lambda: running.subscriptions(stack)),
    ]


def render(result: Mapping[str, Any], columns: int) -> list[str]:
    """A line for each finding: state, thing, fact; below it what to do."""
    counts = Counter(each["state"] for each in result["findings"])
    lines = [line for each in result["findings"] for line in _lines(each, columns)]
    return [*lines, "", ", ".join(f"{counts[state]} {state}" for state in (OK, NOT_OK, SKIPPED) if counts[state]) + "."]


def _lines(finding: Mapping[str, Any], columns: int) -> Iterator[str]:
    room = _STATE_COLUMNS + _THING_COLUMNS
    head = word(finding["state"]) + " " * (_STATE_COLUMNS - len(finding["state"]))
    first, *more = wrapped(safe(finding["fact"]), columns - room)
    yield f"{head}{finding['thing']:<{_THING_COLUMNS}}{first}"
    yield from (" " * room + line for line in more)
    if finding["next"]:
        yield from wrapped(f"-> {safe(finding['next'])}", columns, " " * room)
