"""A directed graph as text for Mermaid and for Graphviz. Pure.

Labels are text that somebody else chose: what either language would read as its own is written out.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

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


@dataclass(slots=True)
class Group:
    """Nodes in one frame: lines of text by id. ``name`` is a word, with which the ids begin. With ``is_ordered`` they stand in
    their order."""

    name: str
    title: str
    is_ordered: bool = False
    nodes: dict[str, tuple[str, ...]] = field(default_factory=dict)
    _ids: dict[str, str] = field(default_factory=dict)

    def add(self, key: str, *lines: str) -> str:
        """Add the node of ``key``, or find it; its id."""
        if key not in self._ids:
            self._ids[key] = f"{self.name}_{len(self._ids) + 1}"
            self.nodes[self._ids[key]] = lines
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
    for node, lines in group.nodes.items():
        yield f'    {node}["{"<br/>".join(line.translate(_MERMAID) for line in lines)}"]'
    yield "  end"


def _arrows(edges: Sequence[Edge]) -> Iterator[str]:
    for edge in edges:
        label = f'|"{edge.label.translate(_MERMAID)}"|' if edge.label else ""
        yield f"  {edge.begin} {'-->' if edge.is_active else '-.->'}{label} {edge.end}"


def dot(picture: Picture) -> list[str]:
    """A digraph of Graphviz."""
    lines = [
        "digraph ecs_lattice {",
        "  rankdir=LR;",
        '  node [shape=box, fontname="sans-serif"];',
        '  edge [fontname="sans-serif"];',
    ]
    lines += [line for group in picture.groups if group.nodes for line in _cluster(group)]
    for edge in picture.edges:
        style = "" if edge.is_active else ", style=dashed"
        lines.append(f"  {edge.begin} -> {edge.end} [label={_quoted(edge.label)}{style}];")
    return [*lines, "}"]


def _cluster(group: Group) -> Iterator[str]:
    yield f"  subgraph cluster_{group.name} {{"
    yield f"    label={_quoted(group.title)};"
    for node, lines in group.nodes.items():
        yield f"    {node} [label={_quoted(*lines)}];"
    if group.is_ordered and len(group.nodes) > 1:
        yield f"    {{ rank=same; {' -> '.join(group.nodes)} [style=invis]; }}"
    yield "  }"


def _quoted(*lines: str) -> str:
    return '"' + "\\n".join(line.translate(_DOT) for line in lines) + '"'
