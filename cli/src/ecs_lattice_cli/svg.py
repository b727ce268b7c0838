"""A picture as one SVG file that needs nothing else. Pure.

It follows the colors that its viewer prefers (`prefers-color-scheme`). A color only doubles a word and a shape. Screen readers
and pointers get each node with all its words and where its arrows lead.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from xml.sax.saxutils import escape, quoteattr

from ecs_lattice_cli.layout import arranged
from ecs_lattice_cli.layout.values import FIRST, LINE, MORE, PAD, Box, Layout, Way, cells, indent, shown
from ecs_lattice_cli.pictures import Group, Node, Picture, Tone

STYLE = """
.ecs-lattice{max-width:100%;height:auto;font:12px ui-monospace,Menlo,Consolas,"DejaVu Sans Mono","Liberation Mono",monospace}
.ecs-lattice .back{fill:#fff}.ecs-lattice text{fill:#1f2328}.ecs-lattice .more{fill:#59636e;font-size:11px}
.ecs-lattice .title{font-weight:bold}.ecs-lattice .node rect{fill:#f6f8fa;stroke:#d1d9e0}
.ecs-lattice .frame{fill:none;stroke:#59636e}.ecs-lattice .head{fill:#e6eaef}
.ecs-lattice .way{fill:none;stroke:#59636e}.ecs-lattice .idle{stroke-dasharray:4 3}.ecs-lattice .tip{fill:#59636e}
.ecs-lattice .share{font-size:11px;paint-order:stroke;stroke:#fff;stroke-width:3px}
.ecs-lattice .good{fill:#1a7f37}.ecs-lattice .waiting{fill:#9a6700}.ecs-lattice .bad{fill:#cf222e}
.ecs-lattice .node:hover rect{stroke:#0969da}.ecs-lattice .node:hover .way{stroke:#0969da;stroke-width:2.5px}
@media (prefers-color-scheme:dark){
.ecs-lattice .back{fill:#0d1117}.ecs-lattice text{fill:#f0f6fc}.ecs-lattice .more{fill:#9198a1}
.ecs-lattice .node rect{fill:#151b23;stroke:#3d444d}.ecs-lattice .frame{stroke:#9198a1}.ecs-lattice .head{fill:#262c36}
.ecs-lattice .way{stroke:#9198a1}.ecs-lattice .tip{fill:#9198a1}.ecs-lattice .share{stroke:#0d1117}
.ecs-lattice .good{fill:#3fb950}.ecs-lattice .waiting{fill:#d29922}.ecs-lattice .bad{fill:#f85149}
.ecs-lattice .node:hover rect{stroke:#4493f8}.ecs-lattice .node:hover .way{stroke:#4493f8}
}
"""
"""Where styles are restricted (Content-Security-Policy), the hash of this text allows it."""

_MARKS: Mapping[Tone, str] = {
    "good": "M-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0",
    "waiting": "M0-5L5 0L0 5L-5 0z",
    "bad": "M0-5L5 4H-5z",
}
_LEGEND: Sequence[tuple[Tone, str]] = (("good", "serves"), ("waiting", "on its way"), ("bad", "has a problem"))
_TIP = (
    '<marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" markerUnits="userSpaceOnUse" '
    'orient="auto"><path class="tip" d="M0 0L8 4L0 8z"/></marker>'
)
_FOOT = 26
_CORNER = 6
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # XML 1.0, 2.2


def svg(picture: Picture) -> list[str]:
    """The lines of the file."""
    layout = arranged(picture)
    width, height = max(layout.width, 520), layout.height + _FOOT
    counts = ", ".join(f"{group.title} ({len(group.nodes)})" for group in picture.groups if group.nodes)
    size = f'width="{width:.0f}" height="{height:.0f}"'
    return [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="ecs-lattice" role="group" {size} viewBox="0 0 {width:.0f} {height:.0f}">',
        f"<title>{_text(f'The way of requests, from left to right: {counts}')}</title>",
        "<style>" + STYLE + "</style>",
        f"<defs>{_TIP}</defs>",
        '<rect class="back" width="100%" height="100%"/>',
        *_groups(picture, layout),
        *_legend(layout.height + 8),
        "</svg>",
    ]


def _groups(picture: Picture, layout: Layout) -> Iterator[str]:
    ways = defaultdict(list)
    for way in layout.ways:
        ways[way.edge.begin].append(way)
    nodes = {name: node for group in picture.groups for name, node in group.nodes.items()}
    for group in picture.groups:
        if not group.nodes:
            continue
        yield f'<g role="group" aria-label={quoteattr(_clean(group.title))}>'
        for name, node in group.nodes.items():
            yield from _node(group, node, layout.boxes[name], ways[name], nodes)
        yield from _title(group, layout)
        yield "</g>"


def _title(group: Group, layout: Layout) -> Iterator[str]:
    box = layout.titles[group.name]
    if frame := layout.frames.get(group.name):
        yield f'<rect class="head" {_rectangle(box)}/><rect class="frame" {_rectangle(frame)}/>'
    yield _line("title", box.x + PAD, box.middle + 4, _fitting(group.title, (box.width - 2 * PAD) / FIRST))


def _node(group: Group, node: Node, box: Box, ways: Sequence[Way], nodes: Mapping[str, Node]) -> Iterator[str]:
    left = indent(group)
    room = box.width - left - PAD
    first, second = shown(node, room)
    told = [", ".join([group.title, *node.lines]), *(_told(way, nodes) for way in ways)]
    yield f'<g class="node" role="img"><title>{_text("; ".join(told))}</title><rect {_rectangle(box)}/>'
    top = box.middle - LINE * (2 if second else 1) / 2 + 11
    yield from _mark(node.tone, box.x + left / 2, box.middle)
    yield _line("first", box.x + left, top, _fitting(first, room / FIRST))
    if second:
        yield _line("more", box.x + left, top + LINE, _fitting(second, room / MORE))
    for way in ways:
        yield f'<path class="way{"" if way.edge.is_active else " idle"}" d="{_path(way)}" marker-end="url(#tip)"/>'
    for way in ways:
        if way.label:
            yield _line("share", way.begin[0] + 4, way.begin[1] - 3, _fitting(way.label, 8))
    yield "</g>"


def _told(way: Way, nodes: Mapping[str, Node]) -> str:
    """An arrow in words."""
    label = f" ({way.label})" if way.label else ""
    end = nodes[way.edge.end].lines[0] if way.label == way.edge.label else way.edge.label
    return f"{'leads to' if way.edge.is_active else 'does not lead requests to'} {end}{label}"


def _path(way: Way) -> str:
    (left, begin), (right, end) = way.begin, way.end
    if way.lane is None:
        return f"M{left:.1f} {end:.1f}H{right:.1f}"
    bend = min(_CORNER, abs(end - begin) / 2) * (1 if end > begin else -1)
    lane, corner = way.lane, abs(bend)
    return (
        f"M{left:.1f} {begin:.1f}H{lane - corner:.1f}Q{lane:.1f} {begin:.1f} {lane:.1f} {begin + bend:.1f}"
        f"V{end - bend:.1f}Q{lane:.1f} {end:.1f} {lane + corner:.1f} {end:.1f}H{right:.1f}"
    )


def _mark(tone: Tone, x: float, y: float) -> Iterator[str]:
    if tone:
        yield f'<path class="{tone}" transform="translate({x:.1f} {y:.1f})" d="{_MARKS[tone]}"/>'


def _legend(top: float) -> Iterator[str]:
    x = 24.0
    for tone, word in _LEGEND:
        yield from _mark(tone, x, top)
        yield _line("more", x + 10, top + 4, word)
        x += 10 + cells(word) * MORE + 24
    yield f'<path class="way idle" d="M{x:.1f} {top:.1f}h30" marker-end="url(#tip)"/>'
    yield _line("more", x + 38, top + 4, "no requests")


def _line(kind: str, x: float, y: float, text: str) -> str:
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}">{_text(text)}</text>'


def _rectangle(box: Box) -> str:
    return f'x="{box.x:.1f}" y="{box.y:.1f}" width="{box.width:.1f}" height="{box.height:.1f}" rx="3"'


def _fitting(text: str, room: float) -> str:
    """``text``, without its middle where it is wider than ``room`` characters: its end often tells most."""
    text = _clean(text)
    if cells(text) <= room:
        return text
    half = int(room - 1) // 2
    return f"{_cut(text, half)}…{_cut(text[::-1], half)[::-1]}"


def _cut(text: str, room: int) -> str:
    while cells(text) > room:
        text = text[:room] if len(text) > room else text[:-1]
    return text


def _text(text: str) -> str:
    return escape(_clean(text))


def _clean(text: str) -> str:
    """What XML cannot hold is written out."""
    return _NOT_XML.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), text)
