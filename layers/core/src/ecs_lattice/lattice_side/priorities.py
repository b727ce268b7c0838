"""Rule priorities: as declared, else by how specific the match is; a rule moves only where it must.

VPC Lattice evaluates rules by ascending priority, 1-2000, unique on a listener (VPC Lattice API, RulePriority).
"""

from bisect import bisect_left
from collections.abc import Collection, Hashable, Mapping, Sequence

from ecs_lattice.lattice_side.desired_values import DesiredRule
from ecs_lattice.lattice_side.entries import ListenerAssignment
from ecs_lattice.model import Match

LOWEST, HIGHEST = 1, 2000


def rule_priorities(listener: ListenerAssignment, rules: list[DesiredRule]) -> dict[str, int]:
    """Priorities by rule name: the declared ones first, then those of the matches by specificity, then all others."""
    entries = {entry.needed_by: entry for entry in listener.matches if entry.claims_match}
    current = {rule.name: rule.there.priority for rule in rules if rule.there}
    declared: dict[str, int] = {}
    by_match: dict[str, tuple[object, ...]] = {}
    others: dict[str, int] = {}
    for rule in rules:
        entry = entries.get(rule.needed_by)
        if entry is None:
            others[rule.name] = current.get(rule.name, HIGHEST + 1)
        elif entry.priority is not None:
            declared[rule.name] = entry.priority
        else:
            by_match[rule.name] = specificity(entry.match or Match())
    fixed = {rule.priority for rule in (*listener.foreign, *listener.frozen)}
    taken = fixed.union(declared.values(), others.values())
    numbers = declared | spread(sorted(by_match, key=lambda name: by_match[name]), current, taken)
    return numbers | spread(
        sorted(others, key=lambda name: (others[name], name)), current, fixed.union(numbers.values())
    )


def specificity(match: Match) -> tuple[object, ...]:
    """Sorts the more specific match first: exact before prefix, longer before shorter, more headers, a method."""
    kind, value, sensitive = match.path or ("none", "", True)
    order = {"exact": 0, "prefix": 1, "none": 2}[kind]
    kinds = tuple(sorted({"exact": 0, "prefix": 1, "contains": 2}[header.kind] for header in match.headers))
    length = sum(len(header.value) for header in match.headers)
    return order, -len(value), -len(match.headers), match.method is None, kinds, -length, not sensitive, repr(match)


def spread[K: Hashable](order: Sequence[K], current: Mapping[K, int], taken: Collection[int]) -> dict[K, int]:
    """A priority for each key of ``order``, ascending, none of them in ``taken``.

    The keys whose ``current`` priorities are in order keep them (as many as can); the others go between their neighbors,
    as far from both as there is room. Only where there is no room are all spread anew.
    """
    usable = {key: priority for key, priority in current.items() if priority not in taken}
    pairs = [(key, usable[key]) for key in order if LOWEST <= usable.get(key, 0) <= HIGHEST]
    kept = _longest_ascending(pairs) if len(pairs) > 1 else dict(pairs)
    spread_out = _fill_gaps(order, kept, taken)
    return _fill_gaps(order, {}, taken) or {} if spread_out is None else spread_out


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


def _fill_gaps[K: Hashable](order: Sequence[K], kept: Mapping[K, int], taken: Collection[int]) -> dict[K, int] | None:
    """A priority for every key, with ``kept`` as they are; None if a gap between two of them is too small."""
    numbers = dict(kept)
    gap: list[K] = []
    low = LOWEST - 1
    bounds: list[tuple[K | None, int | None]] = [*((key, kept.get(key)) for key in order), (None, HIGHEST + 1)]
    for key, high in bounds:
        if high is None:
            gap += [key] if key is not None else []
            continue
        room = [number for number in range(low + 1, high) if number not in taken]
        if len(room) < len(gap):
            return None
        for place, waiting in enumerate(gap, 1):
            numbers[waiting] = room[place * (len(room) + 1) // (len(gap) + 1) - 1]
        gap, low = [], high
    return numbers
