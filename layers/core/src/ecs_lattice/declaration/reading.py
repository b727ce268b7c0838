"""Labels and tags to entries: which keys are under the prefix, what each says, and where it was written.

The labels of all containers are one set. A tag replaces the label of the same key. Keys compare without case and without
surrounding spaces; values lose surrounding spaces.
"""

import dataclasses
import difflib
import functools
import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, Self

from ecs_lattice.bounds import VALUE, cut
from ecs_lattice.declaration import values
from ecs_lattice.declaration.keys import BY_FAMILY, BY_NAME, KEYS, Key
from ecs_lattice.declaration.problems import problem
from ecs_lattice.facts import TaskDefinition
from ecs_lattice.outcome import Problem
from ecs_lattice.settings import Settings

ROUTE_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}", re.ASCII)
TAG_PLACE = "tag of the ECS service"
RESERVED_HEADERS = "ecs-lattice-"
"""Parked rules match a header of this family."""
_NEAR, _VERY_NEAR = 0.6, 0.8
"""Ratios of difflib that tell typing errors from other words."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """The platform's rules, set by the stack's parameters; they override every label and tag.

    ``label_prefix``: keys begin with it and a dot. ``allow_tags``: whether tags of the ECS service may declare and override.
    ``default_networks`` apply where a declaration names none and are always allowed. ``allowed_networks`` and
    ``allowed_domains`` are names or globs (empty: all). ``minimum_auth``: a label may raise it, never lower it.
    ``name_prefix`` precedes the name of every Lattice service. ``listeners_per_service`` is the account's quota of
    listeners per Lattice service (2 unless it was raised: VPC Lattice User Guide, quotas).
    """

    label_prefix: str = "lattice"
    allow_tags: bool = True
    default_networks: tuple[str, ...] = ()
    allowed_networks: tuple[str, ...] = ()
    allowed_domains: tuple[str, ...] = ()
    minimum_auth: Literal["none", "iam"] = "none"
    name_prefix: str = ""
    listeners_per_service: int = 2

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """The bounds that the function's environment sets."""
        names = {field.name for field in dataclasses.fields(cls)} - {"listeners_per_service"}
        return cls(**{name: getattr(settings, name) for name in names})


@dataclass(frozen=True, slots=True, order=True)
class Written:
    """A key as the author wrote it. ``key``, ``value`` and ``where`` are for people."""

    key: str
    value: str
    where: str
    is_tag: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """A key that was understood. ``parsed`` None: it has no allowed value, which has been reported.

    ``route`` is None for an unnamed key. ``argument`` is the header's name, else ''. ``slot``: the key's, with the argument.
    """

    written: Written
    key: Key
    argument: str
    route: str | None
    slot: str
    parsed: object = None


@dataclass(frozen=True, slots=True)
class Reading:
    """Everything that was written under the prefix: one entry per key, and what is wrong with each by itself."""

    entries: tuple[Entry, ...]
    problems: tuple[Problem, ...]


def read(task_definition: TaskDefinition, tags: Iterable[tuple[str, str]], bounds: Bounds) -> Reading:
    """The entries of a task definition's labels and an ECS service's tags."""
    start = f"{bounds.label_prefix.lower()}."
    labels = {
        Written(key, value, f"docker label of container {container} in {task_definition.name}")
        for container, key, value in task_definition.labels
        if key.strip().lower().startswith(start)
    }
    tagged = {Written(key, value, TAG_PLACE, True) for key, value in tags if key.strip().lower().startswith(start)}
    if not bounds.allow_tags and not labels:
        message = "this stack takes no tags (parameter AllowTags): write it as a docker label of the task definition."
        return Reading((), tuple(_at(written, "TAGS_NOT_ALLOWED", message) for written in sorted(tagged)))
    return _entries(sorted(labels | tagged if bounds.allow_tags else labels), bounds.label_prefix)


def _entries(ours: list[Written], prefix: str) -> Reading:
    understood = [_understand(written, prefix) for written in ours]
    single, others = _one_each(_without_replaced([entry for entry, problem in understood if entry and not problem]))
    valued = [_with_value(entry) for entry in single]
    misspelt = [(entry, problem) for entry, problem in understood if problem]
    found = (*valued, *others, *misspelt)
    return Reading(
        tuple(dict.fromkeys(entry for entry, _ in found if entry)),
        tuple(dict.fromkeys(problem for _, problem in found if problem)),
    )


def _understand(written: Written, prefix: str) -> tuple[Entry | None, Problem | None]:
    """The entry, or the problem; for a misspelt key both."""
    route, name = None, written.key.strip().lower()[len(prefix) + 1 :]
    if name.partition(".")[0] == "routes":
        route, _, name = name.removeprefix("routes").removeprefix(".").partition(".")
    if route is not None and ROUTE_NAME.fullmatch(route) is None:
        message = f"{route!r} is not a route name: 1 to 32 of a-z, 0-9, '-' and '_', the first a letter or digit."
        return None, _at(written, "BAD_ROUTE_NAME", message)
    found = _find(name)
    if found is None:
        return _misspelt(written, route, name, prefix)
    key, argument = found
    if argument and (not values.is_header_name(argument) or argument.startswith(RESERVED_HEADERS)):
        message = (
            f"{argument!r} is not a header to match: up to 100 letters, digits and !#$%&'*+-.^_`|~, not beginning with"
        )
        return None, _at(written, "BAD_HEADER_NAME", f"{message} {RESERVED_HEADERS!r}.")
    if key.named_only and route is None:
        return None, _at(written, "NAMED_ONLY", f"write {prefix}.routes.<name>.{key.name} with the route's name.")
    return _entry(written, key, argument, route), None


def _entry(written: Written, key: Key, argument: str, route: str | None) -> Entry:
    return Entry(written, key, argument, route, f"{key.slot}.{argument}" if argument else key.slot)


def _find(name: str) -> tuple[Key, str] | None:
    """The key called ``name`` (in lower case, without prefix and route) and its argument, the header's name or ''."""
    family, _, argument = name.partition(".")
    if argument and family in BY_FAMILY:
        return BY_FAMILY[family], argument
    return (BY_NAME[name], "") if name in BY_NAME else None


def _dotted(route: str, name: str) -> tuple[str, str] | None:
    """The route's name with dots in it, and the key, where ``name`` is a known key only after what continues that name: of
    ``v1`` and ``2.path.prefix``, ``v1.2`` and ``path.prefix``. Not where a misspelt key is as likely."""
    if _closest(name.partition(".")[0], {key.name.partition(".")[0] for key in KEYS}, _NEAR):
        return None
    parts = name.split(".")
    keys = (".".join(parts[start:]) for start in range(1, len(parts)))
    return next(((f"{route}.{name.removesuffix(f'.{key}')}", key) for key in keys if _find(key)), None)


def _misspelt(written: Written, route: str | None, name: str, prefix: str) -> tuple[Entry | None, Problem]:
    """The entry that was probably meant, without a value, so that nothing is concluded from the key's seeming absence."""
    if route is not None and (dotted := _dotted(route, name)):
        whole, key_name = dotted
        message = (
            f"{whole!r} is not a route name, because a dot ends the name: write {prefix}.routes.{whole.replace('.', '-')}."
            f"{key_name}, and so for every key of the route."
        )
        return None, _at(written, "BAD_ROUTE_NAME", message)
    meant = _find(_nearest(name) or "")
    problem = _at(written, "UNKNOWN_KEY", _suggestion(route, name, prefix))
    return (_entry(written, *meant, route) if meant else None), problem


def _suggestion(route: str | None, name: str, prefix: str) -> str:
    start = f"{prefix}.routes.{route}." if route is not None else f"{prefix}."
    if route is not None and not name:
        return f"a key must follow the route's name: {start}<key>."
    family, _, named = name.partition(".")
    if route is None and "." in named and _closest(family, {"routes"}, _VERY_NEAR):
        return f"there is no such key; did you mean {prefix}.routes.{named}?"
    if near := _nearest(name):
        return f"there is no such key; did you mean {start}{near}?"
    return f"there is no such key; these can follow {start!r}: {', '.join(key.name for key in KEYS)}."


@functools.lru_cache(maxsize=128)
def _nearest(name: str) -> str | None:
    """The known key that ``name`` was probably meant to be; None when none is near."""
    family, _, argument = name.partition(".")
    if like := _closest(family, BY_FAMILY, _VERY_NEAR):
        return f"{like}.{argument or '<name>'}"
    plain = [key.name for key in KEYS if not key.name.endswith(".<name>")]
    candidates = {name.rpartition(".")[2]: name for name in reversed(plain)}  # interval: health.interval
    candidates |= {name.partition(".")[0]: name for name in reversed(plain)}  # path: path.prefix
    candidates |= dict(zip(plain, plain, strict=True))
    return candidates.get(_closest(name, candidates, _NEAR) or "")


def _closest(name: str, candidates: Iterable[str], cutoff: float) -> str | None:
    return next(iter(difflib.get_close_matches(name, sorted(candidates), n=1, cutoff=cutoff)), None)


def _without_replaced(entries: list[Entry]) -> list[Entry]:
    """A tag replaces labels of its key, and whatever is in the same slot: path.exact replaces path.prefix."""
    replaced = {(entry.route, entry.slot) for entry in entries if entry.written.is_tag}
    return [entry for entry in entries if entry.written.is_tag or (entry.route, entry.slot) not in replaced]


def _one_each(entries: list[Entry]) -> tuple[list[Entry], list[tuple[Entry, Problem]]]:
    """The entries of keys with one value; and the first of each key with several, once per other value, with its problem."""
    same: dict[tuple[str | None, str, str], list[Entry]] = defaultdict(list)
    for entry in entries:
        same[entry.route, entry.key.name, entry.argument].append(entry)
    single: list[Entry] = []
    ambiguous: list[tuple[Entry, Problem]] = []
    for first, *others in same.values():
        different = [other for other in others if other.written.value.strip() != first.written.value.strip()]
        said = cut(first.written.value, VALUE)
        message = f"{first.written.key} is {said!r} as {first.written.where}; a key has one value."
        ambiguous += [(first, _at(other.written, "TWO_VALUES", message)) for other in different]
        if not different:
            single.append(first)
    return single, ambiguous


def _with_value(entry: Entry) -> tuple[Entry, Problem | None]:
    value = entry.written.value.strip()
    try:
        parsed = entry.key.parse(value)
        reason = ""
    except ValueError as error:
        reason = str(error)
    if not value:
        reason = "there is no value"
    if reason:
        allowed = entry.key.allowed.replace("`", "")
        return entry, _at(entry.written, "BAD_VALUE", f"{reason}; allowed: {allowed}.")
    return dataclasses.replace(entry, parsed=parsed), None


def _at(written: Written, code: str, message: str) -> Problem:
    return problem(code, message, key=written.key, value=written.value, where=written.where)
