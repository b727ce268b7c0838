"""`lint TASKDEF.json ...`: the problems of labels, found by the parser that the stack itself uses."""

import json
from typing import Any

import click

from ecs_lattice.declaration import Bounds, declare
from ecs_lattice.declaration.problems import CODES
from ecs_lattice.outcome import Problem, Refused
from ecs_lattice_cli import taskdefs
from ecs_lattice_cli.app import App
from ecs_lattice_cli.errors import GOOD, PROBLEM, CommandError
from ecs_lattice_cli.label_schema import label_schema
from ecs_lattice_cli.options import verb
from ecs_lattice_cli.output import safe, word, wrapped

Pairs = tuple[tuple[str, str], ...]


def _pairs(_: click.Context, __: click.Parameter, written: tuple[str, ...]) -> Pairs:
    """``key=value`` to pairs."""
    for one in written:
        if not one.partition("=")[0].strip() or "=" not in one:
            raise click.BadParameter(f"{one!r} is not key=value, such as lattice.service=orders.")
    return tuple((one.partition("=")[0], one.partition("=")[2]) for one in written)


@verb("lint")
@click.argument("files", nargs=-1, metavar="TASKDEF.json ...")
@click.option(
    "--service-tag", "tags", multiple=True, metavar="KEY=VALUE", callback=_pairs, help="A tag of the ECS service."
)
@click.option(
    "--prefix", default="lattice", show_default=True, metavar="WORD", help="The stack's parameter LabelPrefix."
)
@click.option(
    "--controller",
    type=click.Choice(["ECS", "CODE_DEPLOY", "EXTERNAL"], case_sensitive=False),
    default="ECS",
    show_default=True,
    help="Deployment controller of the ECS service.",
)
@click.option("--schema", "wants_schema", is_flag=True, help="Print a JSON schema of dockerLabels instead.")
def command(app: App, files: tuple[str, ...], tags: Pairs, prefix: str, controller: str, wants_schema: bool) -> int:
    """Check the labels of task definitions.

    Without AWS, by the parser of the stack. A file is what RegisterTaskDefinition takes or describe-task-definition prints; - is
    stdin. What the parameters of a stack forbid beyond that is seen by plan only.
    """
    if wants_schema:
        click.echo(json.dumps(label_schema(prefix), indent=2))
        return GOOD
    if not files:
        raise CommandError("lint needs a task definition: ecs-lattice lint TASKDEF.json, or - for stdin.")
    result = {"files": [_checked(name, tags, prefix, controller.upper()) for name in files]}
    app.emit("lint", result, render)
    return PROBLEM if any(found["problems"] for found in result["files"]) else GOOD


def _checked(name: str, tags: Pairs, prefix: str, controller: str) -> dict[str, Any]:
    """What is said of one file."""
    text = taskdefs.text_of(name)
    task_definition = taskdefs.task_definition(taskdefs.shape_of(text, name))
    found = declare(task_definition, tags, controller, Bounds(label_prefix=prefix))
    problems = [_problem(one, text, prefix) for one in (found.problems if isinstance(found, Refused) else ())]
    return {
        "file": name,
        "taskDefinition": task_definition.name,
        "labelPrefix": prefix,
        "routes": [] if isinstance(found, Refused) else [route.name for route in found.routes],
        "problems": sorted(problems, key=lambda problem: problem["line"] or 0),
    }


def _problem(found: Problem, text: str, prefix: str) -> dict[str, Any]:
    """A problem as data. ``line`` is None if the key is not in the file, as a tag or a default."""
    remedy = CODES[found.code][1].replace("`lattice.", f"`{prefix}.").replace("`", "") if found.code in CODES else ""
    return {
        "code": found.code,
        "line": taskdefs.line_of(text, found.key, found.value),
        "where": found.where,
        "key": found.key,
        "value": found.value,
        "message": found.message,
        "remedy": remedy,
    }


def render(result: dict[str, Any], columns: int) -> list[str]:
    """Each problem as compilers write them, ``file:line: CODE key = value``, with place and reason below; then a summary."""
    lines = [line for found in result["files"] for line in _of_file(found, columns)]
    problems = [problem for found in result["files"] for problem in found["problems"]]
    if problems:
        count = f"{len(problems)} problem{'s' * (len(problems) > 1)}"
        lines += ["", f"{count}. Next: ecs-lattice explain {problems[0]['code']}"]
    return lines


def _of_file(found: dict[str, Any], columns: int) -> list[str]:
    name = safe(found["file"])
    if found["problems"]:
        return [line for problem in found["problems"] for line in _lines(problem, name, columns)]
    good = f"{name}: {word('OK')}"
    if routes := found["routes"]:
        return [f"{good}, {len(routes)} route{'s' * (len(routes) > 1)}: {', '.join(routes)}"]
    return [f"{good}, but no label begins with {safe(found['labelPrefix'])}. (nothing would be hooked up)"]


def _lines(problem: dict[str, Any], name: str, columns: int) -> list[str]:
    place = f"{name}:{problem['line']}" if problem["line"] else name
    written = f"{problem['key']} = {problem['value']}" if problem["value"] else problem["key"]
    said = [problem["message"], f"In: {problem['where']}."]
    if problem["remedy"] and "the message names" not in problem["remedy"]:
        said.append(f"To fix: {problem['remedy']}")
    return [
        f"{place}: {problem['code']} {safe(written)}".rstrip(),
        *(line for text in said for line in wrapped(safe(text), columns, "    ")),
    ]
