"""Entries to routes: what applies to each, whether written for it, inherited or shared; its port, its values and defaults.

A named route takes each slot from, in this order: its tag, its label, the unnamed tag, the unnamed label. With no named
route the unnamed keys are the one route, ``default``.
"""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, cast

from ecs_lattice.bounds import VALUE, cut
from ecs_lattice.declaration import keys
from ecs_lattice.declaration.port_problems import no_port, unknown_port
from ecs_lattice.declaration.problems import problem
from ecs_lattice.declaration.reading import Bounds, Entry
from ecs_lattice.facts import TaskDefinition
from ecs_lattice.model import HeaderMatch, HealthCheck, Match, PathMatch, ProtocolVersion, Route, TargetProtocol
from ecs_lattice.outcome import Problem

DEFAULT_ROUTE = "default"
_ROUTE_SLOTS = {
    "listeners": "listener",
    "priority": "priority",
    "weight": "weight",
    "networks": "network",
    "domain": "domain",
    "certificate": "certificate",
    "auth": "auth",
    "idle_timeout": "idle-timeout",
    "health_grace": "health.grace",
    "targets": "targets",
    "ingress": "ingress",
    "alarm_minutes": "alarm.minutes",
}
"""Fields of Route that have the value of a slot, or the default of the field."""
MOST_HEADERS = 5
"""VPC Lattice API, HeaderMatchList."""
_HEADER_KINDS = {"header.<name>": "exact", "header-prefix.<name>": "prefix", "header-contains.<name>": "contains"}
_HEALTH_SLOTS = {slot.removeprefix("health.").replace("-", "_"): slot for slot in keys.HEALTH_CHECK_SLOTS}

type Slots = Mapping[str, tuple[Entry, ...]]


@dataclass(frozen=True)
class Draft:
    """A route before it is built. ``start`` is what its keys begin with, ``place`` the task definition, for people."""

    name: str
    slots: Slots
    start: str
    place: str

    @cached_property
    def broken(self) -> frozenset[str]:
        """The slots that hold something that is not allowed; it has been reported, and nothing is concluded from it."""
        return frozenset(
            _HEADER if slot.startswith(f"{_HEADER}.") else slot
            for slot, entries in self.slots.items()
            if any(entry.parsed is None for entry in entries)
        )

    def value(self, slot: str) -> object:
        """The slot's value; None where nothing, or nothing that is allowed, was written."""
        return self.slots[slot][0].parsed if slot in self.slots else None

    def entries(self, slot: str) -> tuple[Entry, ...]:
        """All entries of a slot and, for headers, of its arguments."""
        if slot == _HEADER:
            return tuple(e for name in sorted(self.slots) if name.startswith(f"{slot}.") for e in self.slots[name])
        return self.slots.get(slot, ())

    def problem(self, code: str, slot: str, message: str, value: object = "") -> Problem:
        """A problem about what is in the slot, or about the ``value`` that applies where nothing is."""
        entries = self.entries(slot)
        if not entries:
            name = keys.BY_SLOT[slot].name
            return problem(code, message, key=self.start + name, value=str(value), where=f"default in {self.place}")
        written = entries[0].written
        return problem(code, message, key=written.key, value=written.value, where=written.where)


_HEADER = "header"


@dataclass(frozen=True, slots=True)
class Drafts:
    """The drafts by name, and the names of the routes that the author removes."""

    routes: tuple[Draft, ...]
    removed: tuple[str, ...]


def drafts(entries: Iterable[Entry], prefix: str, place: str) -> Drafts:
    """One draft for each route that is not removed."""
    slots: dict[str | None, dict[str, tuple[Entry, ...]]] = {None: {}}
    labels_first = sorted(entries, key=lambda entry: entry.written.is_tag)
    for of_slot in grouped(labels_first, lambda entry: (entry.written.is_tag, entry.route, entry.slot)):
        slots.setdefault(of_slot[0].route, {})[of_slot[0].slot] = tuple(of_slot)
    unnamed = slots.pop(None)
    if not slots:
        return Drafts((Draft(DEFAULT_ROUTE, unnamed, f"{prefix}.", place),) if unnamed else (), ())
    found = []
    for name, own in sorted((str(name), own) for name, own in slots.items()):
        inherited = _applicable(unnamed, own.get("listener") or unnamed.get("listener", ()))
        found.append(Draft(name, inherited | own, f"{prefix}.routes.{name}.", place))
    kept = tuple(draft for draft in found if draft.value("remove") is not True)
    return Drafts(kept, tuple(draft.name for draft in found if draft not in kept))


def _applicable(slots: Slots, listeners: tuple[Entry, ...]) -> dict[str, tuple[Entry, ...]]:
    """Those of ``slots`` that a route on ``listeners`` can take over: a TLS_PASSTHROUGH route takes none that need HTTP."""
    parsed = [entry.parsed for entry in listeners if isinstance(entry.parsed, tuple)]
    if any(listener.protocol == "TLS_PASSTHROUGH" for listeners in parsed for listener in listeners):
        return {slot: found for slot, found in slots.items() if found[0].key.slot not in keys.HTTP_ONLY_SLOTS}
    return dict(slots)


def share(
    drafts: Iterable[Draft], group: Callable[[Draft], Hashable], shared: keys.Shared
) -> tuple[tuple[Draft, ...], tuple[Problem, ...]]:
    """Within each group, give every route what one of them says; two values are a problem (ROUTES_DISAGREE)."""
    result: list[Draft] = []
    problems: list[Problem] = []
    for members in grouped(drafts, group):
        sources = {
            slot: draft for slot in keys.SHARED_SLOTS[shared] for draft in reversed(members) if slot in draft.slots
        }
        common = {slot: source.slots[slot] for slot, source in sources.items()}
        for draft in members:
            differing = [slot for slot, source in sources.items() if _differ(draft, source, slot)]
            problems += [_disagreement(draft, sources[slot], slot, shared) for slot in differing]
            adopted = _applicable(common, draft.slots.get("listener", ()))
            result.append(replace(draft, slots={**adopted, **draft.slots}))
    return tuple(sorted(result, key=lambda draft: draft.name)), tuple(problems)


def grouped[T](items: Iterable[T], by: Callable[[T], Hashable]) -> list[list[T]]:
    """The items with equal keys, in the order in which each key first comes."""
    groups: dict[Hashable, list[T]] = defaultdict(list)
    for item in items:
        groups[by(item)].append(item)
    return list(groups.values())


def _differ(draft: Draft, source: Draft, slot: str) -> bool:
    if slot not in draft.slots or slot in draft.broken or slot in source.broken:
        return False
    return draft.value(slot) != source.value(slot)


def _disagreement(draft: Draft, source: Draft, slot: str, shared: keys.Shared) -> Problem:
    written = source.slots[slot][0].written
    scope = "one Lattice service" if shared == "service" else "one port on one Lattice service"
    said = cut(written.value, VALUE)
    message = (
        f"route {source.name} says {written.key} = {said} ({written.where}); all routes of {scope} have one value."
    )
    return draft.problem("ROUTES_DISAGREE", slot, message)


def ports_of(drafts: Iterable[Draft], task_definition: TaskDefinition) -> tuple[dict[str, str], list[Problem]]:
    """By route, the name of the port mapping that it means: the one that was written, else the only named TCP port."""
    named = sorted({port.name for port in task_definition.ports if port.transport == "tcp" and port.name})
    ports: dict[str, str] = {}
    problems: list[Problem] = []
    for draft in drafts:
        wanted = draft.value("port")
        if "port" in draft.broken:
            continue
        if wanted in named or (wanted is None and len(named) == 1):
            ports[draft.name] = str(wanted or named[0])
        else:
            problem = no_port if wanted is None else unknown_port
            problems.append(problem(draft, named, task_definition))
    return ports, problems


def build(draft: Draft, port_name: str, bounds: Bounds) -> Route:
    """The route that ``draft`` asks for. What is not allowed in it has its default: nobody uses such a route."""
    written = {name: draft.value(slot) for name, slot in _ROUTE_SLOTS.items() if draft.value(slot) is not None}
    defaults: dict[str, Any] = {"networks": bounds.default_networks}
    if bounds.minimum_auth == "iam":
        defaults["auth"] = "AWS_IAM"
    route = Route(draft.name, "", port_name, **(defaults | written))
    is_tls = any(listener.protocol == "TLS_PASSTHROUGH" for listener in route.listeners)
    protocol = cast(TargetProtocol, draft.value("protocol") or ("TCP" if is_tls else "HTTP"))
    version = None if protocol == "TCP" else cast(ProtocolVersion, draft.value("protocol-version") or "HTTP1")
    return replace(
        route,
        lattice_service=bounds.name_prefix + str(draft.value("service") or ""),
        match=_match(draft),
        protocol=protocol,
        protocol_version=version,
        health=_health(draft, protocol, version),
        alarm=draft.value("alarm") != "off",
        pause=draft.value("pause") is True,
    )


def _match(draft: Draft) -> Match | None:
    path = next((entry for entry in draft.entries("path") if entry.parsed), None)
    sensitive = draft.value("path.case-sensitive") is not False
    headers = [
        HeaderMatch(entry.argument, cast(Any, _HEADER_KINDS[entry.key.name]), str(entry.parsed))
        for entry in draft.entries("header")[:MOST_HEADERS]
        if entry.parsed is not None
    ]
    match = Match(
        path=PathMatch(cast(Any, path.key.name.removeprefix("path.")), str(path.parsed), sensitive) if path else None,
        method=cast(str | None, draft.value("method")),
        headers=tuple(sorted(headers)),
    )
    return None if match == Match() else match


def _health(draft: Draft, protocol: TargetProtocol, version: ProtocolVersion | None) -> HealthCheck:
    """Lattice checks HTTP1 groups unless configured otherwise, and the others only if configured to (User Guide, health checks)."""
    derived = {
        "enabled": version == "HTTP1" or not keys.HEALTH_CHECK_SLOTS.isdisjoint(draft.slots),
        "protocol": "HTTPS" if protocol == "HTTPS" else "HTTP",
        "protocol_version": "HTTP2" if version in {"HTTP2", "GRPC"} else "HTTP1",
    }
    written = {name: draft.value(slot) for name, slot in _HEALTH_SLOTS.items() if draft.value(slot) is not None}
    return HealthCheck(**cast(dict[str, Any], derived | written))
