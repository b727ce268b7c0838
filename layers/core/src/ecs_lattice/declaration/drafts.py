"""Entries to drafts: for each route, what holds for it, written or inherited or shared.

A named route takes each slot from, in this order: its tag, its label, the unnamed tag, the unnamed label. With no named
route the unnamed keys are the one route, ``default``.
"""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, replace

from ecs_lattice.declaration import keys
from ecs_lattice.declaration.problems import problem
from ecs_lattice.declaration.reading import Entry
from ecs_lattice.model import ListenerKey
from ecs_lattice.outcome import Problem

DEFAULT_ROUTE = "default"

type Slots = Mapping[str, tuple[Entry, ...]]


@dataclass(frozen=True, slots=True)
class Draft:
    """A route before it is built. ``start`` is what its keys begin with, ``place`` the task definition, for people."""

    name: str
    slots: Slots
    start: str
    place: str

    def entry(self, slot: str) -> Entry | None:
        """What was written in the slot, the first where there are several."""
        return next(iter(self.slots.get(slot, ())), None)

    def value(self, slot: str) -> object:
        """The slot's value; None where nothing, or nothing that is allowed, was written."""
        entry = self.entry(slot)
        return None if entry is None else entry.parsed

    def has(self, slot: str) -> bool:
        return slot in self.slots

    def is_broken(self, slot: str) -> bool:
        """Whether the slot holds what is not allowed; it has been reported, and nothing is concluded from it."""
        return any(entry.parsed is None for name, found in self.slots.items() if _is(name, slot) for entry in found)

    def entries(self, slot: str) -> tuple[Entry, ...]:
        """All entries of a slot and, for headers, of its arguments."""
        return tuple(entry for name, found in sorted(self.slots.items()) if _is(name, slot) for entry in found)

    def problem(self, code: str, slot: str, message: str, value: object = "") -> Problem:
        """A problem about what stands in the slot, or about the ``value`` that applies where nothing does."""
        entries = self.entries(slot)
        if not entries:
            name = keys.BY_SLOT[slot].name
            return problem(code, message, key=self.start + name, value=str(value), where=f"default in {self.place}")
        written = entries[0].written
        return problem(code, message, key=written.key, value=written.value, where=written.where)


def _is(name: str, slot: str) -> bool:
    return name == slot or (slot == "header" and name.startswith("header."))


@dataclass(frozen=True, slots=True)
class Drafts:
    """The drafts by name, and the names of the routes that the author takes away."""

    routes: tuple[Draft, ...]
    removed: tuple[str, ...]


def drafts(entries: Iterable[Entry], prefix: str, place: str) -> Drafts:
    """One draft for each route that is not taken away."""
    by_level: dict[tuple[str | None, bool], dict[str, tuple[Entry, ...]]] = defaultdict(dict)
    for entry in entries:
        level = by_level[entry.route, entry.written.is_tag]
        level[entry.slot] = (*level.get(entry.slot, ()), entry)
    names = sorted({route for route, _ in by_level if route is not None})
    if not names:
        slots = by_level[None, False] | by_level[None, True]
        return Drafts((Draft(DEFAULT_ROUTE, slots, f"{prefix}.", place),) if slots else (), ())
    found = [_named(name, by_level, prefix, place) for name in names]
    removed = tuple(draft.name for draft in found if draft.value("remove") is True)
    return Drafts(tuple(draft for draft in found if draft.name not in removed), removed)


def _named(
    name: str, by_level: Mapping[tuple[str | None, bool], dict[str, tuple[Entry, ...]]], prefix: str, place: str
) -> Draft:
    own = by_level.get((name, False), {}) | by_level.get((name, True), {})
    inherited = by_level.get((None, False), {}) | by_level.get((None, True), {})
    slots = inherited | own
    if speaks_tls(slots.get("listener", ())):
        slots = {slot: found for slot, found in slots.items() if slot in own or not _is_http_only(slot)}
    return Draft(name, slots, f"{prefix}.routes.{name}.", place)


def speaks_tls(listeners: tuple[Entry, ...]) -> bool:
    """Whether one of the listeners that were written is TLS_PASSTHROUGH."""
    return any(key.protocol == "TLS_PASSTHROUGH" for entry in listeners for key in listener_keys(entry.parsed))


def listener_keys(parsed: object) -> tuple[ListenerKey, ...]:
    """``parsed`` as listeners; none where it is not."""
    return tuple(key for key in parsed if isinstance(key, ListenerKey)) if isinstance(parsed, tuple) else ()


def _is_http_only(slot: str) -> bool:
    return slot.partition(".")[0] == "header" or slot in keys.HTTP_ONLY_SLOTS


def share(
    drafts: Iterable[Draft], group: Callable[[Draft], Hashable], shared: keys.Shared
) -> tuple[tuple[Draft, ...], tuple[Problem, ...]]:
    """Within each group, let every route have what one of them says; two values are a problem (ROUTES_DISAGREE)."""
    slots = sorted({key.slot for key in keys.KEYS if key.shared == shared})
    groups: dict[Hashable, list[Draft]] = defaultdict(list)
    for draft in drafts:
        groups[group(draft)].append(draft)
    result, problems = [], []
    for members in groups.values():
        common = {slot: next((one for one in members if one.has(slot)), None) for slot in slots}
        for draft in members:
            for slot, other in common.items():
                if other is not None and draft.has(slot) and _differ(draft, other, slot):
                    problems.append(_disagreement(draft, other, slot, shared))
            result.append(replace(draft, slots=_adopted(draft, common)))
    return tuple(sorted(result, key=lambda draft: draft.name)), tuple(problems)


def _differ(one: Draft, other: Draft, slot: str) -> bool:
    return not one.is_broken(slot) and not other.is_broken(slot) and one.value(slot) != other.value(slot)


def _adopted(draft: Draft, common: Mapping[str, Draft | None]) -> Slots:
    tls = speaks_tls(draft.slots.get("listener", ()))
    adopted = {
        slot: other.slots[slot]
        for slot, other in common.items()
        if other is not None and not (tls and _is_http_only(slot))
    }
    return {**adopted, **draft.slots}


def _disagreement(draft: Draft, other: Draft, slot: str, shared: keys.Shared) -> Problem:
    entry = other.entry(slot)
    said = f"{entry.written.key} = {entry.written.value} ({entry.written.where})" if entry else "another value"
    whose = "one Lattice service" if shared == "service" else "one port on one Lattice service"
    return draft.problem(
        "ROUTES_DISAGREE", slot, f"route {other.name} says {said}; all routes of {whose} have one value."
    )
