"""The picture as SVG: where things stand, what it says without being seen, and that it needs nothing else."""

import itertools
import random
import re
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecs_lattice_cli.layout import arranged
from ecs_lattice_cli.layout.values import MARGIN, cells
from ecs_lattice_cli.pictures import Edge, Group, Picture
from ecs_lattice_cli.svg import STYLE, svg
from tests.cli.test_graph import ROUTES
from tests.histories.labels import LABELS

SVG = "{http://www.w3.org/2000/svg}"
WIDTH = 1280


def drawn(routes, services, seed, listeners=1):
    """Scenario: so many routes of so many ECS services, on each of the listeners in an order of chance."""
    chance = random.Random(seed)
    clients, networks = Group("vpc", "VPCs of clients"), Group("network", "Service networks")
    groups, ecs = Group("group", "Target groups"), Group("ecs", "ECS services")
    picture = Picture([clients, networks])
    network = networks.add("platform", "platform")
    for number in range(2):
        picture.connect(Edge(clients.add(str(number), f"vpc-0defa0170defa017{number}"), network))
    for number in range(listeners):
        frame = Group(f"listener{number + 1}", f"orders-{number} HTTP:80", is_ordered=True)
        picture.groups.append(frame)
        for route in range(routes):
            of = str(chance.randrange(services))
            rule = frame.add(
                str(route), f"{route + 1}: POST /orders/{route}*", f"default of shop/orders-{of}: Live", tone="good"
            )
            group = groups.add(of, f"tg-0a9f1e2d3c4b5a6{int(of):02}", "2 HEALTHY", tone="good")
            picture.connect(Edge(rule, group))
            picture.connect(Edge(group, ecs.add(of, f"shop/orders-{of}")))
        picture.connect(Edge(network, f"listener{number + 1}_1", frame.title))
    picture.groups += [groups, ecs]
    return picture


SIZES = st.tuples(st.integers(1, 60), st.integers(1, 30), st.integers(), st.integers(1, 4))


@pytest.mark.parametrize("routes", [3, 60])
def test_it_fits_a_window_of_1280_pixels_with_text_of_11_or_12(routes):
    for seed in range(10):
        for services in (2, 20, 60):
            assert arranged(drawn(routes, services, seed)).width <= WIDTH, (services, seed)
    assert set(re.findall(r"([\d.]+)px", " ".join(re.findall(r"font[^;}]*", STYLE)))) == {"11", "12"}


@given(SIZES)
def test_nothing_overlaps_and_everything_is_inside(size):
    layout = arranged(drawn(*size))
    columns = itertools.groupby(sorted(layout.boxes.values()), lambda box: box.x)
    for _, column in columns:
        for above, below in itertools.pairwise(sorted(column, key=lambda box: box.y)):
            assert above.y + above.height <= below.y + 0.01
    for box in (*layout.boxes.values(), *layout.titles.values(), *layout.frames.values()):
        assert box.x >= MARGIN
        assert box.x + box.width <= layout.width - MARGIN + 0.01
        assert box.y >= MARGIN - 0.01
        assert box.y + box.height <= layout.height - MARGIN + 0.01


@given(SIZES)
def test_rules_stand_in_their_order_within_the_frame_of_their_listener(size):
    picture = drawn(*size)
    layout = arranged(picture)
    for group in picture.groups:
        if group.is_ordered:
            tops = [layout.boxes[name].y for name in group.nodes]
            assert tops == sorted(tops)
            frame = layout.frames[group.name]
            assert frame.y + frame.height == pytest.approx(tops[-1] + layout.boxes[list(group.nodes)[-1]].height)


@given(SIZES)
def test_every_arrow_runs_from_its_node_to_the_other_and_no_two_look_like_one(size):
    """Where the trunks of two nodes share a lane, one ends above the other."""
    picture = drawn(*size)
    layout = arranged(picture)
    assert {way.edge for way in layout.ways} == set(picture.edges)
    lanes = {}
    for way in layout.ways:
        begin = layout.boxes[way.edge.begin]
        assert way.begin[0] == pytest.approx(begin.x + begin.width)
        assert begin.y <= way.begin[1] <= begin.y + begin.height
        assert way.end[0] == pytest.approx(layout.boxes[way.edge.end].x)
        if way.lane is not None:
            assert way.begin[0] < way.lane < way.end[0]
            lanes.setdefault((way.begin[0], way.lane), []).append(way)
    for ways in lanes.values():
        shared = max(({way.edge.begin for way in ways}, {way.edge.end for way in ways}), key=len)
        is_end = shared == {way.edge.begin for way in ways}
        trunks = {}
        for way in ways:
            key = way.edge.end if is_end else way.edge.begin
            trunks.setdefault(key, []).extend((way.begin[1], way.end[1]))
        spans = sorted((min(each), max(each)) for each in trunks.values())
        assert all(above[1] < below[0] for above, below in itertools.pairwise(spans))


def test_shares_stand_below_one_another_and_their_rule_is_high_enough():
    frame, groups = Group("listener1", "orders HTTP:80", is_ordered=True), Group("group", "Target groups")
    picture = Picture([frame, groups])
    rule = frame.add("rule", "1: everything")
    for number in range(10):
        picture.connect(Edge(rule, groups.add(str(number), f"tg-{number}"), f"{number} %"))
    begins = [way.begin[1] for way in arranged(picture).ways]
    assert all(below - above >= 13 for above, below in itertools.pairwise(begins))
    assert svg(picture) == svg(picture)
    assert [text for text in texts(picture) if "%" in text] == [f"{number} %" for number in range(10)]


def texts(picture):
    return [node.text for node in ET.fromstring("\n".join(svg(picture))).iter(f"{SVG}text")]


TEXT = st.text(st.characters(blacklist_categories=["Cs"]), min_size=1, max_size=80)


@given(TEXT, TEXT)
def test_no_text_leaves_its_place(first, second):
    frame, ends = Group("listener1", second, is_ordered=True), Group("group", first)
    picture = Picture([frame, ends])
    picture.connect(Edge(frame.add("a", first, second), ends.add("b", second), first))
    root = ET.fromstring("\n".join(svg(picture)))
    layout = arranged(picture)
    assert len(list(root.iter(f"{SVG}g"))) == 4
    for line in root.iter(f"{SVG}text"):
        size = 6.7 if line.get("class") in {"more", "share"} else 7.3
        assert float(line.get("x")) + cells(line.text or "") * size <= max(layout.width, 520)


def test_what_does_not_fit_loses_its_middle_and_the_title_has_it_whole():
    frame = Group("listener1", "orders HTTP:80", is_ordered=True)
    long = "/orders/" + "very/" * 30 + "long*"
    frame.add("a", long, "default of shop/" + "x" * 60 + ": Refused", "priority 20", tone="bad")
    picture = Picture([frame])
    first = next(text for text in texts(picture) if text.startswith("/orders"))
    assert first.endswith("long*")
    assert "…" in first
    assert any(text.endswith(": Refused") for text in texts(picture))
    assert not any("priority" in text for text in texts(picture))
    assert any(long in title.text and "priority 20" in title.text for title in titles(picture))


def titles(picture):
    return list(ET.fromstring("\n".join(svg(picture))).iter(f"{SVG}title"))


def test_readers_of_titles_get_every_node_with_its_words_and_where_it_leads():
    picture = drawn(3, 2, seed=1)
    picture.connect(Edge("listener1_1", "group_2", "0 %", is_active=False))
    of_nodes = [title.text for title in titles(picture)]
    assert of_nodes[0].startswith(
        "The way of requests, from left to right: VPCs of clients (2), Service networks (1), orders-0"
    )
    assert len(of_nodes) == 1 + sum(len(group.nodes) for group in picture.groups)
    assert "Service networks, platform; leads to orders-0 HTTP:80" in of_nodes
    rule = next(text for text in of_nodes if "1: POST" in text)
    assert rule.startswith("orders-0 HTTP:80, 1: POST /orders/0*, default of shop/orders-")
    assert "; leads to tg-0a9f1e2d3c4b5a6" in rule
    assert "; does not lead requests to tg-0a9f1e2d3c4b5a6" in rule
    assert "(0 %)" in rule


def test_a_tone_is_a_shape_of_its_own_in_both_schemes_of_colors():
    group = Group("group", "Target groups")
    for tone in ("good", "waiting", "bad", ""):
        group.add(tone, f"tg-{tone}", tone=tone)
    root = ET.fromstring("\n".join(svg(Picture([group]))))
    nodes = [node for node in root.iter(f"{SVG}g") if node.get("class") == "node"]
    shapes = [[mark.get("d") for mark in node.iter(f"{SVG}path")] for node in nodes]
    assert [len(each) for each in shapes] == [1, 1, 1, 0]
    assert len({shape for each in shapes for shape in each}) == 3
    light, dark = STYLE.split("@media (prefers-color-scheme:dark)")
    colored = re.compile(r"\.ecs-lattice ([^{]+){[^}]*(?:fill|stroke):#")
    assert set(colored.findall(light)) == set(colored.findall(dark))


def test_an_empty_picture_is_a_picture():
    assert len(titles(Picture([Group("group", "Target groups")]))) == 1


def test_the_command_draws_the_stack_as_one_file_that_needs_nothing_else(stack, ask):
    stack.live("orders", ROUTES)
    done = ask("graph", "--format", "svg")
    assert (done.exit_code, done.stderr) == (0, "")
    root = ET.fromstring(done.stdout)
    said = [node.text for node in root.iter(f"{SVG}text")]
    for wanted in (
        "platform",
        "orders HTTP:80",
        "1: POST /orders*",
        "place of shop/orders: Live · priority 667",
        "2 HEALTHY",
        "shop/orders",
    ):
        assert wanted in said
    assert done.stdout.count("http") == done.stdout.count("http://www.w3.org/2000/svg")
    assert {name for node in root.iter() for name in node.attrib} & {"href", "src", "onload"} == set()
    assert done.stdout.count('class="good"') == 4, "two rules, the target group, and the legend"


def test_an_ill_target_group_is_told_by_a_shape(stack, ask):
    stack.live("orders", LABELS, environment={"RESPOND": "/healthz=503"})
    text = ask("graph", "--format", "svg").stdout
    assert re.search(
        r'<path class="bad" transform="[^"]*" d="[^"]*"/>\n?<text class="first"[^>]*>tg-', text.replace("\n", "")
    )
