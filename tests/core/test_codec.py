"""Frozen values as JSON and back."""

from ecs_lattice import codec
from ecs_lattice.claims import Claim, LatticeRecord
from ecs_lattice.messages.requests import ReconcileRequest
from ecs_lattice.model import HeaderMatch, ListenerKey, Match, PathMatch, Placement, Route, ServiceId

CLAIM = Claim(
    ServiceId("arn:aws:ecs:us-east-1:123456789012:service/shop/orders"),
    12.5,
    Route(
        "api",
        "orders",
        "web",
        match=Match(PathMatch("prefix", "/orders", False), "GET", (HeaderMatch("x-a", "contains", "b"),)),
        listeners=(ListenerKey("HTTP", 80), ListenerKey("HTTPS", 443)),
        networks=("platform",),
    ),
    Placement("vpc-1", "IPV6", 8080),
)


def test_a_nested_value_comes_back_equal():
    assert codec.loads(Claim, codec.dumps(CLAIM)) == CLAIM


def test_pairs_and_maps_come_back_equal():
    record = LatticeRecord("orders", groups=(("a", "arn"),), made=(("x", 1.0),))
    assert codec.loads(LatticeRecord, codec.dumps(record)) == record
    assert codec.from_data(dict[str, ReconcileRequest], codec.to_data({"a": ReconcileRequest("ecsService", "x")})) == {
        "a": ReconcileRequest("ecsService", "x")
    }


def test_a_member_of_a_newer_version_is_ignored_and_a_missing_one_has_its_default():
    assert codec.from_data(ReconcileRequest, {"kind": "ecsService", "key": "x", "colour": "red"}) == ReconcileRequest(
        "ecsService", "x"
    )


def test_a_whole_number_is_read_as_a_float_where_one_is_wanted():
    read = codec.from_data(ReconcileRequest, {"kind": "ecsService", "key": "x", "requested_at": 3})
    assert isinstance(read.requested_at, float)
