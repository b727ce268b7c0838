"""`explain SERVICE | CODE`: why the routes of an ECS service are not Live or do not answer; or, without AWS, what a code means."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import click

from ecs_lattice_cli import codes, services
from ecs_lattice_cli.app import App
from ecs_lattice_cli.errors import GOOD, PROBLEM, USAGE, CommandError
from ecs_lattice_cli.nearest import nearest, suggestion
from ecs_lattice_cli.options import verb
from ecs_lattice_cli.output import command_lines, safe, span, word, wrapped

type Data = Mapping[str, Any]

_MEMBERS = ("at", "arn", "cluster", "service", "revision", "problems", "routes")
_NAME_COLUMNS = 10
_AT_REST = frozenset({"Live", "Parked", "Removing", "Paused", "Refused", "Conflicted"})
"""States that do not become Live by waiting."""
_FIRST_COMMANDS, _OTHER_COMMANDS = 3, 1  # of the first cause, of each other one, as in the mails
_PART, _UNDER = "  ", "     "


@verb("explain")
@click.argument("service_or_code", metavar="SERVICE|CODE")
@click.option("--route", help="Explain this route of the ECS service alone.")
def command(app: App, service_or_code: str, route: str | None) -> int:
    """Say why a route is not Live, or what a code means.

    SERVICE is a name, cluster/name, or ARN: for each of its routes, what stands in the way, the causes with what was seen, and the
    commands that fix them. Ends with 1 where a problem is found. CODE is that of a status, a message or a lint, such as
    MATCH_TAKEN; it needs no AWS. A service that is called like a code is written with its cluster.
    """
    if code := codes.meant(service_or_code):
        if route is not None:
            raise CommandError(f"--route is for an ECS service, and {code.code} is a code.")
        app.emit("explain", asdict(code), codes.render)
        return GOOD
    found = _asked(app, service_or_code, route)
    app.emit("explain", found, render)
    return PROBLEM if any(map(_is_problem, (*found["problems"], *found["routes"]))) else GOOD


def _asked(app: App, service: str, route: str | None) -> dict[str, Any]:
    """What the stack says of the ECS service; of the one route only, if it is named."""
    answer = app.stack.invoke("AlarmFunctionName", {"mode": "explain", "ecsService": _arn(app, service)})
    if not answer["isKnown"]:
        raise CommandError(
            f"Stack {app.stack.name} knows nothing of ECS service {service}: it declares no route. "
            "Those that do: ecs-lattice status",
            USAGE,
        )
    found = {name: answer[name] for name in _MEMBERS}
    if route is None:
        return found
    routes = [each for each in found["routes"] if each["route"] == route]
    if not routes:
        names = suggestion(route, (each["route"] for each in found["routes"])) or "it has none."
        raise CommandError(f"ECS service {services.short_name(found['arn'])} has no route {route}; {names}", USAGE)
    return found | {"routes": routes, "problems": []}


def _arn(app: App, written: str) -> str:
    try:
        return services.find(app.stack, written)
    except CommandError as error:
        near = nearest(written, codes.explanations()) if error.exit_code == USAGE else None
        if near is None:
            raise
        raise CommandError(f"{error.message} Or the code {near}?", USAGE) from error


def _is_problem(told: Data) -> bool:
    return bool(told["isProblem"])


def render(result: Data, columns: int) -> list[str]:
    """Each route with what was seen and what explains it, and what to do next."""
    revision = f", task definition {safe(result['revision'])}" if result["revision"] else ""
    lines = [f"ECS service {services.short_name(result['arn'])}{revision}"]
    for route in result["routes"]:
        lines += ["", *_route(route, result["at"], columns)]
    for problem in _others(result):
        lines += ["", *_problem(problem, columns)]
    return [*lines, *_next(result)]


def _others(result: Data) -> list[Data]:
    """The problems that no route tells."""
    told = {(route["code"], route["message"]) for route in result["routes"]}
    return [each for each in result["problems"] if (each["code"], each["message"]) not in told]


def _route(route: Data, at: float, columns: int) -> Iterator[str]:
    since = f" for {span(at - route['since'])}" if route["since"] else ""
    yield f"Route {safe(route['route'])} of Lattice service {safe(route['latticeService'])}: {word(route['state'])}{since}"
    for fact in route["facts"]:
        yield from _fact(fact, columns)
    found = [*_status(route, columns), *_causes(route, columns), *_unread(route, columns)]
    yield from found or [f"{_PART}Nothing stands in the way."]


def _fact(fact: Data, columns: int) -> Iterator[str]:
    first, *more = wrapped(safe(fact["text"]), columns - len(_PART) - _NAME_COLUMNS)
    yield f"{_PART}{fact['name']:<{_NAME_COLUMNS}}{first}"
    yield from (f"{_PART}{'':<{_NAME_COLUMNS}}{line}" for line in more)


def _status(route: Data, columns: int) -> Iterator[str]:
    """The code of the route with its command, unless a cause lays that out, and the notices."""
    if route["code"]:
        yield from wrapped(f"{route['code']}: {safe(route['message'])}", columns, _PART)
    if not _is_laid_out(route["command"], route["causes"]):
        yield from _commands([{"purpose": "To fix", "command": route["command"]}], columns, _PART)
    for notice in route["notices"]:
        yield from wrapped(f"{notice['code']}: {safe(notice['message'])}", columns, _PART)


def _causes(route: Data, columns: int) -> Iterator[str]:
    for number, cause in enumerate(route["causes"], 1):
        yield ""
        yield from _cause(number, cause, columns)


def _unread(route: Data, columns: int) -> Iterator[str]:
    for unread in route["unread"]:
        yield from wrapped(f"Could not be read: {unread['part']}: {safe(unread['why'])}", columns, _PART)


def _cause(number: int, cause: Data, columns: int) -> Iterator[str]:
    certainty = "" if cause["certainty"] == "unknown" else f"{cause['certainty'].upper()}: "
    first, *more = wrapped(f"{certainty}{safe(cause['message'])} [{cause['code']}]", columns - len(_UNDER))
    yield f"{_PART}{number}. {first}"
    yield from (f"{_UNDER}{line}" for line in more)
    for seen in cause["evidence"]:
        yield from wrapped(safe(seen), columns, _UNDER)
    if cause["advice"]:
        yield from wrapped(f"What to do: {safe(cause['advice'])}", columns, _UNDER)
    shown = _FIRST_COMMANDS if number == 1 else _OTHER_COMMANDS
    yield from _commands(cause["commands"][:shown], columns, _UNDER)


def _problem(problem: Data, columns: int) -> Iterator[str]:
    about = f" {safe(problem['key'])} = {safe(problem['value'])!r}" if problem["key"] else ""
    place = f" In: {safe(problem['where'])}." if problem["where"] else ""
    yield from wrapped(f"{problem['code']}{about}: {safe(problem['message'])}{place}", columns)
    yield from _commands([{"purpose": "To fix", "command": problem["command"]}], columns, _PART)


def _is_laid_out(written: str, causes: Sequence[Data]) -> bool:
    return any(written == each["command"] for cause in causes for each in cause["commands"])


def _commands(commands: Sequence[Data], columns: int, indent: str) -> Iterator[str]:
    for each in commands:
        if each["command"]:
            yield f"{indent}{each['purpose']}:"
            yield from (f"{indent}  {line}" for line in command_lines(safe(each["command"]), columns - len(indent) - 2))


def _next(result: Data) -> list[str]:
    """The command to go on with: about the first code, or to wait with; none where all is well."""
    told = filter(_is_problem, (*result["routes"], *result["problems"]))
    if code := next(filter(None, map(_first_code, told)), ""):
        return ["", f"Next: ecs-lattice explain {code}"]
    if any(route["state"] not in _AT_REST for route in result["routes"]):
        return ["", f"Next: ecs-lattice status {services.short_name(result['arn'])} --until live"]
    return []


def _first_code(told: Data) -> str:
    """The code of the most likely cause of a route or problem, or else its own."""
    return str(next((cause["code"] for cause in told.get("causes", ())), told["code"]))
