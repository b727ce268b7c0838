"""The VPC Lattice graph as API clients see it, for the demo's tables."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types_boto3_vpc_lattice import VPCLatticeClient

PARKED = "ecs-lattice-parked"


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule, or a listener's default action (priority None). ``forwards`` are (group name, weight); or ``fixed``."""

    priority: int | None
    match: str
    forwards: tuple[tuple[str, int], ...] = ()
    fixed: int | None = None
    parked: bool = False


@dataclass(frozen=True, slots=True)
class Listener:
    name: str
    rules: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """A target group with the (address, port, status) of its targets."""

    name: str
    arn: str
    protocol: str
    targets: tuple[tuple[str, int, str], ...]


@dataclass(frozen=True, slots=True)
class Service:
    name: str
    domain: str
    networks: tuple[tuple[str, str], ...]
    listeners: tuple[Listener, ...]


@dataclass(frozen=True, slots=True)
class Graph:
    services: tuple[Service, ...]
    groups: tuple[Group, ...]

    def rules(self) -> Iterator[tuple[str, Rule]]:
        for service in self.services:
            for listener in service.listeners:
                for rule in listener.rules:
                    yield f"{service.name} {listener.name}", rule


_TRIES = 10


def read(lattice: "VPCLatticeClient") -> Graph:
    """The whole graph of the account; read again when a resource was deleted between two calls."""
    for _ in range(_TRIES - 1):
        with contextlib.suppress(lattice.exceptions.ResourceNotFoundException):
            return _read(lattice)
    return _read(lattice)


def _read(lattice: "VPCLatticeClient") -> Graph:
    groups = tuple(_group(lattice, group) for group in _all(lattice, "list_target_groups"))
    names = {group.arn: group.name for group in groups} | {group.arn.rsplit("/", 1)[-1]: group.name for group in groups}
    return Graph(tuple(_service(lattice, item, names) for item in _all(lattice, "list_services")), groups)


def _group(lattice: "VPCLatticeClient", item: dict[str, Any]) -> Group:
    targets = _all(lattice, "list_targets", targetGroupIdentifier=item["arn"])
    listed = tuple(sorted((t["id"], t.get("port", 0), t["status"]) for t in targets))
    return Group(item["name"], item["arn"], item.get("protocol", ""), listed)


def _service(lattice: "VPCLatticeClient", item: dict[str, Any], names: dict[str, str]) -> Service:
    read_ = lattice.get_service(serviceIdentifier=item["id"])
    associations = _all(lattice, "list_service_network_service_associations", serviceIdentifier=item["id"])
    listeners = _all(lattice, "list_listeners", serviceIdentifier=item["id"])
    return Service(
        name=item["name"],
        domain=read_.get("customDomainName") or read_.get("dnsEntry", {}).get("domainName", ""),
        networks=tuple(sorted((a["serviceNetworkName"], a["status"]) for a in associations)),
        listeners=tuple(_listener(lattice, item["id"], listener, names) for listener in listeners),
    )


def _listener(lattice: "VPCLatticeClient", service: str, item: dict[str, Any], names: dict[str, str]) -> Listener:
    where = {"serviceIdentifier": service, "listenerIdentifier": item["id"]}
    default = lattice.get_listener(serviceIdentifier=service, listenerIdentifier=item["id"])["defaultAction"]
    summaries = [rule for rule in _all(lattice, "list_rules", **where) if not rule["isDefault"]]
    rules = [
        _rule(lattice.get_rule(serviceIdentifier=service, listenerIdentifier=item["id"], ruleIdentifier=r["id"]), names)
        for r in summaries
    ]
    fallback = _action(None, "everything else", default, names)
    return Listener(
        f"{item['protocol']}:{item['port']}", (*sorted(rules, key=lambda rule: rule.priority or 0), fallback)
    )


def _rule(read_: Any, names: dict[str, str]) -> Rule:
    http = read_["match"]["httpMatch"]
    parts = [http.get("method", "")]
    if path := http.get("pathMatch"):
        kind, value = next(iter(path["match"].items()))
        parts.append(value + ("*" if kind == "prefix" else ""))
    headers = http.get("headerMatches") or []
    parked = any(header["name"] == PARKED for header in headers)
    parts += [f"{h['name']}~{next(iter(h['match'].values()))}" for h in headers if h["name"] != PARKED]
    match = "no requests yet (parked)" if parked else " ".join(part for part in parts if part)
    return _action(read_["priority"], match, read_["action"], names, parked=parked)


def _action(priority: int | None, match: str, action: Any, names: dict[str, str], *, parked: bool = False) -> Rule:
    if "fixedResponse" in action:
        return Rule(priority, match, fixed=action["fixedResponse"]["statusCode"], parked=parked)
    forwards = action["forward"]["targetGroups"]
    pairs = tuple(
        (names.get(f["targetGroupIdentifier"], f["targetGroupIdentifier"]), f.get("weight", 100)) for f in forwards
    )
    return Rule(priority, match, pairs, parked=parked)


def _all(lattice: Any, operation: str, **parameters: Any) -> list[dict[str, Any]]:
    return [item for page in lattice.get_paginator(operation).paginate(**parameters) for item in page["items"]]
