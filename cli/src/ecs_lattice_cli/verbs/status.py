"""`status [SERVICE]`: which services and routes there are, and how they are; of one service, everything."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import click

from ecs_lattice_cli import services
from ecs_lattice_cli.app import App
from ecs_lattice_cli.errors import GOOD, NOT_YET, PROBLEM, USAGE, CommandError
from ecs_lattice_cli.options import verb
from ecs_lattice_cli.output import safe, span, table, word, wrapped

type Data = Mapping[str, Any]

_HEADS = ("  ROUTE", "LATTICE SERVICE", "STATE", "SINCE", "TARGETS", "CODE")
_EVERY_SECONDS = 5
_UNKNOWN = "-"


@verb("status")
@click.argument("service", required=False)
@click.option("--watch", is_flag=True, help="Keep the table up to date until it is interrupted.")
@click.option("--until", type=click.Choice(["live"]), help="Wait until all routes are Live; no --watch is needed.")
@click.option("--timeout", type=click.IntRange(min=1), default=1800, show_default=True, help="Seconds for --until.")
def command(app: App, service: str | None, watch: bool, until: str | None, timeout: int) -> int:
    """Show ECS services and their routes.

    Each with its state, since when, its targets, and the codes of what stands in its way. SERVICE is a name, cluster/name, or ARN; of it everything is shown. Ends with 1 where a problem is found. With --until live it
    ends with 0 once all routes are Live, with 1 if one of them has a problem, and with 75 when the time is over before.
    """
    if app.as_json and watch and not until:
        raise CommandError(
            "--json prints one document, so it is not possible with --watch; use --until, or run it again."
        )
    if not (watch or until):
        found = _asked(app, service)
        app.emit("status", found, render)
        return PROBLEM if _has_problem(found) else GOOD
    return _watched(app, service, until=until, timeout=timeout)


def _asked(app: App, service: str | None) -> dict[str, Any]:
    request = {"mode": "status"} | ({"ecsService": services.find(app.stack, service)} if service else {})
    answer = app.stack.invoke("QueryFunctionName", request)
    found: dict[str, Any] = {name: answer[name] for name in ("at", "stack", "ecsServices", "latticeServices")}
    if service and not found["ecsServices"]:
        raise CommandError(
            f"Stack {app.stack.name} knows nothing of ECS service {service}: it declares no route.", USAGE
        )
    return found | {"isDetailed": service is not None}


def _watched(app: App, service: str | None, *, until: str | None, timeout: int) -> int:
    """Show the table whenever it changes. Where nobody looks on (``--until`` with --json), only the last one."""
    ends_at, before = app.now() + timeout, None
    while True:
        found = _asked(app, service)
        ended = _ended(found, is_over=app.now() >= ends_at) if until else None
        shown = _without_times(found)
        if shown != before and not app.as_json:
            app.emit("status", found, render)
        before = shown
        if ended is not None:
            if app.as_json:
                app.emit("status", found, render)
            return ended
        app.wait(_EVERY_SECONDS)


def _ended(found: Data, *, is_over: bool) -> int | None:
    """The exit code with which waiting for Live ends; None while it goes on."""
    states = [route["state"] for route in _routes(found)]
    if _has_problem(found):
        return PROBLEM
    if states and set(states) == {"Live"}:
        return GOOD
    return NOT_YET if is_over else None


def _without_times(found: Data) -> Any:
    return [
        (each["arn"], each["problems"], [{**route, "since": 0} for route in each["routes"]])
        for each in found["ecsServices"]
    ]


def _routes(found: Data) -> list[Data]:
    return [route for service in found["ecsServices"] for route in service["routes"]]


def _has_problem(found: Data) -> bool:
    return any(map(_is_ill, found["ecsServices"]))


def render(result: Data, columns: int) -> list[str]:
    """The table of everything, or everything about one service."""
    if result["isDetailed"]:
        return [line for service in result["ecsServices"] for line in _detailed(service, result, columns)]
    if not result["ecsServices"]:
        prefix = result["stack"]["labelPrefix"]
        return wrapped(
            f"Stack {result['stack']['owner']} knows no ECS service with labels. Write {prefix}.service and {prefix}.port into a task "
            "definition and deploy it.",
            columns,
        )
    lines = [line for service in result["ecsServices"] for line in (*_listed(service, result["at"], columns), "")]
    return [*lines, *_summary(result, columns)]


def _listed(service: Data, at: float, columns: int) -> Iterator[str]:
    revision = f"  {service['revision']}" if service["revision"] else ""
    yield f"{services.short_name(service['arn'])}{revision}"
    rows = [_row(route, at) for route in service["routes"]]
    if rows:
        yield from table(_HEADS, rows, columns)
    for problem in (
        each for each in service["problems"] if each["isProblem"]
    ):  # the others say what the routes' codes say
        yield from wrapped(f"{problem['code']} {_subject(problem)}".rstrip(), columns, "  ")


def _row(route: Data, at: float) -> Sequence[str]:
    since = span(at - route["since"]) if route["since"] else _UNKNOWN
    return (
        f"  {safe(route['route'])}", safe(route["latticeService"]), word(route["state"]), since,
        _targets(route["targets"]), _codes(route),
    )  # fmt: skip


def _targets(targets: Data | None) -> str:
    """``2 HEALTHY, 1 DRAINING``; ``-`` where they are not known or there is no target group."""
    if targets is None:
        return _UNKNOWN
    return ", ".join(f"{number} {status}" for status, number in sorted(targets.items(), key=_order)) or "none"


def _order(item: tuple[str, int]) -> tuple[bool, str]:
    return item[0] != "HEALTHY", item[0]


def _codes(route: Data) -> str:
    codes = [route["code"], *(notice["code"] for notice in route["notices"])]
    return ", ".join(code for code in codes if code) or _UNKNOWN


def _subject(problem: Data) -> str:
    return f"{safe(problem['key'])} = {safe(problem['value'])!r}" if problem["key"] else ""


def _summary(result: Data, columns: int) -> list[str]:
    routes, ill = _routes(result), [each for each in result["ecsServices"] if _is_ill(each)]
    states = Counter(route["state"] for route in routes)
    counted = ", ".join(f"{number} {state}" for state, number in states.items())
    count = f"{_number(result['ecsServices'], 'ECS service')}, {_number(routes, 'route')}"
    lines = wrapped(f"{count}{': ' if counted else ''}{counted}.", columns)
    if result["stack"]["isUninstalling"]:
        lines += wrapped("The stack is being uninstalled: labels are ignored.", columns)
    if ill:
        lines += [f"Next: ecs-lattice status {services.short_name(ill[0]['arn'])}"]
    return lines


def _is_ill(service: Data) -> bool:
    return any(each["isProblem"] for each in (*service["problems"], *service["routes"]))


def _number(things: Sequence[object], name: str) -> str:
    return f"{len(things)} {name}{'' if len(things) == 1 else 's'}"


def _detailed(service: Data, result: Data, columns: int) -> Iterator[str]:
    revision = f", task definition {service['revision']}" if service["revision"] else ""
    yield f"ECS service {services.short_name(service['arn'])}{revision}"
    due = {each["name"]: each["dueAt"] for each in result["latticeServices"]}
    for route in service["routes"]:
        yield ""
        yield from _route(route, result["at"], due.get(route["latticeService"], 0.0), columns)
    for problem in service["problems"]:
        place = f" In: {safe(problem['where'])}." if problem["where"] else ""
        yield ""
        yield f"{problem['code']} {_subject(problem)}".rstrip()
        yield from wrapped(f"{safe(problem['message'])}{place}", columns, "  ")
        yield from _fix(problem["command"])


def _route(route: Data, at: float, due_at: float, columns: int) -> Iterator[str]:
    since = f" for {span(at - route['since'])}" if route["since"] else ""
    name = f"Route {safe(route['route'])} of Lattice service {safe(route['latticeService'])}"
    yield f"{name}: {word(route['state'])}{since}"
    if route["match"]:
        yield from wrapped(f"Requests: {safe(route['match'])} on {', '.join(route['listeners'])}", columns, "  ")
    if route["url"]:
        yield f"  URL: {safe(route['url'])}"
    if route["targetGroupArn"]:
        group = route["targetGroupArn"].rpartition("/")[2]
        yield from wrapped(
            f"Targets: {_targets(route['targets'])}, port {route['port']}, target group {group}", columns, "  "
        )
    if route["code"]:
        yield from wrapped(f"{route['code']}: {safe(route['message'])}", columns, "  ")
        yield from _fix(route["command"])
    for notice in route["notices"]:
        yield from wrapped(f"{notice['code']}: {safe(notice['message'])}", columns, "  ")
    if due_at > at and route["state"] != "Live":
        yield f"  The Lattice service is looked at again in {span(due_at - at)}."


def _fix(written: str) -> list[str]:
    """The command that fixes it, unwrapped so that it can be copied."""
    return ["  To fix:", f"    {safe(written)}"] if written else []
