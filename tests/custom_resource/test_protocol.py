"""The answer on the wire: never too long, always whole, always the same."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecs_lattice.custom_resource import protocol
from ecs_lattice.custom_resource.protocol import Request, Response
from ecs_lattice.errors import UnknownEventError
from tests.custom_resource.conftest import STACK

REQUEST = Request("Create", "r-1", STACK, "Open", "Custom::LatticeIngress")
ANY_TEXT = st.text(st.characters(exclude_categories=[]), max_size=9000)  # lone surrogates, too: JSON can carry them
IDS = st.lists(st.from_regex(r"\Asgr-[0-9a-f]{17}\Z"), max_size=400).map(",".join)


def answered(answer: Response, request: Request = REQUEST) -> dict:
    body = protocol.body(request, answer)
    assert len(body) <= 4096
    return json.loads(body)


@given(ANY_TEXT, IDS, st.booleans())
def test_whatever_is_answered_is_json_within_4096_bytes_with_the_identity_of_the_request(reason, ids, success):
    said = answered(Response(success, REQUEST.own_id, reason, {"RuleIds": ids, "RuleCount": "1"}))
    assert said["Status"] == ("SUCCESS" if success else "FAILED")
    assert (said["RequestId"], said["StackId"], said["LogicalResourceId"]) == ("r-1", STACK, "Open")
    assert said["PhysicalResourceId"] == REQUEST.own_id
    assert success or "Reason" in said


@pytest.mark.parametrize("letter", ["a", "ä", "漢", "🦉", '"', "\n", "\ud800"], ids=ascii)
def test_a_long_reason_is_cut_at_a_character_as_late_as_possible_and_says_that_it_goes_on(letter):
    body = protocol.body(REQUEST, Response(False, REQUEST.own_id, letter * 5000))
    reason = json.loads(body)["Reason"]
    assert reason.endswith("…")
    whole = letter.encode("utf-8", "replace").decode()
    assert reason[:-1] == whole * (len(reason) - 1)
    assert 4096 - len(json.dumps(letter, ensure_ascii=False)) * 4 < len(body) <= 4096


def test_a_short_reason_is_not_touched():
    assert answered(Response(False, "id", "Ports = '0': no such port"))["Reason"] == "Ports = '0': no such port"


def test_too_many_ids_are_cut_by_whole_ids_and_the_count_tells_of_all():
    ids = [f"sgr-{number:017x}" for number in range(300)]
    data = answered(
        Response(True, "id", data={"RuleIds": ",".join(ids), "RuleCount": "300", "PrefixListIdIPv4": "pl-1"})
    )["Data"]
    left = data["RuleIds"].split(",")
    assert 100 < len(left) < 300
    assert left == ids[: len(left)]
    assert (data["RuleCount"], data["PrefixListIdIPv4"]) == ("300", "pl-1")


def test_a_reason_makes_room_for_the_data_and_not_the_other_way_round():
    data = {"RuleIds": ",".join(f"sgr-{number:017x}" for number in range(50))}
    said = answered(Response(True, "id", "x" * 5000, data))
    assert said["Data"] == data
    assert said["Reason"].endswith("…")


def test_the_physical_id_depends_on_the_stack_and_the_logical_id_and_on_nothing_else():
    def own_id(**members: str) -> str:
        return Request(**{**{name: getattr(REQUEST, name) for name in Request.__dataclass_fields__}, **members}).own_id

    assert own_id() == "ecs-lattice-ingress-" + own_id().rpartition("-")[2]
    assert len(own_id().rpartition("-")[2]) == 16
    assert own_id(type="Delete", request_id="r-2", physical_id="other") == own_id()
    assert len({own_id(), own_id(stack_id=STACK + "x"), own_id(logical_id="Other")}) == 3
    assert own_id() == "ecs-lattice-ingress-0de498cac94cce80", "a new version would replace every resource"


@pytest.mark.parametrize("event", [{}, {"ResponseURL": None}, {"ResponseURL": 7}, {"Records": []}])
def test_what_has_no_address_for_an_answer_is_no_request(event):
    with pytest.raises(UnknownEventError, match="ResponseURL"):
        protocol.response_url(event)


def test_a_mangled_request_is_read_as_far_as_it_goes():
    request = protocol.read({"RequestType": "Create", "StackId": None, "ResourceProperties": "text"})
    assert (request.type, request.stack_id, request.properties) == ("Create", "", {})
