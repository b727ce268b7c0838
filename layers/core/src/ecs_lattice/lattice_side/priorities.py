"""Rule priorities: the author's, else by how specific the match is; what may stay where it is stays.

VPC Lattice looks at the rules by ascending priority, 1-2000, each once on a listener (VPC Lattice API, RulePriority).
"""

from bisect import bisect_left
from collections.abc import Collection, Hashable, Mapping, Sequence

from ecs_lattice.model import Match

LOWEST, HIGHEST = 1, 2000


def specificity(match: Match) -> tuple[object, ...]:
    """Sorts the more specific match first: exact before prefix, longer before shorter, more headers, a method."""
    kind, value, sensitive = match.path or ("none", "", True)
    order = {"exact": 0, "prefix": 1, "none": 2}[kind]
    kinds = tuple(sorted({"exact": 0, "prefix": 1, "contains": 2}[each.kind] for each in match.headers))
    headers = sum(len(each.value) for each in match.headers)
    return order, -len(value), -len(match.headers), match.method is None, kinds, -headers, not sensitive, repr(match)


def spread[K: Hashable](order: Sequence[K], current: Mapping[K, int], taken: Collection[int]) -> dict[K, int]:
    """A priority for each of ``order``, ascending, none of them in ``taken``.

    Those whose ``current`` priorities are in order keep them (as many as can); the others go between their neighbours,
    as far from both as there is room. Only where there is no room all are spread anew.
    """
    usable = {key: priority for key, priority in current.items() if priority not in taken}
    kept = _longest_ascending([(key, usable[key]) for key in order if LOWEST <= usable.get(key, 0) <= HIGHEST])
    placed = _place(order, kept, taken)
    return placed if placed is not None else _place(order, {}, taken) or {}


def _longest_ascending[K: Hashable](pairs: Sequence[tuple[K, int]]) -> dict[K, int]:
    """The longest run of pairs, in their order, with ascending numbers."""
    tails: list[int] = []
    ends: list[int] = []
    before: list[int | None] = []
    for index, (_, number) in enumerate(pairs):
        at = bisect_left(tails, number)
        before.append(ends[at - 1] if at else None)
        tails[at:] = [number] if at == len(tails) else [number, *tails[at + 1 :]]
        ends[at:] = [index] if at == len(ends) else [index, *ends[at + 1 :]]
    chosen: dict[K, int] = {}
    at_index = ends[-1] if ends else None
    while at_index is not None:
        chosen[pairs[at_index][0]] = pairs[at_index][1]
        at_index = before[at_index]
    return chosen


def _place[K: Hashable](order: Sequence[K], kept: Mapping[K, int], taken: Collection[int]) -> dict[K, int] | None:
    """Everyone's number, with those of ``kept`` where they are; None if some gap is too small."""
    numbers: dict[K, int] = {}
    waiting: list[K] = []
    low = LOWEST - 1
    for each in (*order, None):
        high = HIGHEST + 1 if each is None else kept.get(each)
        if high is None and each is not None:
            waiting.append(each)
            continue
        high = HIGHEST + 1 if high is None else high
        room = [number for number in range(low + 1, high) if number not in taken]
        if len(room) < len(waiting):
            return None
        for place, one in enumerate(waiting, 1):
            numbers[one] = room[place * (len(room) + 1) // (len(waiting) + 1) - 1] if waiting else 0
        if each is not None:
            numbers[each] = high
        waiting, low = [], high
    return numbers
