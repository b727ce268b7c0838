"""Labels and tags to entries: which keys are ours, what they say, and where each stands.

Labels of all containers are one set. A tag replaces the label of the same key. Keys compare without case and without
spaces around them; values lose the spaces around them.
"""

import dataclasses
import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from ecs_lattice.declaration import keys, lookup, values
from ecs_lattice.declaration.bounds import Bounds
from ecs_lattice.declaration.problems import problem
from ecs_lattice.facts import TaskDefinition
from ecs_lattice.outcome import Problem

ROUTE_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}", re.ASCII)
TAG_PLACE = "tag of the ECS service"
RESERVED_HEADERS = "ecs-lattice-"
"""Rules that are parked match a header of this family."""


@dataclass(frozen=True, slots=True, order=True)
class Written:
    """A key as the author wrote it. ``key``, ``value`` and ``where`` are for people."""

    key: str
    value: str
    where: str
    is_tag: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """A written key, understood. ``parsed`` None: it has no value that is allowed, which has been reported.

    ``route`` is None for an unnamed key. ``argument`` is the header's name, else ''.
    """

    written: Written
    key: keys.Key
    argument: str
    route: str | None
    parsed: object = None

    @property
    def slot(self) -> str:
        return f"{self.key.slot}.{self.argument}" if self.argument else self.key.slot


@dataclass(frozen=True, slots=True)
class Reading:
    """Everything that was written under the prefix: one entry a key, and what is wrong by itself."""

    entries: tuple[Entry, ...]
    problems: tuple[Problem, ...]


def read(task_definition: TaskDefinition, tags: Iterable[tuple[str, str]], bounds: Bounds) -> Reading:
    """The entries of a task definition's labels and an ECS service's tags."""
    labels = [
        Written(key, value, f"docker label of container {container} in {task_definition.name}")
        for container, key, value in task_definition.labels
        if _is_ours(key, bounds)
    ]
    tagged = [Written(key, value, TAG_PLACE, is_tag=True) for key, value in tags if _is_ours(key, bounds)]
    if not bounds.allow_tags:
        if tagged and not labels:
            return Reading((), tuple(_not_allowed(written) for written in sorted(tagged)))
        tagged = []
    understood = [_understand(written, bounds) for written in sorted({*labels, *tagged})]
    entries = _without_replaced([one for one in understood if isinstance(one, Entry)])
    single, ambiguous, doubles = _one_each(entries)
    bad = [found for entry in single if (found := _bad_value(entry))]
    parsed = [dataclasses.replace(entry, parsed=_parsed(entry)) for entry in single]
    unknown = [one for one in understood if isinstance(one, Problem)]
    return Reading((*parsed, *ambiguous, *_meant(sorted({*labels, *tagged}), bounds)), (*unknown, *doubles, *bad))


def _is_ours(key: str, bounds: Bounds) -> bool:
    return key.strip().lower().startswith(f"{bounds.label_prefix.lower()}.")


def _not_allowed(written: Written) -> Problem:
    message = "this stack takes no tags (parameter AllowTags): write it as a docker label of the task definition."
    return problem("TAGS_NOT_ALLOWED", message, key=written.key, value=written.value, where=written.where)


def _understand(written: Written, bounds: Bounds) -> Entry | Problem:
    route, name = _split(_rest(written, bounds))
    if route is not None and ROUTE_NAME.fullmatch(route) is None:
        message = f"{route!r} is no name for a route: 1 to 32 of a-z, 0-9, '-' and '_', the first a letter or digit."
        return _at(written, "BAD_ROUTE_NAME", message)
    found = lookup.find(name)
    if found is None:
        return _at(written, "UNKNOWN_KEY", _suggestion(route, name, bounds.label_prefix))
    key, argument = found
    if argument and (not values.is_header_name(argument) or argument.startswith(RESERVED_HEADERS)):
        message = (
            f"{argument!r} is no header to match: up to 100 letters, digits and !#$%&'*+-.^_`|~, not beginning with"
        )
        return _at(written, "BAD_HEADER_NAME", f"{message} {RESERVED_HEADERS!r}.")
    if key.named_only and route is None:
        return _at(
            written, "NAMED_ONLY", f"write {bounds.label_prefix}.routes.<name>.{key.name} with the route's name."
        )
    return Entry(written, key, argument, route)


def _rest(written: Written, bounds: Bounds) -> str:
    return written.key.strip().lower()[len(bounds.label_prefix) + 1 :]


def _split(rest: str) -> tuple[str | None, str]:
    family, _, named = rest.partition(".")
    if family != "routes":
        return None, rest
    route, _, name = named.partition(".")
    return route, name


def _suggestion(route: str | None, name: str, prefix: str) -> str:
    start = f"{prefix}.routes.{route}." if route is not None else f"{prefix}."
    if route is not None and not name:
        return f"a key must follow the route's name: {start}<key>."
    family, _, named = name.partition(".")
    if route is None and "." in named and lookup.is_like_routes(family):
        return f"there is no such key; did you mean {prefix}.routes.{named}?"
    near = lookup.nearest(name)
    if near is not None:
        return f"there is no such key; did you mean {start}{near}?"
    known = ", ".join(key.name for key in keys.KEYS)
    return f"there is no such key; after {start!r} may stand: {known}."


def _meant(ours: list[Written], bounds: Bounds) -> list[Entry]:
    """For misspelt keys what was probably meant, without a value: nothing is concluded from its seeming absence."""
    meant = []
    for written in ours:
        route, name = _split(_rest(written, bounds))
        found = None if lookup.find(name) else lookup.find(lookup.nearest(name) or "")
        if found is not None and (route is None or ROUTE_NAME.fullmatch(route)):
            meant.append(Entry(written, *found, route))
    return meant


def _parsed(entry: Entry) -> object:
    value = entry.written.value.strip()
    if not value:
        return None
    try:
        return entry.key.parse(value)
    except ValueError:
        return None


def _bad_value(entry: Entry) -> Problem | None:
    value = entry.written.value.strip()
    reason = "" if value else "there is no value"
    try:
        entry.key.parse(value)
    except ValueError as error:
        reason = reason or str(error)
    if not reason:
        return None
    return _at(entry.written, "BAD_VALUE", f"{reason}; allowed: {entry.key.allowed.replace('`', '')}.")


def _without_replaced(entries: list[Entry]) -> list[Entry]:
    """A tag replaces labels of its key, and of what stands in the same slot: path.exact a path.prefix."""
    replaced = {(entry.route, entry.slot) for entry in entries if entry.written.is_tag}
    return [entry for entry in entries if entry.written.is_tag or (entry.route, entry.slot) not in replaced]


def _one_each(entries: list[Entry]) -> tuple[list[Entry], list[Entry], list[Problem]]:
    """One entry for each key: those with one value, those with several, and the problems of the latter."""
    same: dict[tuple[str | None, str, str], list[Entry]] = defaultdict(list)
    for entry in entries:
        same[entry.route, entry.key.name, entry.argument].append(entry)
    single: list[Entry] = []
    ambiguous: list[Entry] = []
    problems: list[Problem] = []
    for first, *others in same.values():
        different = [one for one in others if one.written.value.strip() != first.written.value.strip()]
        (ambiguous if different else single).append(first)
        for one in different:
            message = f"{first.written.key} is {first.written.value!r} as {first.written.where}; a key has one value."
            problems.append(_at(one.written, "TWO_VALUES", message))
    return single, ambiguous, problems


def _at(written: Written, code: str, message: str) -> Problem:
    return problem(code, message, key=written.key, value=written.value, where=written.where)
