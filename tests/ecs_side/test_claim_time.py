"""Since when a claim claims its match, on the bench and as a table."""

import dataclasses

import pytest

from ecs_lattice.claims import Answer, Claim, ClaimRecord
from ecs_lattice.ecs_side.claiming import claimed_since
from ecs_lattice.model import Match, PathMatch, Placement, Route
from tests.ecs_side.bench import LABELS, SERVICE

NAMED = {"lattice.service": "orders", "lattice.listener": "HTTP:80"}


def named(route, prefix):
    return {**NAMED, f"lattice.routes.{route}.path.prefix": prefix, f"lattice.routes.{route}.port": "web"}


def claimed_at(bench, route="default"):
    return bench.records()[route].claim.claimed_at


@pytest.fixture
def marked(bench):
    bench.registry.put_document("stack", "marker", "{}")
    bench.create(bench.define({**LABELS, "lattice.path.prefix": "/orders"}))
    bench.completed()
    bench.advance(300)
    bench.go()
    return bench


def released(bench, labels):
    bench.advance(50)
    bench.deploy(bench.define(labels))
    bench.completed()
    bench.go()


def test_a_claim_begins_now_and_keeps_its_time(marked):
    begun = marked.machine.clock.time()
    assert claimed_at(marked) == begun
    marked.advance(1000)
    marked.go()
    assert claimed_at(marked) == begun


def test_a_renamed_route_keeps_the_time_of_its_match_and_another_match_begins_anew(marked):
    begun = claimed_at(marked)
    released(marked, named("renamed", "/orders"))
    assert claimed_at(marked, "renamed") == begun
    released(marked, named("renamed", "/others"))
    assert claimed_at(marked, "renamed") == marked.machine.clock.time()


def test_another_lattice_service_begins_anew(marked):
    released(marked, {**LABELS, "lattice.path.prefix": "/orders", "lattice.service": "elsewhere"})
    by_service = {one.lattice_service: one.claim.claimed_at for one in marked.registry.claims_of(SERVICE)}
    assert by_service["elsewhere"] == marked.machine.clock.time() > by_service["orders"]


@pytest.mark.parametrize(("gone", "is_kept"), [(899, True), (901, False)])
def test_an_interruption_below_the_grace_time_keeps_the_time(bench, gone, is_kept):
    bench.registry.put_document("stack", "marker", "{}")
    tags = [{"key": key, "value": value} for key, value in LABELS.items()]
    bench.create(bench.define({}), tags=tags)
    bench.completed()
    bench.go()
    begun = claimed_at(bench)
    bench.ecs.untag_resource(resourceArn=SERVICE.arn, tagKeys=list(LABELS))
    bench.go()
    assert bench.records()["default"].claim.phase == "vanished"
    bench.advance(gone)
    bench.ecs.tag_resource(resourceArn=SERVICE.arn, tags=tags)
    bench.go()
    assert bench.records()["default"].claim.phase == "declared"
    assert claimed_at(bench) == (begun if is_kept else bench.machine.clock.time())


def test_without_the_registrys_marker_the_ecs_services_own_time_counts(bench):
    bench.create()
    bench.completed()
    bench.advance(300)
    bench.go()
    assert claimed_at(bench) == bench.side.ecs.service(SERVICE).created_at


def test_a_claim_from_before_claim_times_is_not_written_again(marked):
    before = marked.records()["default"]
    marked.registry.put_claim(dataclasses.replace(before.claim, claimed_at=0.0))
    generation = marked.records()["default"].declared_generation
    marked.go()
    assert marked.records()["default"].declared_generation == generation
    assert claimed_at(marked) == 0.0


def test_the_marker_is_read_only_for_new_claims(marked, monkeypatch):
    asked, original = [], marked.registry.document
    monkeypatch.setattr(marked.registry, "document", lambda kind, key: asked.append(key) or original(kind, key))
    marked.go()
    assert "marker" not in asked


def match(value, kind="prefix", *, sensitive=True):
    return Match(PathMatch(kind, value, sensitive))


def record(route=None, **claim):
    made = Claim(SERVICE, 1.0, route or Route("other", "orders", "web", match("/a")), Placement("vpc", "IPV4", 80))
    return ClaimRecord(dataclasses.replace(made, **{"claimed_at": 5.0, **claim}), 1, Answer("Live"), 1)


@pytest.mark.parametrize(
    ("standing", "expected"),
    [
        ([], None),
        ([record()], 5.0),
        ([record(), record(claimed_at=3.0)], 3.0),
        ([record(created_at=2.0)], None),
        ([record(created_at=0.0, claimed_at=0.0)], None),
        ([record(phase="vanished", since=91.0)], 5.0),
        ([record(phase="vanished", since=90.0)], None),
        ([record(Route("default", "orders", "web"))], None),
        ([record(Route("default", "elsewhere", "web", match("/a")))], None),
        ([record(Route("default", "orders", "web", match("/A")))], None),
        ([record(Route("default", "orders", "admin", match("/a"), priority=3))], 5.0),
    ],
)
def test_the_time_of_a_claim_is_that_of_the_same_match_of_the_same_service(standing, expected):
    route = Route("default", "orders", "web", match("/a"))
    assert claimed_since(route, standing, created_at=1.0, now=100.0, grace_seconds=10.0) == expected


def test_matches_are_compared_as_lattice_compares_them():
    route = Route("default", "orders", "web", match("/Orders", sensitive=False))
    standing = [record(Route("other", "orders", "web", match("/orders", sensitive=False)))]
    assert claimed_since(route, standing, created_at=1.0, now=100.0, grace_seconds=10.0) == 5.0
