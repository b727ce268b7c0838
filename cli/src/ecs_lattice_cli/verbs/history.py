"""`history [SERVICE]`: what the stack changed, when, and because of what."""

from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Any

import click

from ecs_lattice_cli import services
from ecs_lattice_cli.app import App
from ecs_lattice_cli.durations import seconds
from ecs_lattice_cli.errors import CommandError
from ecs_lattice_cli.options import verb
from ecs_lattice_cli.output import moment, safe, wrapped


@verb("history")
@click.argument("service", required=False)
@click.option("--since", default="12h", show_default=True, metavar="TIME", help="How far back: 45m, 12h, 3d, 2w.")
def command(app: App, service: str | None, since: str) -> None:
    """Show what the stack changed, and because of what.

    SERVICE is an ECS service (its name, cluster/name, or ARN) or the name of a Lattice service. Entries are kept for 90 days.
    """
    began = app.now() - seconds(since)
    key = _key(app, service) if service else ""
    answer = app.stack.invoke("QueryFunctionName", {"mode": "history", "since": began, "key": key})
    app.emit("history", {"since": began, "entries": answer["entries"], "isCut": answer["isCut"]}, render)


def _key(app: App, written: str) -> str:
    """What the history calls the service: the ARN of an ECS service, or the name of a Lattice service."""
    answer = app.stack.invoke("QueryFunctionName", {"mode": "status"})
    arns = [each["arn"] for each in answer["ecsServices"]]
    try:
        return services.resolve(written, arns, app.stack.name)
    except CommandError:
        if written.startswith("arn:") or written in {each["name"] for each in answer["latticeServices"]}:
            return written  # one that is gone has a history, too
        raise


def render(result: Mapping[str, Any], columns: int) -> list[str]:
    """By day: the time, whose, why, and the steps."""
    since, entries = moment(result["since"]), result["entries"]
    if not entries:
        return [f"Nothing was changed since {since}."]
    lines = (
        [f"Only the newest {len(entries)} entries are shown; write a shorter --since.", ""] if result["isCut"] else []
    )
    for day, of_day in groupby(entries, lambda entry: moment(entry["at"])[:10]):
        lines += [f"{day} (UTC)", *(line for entry in of_day for line in _entry(entry, columns)), ""]
    steps = sum(len(entry["steps"]) for entry in entries)
    return [*lines, f"{steps} {'step' if steps == 1 else 'steps'} since {since}."]


def _entry(entry: Mapping[str, Any], columns: int) -> Iterator[str]:
    yield f"{moment(entry['at'])[11:19]}  {safe(_whose(entry))}"
    yield from wrapped(f"because: {safe(entry['cause'])}", columns, "          ")
    for step in entry["steps"]:
        first, *more = wrapped(safe(step), columns - 12, "")
        yield f"          - {first}"
        yield from (f"            {line}" for line in more)


def _whose(entry: Mapping[str, Any]) -> str:
    match entry["kind"]:
        case "ecsService":
            return f"ECS service {services.short_name(entry['key'])}"
        case "latticeService":
            return f"Lattice service {entry['key']}"
        case "customResource":
            return f"custom resource of {entry['key'].partition(':stack/')[2].partition('/')[0] or entry['key']}"
    return f"the stack ({entry['key']})"
