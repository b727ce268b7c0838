"""Matches as the sets of requests that they take (decision 49): equal, one within another, overlapping.

How VPC Lattice compares: a path exactly or by prefix, with case unless the rule says otherwise; a method exactly; a header's
name and value without case (VPC Lattice API, PathMatch, HttpMatch, HeaderMatch). Every path begins with ``/``.
"""

from collections.abc import Iterable
from dataclasses import replace
from itertools import groupby

from ecs_lattice.model import HeaderMatch, Match, PathMatch

EVERYTHING = Match()
"""The match of a default action, and of ``path.prefix=/``."""


def normal(match: Match | None) -> Match:
    """The same value for all matches of the same requests, however they are written; None is a default action's.

    What no request lacks and what another condition implies is left out. A match that no request can meet (two values of
    one header) equals only itself.
    """
    return _normal(match) if match else EVERYTHING


def has_query(match: Match | None) -> bool:
    """Whether the path of the match holds ``?`` or ``#``, before which the path of every request ends (RFC 3986, 3.3): no
    request meets it."""
    return match is not None and match.path is not None and not {"?", "#"}.isdisjoint(match.path.value)


def covers(wide: Match, narrow: Match) -> bool:
    """Whether every request that ``narrow`` takes is one that ``wide`` takes. Both are normal."""
    if not all(_can_hold(conditions) for conditions in _by_name(narrow.headers)):
        return True
    return (
        _path_covers(wide.path, narrow.path)
        and wide.method in {None, narrow.method}
        and all(any(_implies(known, wanted) for known in narrow.headers) for wanted in wide.headers)
    )


def overlaps(one: Match, other: Match) -> bool:
    """Whether a request exists that both take. Both are normal."""
    return (
        _paths_overlap(one.path, other.path)
        and (None in {one.method, other.method} or one.method == other.method)
        and all(_can_hold(conditions) for conditions in _by_name({*one.headers, *other.headers}))
    )


def has_narrower_path(one: Match, other: Match) -> bool:
    """Whether the path of ``one`` says more than that of ``other``: exact before prefix, longer before shorter, any before
    none. Both are normal."""
    return _path_rank(one.path) < _path_rank(other.path)


def _normal(match: Match) -> Match:
    path = match.path
    if path and (path.kind, path.value) == ("prefix", "/"):
        path = None
    if path and not path.is_case_sensitive:
        value = path.value.lower()
        path = PathMatch(path.kind, value, is_case_sensitive=not _has_letters(value))
    headers = {_normal_header(header) for header in match.headers}
    needed = [header for header in headers if not any(_implies(other, header) for other in headers - {header})]
    return Match(path, match.method, tuple(sorted(needed)))


def _normal_header(header: HeaderMatch) -> HeaderMatch:
    header = HeaderMatch(header.name.lower(), header.kind, header.value.lower())
    return replace(header, kind="prefix") if header.kind == "contains" and not header.value else header


def _has_letters(text: str) -> bool:
    return text.lower() != text.upper()


# Paths


def _path_covers(wide: PathMatch | None, narrow: PathMatch | None) -> bool:
    if wide is None or narrow is None:
        return wide is None
    if wide.is_case_sensitive and not narrow.is_case_sensitive and (wide.kind == "exact" or _has_letters(wide.value)):
        return False  # of a path in any case ``wide`` takes one spelling
    value = narrow.value if wide.is_case_sensitive else narrow.value.lower()
    return value.startswith(wide.value) if wide.kind == "prefix" else (narrow.kind, value) == ("exact", wide.value)


def _paths_overlap(one: PathMatch | None, other: PathMatch | None) -> bool:
    if one is None or other is None:
        return True
    with_case = one.is_case_sensitive and other.is_case_sensitive
    a, b = (one.value, other.value) if with_case else (one.value.lower(), other.value.lower())
    return a == b or (other.kind == "prefix" and a.startswith(b)) or (one.kind == "prefix" and b.startswith(a))


def _path_rank(path: PathMatch | None) -> tuple[int, int]:
    return ({"exact": 0, "prefix": 1}[path.kind], -len(path.value)) if path else (2, 0)


# Headers


def _by_name(headers: Iterable[HeaderMatch]) -> list[list[HeaderMatch]]:
    return [list(conditions) for _, conditions in groupby(sorted(headers), key=lambda header: header.name)]


def _implies(known: HeaderMatch, wanted: HeaderMatch) -> bool:
    """Whether every header that meets ``known`` meets ``wanted``."""
    if known.name != wanted.name:
        return False
    match wanted.kind:
        case "exact":
            return known == wanted
        case "prefix":
            return not wanted.value or (known.kind != "contains" and known.value.startswith(wanted.value))
        case "contains":
            return wanted.value in known.value


def _can_hold(conditions: list[HeaderMatch]) -> bool:
    """Whether one value can meet all these conditions of one header: what is to be contained can always be appended."""
    if exact := next((header for header in conditions if header.kind == "exact"), None):
        return all(_implies(exact, header) for header in conditions)
    longest = max((header.value for header in conditions if header.kind == "prefix"), key=len, default="")
    return all(longest.startswith(header.value) for header in conditions if header.kind == "prefix")
