"""How high the nodes of a picture stand."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate

from ecs_lattice_cli.layout.values import LINE, MARGIN, PAD, TITLE, shown
from ecs_lattice_cli.pictures import Edge, Group, Node, Picture

_SPACE, _FRAME_SPACE = 8, 20


class Rows:
    """The tops and heights of titles and nodes."""

    def __init__(self, picture: Picture, columns: Sequence[Sequence[Group]]) -> None:
        self.titles = {group.name: float(MARGIN) for group in picture.groups}
        self.tops: dict[str, float] = {}
        self._begins, self._ends = defaultdict[str, list[Edge]](list), defaultdict[str, list[Edge]](list)
        for edge in picture.edges:
            self._begins[edge.begin].append(edge)
            self._ends[edge.end].append(edge)
        self.heights = {
            name: self._height(name, node, has_shares=group.is_ordered)
            for group in picture.groups
            for name, node in group.nodes.items()
        }
        self._of_title: dict[tuple[str, str], str] = {}
        main = max(range(len(columns)), key=lambda index: (columns[index][0].is_ordered, _count(columns[index])))
        self._stack(columns[main])
        for column in columns[main + 1 :]:
            self._follow(column[0])
        for column in reversed(columns[:main]):
            self._lead(column[0])

    def _height(self, name: str, node: Node, *, has_shares: bool) -> float:
        """As high as its lines, and as the shares of its edges below one another."""
        lines = 2 * PAD + LINE * (2 if shown(node)[1] else 1)
        return max(lines, LINE * (len(self._begins[name]) + 1)) if has_shares else lines

    def middle(self, name: str) -> float:
        """Half-way down a node."""
        return self.tops[name] + self.heights[name] / 2

    def arrival(self, edge: Edge) -> float:
        """Where an edge arrives: one to the first node of an ordered group whose label is the title, at the title."""
        if group := self._of_title.get((edge.end, edge.label)):
            return self.titles[group] + TITLE / 2
        return self.middle(edge.end)

    def is_to_title(self, edge: Edge) -> bool:
        """Whether it arrives at a title."""
        return (edge.end, edge.label) in self._of_title

    def _stack(self, column: Iterable[Group]) -> None:
        """One below the other."""
        top = float(MARGIN)
        for group in column:
            self.titles[group.name] = top
            top += TITLE
            for name in group.nodes:
                self.tops[name] = top
                top += self.heights[name] + (0 if group.is_ordered else _SPACE)
            if group.is_ordered:
                self._of_title[next(iter(group.nodes)), group.title] = group.name
                top += _FRAME_SPACE

    def _follow(self, group: Group) -> None:
        """Beside the first that leads to them."""
        self._place({name: [self.middle(edge.begin) for edge in self._ends[name]] for name in group.nodes})

    def _lead(self, group: Group) -> None:
        """Beside the first that they lead to."""
        self._place({name: [self.arrival(edge) for edge in self._begins[name]] for name in group.nodes})

    def _place(self, neighbors: Mapping[str, Sequence[float]]) -> None:
        """Nodes, given by the heights of their neighbors, in the order of the first of these."""
        names = sorted(neighbors, key=lambda name: min(neighbors[name], default=0.0))
        tops = _spread([(min(neighbors[name], default=0.0), self.heights[name]) for name in names])
        self.tops |= dict(zip(names, tops, strict=True))


def _count(column: Iterable[Group]) -> int:
    return sum(len(group.nodes) for group in column)


def _spread(wanted: Sequence[tuple[float, float]]) -> list[float]:
    """The tops of boxes, given by their wanted middles and their heights, that keep their order and do not overlap: as near as
    possible by least squares (pool adjacent violators)."""
    offsets = list(accumulate((height + _SPACE for _, height in wanted), initial=0.0))
    pools: list[tuple[float, int]] = []
    for (middle, height), offset in zip(wanted, offsets, strict=False):
        total, count = middle - height / 2 - offset, 1
        while pools and pools[-1][0] / pools[-1][1] > total / count:
            before, many = pools.pop()
            total, count = total + before, count + many
        pools.append((total, count))
    tops = [max(total / count, MARGIN + TITLE) for total, count in pools for _ in range(count)]
    return [top + offset for top, offset in zip(tops, offsets, strict=False)]
