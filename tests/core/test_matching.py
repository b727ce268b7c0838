"""Matches as sets of requests, against the data plane of the local AWS, which was written for itself."""

import itertools
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import tests.strategies  # noqa: F401  the profile
from ecs_lattice.aws.lattice_shapes import match_to
from ecs_lattice.matching import EVERYTHING, covers, normal, overlaps
from ecs_lattice.model import HeaderMatch, Match, PathMatch
from local_aws.lattice import routing
from local_aws.network import Request

_FRAGMENTS = ["a", "A", "b", "ab", "ba", "1"]
_PATHS = ["/", "/a", "/A", "/ab", "/aB", "/1", "/1a"]
_METHODS = ["GET", "POST"]

paths = st.none() | st.builds(PathMatch, st.sampled_from(["exact", "prefix"]), st.sampled_from(_PATHS), st.booleans())
headers = st.builds(
    HeaderMatch,
    st.sampled_from(["x", "X", "y"]),
    st.sampled_from(["exact", "prefix", "contains"]),
    st.sampled_from(_FRAGMENTS),
)
matches = st.builds(
    Match,
    paths,
    st.none() | st.sampled_from(_METHODS),
    st.lists(headers, max_size=2).map(lambda found: tuple(sorted(found))),
)


def requests_about(*about: Match) -> list[Request]:
    """Requests among which there is a witness of every difference between two such matches: every path that they name, in
    other cases and longer; a method that none names; headers left out, and made of what they name and of something else."""
    named = {match.path.value for match in about if match.path} | {"/"}
    targets = sorted({case + rest for path in named for case in _cases(path) for rest in ("", "z")})
    methods = ["PUT", *{match.method for match in about if match.method}]
    values: dict[str, list[str | None]] = {}
    for name in {header.name.lower() for match in about for header in match.headers}:
        parts = {h.value.lower() for match in about for h in match.headers if h.name.lower() == name} | {"z"}
        joined = {"".join(each) for size in (1, 2, 3, 4) for each in itertools.product(sorted(parts), repeat=size)}
        values[name] = [None, *sorted(joined)]
    sent = [
        {name: value for name, value in zip(values, each, strict=True) if value is not None}
        for each in itertools.product(*values.values())
    ]
    return [Request(*line, each) for line in itertools.product(methods, targets) for each in sent]


def _cases(text: str) -> set[str]:
    return {"".join(each) for each in itertools.product(*({letter.lower(), letter.upper()} for letter in text))}


def takes(match: Match, request: Request) -> bool:
    return match == EVERYTHING or routing.matches(match_to(match), request)


def is_met(match: Match) -> bool:
    return any(takes(match, request) for request in requests_about(match))


def is_small(*about: Match) -> bool:
    """Whether one example is worked in a moment: not many conditions of two headers."""
    return len({(h.name.lower(), h.value.lower()) for match in about for h in match.headers}) < 4


@settings(max_examples=300)
@given(matches, matches)
def test_one_match_covers_another_iff_it_takes_all_its_requests(wide: Match, narrow: Match) -> None:
    assume(is_small(wide, narrow))
    of_both = [(takes(wide, r), takes(narrow, r)) for r in requests_about(wide, narrow)]
    assert covers(normal(wide), normal(narrow)) == all(of_wide for of_wide, of_narrow in of_both if of_narrow)


@settings(max_examples=300)
@given(matches, matches)
def test_matches_overlap_iff_a_request_is_of_both(one: Match, other: Match) -> None:
    assume(is_small(one, other))
    is_shared = any(takes(one, r) and takes(other, r) for r in requests_about(one, other))
    assert overlaps(normal(one), normal(other)) == overlaps(normal(other), normal(one)) == is_shared


@settings(max_examples=300)
@given(matches, matches)
def test_matches_have_one_normal_form_iff_they_take_the_same_requests(one: Match, other: Match) -> None:
    assume(is_small(one, other) and is_met(one) and is_met(other))
    are_same = all(takes(one, r) == takes(other, r) for r in requests_about(one, other))
    assert (normal(one) == normal(other)) == are_same


@given(matches)
def test_the_normal_form_is_its_own_and_takes_the_same_requests(match: Match) -> None:
    assert normal(normal(match)) == normal(match)
    assert all(takes(match, r) == takes(normal(match), r) for r in requests_about(match))


def match_of(path: str = "", sensitive: Any = True, method: str | None = None, **headers: str) -> Match:
    kind = "prefix" if path.endswith("*") else "exact"
    found = PathMatch(kind, path.removesuffix("*"), sensitive) if path else None  # type: ignore[arg-type]
    kinds = {"=": "exact", "^": "prefix", "*": "contains"}
    named = (HeaderMatch(name, kinds[value[0]], value[1:]) for name, value in headers.items())  # type: ignore[arg-type]
    return Match(found, method, tuple(named))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (match_of("/*"), None),
        (match_of("/*", False), match_of("/*")),
        (match_of("/*", method="GET"), match_of(method="GET")),
        (match_of("/*", x="=1"), match_of(X="=1")),
        (match_of("/Orders*", False), match_of("/orders*", False)),
        (match_of("/2026/*", False), match_of("/2026/*")),
        (match_of(x="=Blue"), match_of(X="=blue")),
        (match_of(x="^"), match_of(X="*")),
        (Match(headers=(HeaderMatch("x", "exact", "a"),) * 2), match_of(x="=a")),
        (Match(headers=(HeaderMatch("x", "exact", "ab"), HeaderMatch("x", "prefix", "A"))), match_of(x="=ab")),
    ],
)
def test_these_spellings_are_one_set(one: Match, other: Match | None) -> None:
    assert normal(one) == normal(other)


def test_a_header_of_any_value_is_not_everything() -> None:
    assert normal(match_of(x="^")) != EVERYTHING
    assert not covers(normal(match_of(x="^")), EVERYTHING)
