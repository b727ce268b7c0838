"""How many routes an ECS service may have, and how many networks a route: limits for what was never live."""

import dataclasses

import pytest

from ecs_lattice.claims import Answer
from ecs_lattice.ecs_side.claiming import limited
from ecs_lattice.model import Route
from ecs_lattice.outcome import Refused
from tests.ecs_side.bench import LABELS, SERVICE, SETTINGS
from tests.ecs_side.test_claim_time import record

NETWORKS = " ".join(f"network-{number:02}" for number in range(11))


def many(count, start=0):
    labels = {"lattice.service": "orders", "lattice.listener": "HTTP:80", "lattice.port": "web"}
    return labels | {f"lattice.routes.r{n:03}.path.prefix": f"/{n}" for n in range(start, start + count)}


def release(bench, labels):
    bench.deploy(bench.define(labels))
    bench.completed()
    bench.go()


def test_more_routes_than_allowed_are_refused_as_a_whole_with_one_event(bench):
    bench.create(bench.define(many(400)))
    bench.completed()
    assert isinstance(bench.go(), Refused)
    assert bench.records() == {}
    assert bench.problems() == ["TOO_MANY_ROUTES"]
    assert [(change.route, change.code) for change in bench.announced.changes] == [("", "TOO_MANY_ROUTES")]
    assert bench.requests.enqueued == []


def test_as_many_routes_as_allowed_are_declared(bench):
    bench.configure(max_routes=3)
    bench.create(bench.define(many(3)))
    bench.completed()
    bench.go()
    assert len(bench.records()) == 3
    assert bench.problems() == []


def test_while_routes_are_live_they_continue_and_no_new_ones_begin(bench):
    bench.configure(max_routes=3)
    bench.create(bench.define(many(2)))
    bench.completed()
    bench.go()
    group = bench.group()
    bench.answer("Live", group, "r000")
    bench.answer("Wired", group, "r001")
    release(bench, {**many(400), "lattice.routes.r000.path.prefix": "/moved"})
    assert {name: one.claim.phase for name, one in bench.records().items()} == {"r000": "declared", "r001": "declared"}
    assert bench.records()["r000"].claim.route.match.path.value == "/moved"
    assert bench.problems() == ["TOO_MANY_ROUTES"]
    assert bench.announced.changes == []


def test_a_release_that_renames_every_live_route_into_too_many_is_refused_and_loses_none(bench):
    bench.configure(max_routes=3)
    bench.create(bench.define(many(1)))
    bench.completed()
    bench.go()
    bench.answer("Live", bench.group(), "r000")
    before = bench.records()
    release(bench, many(10, start=500))
    assert {name: one.claim for name, one in bench.records().items()} == {n: one.claim for n, one in before.items()}
    assert bench.problems() == ["TOO_MANY_ROUTES"]


@pytest.mark.parametrize(
    ("states", "kept"),
    [
        ({}, ()),
        ({"a": "Wired", "b": "Pending"}, ()),
        ({"d": "Live"}, ("d",)),
        ({"a": "Wired", "b": "Refused", "d": "Live"}, ("a", "d")),
        ({"a": "Live", "b": "Live", "c": "Live", "d": "Live"}, ("a", "b", "c", "d")),
    ],
)
def test_what_is_live_goes_before_what_stands_and_nothing_new_follows(states, kept):
    routes = tuple(Route(name, "orders", "web") for name in "abcdef")
    claims = {
        ("orders", name): dataclasses.replace(record(Route(name, "orders", "web")), answer=Answer(state))
        for name, state in states.items()
    }
    found, problem = limited(routes, claims, dataclasses.replace(SETTINGS, max_routes=2))
    assert tuple(route.name for route in found) == kept
    assert problem.code == "TOO_MANY_ROUTES"


def test_a_route_with_too_many_networks_makes_no_claim(bench):
    bench.create(bench.define({**LABELS, "lattice.network": NETWORKS}))
    bench.completed()
    bench.go()
    assert bench.records() == {}
    assert bench.states() == {"default": ("Refused", "TOO_MANY_NETWORKS")}


def test_a_live_route_that_asks_for_too_many_networks_stays_as_it_was(bench):
    bench.registry.put_document("stack", "marker", "{}")
    bench.live()
    before = bench.records()["default"].claim
    release(bench, {**LABELS, "lattice.network": NETWORKS})
    assert bench.records()["default"].claim == before
    (status,) = bench.side.status(SERVICE)
    assert (status.state, [notice.code for notice in status.notices]) == ("Live", ["TOO_MANY_NETWORKS"])


def test_the_default_networks_of_the_stack_do_not_count(bench):
    bench.configure(default_networks=tuple(f"network-{number:02}" for number in range(12)))
    bench.create(bench.define({**LABELS, "lattice.network": NETWORKS}))
    bench.completed()
    bench.go()
    assert len(bench.records()["default"].claim.route.networks) == 11
