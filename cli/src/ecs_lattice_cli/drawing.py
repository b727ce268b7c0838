"""What leads from clients to tasks, as VPC Lattice has it, and the picture of it."""

import functools
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from ecs_lattice_cli import services
from ecs_lattice_cli.errors import CommandError
from ecs_lattice_cli.lattice import Lattice, domains, key_of
from ecs_lattice_cli.output import COLORS, safe
from ecs_lattice_cli.pictures import Edge, Group, Picture, Tone
from ecs_lattice_cli.requests import is_parked
from ecs_lattice_cli.routing import Owners, groups_data, rule_data, targets_text

if TYPE_CHECKING:
    from ecs_lattice_cli.stack import Stack

type Data = Mapping[str, Any]

_TONES: Mapping[str, Tone] = {"green": "good", "yellow": "waiting", "red": "bad"}
_WORST_FIRST: tuple[Tone, ...] = ("bad", "waiting", "good")


def found(stack: "Stack", status: Data, names: Iterable[str] = ()) -> dict[str, Any]:
    """The Lattice services with these names, ids or ARNs; without any, those of the stack. ``status`` is the answer to `status`."""
    lattice = Lattice(stack)
    ours = {service["arn"] for service in status["latticeServices"]}
    wanted = [lattice.service(name, "") for name in names] or [
        each for each in lattice.services() if each["arn"] in ours
    ]
    if not wanted:
        raise CommandError(f"Stack {stack.name} has no Lattice service yet. Next: ecs-lattice status")
    vpcs = functools.cache(lattice.client_vpcs)
    return {"latticeServices": [_service(lattice, status, service, vpcs) for service in wanted]}


def _service(lattice: Lattice, status: Data, service: Data, vpcs: Callable[[str], list[str]]) -> dict[str, Any]:
    return {
        "name": service["name"],
        "arn": service["arn"],
        "domainNames": domains(service),
        "networks": [
            {
                "name": each["serviceNetworkName"],
                "arn": each["serviceNetworkArn"],
                "status": each["status"],
                "vpcs": vpcs(each["serviceNetworkArn"]),
            }
            for each in lattice.networks(service)
        ],
        "listeners": [_listener(lattice, status, service, listener) for listener in lattice.listeners(service)],
    }


def _listener(lattice: Lattice, status: Data, service: Data, listener: Data) -> dict[str, Any]:
    owners = Owners(status, service["name"], listener)
    rules = [
        rule_data(rule, owners)
        | {
            "isParked": is_parked(rule.match),
            "fixedStatus": rule.fixed_status,
            "targetGroups": groups_data(rule, owners, lattice),
        }
        for rule in lattice.rules(service, listener)
    ]
    return {"key": key_of(listener), "arn": listener["arn"], "rules": rules}


def picture(result: Data) -> Picture:
    """The picture of the document."""
    clients, networks = Group("vpc", "VPCs of clients"), Group("network", "Service networks")
    groups, ecs = Group("group", "Target groups"), Group("ecs", "ECS services")
    drawn = Picture([clients, networks])
    for service in result["latticeServices"]:
        ways = [_network(drawn, clients, networks, network) for network in service["networks"]]
        for listener in service["listeners"]:
            title = f"{safe(service['name'])} {listener['key']}"
            frame = Group(f"listener{len(drawn.groups) - 1}", title, is_ordered=True)
            drawn.groups.append(frame)
            for rule in listener["rules"]:
                _rule(drawn, frame, (groups, ecs), rule)
            for way, is_active in ways:
                drawn.connect(Edge(way, next(iter(frame.nodes)), title, is_active))
    drawn.groups += [groups, ecs]
    return drawn


def _network(drawn: Picture, clients: Group, networks: Group, network: Data) -> tuple[str, bool]:
    """The node of a service network, and whether the Lattice service can be reached through it."""
    node = networks.add(network["arn"], safe(network["name"]))
    for vpc in network["vpcs"]:
        drawn.connect(Edge(clients.add(vpc, vpc), node))
    return node, network["status"] == "ACTIVE"


def _rule(drawn: Picture, frame: Group, ends: tuple[Group, Group], rule: Data) -> None:
    """A rule, whose first line has its place, since requests meet rules in order, and what it forwards to."""
    groups, ecs = ends
    match = "parked" if rule["isParked"] else safe(rule["match"])
    priority = "default action" if rule["priority"] is None else f"priority {rule['priority']}"
    fixed = () if rule["fixedStatus"] is None else (f"answers {rule['fixedStatus']}",)
    of_routes = [
        f"{route['route']} of {services.short_name(route['ecsService'])}: {route['state']}" for route in rule["routes"]
    ]
    tone = _tone(route["state"] for route in rule["routes"])
    node = frame.add(
        rule["arn"], f"{len(frame.nodes) + 1}: {match}", *fixed, *map(safe, of_routes), priority, tone=tone
    )
    for group in rule["targetGroups"]:
        end = groups.add(group["id"], group["id"], targets_text(group), tone=_tone(group["targets"]))
        share = "" if len(rule["targetGroups"]) == 1 and group["weight"] else f"{group['percent']:g} %"
        drawn.connect(Edge(node, end, share, group["weight"] > 0 and not rule["isParked"]))
        for route in group["routes"] or rule["routes"]:
            drawn.connect(Edge(end, ecs.add(route["ecsService"], services.short_name(route["ecsService"]))))


def _tone(words: Iterable[str]) -> Tone:
    """That of the worst of the words that have one."""
    tones = {_TONES[COLORS[word]] for word in words if word in COLORS}
    return next((tone for tone in _WORST_FIRST if tone in tones), "")
