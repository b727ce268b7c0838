"""A directed graph as text for Mermaid and for Graphviz. Pure.

Labels are text that somebody else chose: what either language would read as its own is written out.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

type Tone = Literal["", "good", "waiting", "bad"]
"""How the thing of a node is, as its words say, too; empty: neither."""

_MERMAID = {ord(sign): f"#{ord(sign)};" for sign in '#"&<>`;|*_~[]{}\\'}
"""Entity codes by number (Mermaid, "Entity codes to escape characters"), also for what its Markdown would take."""
_DOT = {ord("\\"): "\\\\", ord('"'): '\\"', ord("&"): "&amp;"}
"""In a quoted string (Graphviz, DOT language), in which HTML's entities count."""


@dataclass(frozen=True, slots=True)
class Edge:
    """An arrow between the ids of two nodes. ``is_active``: whether requests take it."""

    begin: str
    end: str
    label: str = ""
    is_active: bool = True


@dataclass(frozen=True, slots=True)
class Node:
    """Lines of text, of which the first is its name."""

    lines: tuple[str, ...]
    tone: Tone = ""


@dataclass(slots=True)
class Group:
    """Nodes in one frame, by id. ``name`` is a word, with which the ids begin. With ``is_ordered`` they stand in
    their order."""

    name: str
    title: str
    is_ordered: bool = False
    nodes: dict[str, Node] = field(default_factory=dict)
    _ids: dict[str, str] = field(default_factory=dict)

    def add(self, key: str, *lines: str, tone: Tone = "") -> str:
        """Add the node of ``key``, or find it; its id."""
        if key not in self._ids:
            self._ids[key] = f"{self.name}_{len(self._ids) + 1}"
            self.nodes[self._ids[key]] = Node(lines, tone)
        return self._ids[key]


@dataclass(slots=True)
class Picture:
    """Groups from left to right, and edges between their nodes."""

    groups: list[Group] = field(default_factory=list)
    edges: list[Edge] = field(default_factory=list)

    def connect(self, edge: Edge) -> None:
        """Add an edge, once."""
        if edge not in self.edges:
            self.edges.append(edge)


def mermaid(picture: Picture) -> list[str]:
    """A flowchart of Mermaid, as GitHub shows it."""
    return [
        "flowchart LR",
        *(line for group in picture.groups if group.nodes for line in _subgraph(group)),
        *_arrows(picture.edges),
    ]


def _subgraph(group: Group) -> Iterator[str]:
    yield f'  subgraph {group.name}["{group.title.translate(_MERMAID)}"]'
    for name, node in group.nodes.items():
        yield f'    {name}["{"<br/>".join(line.translate(_MERMAID) for line in node.lines)}"]'
    yield "  end"


def _arrows(edges: Sequence[Edge]) -> Iterator[str]:
    for edge in edges:
        label = f'|"{edge.label.translate(_MERMAID)}"|' if edge.label else ""
        yield f"  {edge.begin} {'-->' if edge.is_active else '-.->'}{label} {edge.end}"


def dot(picture: Picture) -> list[str]:
    """A digraph of Graphviz. An ordered group is one table, because Graphviz keeps the order of rows alone."""
    lines = [
        "digraph ecs_lattice {",
        "  rankdir=LR; ranksep=1.5;",
        '  node [shape=box, fontname="Helvetica"];',
        '  edge [fontname="Helvetica"];',
    ]
    place: dict[str, str] = {}
    for group in picture.groups:
        if group.is_ordered:
            place |= {name: f"{group.name}:{name}" for name in group.nodes}
        if group.nodes:
            lines += _rows(group) if group.is_ordered else _cluster(group)
    for edge in picture.edges:
        style = "" if edge.is_active else ", style=dashed"
        ends = f"{place.get(edge.begin, edge.begin)} -> {place.get(edge.end, edge.end)}"
        lines.append(f"  {ends} [label={_quoted(edge.label)}{style}];")
    return [*lines, "}"]


def _cluster(group: Group) -> Iterator[str]:
    yield f"  subgraph cluster_{group.name} {{"
    yield f"    label={_quoted(group.title)};"
    for name, node in group.nodes.items():
        yield f"    {name} [label={_quoted(*node.lines)}];"
    yield "  }"


def _rows(group: Group) -> Iterator[str]:
    """A table with the title and a row for each node, to which edges lead by its name (a port)."""
    yield f"  {group.name} [shape=plain, label=<"
    yield '    <table border="0" cellborder="1" cellspacing="0" cellpadding="6">'
    yield f"      <tr><td>{_markup(group.title)}</td></tr>"
    for name, node in group.nodes.items():
        yield f'      <tr><td port="{name}">{"<br/>".join(map(_markup, node.lines))}</td></tr>'
    yield "    </table>>];"


def _quoted(*lines: str) -> str:
    return '"' + "\\n".join(line.translate(_DOT) for line in lines) + '"'


def _markup(text: str) -> str:
    """Text within one of Graphviz's labels like HTML."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")
