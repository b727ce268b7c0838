"""Every way to fail is still an answer to CloudFormation: asserted on the bytes that a real HTTP server received."""

import json
import threading
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from ecs_lattice import api_calls
from ecs_lattice.aws.cfn_response import HttpDelivery
from ecs_lattice.custom_resource import serving
from ecs_lattice.custom_resource.protocol import Request, Response
from ecs_lattice.custom_resource.serving import CustomResources
from ecs_lattice.errors import DeniedError, InvalidError, OutOfTimeError, UnavailableError, UnknownEventError
from local_aws.clock import ManualClock
from tests.custom_resource.conftest import STACK, Account, Receiver, event

REMAINING = 60.0


def custom_resources(receiver: Receiver, apply: Callable[[Request], Response]) -> CustomResources:
    clock = ManualClock()
    return CustomResources(apply, HttpDelivery(sleep=clock.advance, monotonic=clock.time), receiver.hosts, "the log")


def received(receiver: Receiver) -> dict[str, Any]:
    """The one answer that arrived, checked for what every answer has."""
    (put,) = receiver.puts
    assert len(put.body) <= 4096
    assert put.headers["Content-Type"] == ""
    answer = json.loads(put.body)
    assert (answer["StackId"], answer["LogicalResourceId"]) == (STACK, "Open")
    assert answer["RequestId"].startswith("request-")
    assert 1 <= len(answer["PhysicalResourceId"]) <= 1024
    assert answer["Status"] == "SUCCESS" or answer["Reason"]
    return answer


def properties(account: Account, **changed: Any) -> dict[str, Any]:
    return {"SecurityGroupIds": [account.group()], "Ports": "8080", **changed}


def test_a_create_that_works_is_answered_with_its_data(account, receiver):
    request = account.request("Create", properties(account))
    said = custom_resources(receiver, account.resource.apply).handle(event(request, receiver.url), REMAINING)
    answer = received(receiver)
    assert said == {"status": "SUCCESS", "physicalResourceId": request.own_id}
    assert (answer["Status"], answer["PhysicalResourceId"]) == ("SUCCESS", request.own_id)
    assert set(answer["Data"]) == {"RuleIds", "RuleCount", "PrefixListIds", "PrefixListIdIPv4", "PrefixListIdIPv6"}
    assert answer["Data"]["RuleIds"].startswith("sgr-")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"Ports": "http"}, "BAD_PROPERTY: Ports = 'http'"),
        ({"Port": "80"}, "did you mean Ports?"),
        ({"SecurityGroupIds": []}, "MISSING_PROPERTY: SecurityGroupIds"),
        ({"AddressFamilies": ["IPv5"]}, "IPv4, IPv6 or both."),
        ({"SecurityGroupIds": ["sg-0badbadbadbadbad0"]}, "INGRESS_NO_GROUP"),
        ({"Ports": ["漢" * 50] * 200}, "200 problems. (1) BAD_PROPERTY"),
    ],
    ids=["ports", "unknown property", "no groups", "family", "no such group", "endless problems"],
)
def test_a_bad_property_is_answered_with_what_is_allowed(account, receiver, wrong, said):
    request = account.request("Create", properties(account, **wrong))
    assert (
        custom_resources(receiver, account.resource.apply).handle(event(request, receiver.url), REMAINING)["status"]
        == "FAILED"
    )
    answer = received(receiver)
    assert (answer["Status"], answer["PhysicalResourceId"]) == ("FAILED", request.own_id)
    assert said in answer["Reason"]


def failing(call: str, error: Exception) -> Callable[[str], None]:
    def before(name: str) -> None:
        if name == call:
            raise error

    return before


DENIED = ClientError(
    {"Error": {"Code": "UnauthorizedOperation", "Message": "no identity-based policy allows it"}}, "any"
)


@pytest.mark.parametrize(
    "call",
    [
        "DescribeManagedPrefixLists",
        "DescribeSecurityGroups",
        "DescribeSecurityGroupRules",
        "AuthorizeSecurityGroupIngress",
        "CreateTags",
    ],
)
def test_a_missing_permission_is_answered_with_the_call_that_was_denied(account, receiver, call):
    request = account.request("Create", properties(account))
    account.before = failing(call, DENIED)
    custom_resources(receiver, account.resource.apply).handle(event(request, receiver.url), REMAINING)
    answer = received(receiver)
    assert (answer["Status"], answer["PhysicalResourceId"]) == ("FAILED", request.own_id)
    assert call in answer["Reason"]
    assert "service control policy" in answer["Reason"]


def test_a_delete_that_is_denied_keeps_its_id_and_says_why(account, receiver):
    wanted = properties(account)
    account.resource.apply(account.request("Create", wanted))
    account.before = failing("RevokeSecurityGroupIngress", DENIED)
    request = account.request("Delete", wanted)
    custom_resources(receiver, account.resource.apply).handle(event(request, receiver.url), REMAINING)
    answer = received(receiver)
    assert (answer["Status"], answer["PhysicalResourceId"]) == ("FAILED", request.physical_id)
    assert "RevokeSecurityGroupIngress" in answer["Reason"]


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ClientError({"Error": {"Code": "RulesPerSecurityGroupLimitExceeded", "Message": "full"}}, "x"), "INGRESS_GROUP_FULL"),
        (ClientError({"Error": {"Code": "RequestLimitExceeded", "Message": "slowly"}}, "x"), "RequestLimitExceeded"),
        (ClientError({"Error": {"Code": "InternalError", "Message": "sorry"}, "ResponseMetadata": {"HTTPStatusCode": 500}}, "x"), "InternalError"),
        (EndpointConnectionError(endpoint_url="https://ec2"), "EndpointConnectionError"),
        (ClientError({"Error": {"Code": "SomethingNew", "Message": "of tomorrow"}}, "x"), "SomethingNew: of tomorrow"),
    ],
    ids=["quota", "throttled", "server error", "no connection", "unknown code"],
)  # fmt: skip
def test_a_failed_call_is_answered_with_the_message_of_aws(account, receiver, error, said):
    request = account.request("Create", properties(account))
    account.before = failing("AuthorizeSecurityGroupIngress", error)
    custom_resources(receiver, account.resource.apply).handle(event(request, receiver.url), REMAINING)
    assert said in received(receiver)["Reason"]


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (RuntimeError("boom"), "RuntimeError: boom"),
        (KeyError("Ports"), "KeyError: 'Ports'"),
        (MemoryError(), "MemoryError"),
        (OutOfTimeError("late"), "did not end within the function's time"),
        (ValueError("ä" * 10_000), "ValueError: ää"),
        (ValueError("🦉\ud800" * 3_000), "ValueError: 🦉?"),
        (DeniedError("PutItem", "AccessDeniedException", "no"), "service control policy"),
    ],
    ids=["exception", "key error", "memory", "deadline", "long", "not encodable", "registry denied"],
)
def test_any_exception_is_answered_with_its_reason_and_where_the_log_is(account, receiver, error, said, monkeypatch):
    logged = []  # kept here: pytest cannot hand every text on from one of its processes to another
    monkeypatch.setattr(serving.logger, "exception", lambda text, **_: logged.append(text))

    def apply(_: Request) -> Response:
        raise error

    request = account.request("Update", properties(account), {})
    custom_resources(receiver, apply).handle(event(request, receiver.url), REMAINING)
    answer = received(receiver)
    assert (answer["Status"], answer["PhysicalResourceId"]) == ("FAILED", request.own_id)
    assert said in answer["Reason"]
    assert answer["Reason"].endswith(("Log: the log.", "…"))
    assert logged == ["The request failed"]


def test_work_that_hangs_is_answered_before_the_function_ends_and_not_twice(account, receiver):
    def apply(request: Request) -> Response:
        assert receiver.came.wait(60), "nobody answered in the work's stead"
        return Response(True, request.own_id)

    request = account.request("Create", properties(account))
    said = custom_resources(receiver, apply).handle(event(request, receiver.url), 10.05)
    answer = received(receiver)
    assert (answer["Status"], answer["PhysicalResourceId"]) == ("FAILED", request.own_id)
    assert "did not end within the function's time" in answer["Reason"]
    assert said["status"] == "FAILED", "what is returned is what was answered"


def test_work_that_begins_too_late_is_answered_at_once(account, receiver):
    def apply(request: Request) -> Response:
        assert receiver.came.wait(60)
        api_calls.check_time()
        raise AssertionError("the deadline had passed")

    custom_resources(receiver, apply).handle(event(account.request("Create", properties(account)), receiver.url), 1)
    assert received(receiver)["Status"] == "FAILED"


def test_calls_stop_before_the_shutdown_margin(account, receiver):
    def apply(_: Request) -> Response:
        api_calls.check_time()
        raise AssertionError("no time was left for calls")

    custom_resources(receiver, apply).handle(event(account.request("Create", properties(account)), receiver.url), 14.9)
    assert "did not end within" in received(receiver)["Reason"]


def test_no_timer_is_left_behind(account, receiver):
    before = set(threading.enumerate())
    request = account.request("Create", properties(account))
    custom_resources(receiver, account.resource.apply).handle(event(request, receiver.url), REMAINING)
    timers = [one for one in threading.enumerate() if isinstance(one, threading.Timer) and one not in before]
    for timer in timers:
        timer.join(5)
        assert not timer.is_alive()


@pytest.mark.parametrize(
    "missing", ["RequestType", "ResourceType", "ResourceProperties", "PhysicalResourceId", "OldResourceProperties"]
)
def test_a_mangled_request_is_answered_as_well_as_it_can_be(account, receiver, missing):
    request = account.request("Update", properties(account), {"Ports": "1"})
    mangled = {key: value for key, value in event(request, receiver.url).items() if key != missing}
    custom_resources(receiver, account.resource.apply).handle(mangled, REMAINING)
    assert received(receiver)["PhysicalResourceId"] == request.own_id


@pytest.mark.parametrize("missing", ["RequestId", "StackId", "LogicalResourceId"])
def test_a_request_without_its_identity_is_answered_too_and_changes_nothing(account, receiver, missing):
    request = account.request("Create", properties(account))
    account.calls.clear()
    mangled = {key: value for key, value in event(request, receiver.url).items() if key != missing}
    custom_resources(receiver, account.resource.apply).handle(mangled, REMAINING)
    answer = json.loads(receiver.puts[0].body)
    assert (answer["Status"], answer[missing]) == ("FAILED", "")
    assert missing in answer["Reason"]
    assert account.calls == []


def test_an_answer_gets_through_a_server_that_fails_at_first(account, receiver):
    receiver.script = [500, 0, 503]
    request = account.request("Create", properties(account))
    custom_resources(receiver, account.resource.apply).handle(event(request, receiver.url), REMAINING)
    assert len({put.body for put in receiver.puts}) == 1
    assert json.loads(receiver.puts[-1].body)["Status"] == "SUCCESS"


@pytest.mark.parametrize(("status", "error"), [(503, UnavailableError), (403, InvalidError)])
def test_an_answer_that_cannot_be_delivered_is_raised_so_that_lambda_repeats_the_request(
    account, receiver, status, error, caplog
):
    receiver.script = [status] * 50
    request = account.request("Create", properties(account))
    with pytest.raises(error) as raised:
        custom_resources(receiver, account.resource.apply).handle(event(request, receiver.url), REMAINING)
    assert "X-Amz-Signature" not in repr(raised.getrepr(chain=True)) + caplog.text
    receiver.script.clear()
    receiver.puts.clear()
    custom_resources(receiver, account.resource.apply).handle(event(request, receiver.url), REMAINING)
    assert received(receiver)["Status"] == "SUCCESS"


@pytest.mark.parametrize("other", [{}, {"mode": "sweep"}, {"Records": []}, {"RequestType": "Create"}])
def test_what_cannot_be_answered_is_an_unknown_event(account, receiver, other):
    with pytest.raises(UnknownEventError, match="ResponseURL"):
        custom_resources(receiver, account.resource.apply).handle(other, REMAINING)


@pytest.mark.parametrize("member", ["StackId", "LogicalResourceId", "RequestType", "ResourceType", "RequestId"])
def test_a_log_line_stays_short_whatever_an_event_claims(account, receiver, member, monkeypatch):
    lines = []
    for level in ("info", "exception"):
        monkeypatch.setattr(serving.logger, level, lambda text, **more: lines.append(repr((text, more))))
    request = event(account.request("Update", properties(account)), receiver.url)
    custom_resources(receiver, account.resource.apply).handle({**request, member: "x" * 200_000}, REMAINING)
    assert lines
    assert max(map(len, lines)) < 8_000
