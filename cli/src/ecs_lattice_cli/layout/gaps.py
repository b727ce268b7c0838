"""How arrows run between two columns."""

from bisect import bisect
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from ecs_lattice_cli.layout.rows import Rows
from ecs_lattice_cli.layout.values import Way
from ecs_lattice_cli.pictures import Edge

_GAP, _LANE, _SHARE = 36, 7, 42
_STRAIGHT = 1


class Gap:
    """The arrows between a column and the next one. Those that share the rarer of both ends share a lane; with
    shares written at their begins those that share the other one."""

    def __init__(self, edges: Sequence[Edge], rows: Rows) -> None:
        self._rows = rows
        has_shares = any(edge.label and not rows.is_to_title(edge) for edge in edges)
        self._shares_end = has_shares or len({edge.end for edge in edges}) <= len({edge.begin for edge in edges})
        self._edges = sorted(edges, key=lambda edge: (rows.middle(edge.begin), rows.arrival(edge)))
        begins = dict(zip(self._edges, self._departures(), strict=True))
        by_height = sorted((begin, self._key(edge)) for edge, begin in begins.items())
        self._places = {edge: (begin, self._arrival(edge, by_height)) for edge, begin in begins.items()}
        self._lanes = _lanes({key: [*_heights(found)] for key, found in self._by_key().items()})
        self._room = _SHARE if has_shares else _LANE
        self.width = max(_GAP, self._room + _LANE * (max(self._lanes.values(), default=0) + 1) + 16)

    def ways(self, left: float) -> list[Way]:
        """The arrows from ``left``, where the column ends."""
        found = []
        for edge in self._edges:
            begin, end = self._places[edge]
            lane = self._lanes.get(self._key(edge)) if abs(end - begin) > _STRAIGHT else None
            at = None if lane is None else left + self._room + _LANE * lane
            label = "" if self._rows.is_to_title(edge) else edge.label
            found.append(Way(edge, label, (left, begin), at, (left + self.width, end)))
        return found

    def _key(self, edge: Edge) -> str:
        return edge.end if self._shares_end else edge.begin

    def _by_key(self) -> dict[str, list[tuple[float, float]]]:
        found = defaultdict(list)
        for edge, place in self._places.items():
            found[self._key(edge)].append(place)
        return found

    def _departures(self) -> list[float]:
        """Where each edge begins: those that share no lane one below the other."""
        if not self._shares_end:
            return [self._rows.middle(edge.begin) for edge in self._edges]
        seen: dict[str, int] = defaultdict(int)
        total: dict[str, int] = defaultdict(int)
        for edge in self._edges:
            total[edge.begin] += 1
        heights = []
        for edge in self._edges:
            seen[edge.begin] += 1
            part = seen[edge.begin] / (total[edge.begin] + 1)
            heights.append(self._rows.tops[edge.begin] + self._rows.heights[edge.begin] * part)
        return heights

    def _arrival(self, edge: Edge, begins: Sequence[tuple[float, str]]) -> float:
        """Where an edge ends: not as high as another one begins, which would look like one arrow."""
        wanted = self._rows.arrival(edge)
        places = (wanted + by for by in (0, 6, -6, 10, -10))
        return next((at for at in places if _others(begins, at) <= {self._key(edge)}), wanted)


def _others(begins: Sequence[tuple[float, str]], at: float) -> set[str]:
    """The keys of what begins near a height."""
    near = begins[bisect(begins, (at - _LANE + 2, "")) : bisect(begins, (at + _LANE - 2, ""))]
    return {key for _, key in near}


def _heights(places: Iterable[tuple[float, float]]) -> Iterable[float]:
    return (height for place in places for height in place)


def _lanes(heights: Mapping[str, Sequence[float]]) -> dict[str, int]:
    """The lane of each key, so that no two overlap; what is straight needs none."""
    spans = sorted((min(each), max(each), key) for key, each in heights.items() if max(each) - min(each) > _STRAIGHT)
    lanes: dict[str, int] = {}
    free: list[float] = []
    for top, bottom, key in spans:
        lane = next((index for index, until in enumerate(free) if until < top - _LANE), len(free))
        free[lane : lane + 1] = [bottom]
        lanes[key] = lane
    return lanes
