"""From signals to messages: once each, whatever comes twice, late, at once, or is cut off in the middle."""

import dataclasses
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecs_lattice.claims import Answer, Claim, ClaimRecord
from ecs_lattice.diagnosis.evidence import Evidence
from ecs_lattice.diagnosis.ports import DeadLetter, DeadLetterSample
from ecs_lattice.diagnosis.respond import Responder
from ecs_lattice.errors import BusyError, DeniedError, UnavailableError, UnknownEventError
from ecs_lattice.messages import alarms
from ecs_lattice.messages.alarms import AlarmChange, FollowUp, RouteStateChange, TargetUnhealthy
from ecs_lattice.messages.announcements import StateChange
from ecs_lattice.messages.recognise import parse_body
from ecs_lattice.model import Placement, Route
from tests.diagnosis.making import (
    CASES,
    GROUP_ARN,
    NOW,
    SERVICE,
    SUBJECT,
    a_deployment,
    a_service,
    evidence,
    ill,
    targets,
)

EVENTS = Path(__file__).parents[2] / "events"
PREFIX = "ecs-lattice/ecs-lattice/"
DIMENSIONS = (("EcsService", "shop/orders"), ("LatticeService", "orders"), ("Route", "default"))


class Desk:
    """Everything around the responder, in memory: what was published, what is put off, what is remembered."""

    def __init__(self, seen: Evidence = CASES["PREFIX_LIST_RULE_MISSING"]) -> None:
        self.seen, self.time = seen, NOW
        self.documents: dict[tuple[str, str], str] = {}
        self.published: list[tuple[str, str, dict]] = []
        self.later: list[tuple[str, int]] = []
        self.due: list[tuple[float, str]] = []
        self.metrics: list[tuple[dict, dict]] = []
        self.claims: tuple[ClaimRecord, ...] = ()
        self.letters: DeadLetterSample | Exception = DeadLetterSample("https://sqs/q", ())
        self.fails: list[Exception] = []
        self.before_publishing = self.after_reading = lambda: None
        self.responder = Responder("ecs-lattice", "registry", self, self, self, self, self, self, lambda: self.time)

    # The ports.
    @property
    def sources(self):
        return self

    def collect(self, subject):
        assert subject == SUBJECT
        return dataclasses.replace(self.seen, now=self.time)

    def service(self, service):
        return self.seen.service

    def document(self, kind, key):
        text, hook = self.documents.get((kind, key)), self.after_reading
        self.after_reading = lambda: None
        hook()
        return text

    def replace_document(self, kind, key, before, text, *, expires_at):
        assert expires_at > self.time
        if self.documents.get((kind, key)) != before:
            return False
        self.documents[kind, key] = text
        return True

    def claims_of(self, service):
        return self.claims

    def publish(self, first, *rest):
        if isinstance(first, dict):
            self.metrics.append((first, *rest))
            return
        self.before_publishing()
        if self.fails:
            raise self.fails.pop()
        self.published.append((first, rest[0], json.loads(rest[1])))

    def send_later(self, body, seconds):
        assert 0 < seconds <= 900
        self.later.append((body, seconds))
        self.due.append((self.time + seconds, body))

    def peek(self, queue_name):
        if isinstance(self.letters, Exception):
            raise self.letters
        return self.letters

    # What comes in, and what went out.
    def alarm(self, state, at=0, name="orders/shop/orders/default", previous=None, **more):
        given = {"namespace": "EcsLattice", "metric": "Impaired", "dimensions": DIMENSIONS, **more}
        arn = f"arn:aws:cloudwatch:us-east-1:123456789012:alarm:{PREFIX}{name}"
        previous = previous or {"ALARM": "OK", "OK": "ALARM"}.get(state, "OK")
        self.responder.respond(AlarmChange(PREFIX + name, arn, state, previous, NOW + at, **given))

    def announce(self, state, code="", at=0, before=("", ""), route="default", owner="ecs-lattice"):
        change = StateChange(SERVICE.arn, route, "orders" if route else "", state, code, "because", *before)
        self.responder.respond(RouteStateChange(change, owner, NOW + at))

    def wait(self, seconds):
        """Let time pass, with what was put off."""
        until = self.time + seconds
        while self.due and min(self.due)[0] <= until:
            self.due.remove(first := min(self.due))
            self.time = first[0]
            self.responder.respond(alarms.parse_event(parse_body(first[1])))
        self.time = until

    def at(self, seconds, state):
        """An alarm that changes at that moment, and is heard of at once."""
        self.wait(NOW + seconds - self.time)
        self.alarm(state, seconds)

    @property
    def words(self):
        return [subject.split()[0] for subject, _, _ in self.published]


@pytest.fixture
def desk():
    return Desk()


STARTING = a_service(a_deployment(rollout="IN_PROGRESS", created_at=NOW - 30))


def test_an_incident_is_told_once_and_its_end_with_its_length_in_the_same_thread(desk):
    desk.alarm("ALARM")
    desk.alarm("ALARM")
    desk.alarm("ALARM", 60, previous="INSUFFICIENT_DATA")
    desk.wait(725)
    desk.alarm("OK", 725)
    desk.alarm("OK", 725)
    desk.wait(599)
    assert desk.words == ["ALARM"]
    desk.wait(1)
    assert desk.words == ["ALARM", "OK"]
    assert "well again after 12 minutes" in desk.published[1][0]
    assert "PREFIX_LIST_RULE_MISSING" in desk.published[1][1]
    assert len({chat["metadata"]["threadId"] for _, _, chat in desk.published}) == 1


def test_what_was_never_ill_is_never_well_again(desk):
    desk.alarm("OK")
    desk.alarm("INSUFFICIENT_DATA", 10)
    assert desk.published == []


def test_an_older_change_than_the_last_one_says_nothing(desk):
    desk.alarm("OK", 50)
    desk.alarm("ALARM", 10)
    assert desk.published == []


def test_each_route_has_its_own_incident(desk):
    desk.alarm("ALARM")
    desk.alarm("ALARM", name="orders/shop/orders/default-b")
    assert desk.words == ["ALARM", "ALARM"]


def test_within_the_grace_of_a_deployment_it_is_looked_at_again_and_told_when_it_lasts():
    desk = Desk(ill(service=STARTING))
    desk.alarm("ALARM")
    ((body, seconds),) = desk.later
    assert (desk.published, seconds) == ([], 95)
    desk.time += seconds
    desk.responder.respond(alarms.parse_event(parse_body(body)))
    desk.responder.respond(alarms.parse_event(parse_body(body)))
    assert desk.words == ["ALARM"]
    desk.at(300, "OK")
    desk.wait(600)
    assert desk.words == ["ALARM", "OK"]


def test_what_is_over_within_the_grace_was_never_told():
    desk = Desk(ill(service=STARTING))
    desk.alarm("ALARM")
    desk.alarm("OK", 60)
    desk.time += 95
    desk.responder.respond(alarms.parse_event(parse_body(desk.later[0][0])))
    assert desk.published == []


def test_a_look_again_of_an_older_incident_says_nothing_of_a_newer_one():
    desk = Desk(ill(service=STARTING))
    desk.alarm("ALARM")
    desk.alarm("OK", 20)
    desk.alarm("ALARM", 40)
    first, second = (alarms.parse_event(parse_body(body)) for body, _ in desk.later)
    desk.time += 200
    desk.responder.respond(first)
    assert desk.published == []
    desk.responder.respond(second)
    assert desk.words == ["ALARM"]


def test_a_longer_grace_than_a_message_can_be_delayed_is_waited_for_in_parts():
    desk = Desk(
        ill(service=dataclasses.replace(STARTING, service=dataclasses.replace(STARTING.service, grace_period=2000)))
    )
    desk.alarm("ALARM")
    assert desk.later[0][1] == 900
    desk.time += 900
    desk.responder.respond(alarms.parse_event(parse_body(desk.later[0][0])))
    assert [seconds for _, seconds in desk.later] == [900, 900]
    assert desk.published == []


@pytest.mark.parametrize(
    "seen",
    [
        ill(),  # no deployment
        ill(service=a_service(a_deployment(rollout="IN_PROGRESS", created_at=NOW - 1000))),  # past its grace
        ill(service=a_service(a_deployment(rollout="IN_PROGRESS", created_at=NOW + 5))),  # began after the alarm
        evidence(service=STARTING, targets=()),  # nothing is being tried
        evidence(service=None, targets=targets("UNHEALTHY")),  # ECS could not be read
    ],
)
def test_otherwise_it_is_told_at_once(seen):
    desk = Desk(seen)
    desk.alarm("ALARM")
    assert (desk.words, desk.later) == (["ALARM"], [])


def test_what_is_well_when_it_is_looked_at_again_is_given_time_for_its_alarm_to_see_it_but_not_for_ever():
    desk = Desk(ill(service=STARTING))
    desk.alarm("ALARM")
    desk.seen = evidence()
    for _ in range(7):
        body, seconds = desk.later[-1]
        desk.time += seconds
        desk.responder.respond(alarms.parse_event(parse_body(body)))
    assert [seconds for _, seconds in desk.later] == [95, 300, 300, 300, 300, 300, 300]
    assert desk.words == ["ALARM"]


def test_a_look_again_at_nothing_does_nothing(desk):
    desk.responder.respond(FollowUp("alarm#x", "y"))
    assert (desk.published, desk.documents) == ([], {})


# What comes and goes.


def test_what_comes_and_goes_is_one_incident_and_is_told_once_an_hour(desk):
    for start in range(0, 3 * 3600, 480):
        desk.at(start, "ALARM")
        desk.at(start + 300, "OK")
    desk.wait(4000)
    assert desk.words == ["ALARM", "ALARM", "ALARM", "OK"]
    subjects = [subject for subject, _, _ in desk.published]
    assert subjects[0] == "ALARM orders/default (shop/orders): the security group does not let VPC Lattice in (IPv4)"
    assert subjects[1].startswith("ALARM orders/default (shop/orders): comes and goes; the security group")
    assert subjects[3] == "OK orders/default (shop/orders): well again after 3 hours 1 minute"
    one, two, three, over = (" ".join(text.split()) for _, text, _ in desk.published)
    assert "once more, when the route has been well for 10 minutes" in one
    assert "not well again since 2026-11-23 07:51 UTC, 9 times since 2026-11-23 06:47 UTC" in two
    assert "once an hour at most while it comes and goes, and when it has been well for 10 minutes" in two
    assert "17 times since" in three
    assert "It was not well 23 times between" in over
    assert len({chat["metadata"]["threadId"] for _, _, chat in desk.published}) == 1


def test_what_is_not_well_again_after_its_end_was_told_goes_on_and_has_to_be_well_for_an_hour(desk):
    desk.at(0, "ALARM")
    desk.at(60, "OK")
    desk.at(1500, "ALARM")
    assert desk.words == ["ALARM", "OK", "ALARM"]
    assert "comes and goes" in desk.published[2][0]
    assert "when it has been well for 1 hour" in " ".join(desk.published[2][1].split())
    for start in range(1600, 5000, 700):
        desk.at(start, "OK")
        desk.at(start + 650, "ALARM")
    desk.at(5200, "OK")
    desk.wait(3599)
    assert desk.words == ["ALARM", "OK", "ALARM"]
    desk.wait(1)
    assert desk.words == ["ALARM", "OK", "ALARM", "OK"]
    assert len({chat["metadata"]["threadId"] for _, _, chat in desk.published}) == 1


def test_what_is_not_well_an_hour_after_its_end_was_told_is_an_incident_of_its_own(desk):
    desk.at(0, "ALARM")
    desk.at(60, "OK")
    desk.at(660 + 3600, "ALARM")
    assert desk.words == ["ALARM", "OK", "ALARM"]
    assert "comes and goes" not in desk.published[2][0]
    assert len({chat["metadata"]["threadId"] for _, _, chat in desk.published}) == 2
    desk.at(5000, "OK")
    desk.wait(600)
    assert desk.words == ["ALARM", "OK", "ALARM", "OK"]


def test_an_alarm_that_is_over_twice_is_well_since_the_first_time(desk):
    desk.at(0, "ALARM")
    desk.at(60, "OK")
    desk.wait(400)
    desk.alarm("OK", 460, previous="INSUFFICIENT_DATA")
    desk.wait(200)
    assert desk.words == ["ALARM", "OK"]


def test_a_look_at_an_earlier_recovery_says_nothing_of_the_present_one_and_is_not_repeated(desk):
    for moment, state in ((0, "ALARM"), (60, "OK"), (100, "ALARM"), (200, "OK")):
        desk.at(moment, state)
    desk.wait(500)
    assert len(desk.later) == 2
    assert desk.words == ["ALARM"]
    desk.wait(100)
    assert desk.words == ["ALARM", "OK"]
    assert len(desk.later) == 2


def test_an_alarm_that_stays_is_told_once_however_long_it_stays(desk):
    desk.at(0, "ALARM")
    desk.wait(86400)
    assert desk.words == ["ALARM"]


def test_a_part_of_the_stack_that_comes_and_goes_is_held_back_likewise(desk):
    for start in range(0, 3000, 600):
        desk.wait(NOW + start - desk.time)
        desk.alarm("ALARM", start, name="stack/dead-letters", **QUEUE)
        desk.wait(300)
        desk.alarm("OK", start + 300, name="stack/dead-letters", **QUEUE)
    desk.wait(600)
    assert desk.words == ["ALARM", "OK"]


GAPS = st.lists(st.integers(30, 2400), min_size=1, max_size=24)


@settings(deadline=None, max_examples=80)
@given(GAPS)
def test_however_it_flaps_people_know_when_it_is_ill_and_are_told_little(gaps):
    desk, moments, at = Desk(), [], 0
    desk.before_publishing = lambda: moments.append(desk.time)
    for number, gap in enumerate([0, *gaps]):
        at += gap
        desk.at(at, "OK" if number % 2 else "ALARM")
        if number % 2 == 0:
            assert desk.words[-1] == "ALARM", "while it is not well, the last word is that it is not"
    desk.wait(2 * 3600)
    assert desk.words[-1] == ("ALARM" if len(gaps) % 2 == 0 else "OK")
    for first in moments:
        assert len([one for one in moments if first <= one < first + 3600]) <= 3
    # From the second hour on an incident that goes on is told once an hour, and at its end.
    assert len(moments) <= 3 + 2 * (at + 7200) / 3600


# Refusals.


def test_a_refusal_is_told_once_a_new_reason_once_more_and_its_end(desk):
    desk.announce("Refused", "A")
    desk.announce("Refused", "A")
    desk.announce("Refused", "B", 10, ("Refused", "A"))
    desk.announce("Live", "", 7200, ("Refused", "B"))
    desk.announce("Live", "", 7200, ("Refused", "B"))
    assert [subject for subject, _, _ in desk.published] == [
        "REFUSED orders/default (shop/orders): A",
        "REFUSED orders/default (shop/orders): B",
        "OK orders/default (shop/orders): no longer refused after 2 hours",
    ]


def test_a_refusal_that_comes_again_before_the_route_is_live_never_ended(desk):
    desk.announce("Refused", "A")
    desk.announce("Wired", "", 10, ("Refused", "A"))
    ((body, seconds),) = desk.later
    desk.announce("Refused", "A", 40)
    look = alarms.parse_event(parse_body(body))
    desk.time += seconds
    desk.responder.respond(look)
    assert desk.words == ["REFUSED"]
    desk.announce("Wired", "", 300, ("Refused", "A"))
    desk.responder.respond(look)
    desk.responder.respond(look)
    assert desk.words == ["REFUSED", "OK"]
    assert "It is Wired now" in desk.published[1][1]


def test_changes_within_one_moment_are_told_in_the_order_in_which_they_follow(desk):
    desk.announce("Refused", "A")
    desk.announce("Conflicted", "B", 0, ("Refused", "A"))
    desk.announce("Refused", "A")
    assert desk.words == ["REFUSED", "CONFLICTED"]


def test_a_declaration_and_its_routes_are_subjects_of_their_own(desk):
    desk.announce("Refused", "A")
    desk.announce("Refused", "A", route="")
    assert [subject for subject, _, _ in desk.published] == [
        "REFUSED orders/default (shop/orders): A",
        "REFUSED shop/orders: A",
    ]


def test_what_other_stacks_say_is_not_ours(desk):
    with pytest.raises(UnknownEventError, match="other"):
        desk.announce("Refused", "A", owner="other")
    with pytest.raises(UnknownEventError, match="somebody"):
        desk.responder.respond(AlarmChange("somebody", "arn", "ALARM", "OK", NOW))


# The stack itself.

QUEUE = {"namespace": "AWS/SQS", "metric": "ApproximateNumberOfMessagesVisible", "dimensions": (("QueueName", "dead"),)}


def test_dead_letters_are_shown(desk):
    desk.letters = DeadLetterSample("https://sqs/dead", (DeadLetter((("reason", "no sense"),), "body"),))
    desk.alarm("ALARM", name="stack/dead-letters", **QUEUE)
    desk.alarm("OK", 60, name="stack/dead-letters", **QUEUE)
    desk.wait(660)
    assert "reason: no sense" in desk.published[0][1]
    assert desk.words == ["ALARM", "OK"]


def test_dead_letters_that_cannot_be_read_do_not_hold_up_the_message(desk):
    desk.letters = DeniedError("ReceiveMessage", "AccessDenied", "no")
    desk.alarm("ALARM", name="stack/dead-letters", **QUEUE)
    assert "could not be looked into: ReceiveMessage: AccessDenied: no" in desk.published[0][1]


# Unhealthy targets.


def a_claim(route="default", group=GROUP_ARN, health_grace=120):
    made = Route(route, "orders", "web", health_grace=health_grace)
    claim = Claim(SERVICE, 0.0, made, Placement("vpc-11", "IPV4", 8080))
    return ClaimRecord(claim, 1, Answer("Live", group_arn=group))


def test_an_unhealthy_target_counts_for_all_routes_of_the_service_and_is_no_message(desk):
    desk.claims = (a_claim(), a_claim("admin"), a_claim("unmade", group=None))
    desk.responder.respond(TargetUnhealthy(SERVICE, NOW))
    assert [(dimensions["Route"], values) for dimensions, values in desk.metrics] == [
        ("default", {"Impaired": 1.0}),
        ("admin", {"Impaired": 1.0}),
    ]
    assert desk.metrics[0][0] == {"LatticeService": "orders", "EcsService": "shop/orders", "Route": "default"}
    assert desk.published == []


def test_within_the_grace_an_unhealthy_target_does_not_count():
    desk = Desk(ill(service=STARTING))
    desk.claims = (a_claim(),)
    desk.responder.respond(TargetUnhealthy(SERVICE, NOW))
    desk.claims = ()
    desk.seen = evidence()
    desk.responder.respond(TargetUnhealthy(SERVICE, NOW))
    assert desk.metrics == []


# What goes wrong on the way.


def test_a_message_that_could_not_be_published_is_published_by_the_next_delivery(desk):
    desk.fails = [UnavailableError("Publish", "ServiceUnavailable", "later")]
    with pytest.raises(UnavailableError):
        desk.alarm("ALARM")
    desk.alarm("ALARM")
    desk.alarm("ALARM")
    assert desk.words == ["ALARM"]


def test_a_recovery_that_could_not_be_published_is_published_by_the_next_delivery(desk):
    desk.alarm("ALARM")
    desk.at(60, "OK")
    desk.fails = [UnavailableError("Publish", "ServiceUnavailable", "later")]
    with pytest.raises(UnavailableError):
        desk.wait(600)
    desk.responder.respond(alarms.parse_event(parse_body(desk.later[0][0])))
    assert desk.words == ["ALARM", "OK"]


def test_two_at_once_tell_once(desk):
    def another():
        desk.before_publishing = lambda: None
        with pytest.raises(BusyError):
            desk.alarm("ALARM")
        with pytest.raises(BusyError):
            desk.alarm("OK", 60)

    desk.before_publishing = another
    desk.alarm("ALARM")
    assert desk.words == ["ALARM"]
    desk.at(60, "OK")
    desk.wait(600)
    assert desk.words == ["ALARM", "OK"]


def test_two_that_read_at_the_same_moment_tell_once(desk):
    desk.after_reading = lambda: desk.alarm("ALARM")
    with pytest.raises(BusyError):
        desk.alarm("ALARM")
    assert desk.words == ["ALARM"]


class KilledError(BaseException):
    """The function is gone, between two lines."""


def test_who_dies_while_telling_is_followed_by_one_who_tells_it_once_he_can_be_sure(desk):
    def killed():
        desk.before_publishing = lambda: None
        frozen = dict(desk.documents)
        desk.after = frozen
        raise KilledError

    desk.before_publishing = killed
    with pytest.raises(KilledError):
        desk.alarm("ALARM")
    desk.documents = desk.after  # nothing of what comes after the kill was written
    with pytest.raises(BusyError):
        desk.alarm("ALARM")
    desk.time += 91
    desk.alarm("OK", 60)
    assert desk.words == ["ALARM"]
    desk.wait(600)
    assert desk.words == ["ALARM", "OK"]


def test_who_dies_after_telling_leaves_a_message_that_comes_twice_rather_than_never(desk):
    desk.alarm("ALARM")
    ((key, text),) = desk.documents.items()
    desk.documents[key] = json.dumps({**json.loads(text), "told": False, "telling": "open", "telling_at": NOW})
    desk.time += 91
    desk.alarm("ALARM")
    assert desk.words == ["ALARM", "ALARM"]


@settings(deadline=None, max_examples=60)
@given(st.lists(st.sampled_from(["ALARM", "OK"]), min_size=1, max_size=6), st.randoms(use_true_random=False))
def test_whatever_is_repeated_and_reordered_the_messages_alternate_and_end_as_it_is(history, dice):
    desk = Desk()
    changes = list(enumerate(history, 1))
    delivered = changes + [dice.choice(changes) for _ in range(dice.randrange(6))]
    dice.shuffle(delivered)
    for at, state in delivered:
        if dice.random() < 0.3:
            desk.fails = [UnavailableError("Publish", "ServiceUnavailable", "later")]
        for _ in range(2):
            try:
                desk.alarm(state, at, previous=history[at - 2] if at > 1 else "OK")
            except UnavailableError:
                continue
        desk.fails = []
    desk.wait(7200)
    assert desk.words == ["ALARM", "OK"] * (len(desk.words) // 2) + ["ALARM"] * (len(desk.words) % 2)
    assert len(desk.words) % 2 == (history[-1] == "ALARM")


def test_the_recorded_alarm_and_its_end_make_two_messages(desk):
    desk.collect = lambda subject: CASES["PREFIX_LIST_RULE_MISSING"]
    for name in ("route-alarm", "route-ok"):
        desk.responder.respond(alarms.parse_event(json.loads((EVENTS / f"alarm/{name}.json").read_text())))
    desk.wait(7200)
    assert "since 2026-11-23 06:44 UTC" in " ".join(desk.published[0][1].split())
    assert "well again after 12 minutes" in desk.published[1][0]
