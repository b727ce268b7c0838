"""An alarm and a refusal of one route: what the refusal says, the alarm does not say again, and nothing is lost between them."""

import dataclasses

import pytest

from ecs_lattice import codec
from ecs_lattice.claims import Answer, ClaimRecord
from ecs_lattice.diagnosis.incidents import Incident
from ecs_lattice.diagnosis.refusals import Refusal, Refusals, Reported
from tests.diagnosis.making import GROUP_ARN, NOW, SERVICE, a_deployment, a_service, unhealthy
from tests.diagnosis.test_respond import PREFIX, Fakes, a_claim

FAILED = Refusal("orders", "default", "Refused", "ATTACH_FAILED")
TAKEN = Refusal("orders", "default", "Conflicted", "MATCH_TAKEN")


@pytest.fixture
def fakes():
    return Fakes()


def reported(fakes, *refusals: Refusal, ended_at: float = 0.0, held: bool = False) -> None:
    """Let these be reported, or ``held`` back because there were too many messages."""
    entries = tuple(Reported(refusal, NOW, ended_at) for refusal in refusals)
    state = Refusals(SERVICE.arn, seen=refusals) if held else Refusals(SERVICE.arn, entries)
    fakes.documents["incident", f"refusals#{SERVICE.arn}"] = codec.dumps(state)


def answered(state: str, live_as: str = "") -> ClaimRecord:
    """The route with this answer: its tasks were detached again, unless it was live."""
    answer = Answer(state, group_arn=GROUP_ARN, live_as=live_as, live_since=0.0)
    return dataclasses.replace(a_claim(), answer=answer)


def is_closed(fakes) -> bool:
    text = fakes.documents["incident", f"alarm#{PREFIX}orders/shop/orders/default"]
    return not codec.loads(Incident, text).is_open


@pytest.mark.parametrize("held", [False, True])
@pytest.mark.parametrize("refusal", [FAILED, TAKEN])
def test_an_alarm_that_is_deleted_with_the_refusal_of_its_route_ends_in_silence(fakes, refusal, held):
    fakes.alarm("ALARM")
    fakes.claims = (answered("Wired"),)
    reported(fakes, refusal, held=held)
    fakes.wait(900)
    assert (fakes.words, fakes.due, is_closed(fakes)) == (["ALARM"], [], True)


@pytest.mark.parametrize(
    "other",
    [
        Refusal("", "", "Refused", "UNKNOWN_KEY"),
        Refusal("orders", "admin", "Refused", "ATTACH_FAILED"),
        Refusal("billing", "default", "Refused", "ATTACH_FAILED"),
        Refusal("orders", "default", "Notice", "SHADOWED"),
    ],
)
def test_what_else_is_refused_says_nothing_about_the_route(fakes, other):
    fakes.alarm("ALARM")
    fakes.claims = (answered("Wired"),)
    reported(fakes, other)
    fakes.wait(900)
    assert fakes.words == ["ALARM", "CLOSED"]
    assert "Its tasks are not in its target group. Whether it has recovered is unknown." in _words(fakes)


@pytest.mark.parametrize(
    ("claims", "why"),
    [
        ((), "It is no longer declared."),
        ((a_claim(alarm=False),), "A label or tag has switched its alarm off."),
    ],
)
def test_a_route_that_lost_its_alarm_otherwise_is_no_ok_and_says_why(fakes, claims, why):
    fakes.alarm("ALARM")
    fakes.claims = claims
    fakes.wait(900)
    assert fakes.words == ["ALARM", "CLOSED"]
    assert f"{why} Whether it has recovered is unknown." in _words(fakes)


def test_an_alarm_that_is_off_while_its_route_is_refused_is_no_recovery(fakes):
    fakes.alarm("ALARM")
    fakes.claims = (answered("Wired", live_as="/orders"),)
    fakes.at(60, "OK")
    reported(fakes, FAILED)
    fakes.wait(3600)
    assert (fakes.words, is_closed(fakes)) == (["ALARM"], True)


def test_the_end_of_a_refusal_is_the_recovery_too(fakes):
    fakes.alarm("ALARM")
    reported(fakes, FAILED, ended_at=NOW + 30)
    fakes.at(60, "OK")
    assert is_closed(fakes)
    fakes.wait(3600)
    assert fakes.words == ["ALARM"], "what is left to say is said by the end of the refusal"


def test_a_route_that_serves_as_before_its_conflict_recovers_with_a_message(fakes):
    fakes.alarm("ALARM")
    fakes.claims = (answered("Conflicted", live_as="/orders"),)
    reported(fakes, TAKEN)
    fakes.at(60, "OK")
    fakes.wait(660)
    assert fakes.words == ["ALARM", "OK"]
    assert "recovered after" in fakes.subjects[1]


def test_a_postponed_message_about_a_route_without_an_alarm_is_never_sent():
    fakes = Fakes(unhealthy(service=a_service(a_deployment(rollout="IN_PROGRESS", created_at=NOW - 30))))
    fakes.alarm("ALARM")
    assert len(fakes.later) == 1
    fakes.claims = (answered("Wired"),)
    fakes.wait(3600)
    assert (fakes.words, fakes.due, is_closed(fakes)) == ([], [], True)


def _words(fakes) -> str:
    return " ".join(fakes.published[-1][1].split())
