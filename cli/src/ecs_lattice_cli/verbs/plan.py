"""`plan`: what a reconcile would do now, or after a deployment of a task definition that need not be registered."""

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import click

from ecs_lattice_cli import services, taskdefs
from ecs_lattice_cli.app import App
from ecs_lattice_cli.errors import CHANGES, GOOD, PROBLEM, CommandError
from ecs_lattice_cli.options import verb
from ecs_lattice_cli.output import safe, span, wrapped

type Data = Mapping[str, Any]

_ADDS = {
    "AuthorizeSecurityGroupIngress", "CreateGroup", "CreateLatticeService", "CreateListener", "CreateRule", "Associate",
    "RegisterTargets",
}  # fmt: skip
_REMOVES = {
    "RevokeSecurityGroupIngress", "Disassociate", "DeleteRule", "DeleteListener", "Deregister", "DeregisterTargets",
    "DeleteGroup", "DeleteLatticeService",
}  # fmt: skip
_DEPLOYMENT = "UpdateService"
"""Steps by the names that the stack's answer has for them; every other one changes something that is there."""
_SECURITY_GROUPS = {"AuthorizeSecurityGroupIngress", "RevokeSecurityGroupIngress"}
_SHOWN_SECONDS = 60  # a shorter time is no wait for people


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
    """The plan of the stack's answer: sections of steps in the order in which they are done, problems, and a count of each
    sign."""
    follows = answer["untilRest"]
    sections = _sections(follows["steps"])
    signs = Counter(line["sign"] for section in sections for line in section["lines"])
    return {
        "ecsService": answer["service"]["arn"],
        "revision": answer["effective"],
        "isNow": is_now,
        "routes": [route["name"] for route in answer["routes"]],
        "sections": sections,
        "waits": follows["waits"],
        "isWhole": follows["is_whole"],
        "problems": _problems(answer),
        "notices": _notices(answer["notices"]),
        "summary": {"add": signs["+"], "change": signs["~"], "remove": signs["-"], "deployments": signs["!"]},
    }


def _sections(steps: Sequence[Data]) -> list[dict[str, Any]]:
    """Steps of one thing that follow one another; ``after``: in how many seconds at the earliest."""
    found: list[dict[str, Any]] = []
    for step in steps:
        name = _subject(step)
        if not found or (found[-1]["name"], found[-1]["after"]) != (name, step["after"]):
            found.append({"name": name, "after": step["after"], "lines": []})
        found[-1]["lines"].append({"sign": _sign(step["call"]), "text": step["text"]})
    return found


def _subject(step: Data) -> str:
    if step["call"] in _SECURITY_GROUPS:
        return "Security groups"
    if step["kind"] == "ecsService":
        return f"ECS service {services.short_name(step['key'])}"
    return f"Lattice service {step['key']}"


def _sign(call: str) -> str:
    if call == _DEPLOYMENT:
        return "!"
    return "+" if call in _ADDS else "-" if call in _REMOVES else "~"


def _notices(by_route: Mapping[str, Sequence[Data]]) -> list[dict[str, Any]]:
    return [{"route": route, **notice} for route, notices in sorted(by_route.items()) for notice in notices]


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
    """Sections of lines with their signs, what is waited for, problems, and the count."""
    name, revision = services.short_name(result["ecsService"]), result["revision"]
    when = "now" if result["isNow"] else "after a deployment of this task definition has completed"
    lines = wrapped(f"ECS service {name}{f' ({revision})' if result['isNow'] and revision else ''}, {when}:", columns)
    for before, section in pairwise(({"after": 0}, *result["sections"])):
        lines += [_heading(section, before["after"]), *_signed(section["lines"], columns)]
    for wait in result["waits"]:
        lines += wrapped(f"Then it waits: {safe(wait)}", columns)
    if not result["isWhole"]:
        lines += wrapped("More follows, which a later plan shows.", columns)
    for problem in result["problems"]:
        lines += _problem(problem, columns)
    for notice in result["notices"]:
        lines += wrapped(f"{notice['code']} ({safe(notice['route'])}): {safe(notice['message'])}", columns, "  ")
    return [*lines, "", _summary(result)]


def _heading(section: Data, before: int) -> str:
    later = section["after"] if section["after"] - before >= _SHOWN_SECONDS else 0
    return f"{safe(section['name'])}{f', after {span(later)}' if later else ''}"


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
