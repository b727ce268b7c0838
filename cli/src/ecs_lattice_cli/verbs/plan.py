"""`plan`: what a reconcile would do now, or after a deployment of a task definition that need not be registered."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import click

from ecs_lattice_cli import services, taskdefs
from ecs_lattice_cli.app import App
from ecs_lattice_cli.errors import CHANGES, GOOD, PROBLEM, CommandError
from ecs_lattice_cli.options import verb
from ecs_lattice_cli.output import safe, wrapped

type Data = Mapping[str, Any]
type Line = tuple[str, str]
"""A sign and what it is of: ``+`` is added, ``~`` changed, ``-`` removed, ``!`` a deployment."""

_ADDS = {"CreateGroup", "CreateLatticeService", "CreateListener", "CreateRule", "Associate"}
_REMOVES = {"Disassociate", "DeleteRule", "DeleteListener", "Deregister", "DeleteGroup", "DeleteLatticeService"}
"""Steps by the names of the plan's schema; every other one changes something that is there."""


def _pairs(_: click.Context, __: click.Parameter, written: tuple[str, ...]) -> dict[str, str] | None:
    for pair in written:
        if "=" not in pair:
            raise click.BadParameter(f"{pair!r} is no KEY=VALUE.")
    return dict(pair.split("=", 1) for pair in written) or None


@verb("plan")
@click.argument("file", required=False, metavar="[TASKDEF.json]")
@click.option("--service", required=True, help="The ECS service: its name, cluster/name, or ARN.")
@click.option("--service-tag", "tags", multiple=True, metavar="KEY=VALUE", callback=_pairs,
              help="A tag of the ECS service, instead of those that it has.")  # fmt: skip
@click.option("--detailed-exitcode", is_flag=True, help="End with 2 where there is something to do.")
def command(app: App, file: str | None, service: str, tags: dict[str, str] | None, detailed_exitcode: bool) -> int:
    """Say what the stack would do for an ECS service.

    Without a file: now. With a task definition, which need not be registered: after a deployment of it has completed. Nothing is
    changed. Ends with 1 where a problem is found.
    """
    if tags and not file:
        raise CommandError("--service-tag is planned together with a task definition.")
    request: dict[str, Any] = {"ecsService": services.find(app.stack, service), "mode": "plan"}
    if file:
        request["taskDefinition"] = taskdefs.shape_of(taskdefs.text_of(file), file)
    if tags:
        request["serviceTags"] = tags
    result = planned(app.stack.invoke("EcsServiceFunctionName", request), is_now=file is None)
    app.emit("plan", result, render)
    if result["problems"]:
        return PROBLEM
    return CHANGES if detailed_exitcode and any(result["summary"].values()) else GOOD


def planned(answer: Data, *, is_now: bool) -> dict[str, Any]:
    """The plan of the stack's answer: sections of lines, what follows, problems, and a count of each sign."""
    sections = [(name, lines) for name, lines in _sections(answer) if lines]
    follows = [*_attachment(answer), *_of_claims(answer["claims"])]
    signs = Counter(sign for lines in (*(lines for _, lines in sections), follows) for sign, _ in lines)
    return {
        "ecsService": answer["service"]["arn"],
        "revision": answer["effective"],
        "isNow": is_now,
        "routes": [route["name"] for route in answer["routes"]],
        "sections": [{"name": name, "lines": _data(lines)} for name, lines in sections],
        "follows": _data(follows),
        "problems": _problems(answer),
        "notices": _notices(answer["notices"]),
        "summary": {"add": signs["+"], "change": signs["~"], "remove": signs["-"], "deployments": signs["!"]},
    }


def _data(lines: Sequence[Line]) -> list[dict[str, str]]:
    return [{"sign": sign, "text": text} for sign, text in lines]


def _notices(by_route: Mapping[str, Sequence[Data]]) -> list[dict[str, Any]]:
    return [{"route": route, **notice} for route, notices in sorted(by_route.items()) for notice in notices]


def _sections(answer: Data) -> Iterator[tuple[str, list[Line]]]:
    openings = [
        ("+", f"security group {opening['group_id']}: open for VPC Lattice on {_ports(opening['ports'])}")
        for opening in answer["openings"]
    ]
    yield "Security groups", openings
    yield "ECS service", [*_deployment(answer["attach"]), *_targets(answer["changes"])]
    for plan in answer["latticeServices"]:
        lines = [(_sign(step["step"]), step["text"]) for step in plan["steps"]]
        yield f"Lattice service {plan['lattice_service']}", lines


def _ports(ports: Sequence[Data]) -> str:
    families = {"IPV4": "IPv4", "IPV6": "IPv6"}
    spans = ((one["ports"]["first"], one["ports"]["last"], families.get(one["family"], one["family"])) for one in ports)
    return ", ".join(f"{first if first == last else f'{first}-{last}'} ({family})" for first, last, family in spans)


def _deployment(attach: Data) -> Iterator[Line]:
    if attach["kind"] in {"attach", "roll_back"}:
        entries = ", ".join(
            f"{entry['group_arn'].rpartition('/')[2]} for port {entry['port_name']}" for entry in attach["entries"]
        )
        yield "!", f"one deployment of the ECS service, with the target groups: {entries or 'none'}"


def _targets(changes: Sequence[Data]) -> Iterator[Line]:
    for change in changes:
        group = change["group"]["arn"].rpartition("/")[2]
        for sign, verb_, members in (("+", "register", "register"), ("-", "deregister", "deregister")):
            if change[members]:
                yield sign, f"{verb_} {len(change[members])} targets of target group {group}"


def _sign(step: str) -> str:
    return "+" if step in _ADDS else "-" if step in _REMOVES else "~"


def _attachment(answer: Data) -> Iterator[Line]:
    """The deployment of a later reconcile that attaches routes whose target groups are only being made."""
    names = [claim["route"]["name"] for claim in answer["claims"] if _is_to_be_attached(claim)]
    if names and answer["attach"]["kind"] not in {"attach", "roll_back"}:
        yield "!", f"one deployment of the ECS service registers its tasks with the target groups of {', '.join(names)}"


def _is_new(claim: Data) -> bool:
    return claim["phase"] == "declared" and not claim["named"]


def _is_to_be_attached(claim: Data) -> bool:
    return _is_new(claim) and not claim["own_group"] and claim["route"]["targets"] != "controller"


def _of_claims(claims: Sequence[Data]) -> Iterator[Line]:
    """What becomes of each route, as far as its claim says it."""
    for claim in claims:
        name = claim["route"]["name"]
        if _is_new(claim):
            yield "~", f"route {name} receives its requests once a target of it is healthy"
        elif claim["phase"] != "declared":
            yield "-", f"route {name} is removed after the grace time, and its tasks are detached"


def _problems(answer: Data) -> list[dict[str, Any]]:
    """Those of the ECS service, and those of the answers that its routes would get."""
    names = {route["name"] for route in answer["routes"]}
    found = [dict(problem) for problem in answer["problems"]]
    for plan in answer["latticeServices"]:
        for key, reply in sorted(plan["answers"].items()):
            service, _, route = key.rpartition("#")
            if service == answer["service"]["arn"] and route in names and reply["state"] in {"Refused", "Conflicted"}:
                where = f"route {route} of Lattice service {plan['lattice_service']}"
                found.append(
                    {
                        "code": reply["code"],
                        "message": reply["message"],
                        "key": "",
                        "value": "",
                        "where": where,
                        "command": "",
                    }
                )
    return found


def render(result: Data, columns: int) -> list[str]:
    """Sections of lines with their signs, what follows, problems, and the count."""
    name, revision = services.short_name(result["ecsService"]), result["revision"]
    when = "now" if result["isNow"] else "after a deployment of this task definition has completed"
    lines = wrapped(f"ECS service {name}{f' ({revision})' if result['isNow'] and revision else ''}, {when}:", columns)
    for section in result["sections"]:
        lines += [safe(section["name"]), *_signed(section["lines"], columns)]
    if result["follows"]:
        lines += ["Then", *_signed(result["follows"], columns)]
    for problem in result["problems"]:
        lines += _problem(problem, columns)
    for notice in result["notices"]:
        lines += wrapped(f"{notice['code']} ({safe(notice['route'])}): {safe(notice['message'])}", columns, "  ")
    return [*lines, "", _summary(result)]


def _signed(lines: Sequence[Data], columns: int) -> list[str]:
    found = []
    for line in lines:
        first, *more = wrapped(safe(line["text"]), columns - 4) or [""]
        found += [f"  {line['sign']} {first}", *(f"    {rest}" for rest in more)]
    return found


def _problem(problem: Data, columns: int) -> list[str]:
    subject = f" {safe(problem['key'])} = {safe(problem['value'])!r}" if problem["key"] else ""
    place = f" In: {safe(problem['where'])}." if problem["where"] else ""
    lines = [f"{problem['code']}{subject}", *wrapped(f"{safe(problem['message'])}{place}", columns, "  ")]
    return [*lines, *(["  To fix:", f"    {safe(problem['command'])}"] if problem["command"] else [])]


def _summary(result: Data) -> str:
    count = result["summary"]
    problems = f", {_number(len(result['problems']), 'problem')}" if result["problems"] else ""
    if not any(count.values()):
        return f"Plan: nothing to do{problems}."
    parts = f"{count['add']} to add, {count['change']} to change, {count['remove']} to remove"
    return f"Plan: {parts}, {_number(count['deployments'], 'deployment')}{problems}."


def _number(count: int, name: str) -> str:
    return f"{count} {name}{'' if count == 1 else 's'}"
