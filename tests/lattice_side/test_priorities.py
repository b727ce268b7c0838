"""Rule priorities: in order, distinct, and moved only where they must be."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecs_lattice.lattice_side.priorities import specificity, spread
from ecs_lattice.model import HeaderMatch, Match, PathMatch
from tests import strategies as profile  # noqa: F401  its profile makes examples deterministic

numbers = st.integers(1, 2000)


def match(path: str | None = None, kind: str = "prefix", method: str | None = None, headers: int = 0) -> Match:
    given_headers = tuple(HeaderMatch(f"h{n}", "exact", "v") for n in range(headers))
    return Match(PathMatch(kind, path, True) if path else None, method, given_headers)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (match("/a", "exact"), match("/a/long/prefix")),
        (match("/a/b"), match("/a")),
        (match("/a", headers=2), match("/a", headers=1)),
        (match("/a", method="GET"), match("/a")),
        (match("/a"), match(method="GET")),
        (match(headers=1), match(method="GET")),
    ],
)
def test_the_more_specific_match_comes_first(first: Match, second: Match) -> None:
    assert specificity(first) < specificity(second)


@given(
    st.lists(st.integers(0, 30), unique=True, max_size=20),
    st.dictionaries(st.integers(0, 30), numbers),
    st.sets(numbers),
)
def test_priorities_are_ascending_distinct_allowed_and_not_taken(
    order: list[int], current: dict[int, int], taken: set[int]
) -> None:
    found = spread(order, current, taken)
    values = [found[each] for each in order]
    assert values == sorted(set(values))
    assert not set(values) & taken
    assert all(1 <= value <= 2000 for value in values)


@given(st.lists(st.integers(0, 30), unique=True, max_size=10), st.integers(31, 40), st.integers(0, 10))
def test_an_added_rule_moves_no_other(order: list[int], added: int, at: int) -> None:
    before = spread(order, {}, ())
    after = spread([*order[:at], added, *order[at:]], before, ())
    assert {each: after[each] for each in order} == before


@given(st.lists(st.integers(0, 30), unique=True, max_size=12), st.data())
def test_as_many_as_can_stay_where_they_are(order: list[int], data: st.DataObject) -> None:
    before = spread(order, {}, ())
    shuffled = data.draw(st.permutations(order))
    after = spread(shuffled, before, ())
    best = max((sum(1 << n & mask > 0 for n in range(len(order))) for mask in range(1 << min(len(order), 8))
                if _ascending([before[e] for n, e in enumerate(shuffled) if 1 << n & mask])), default=0)  # fmt: skip
    stay = sum(after[each] == before[each] for each in order)
    # The gaps are wide, so the longest ascending run stays; of more than eight only eight were tried here.
    assert stay >= best


def _ascending(values: list[int]) -> bool:
    return values == sorted(values)


def test_where_there_is_no_room_all_are_spread_anew() -> None:
    after = spread(["a", "new", "b"], {"a": 5, "b": 6}, ())
    assert after["a"] < after["new"] < after["b"]
