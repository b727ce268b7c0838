"""Names against the patterns and lengths of VPC Lattice's own service model."""

import dataclasses
import re

import botocore.session
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecs_lattice import naming
from ecs_lattice.model import ListenerKey, Placement, Route, ServiceId
from tests import strategies

LATTICE = botocore.session.get_session().get_service_model("vpc-lattice")
SERVICE = ServiceId("arn:aws:ecs:us-east-1:123456789012:service/shop/orders")
ROUTE = Route("default", "orders", "web")
PLACEMENT = Placement("vpc-1", "IPV4", 8080)


def is_taken_by_lattice(shape, name):
    rule = LATTICE.shape_for(shape).metadata
    return rule["min"] <= len(name) <= rule["max"] and re.fullmatch(rule["pattern"], name) is not None


@given(strategies.service_ids, strategies.lattice_service_names, strategies.routes, strategies.placements)
def test_lattice_takes_every_target_group_name(service, lattice_service, route, placement):
    name = naming.target_group_name(service, lattice_service, route, placement)
    assert is_taken_by_lattice("TargetGroupName", name)
    assert len(name) <= 32
    assert naming.is_ours(name)


@given(strategies.listener_keys)
def test_lattice_takes_every_listener_name(key):
    assert is_taken_by_lattice("ListenerName", naming.listener_name(key))
    assert naming.is_ours(naming.listener_name(key))


@given(strategies.service_ids, strategies.route_names, strategies.listener_keys)
def test_lattice_takes_every_rule_name(service, route_name, key):
    assert is_taken_by_lattice("RuleName", naming.rule_name(service, route_name, key))
    assert naming.is_ours(naming.rule_name(service, route_name, key))


@given(
    st.one_of(strategies.lattice_service_names, st.text(max_size=45), st.from_regex(r"[a-z0-9-]{2,42}", fullmatch=True))
)
def test_a_service_name_is_judged_as_lattice_judges_it(name):
    assert naming.is_service_name(name) == is_taken_by_lattice("ServiceName", name)


@pytest.mark.parametrize("name", ["svc-orders", "-orders", "orders-", "or--ders", "or", "o" * 41, "Orders", "orders\n"])
def test_a_bad_service_name_is_known_as_one(name):
    assert not naming.is_service_name(name)
    assert not is_taken_by_lattice("ServiceName", name)


@pytest.mark.parametrize(
    ("ecs_name", "stem"),
    [
        ("tg", "web"),
        ("tg-orders", "orders-web"),
        ("tg-tg-a", "a-web"),
        ("TG_x", "x-web"),
        ("___", "web"),
        ("a" * 255, "a" * 18),
    ],
)
def test_the_stem_is_readable_and_never_looks_like_an_id(ecs_name, stem):
    service = ServiceId(f"arn:aws:ecs:us-east-1:123456789012:service/shop/{ecs_name}")
    name = naming.target_group_name(service, "orders", ROUTE, PLACEMENT)
    assert name[:-14] == stem
    assert is_taken_by_lattice("TargetGroupName", name)


@pytest.mark.parametrize(
    ("service", "lattice_service", "route", "placement"),
    [
        (ServiceId(SERVICE.arn.replace("shop", "other")), "orders", ROUTE, PLACEMENT),
        (SERVICE, "billing", ROUTE, PLACEMENT),
        (SERVICE, "orders", dataclasses.replace(ROUTE, port_name="web2"), PLACEMENT),
        (SERVICE, "orders", dataclasses.replace(ROUTE, protocol="HTTPS"), PLACEMENT),
        (SERVICE, "orders", dataclasses.replace(ROUTE, protocol_version="HTTP2"), PLACEMENT),
        (SERVICE, "orders", dataclasses.replace(ROUTE, protocol="TCP", protocol_version=None), PLACEMENT),
        (SERVICE, "orders", ROUTE, Placement("vpc-1", "IPV6", 8080)),
        (SERVICE, "orders", ROUTE, Placement("vpc-2", "IPV4", 8080)),
    ],
)
def test_what_is_part_of_a_groups_identity_gives_another_name(service, lattice_service, route, placement):
    name = naming.target_group_name(service, lattice_service, route, placement)
    assert name != naming.target_group_name(SERVICE, "orders", ROUTE, PLACEMENT)


def test_neither_route_name_nor_port_number_is_part_of_a_groups_identity():
    renamed = dataclasses.replace(ROUTE, name="admin", priority=7, listeners=(ListenerKey("HTTP", 80),))
    assert naming.target_group_name(
        SERVICE, "orders", renamed, Placement("vpc-1", "IPV4", 9090)
    ) == naming.target_group_name(SERVICE, "orders", ROUTE, PLACEMENT)


@given(
    st.lists(
        st.tuples(strategies.service_ids, strategies.route_names, strategies.listener_keys), unique=True, max_size=30
    )
)
def test_different_rules_never_share_a_name(identities):
    assert len({naming.rule_name(*identity) for identity in identities}) == len(identities)


def test_identities_whose_parts_only_run_together_alike_have_different_names():
    one = ServiceId("arn:aws:ecs:us-east-1:123456789012:service/shop/a-b")
    two = ServiceId("arn:aws:ecs:us-east-1:123456789012:service/shop/a")
    assert naming.rule_name(one, "c", ListenerKey("HTTP", 80)) != naming.rule_name(two, "b-c", ListenerKey("HTTP", 80))
    assert naming.client_token("a", "bc") != naming.client_token("ab", "c")
    assert naming.client_token("1") != naming.client_token(1)


def test_names_stand_for_ever():
    """A change here renames what stacks in the field have made: every object would be made a second time."""
    assert naming.target_group_name(SERVICE, "orders", ROUTE, PLACEMENT) == "orders-web-eevkhqegmadje"
    assert naming.listener_name(ListenerKey("HTTPS", 443)) == "https-443-dmgd4u5d2huq4"
    assert naming.rule_name(SERVICE, "default", ListenerKey("HTTPS", 443)) == "orders-default-jszn3jfoshc75"


@pytest.mark.parametrize("name", ["", "orders", "orders-transactions", "orders-web-abcdefghijklm", "https-443"])
def test_what_people_type_is_not_ours(name):
    assert not naming.is_ours(name)


def test_a_name_that_was_changed_by_hand_is_not_ours_any_more():
    name = naming.rule_name(SERVICE, "default", ListenerKey("HTTPS", 443))
    assert not naming.is_ours(name.replace("orders", "ordera"))


@given(st.text(max_size=600))
def test_message_groups_and_client_tokens_fit_their_limits(text):
    assert re.fullmatch("[0-9a-f]{64}", naming.group_id(text))
    token = LATTICE.shape_for("ClientToken").metadata
    assert token["min"] <= len(naming.client_token(text, 1, None)) <= token["max"]
    assert re.fullmatch(token["pattern"], naming.client_token(text, 1, None))
