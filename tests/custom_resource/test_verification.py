"""What a request is, by what CloudFormation says; and a status that cannot be read is asked for until the deadline."""

import pytest

from ecs_lattice import api_calls
from ecs_lattice.custom_resource.protocol import Request
from ecs_lattice.custom_resource.verification import RequestStatus, StackResource, Verification, status_of
from ecs_lattice.errors import DeniedError, OutOfTimeError, ThrottledError, UnavailableError
from local_aws.clock import ManualClock
from tests.custom_resource.conftest import STACK, CloudFormation, fields

OLD, NEW = "ecs-lattice-ingress-1111111111111111", "ecs-lattice-ingress-2222222222222222"


def request(kind: str, physical_id: str = "", **changed: str) -> Request:
    made = Request(kind, "r-1", STACK, "Open", "Custom::LatticeIngress", physical_id)
    return Request(**{**fields(made), **changed})


def resource(status: str, physical_id: str = "", **changed: str) -> StackResource:
    named = {"stack_id": STACK, "logical_id": "Open", "type": "Custom::LatticeIngress", **changed}
    return StackResource(status=status, physical_id=physical_id, **named)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (request("Create"), resource("CREATE_IN_PROGRESS")),
        (request("Create"), resource("CREATE_IN_PROGRESS", OLD)),
        (request("Update", OLD), resource("UPDATE_IN_PROGRESS", OLD)),
        (request("Update", OLD), resource("UPDATE_ROLLBACK_IN_PROGRESS", OLD)),
        (request("Delete", OLD), resource("DELETE_IN_PROGRESS", OLD)),
        (request("Delete", OLD), resource("DELETE_IN_PROGRESS")),
        (request("Delete", OLD), resource("ROLLBACK_IN_PROGRESS", OLD)),
    ],
)
def test_a_request_counts_while_its_resource_is_in_progress(asked, said):
    assert status_of(asked, said) is RequestStatus.CURRENT


IN_PROGRESS = {"Create": "CREATE_IN_PROGRESS", "Update": "UPDATE_IN_PROGRESS", "Delete": "DELETE_IN_PROGRESS"}
STATUSES = [
    "CREATE_COMPLETE", "CREATE_FAILED", "UPDATE_COMPLETE", "UPDATE_FAILED", "UPDATE_ROLLBACK_COMPLETE", "DELETE_COMPLETE",
    "DELETE_FAILED", "DELETE_SKIPPED", "ROLLBACK_COMPLETE", "IMPORT_IN_PROGRESS", "EXPORT_IN_PROGRESS", "SOMETHING_NEW",
    *IN_PROGRESS.values(),
]  # fmt: skip


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("kind", [*IN_PROGRESS, "Destroy", ""])
def test_in_any_other_status_it_does_not(kind, status):
    expected = RequestStatus.CURRENT if IN_PROGRESS.get(kind) == status else RequestStatus.NOT_IN_PROGRESS
    assert status_of(request(kind, "" if kind == "Create" else OLD), resource(status, OLD)) is expected


@pytest.mark.parametrize("kind", IN_PROGRESS)
@pytest.mark.parametrize(
    "said",
    [
        {"stack_id": STACK.replace("/shop/", "/club/")},
        {"stack_id": ""},
        {"logical_id": "Other"},
        {"type": "Custom::Other"},
    ],
)
def test_what_is_said_of_another_resource_does_not_count(kind, said):
    assert status_of(request(kind, OLD), resource(IN_PROGRESS[kind], OLD, **said)) is RequestStatus.NOT_IN_PROGRESS


@pytest.mark.parametrize("kind", IN_PROGRESS)
def test_a_resource_that_does_not_exist_is_in_progress_of_nothing(kind):
    assert status_of(request(kind, OLD), None) is RequestStatus.NOT_IN_PROGRESS


@pytest.mark.parametrize("request_id", ["", "x" * 129])
@pytest.mark.parametrize("kind", IN_PROGRESS)
def test_a_request_without_an_id_or_with_an_endless_one_does_not_count(kind, request_id):
    asked = request(kind, OLD, request_id=request_id)
    assert status_of(asked, resource(IN_PROGRESS[kind], OLD)) is RequestStatus.NOT_IN_PROGRESS


def test_an_update_of_another_id_does_not_count():
    assert status_of(request("Update", OLD), resource("UPDATE_IN_PROGRESS", NEW)) is RequestStatus.NOT_IN_PROGRESS


@pytest.mark.parametrize("status", ["UPDATE_COMPLETE", "UPDATE_IN_PROGRESS", "DELETE_IN_PROGRESS"])
def test_the_delete_of_an_id_that_the_resource_does_not_have_is_told_apart(status):
    assert status_of(request("Delete", OLD), resource(status, NEW)) is RequestStatus.REPLACED


def test_a_read_that_lags_behind_is_repeated_for_a_few_seconds():
    clock, stacks = ManualClock(), CloudFormation()
    begun = clock.time()

    def sleep(seconds: float) -> None:
        clock.advance(seconds)
        if stacks.reads == 2:
            stacks.sends(request("Create"))

    assert Verification(stacks, sleep).status(request("Create")) is RequestStatus.CURRENT
    assert (stacks.reads, clock.time() - begun) == (3, 1.5)


def test_what_cloudformation_does_not_know_is_refused_after_a_few_seconds():
    clock, stacks = ManualClock(), CloudFormation()
    begun = clock.time()
    assert Verification(stacks, clock.advance).status(request("Create")) is RequestStatus.NOT_IN_PROGRESS
    assert (stacks.reads, clock.time() - begun) == (5, 7.5)


ERRORS = [
    ThrottledError("DescribeStackResource", "Throttling", "Rate exceeded"),
    DeniedError("DescribeStackResource", "AccessDenied", "not authorized"),
    UnavailableError("DescribeStackResource", "ServiceUnavailable", "sorry"),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: error.code)
def test_a_status_that_cannot_be_read_is_read_again(error):
    clock, stacks = ManualClock(), CloudFormation(errors=[error] * 6)
    begun = clock.time()
    stacks.sends(request("Create"))
    assert Verification(stacks, clock.advance).status(request("Create")) is RequestStatus.CURRENT
    assert (stacks.reads, clock.time() - begun) == (7, 0.5 + 1 + 2 + 4 + 4 + 4)


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: error.code)
def test_at_the_deadline_the_last_error_is_the_reason(error, monkeypatch):
    clock, stacks = ManualClock(), CloudFormation(errors=[error] * 1000)
    monkeypatch.setattr("time.monotonic", clock.time)
    with pytest.raises(type(error)) as raised, api_calls.within(45):
        Verification(stacks, clock.advance).status(request("Create"))
    assert raised.value is error
    assert stacks.reads == 14


def test_without_time_for_one_read_that_is_the_reason(monkeypatch):
    clock = ManualClock()
    monkeypatch.setattr("time.monotonic", clock.time)
    with pytest.raises(OutOfTimeError), api_calls.within(0):
        Verification(CloudFormation(), clock.advance).status(request("Create"))
