"""Where the nodes of a picture stand, and how its arrows run. Pure.

Columns stand from left to right, ordered groups below one another in one of them. That column is set first; the nodes of the others
stand as near as they can beside the first node that they have an arrow from or to, so that the top is where to begin. Arrows run at right angles, each node's in a lane of its own between two columns. Lengths are pixels of CSS.
"""

from collections.abc import Iterable, Sequence
from itertools import accumulate

from ecs_lattice_cli.layout.gaps import Gap
from ecs_lattice_cli.layout.rows import Rows
from ecs_lattice_cli.layout.values import FIRST, MARGIN, MORE, PAD, TITLE, Box, Layout, cells, indent, shown
from ecs_lattice_cli.pictures import Edge, Group, Picture

_MOST, _MOST_ORDERED = 24, 42
"""Characters of a first line that is shown whole, in a column and in one of ordered groups."""


def arranged(picture: Picture) -> Layout:
    """The layout of ``picture``, whose edges lead from a column to the next one."""
    columns = _columns(picture.groups)
    if not columns:
        return Layout(2 * MARGIN, 2 * MARGIN, {}, {}, {}, ())
    rows = Rows(picture, columns)
    gaps = [Gap(edges, rows) for edges in _between(columns, picture.edges)]
    widths = [_width(column) for column in columns]
    steps = [width + gap.width for width, gap in zip(widths, gaps, strict=True)]
    lefts = list(accumulate(steps[:-1], initial=float(MARGIN)))
    titles, frames, boxes = _boxes(columns, lefts, widths, rows)
    ways = [way for gap, left, width in zip(gaps, lefts, widths, strict=True) for way in gap.ways(left + width)]
    bottom = max(box.y + box.height for box in (*boxes.values(), *frames.values()))
    return Layout(lefts[-1] + widths[-1] + MARGIN, bottom + MARGIN, titles, frames, boxes, ways)


def _columns(groups: Iterable[Group]) -> list[list[Group]]:
    """The groups that have nodes, column by column."""
    columns: list[list[Group]] = []
    for group in groups:
        if group.nodes and group.is_ordered and columns and columns[-1][0].is_ordered:
            columns[-1].append(group)
        elif group.nodes:
            columns.append([group])
    return columns


def _between(columns: Sequence[Sequence[Group]], edges: Iterable[Edge]) -> list[list[Edge]]:
    """The edges that begin in each column."""
    place = {name: index for index, column in enumerate(columns) for group in column for name in group.nodes}
    found: list[list[Edge]] = [[] for _ in columns]
    for edge in edges:
        found[place[edge.begin]].append(edge)
    return found


def _width(column: Sequence[Group]) -> float:
    most = _MOST_ORDERED if column[0].is_ordered else _MOST
    left = max(map(indent, column))
    lines = [shown(node) for group in column for node in group.nodes.values()]
    widths = [left + max(cells(first) * FIRST, cells(second) * MORE) for first, second in lines]
    titles = [cells(group.title) * FIRST for group in column]
    return min(max(*titles, *widths), left + most * FIRST) + 2 * PAD


def _boxes(
    columns: Sequence[Sequence[Group]], lefts: Sequence[float], widths: Sequence[float], rows: "Rows"
) -> tuple[dict[str, Box], dict[str, Box], dict[str, Box]]:
    """Those of titles, frames and nodes."""
    titles: dict[str, Box] = {}
    frames: dict[str, Box] = {}
    boxes: dict[str, Box] = {}
    for column, left, width in zip(columns, lefts, widths, strict=True):
        for group in column:
            titles[group.name] = Box(left, rows.titles[group.name], width, TITLE)
            boxes |= {name: Box(left, rows.tops[name], width, rows.heights[name]) for name in group.nodes}
            if group.is_ordered:
                height = TITLE + sum(rows.heights[name] for name in group.nodes)
                frames[group.name] = Box(left, rows.titles[group.name], width, height)
    return titles, frames, boxes
