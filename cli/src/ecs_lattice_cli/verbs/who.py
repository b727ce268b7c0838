"""`who URL_OR_PATH`: which rule answers a request, whose it is, and why each other rule does not."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import click

from ecs_lattice_cli import services
from ecs_lattice_cli.app import App
from ecs_lattice_cli.errors import GOOD, PROBLEM, CommandError
from ecs_lattice_cli.lattice import Lattice, Rule, domains, key_of
from ecs_lattice_cli.options import verb
from ecs_lattice_cli.output import safe, table, wrapped
from ecs_lattice_cli.requests import Difference, Request, differences, request_of
from ecs_lattice_cli.routing import Owners, groups_data, rule_data, targets_text

type Data = Mapping[str, Any]

_ABLE = {"HEALTHY", "UNAVAILABLE"}
"""Statuses of targets that requests go to; UNAVAILABLE: the group has no health check."""
_NOBODY = "-"


@verb("who")
@click.argument("url_or_path")
@click.option("--service", metavar="LATTICE", help="The Lattice service. Not needed with a URL with its domain name.")
@click.option("-H", "--header", "headers", multiple=True, metavar="NAME:VALUE", help="A header of the request.")
@click.option("-X", "--method", default="GET", show_default=True, help="The method of the request.")
def command(app: App, url_or_path: str, service: str | None, headers: tuple[str, ...], method: str) -> int:
    """Say which rule answers a request, and why the others do not.

    With its ECS service, target groups, their shares and targets. A path is asked about on HTTPS:443, HTTP:80 or the lowest port,
    whichever the Lattice service has; a URL names the listener by its port. Ends with 1 where no target would get the request.
    """
    request = request_of(url_or_path, method, headers)
    if not (service or request.host):
        raise CommandError(f"{url_or_path} names no Lattice service: write --service, or a URL with its domain name.")
    found = _found(app, request, service)
    app.emit("who", found, render)
    return GOOD if _can_answer(found["answeredBy"]) else PROBLEM


def _found(app: App, request: Request, name: str | None) -> dict[str, Any]:
    lattice = Lattice(app.stack)
    service = lattice.service(name, request.host)
    listener, others = lattice.listener(service, request.port)
    request = request.to(domains(service)[0] if domains(service) else "")
    owners = Owners(app.stack.invoke("QueryFunctionName", {"mode": "status"}), service["name"], listener)
    answering, rest = judged(lattice.rules(service, listener), request)
    return {
        "request": {"method": request.method, "path": request.path, "headers": dict(request.headers)},
        "latticeService": {"name": service["name"], "arn": service["arn"], "domainNames": domains(service)},
        "listener": key_of(listener),
        "otherListeners": [key_of(other) for other in others],
        "answeredBy": rule_data(answering, owners)
        | {"fixedStatus": answering.fixed_status, "targetGroups": groups_data(answering, owners, lattice)},
        "others": [
            rule_data(rule, owners) | {"reasons": [reason._asdict() for reason in reasons]} for rule, reasons in rest
        ],
    }


def judged(rules: Sequence[Rule], request: Request) -> tuple[Rule, list[tuple[Rule, list[Difference]]]]:
    """The rule that answers, the first that the request meets, and the others with why they do not. ``rules`` are in
    order and end with the default action, which every request meets."""
    found = [(rule, differences(rule.match, request)) for rule in rules]
    answering = next(rule for rule, differing in found if not differing)
    later = Difference("later", "it matches, too, but comes later")
    return answering, [(rule, differing or [later]) for rule, differing in found if rule is not answering]


def _can_answer(rule: Data) -> bool:
    """Whether each target group with a share has a target that requests go to."""
    shares = [group for group in rule["targetGroups"] if group["weight"]]
    return bool(shares) and all(_ABLE & group["targets"].keys() for group in shares)


def render(result: Data, columns: int) -> list[str]:
    """The answer in the order of the questions: what answers, who gets it, why no other."""
    request, rule = result["request"], result["answeredBy"]
    asked = f"{request['method']} {safe(request['path'])} on {result['listener']} of Lattice service {safe(result['latticeService']['name'])}"
    lines = [*wrapped(asked, columns), "", *wrapped(f"Answered by {_named(rule)}", columns), *_answer(rule, columns)]
    if result["others"]:
        rows = [_other(other) for other in result["others"]]
        lines += ["", "Not by:", *table(("  PRIORITY", "ECS SERVICE", "ROUTE", "WHY NOT"), rows, columns)]
    if result["otherListeners"]:
        others = ", ".join(result["otherListeners"])
        lines += ["", *wrapped(f"It also listens on {others}: write a URL with the port to ask about that.", columns)]
    if rule["routes"]:
        lines += ["", f"Next: ecs-lattice status {services.short_name(rule['routes'][0]['ecsService'])}"]
    return lines


def _named(rule: Data) -> str:
    if rule["priority"] is None:
        return "the default action of the listener"
    return f"rule {safe(rule['name'])}, priority {rule['priority']}: {safe(rule['match'])}"


def _answer(rule: Data, columns: int) -> Iterator[str]:
    if rule["fixedStatus"] is not None:
        yield f"  It answers {rule['fixedStatus']}; no ECS service gets the request."
        return
    rows = [
        (_share(group), *_whose(group["routes"] or rule["routes"]), targets_text(group), group["id"])
        for group in rule["targetGroups"]
    ]
    yield from table(("  SHARE", "ECS SERVICE", "ROUTE", "TARGETS", "TARGET GROUP"), rows, columns)
    if not rule["routes"]:
        yield from wrapped("None of these target groups is that of a route of this stack.", columns, "  ")
    if not _can_answer(rule):
        yield from wrapped("Not every share has a target that can answer: requests fail.", columns, "  ")


def _share(group: Data) -> str:
    return f"  {group['percent']:g} %"


def _whose(routes: Sequence[Data]) -> tuple[str, str]:
    """The ECS services and the names of routes."""
    names = {services.short_name(route["ecsService"]) for route in routes}
    return ", ".join(sorted(names)) or _NOBODY, safe(", ".join(sorted({route["route"] for route in routes}))) or _NOBODY


def _other(rule: Data) -> Sequence[str]:
    why = "; ".join(reason["message"] for reason in rule["reasons"])
    is_parked = any(reason["kind"] == "parked" for reason in rule["reasons"])
    matches = [route["match"] for route in rule["routes"] if route["match"]] if is_parked else [rule["match"]]
    is_default = rule["priority"] is None
    told = why if is_default or not matches else f"{', '.join(dict.fromkeys(matches))}: {why}"
    return f"  {'default' if is_default else rule['priority']}", *_whose(rule["routes"]), safe(told)
