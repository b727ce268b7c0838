"""What a layout consists of, and how much room text takes."""

import math
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ecs_lattice_cli.pictures import Edge, Group, Node

FIRST, MORE = 7.3, 6.7
"""The width of a character of a monospaced font, in the first line of a node (12 px) and in its second (11 px)."""
LINE, PAD = 15, 5
"""Height of a line; space around the lines."""
TITLE = 24
"""Height of the title of a column or of an ordered group."""
MARGIN = 12
BETWEEN = " · "
_MARK = 22


class Box(NamedTuple):
    """A rectangle."""

    x: float
    y: float
    width: float
    height: float

    @property
    def middle(self) -> float:
        """Half-way down."""
        return self.y + self.height / 2


@dataclass(frozen=True, slots=True)
class Way:
    """How an arrow runs: from its begin to the lane, along it, and to its end. Without a lane it is one straight line. ``label``
    is that of the edge, unless it leads to a title that says the same."""

    edge: Edge
    label: str
    begin: tuple[float, float]
    lane: float | None
    end: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Layout:
    """``titles`` are the boxes of the groups' titles, ``frames`` those of ordered groups with their title, by name; ``boxes``
    are those of nodes by id."""

    width: float
    height: float
    titles: Mapping[str, Box]
    frames: Mapping[str, Box]
    boxes: Mapping[str, Box]
    ways: Sequence[Way]


def cells(text: str) -> int:
    """How many characters of a monospaced font ``text`` is wide."""
    return sum(1 + (unicodedata.east_asian_width(sign) in "WF") for sign in text)


def indent(group: Group) -> int:
    """The space to the left of the lines of its nodes: with room for a mark if one of them has one."""
    return _MARK if any(node.tone for node in group.nodes.values()) else 2 * PAD


def shown(node: Node, room: float = math.inf) -> tuple[str, str]:
    """The two lines that a node has in this layout; the second may be empty. In ``room`` its last parts are left out."""
    parts = node.lines[1:]
    fitting = (BETWEEN.join(parts[:count]) for count in range(len(parts), 1, -1))
    return node.lines[0], next((line for line in fitting if cells(line) * MORE <= room), "".join(parts[:1]))
