"""From events to messages: each is sent once, whatever arrives twice, late, concurrently, or is cut off halfway."""

import dataclasses
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecs_lattice.claims import Answer, Claim, ClaimRecord
from ecs_lattice.diagnosis.evidence import Evidence
from ecs_lattice.diagnosis.ports import DeadLetter, DeadLetterSample
from ecs_lattice.diagnosis.report_refusals import RefusalReporter
from ecs_lattice.diagnosis.respond import Responder
from ecs_lattice.errors import BusyError, DeniedError, ForeignEventError, UnavailableError
from ecs_lattice.messages import alarms
from ecs_lattice.messages.alarms import AlarmChange, FollowUp, TargetUnhealthy
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
    targets,
    unhealthy,
)

EVENTS = Path(__file__).parents[2] / "events"
PREFIX = "ecs-lattice/ecs-lattice/"
DIMENSIONS = (("EcsService", "shop/orders"), ("LatticeService", "orders"), ("Route", "default"))


class Fakes:
    """Everything around the responder, in memory: what was published, postponed and stored."""

    def __init__(self, seen: Evidence = CASES["PREFIX_LIST_RULE_MISSING"]) -> None:
        self.seen, self.time = seen, NOW
        self.documents: dict[tuple[str, str], str] = {}
        self.published: list[tuple[str, str, dict]] = []
        self.later: list[tuple[str, int]] = []
        self.due: list[tuple[float, str]] = []
        self.metrics: list[tuple[dict, dict]] = []
        self.claims: tuple[ClaimRecord, ...] = (a_claim(),)
        self.letters: DeadLetterSample | Exception = DeadLetterSample("https://sqs/q", ())
        self.fails: list[Exception] = []
        self.before_publishing = self.after_reading = lambda: None
        reporter = RefusalReporter("registry", self, self, self, lambda: self.time)
        self.responder = Responder("ecs-lattice", reporter, self, self, self, self, self, self, lambda: self.time)

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
        if json.loads(body).get("since") != alarms.STILL_WATCHED:
            self.later.append((body, seconds))
        self.due.append((self.time + seconds, body))

    def sample(self, queue_name):
        if isinstance(self.letters, Exception):
            raise self.letters
        return self.letters

    # What arrives, and what was sent.
    def alarm(self, state, at=0, name="orders/shop/orders/default", previous=None, **more):
        given = {"namespace": "EcsLattice", "metric": "Impaired", "dimensions": DIMENSIONS, **more}
        arn = f"arn:aws:cloudwatch:us-east-1:123456789012:alarm:{PREFIX}{name}"
        previous = previous or {"ALARM": "OK", "OK": "ALARM"}.get(state, "OK")
        self.responder.respond(AlarmChange(PREFIX + name, arn, state, previous, NOW + at, **given))

    def wait(self, seconds):
        """Let time pass, and deliver what was postponed."""
        until = self.time + seconds
        while self.due and min(self.due)[0] <= until:
            self.due.remove(first := min(self.due))
            self.time = first[0]
            self.responder.respond(alarms.parse_event(parse_body(first[1])))
        self.time = until

    def at(self, seconds, state):
        """An alarm that changes at that moment, and whose event arrives at once."""
        self.wait(NOW + seconds - self.time)
        self.alarm(state, seconds)

    @property
    def subjects(self):
        return [subject for subject, _, _ in self.published]

    @property
    def words(self):
        return [subject.split()[0] for subject, _, _ in self.published]


@pytest.fixture
def fakes():
    return Fakes()


STARTING = a_service(a_deployment(rollout="IN_PROGRESS", created_at=NOW - 30))


def test_an_incident_sends_one_message_and_its_recovery_with_its_length_in_the_same_thread(fakes):
    fakes.alarm("ALARM")
    fakes.alarm("ALARM")
    fakes.alarm("ALARM", 60, previous="INSUFFICIENT_DATA")
    fakes.wait(725)
    fakes.alarm("OK", 725)
    fakes.alarm("OK", 725)
    fakes.wait(599)
    assert fakes.words == ["ALARM"]
    fakes.wait(1)
    assert fakes.words == ["ALARM", "OK"]
    assert "recovered after 12 minutes" in fakes.published[1][0]
    assert "PREFIX_LIST_RULE_MISSING" in fakes.published[1][1]
    assert len({chat["metadata"]["threadId"] for _, _, chat in fakes.published}) == 1


def test_what_was_never_unhealthy_never_recovers(fakes):
    fakes.alarm("OK")
    fakes.alarm("INSUFFICIENT_DATA", 10)
    assert fakes.published == []


def test_a_change_older_than_the_last_one_sends_nothing(fakes):
    fakes.alarm("OK", 50)
    fakes.alarm("ALARM", 10)
    assert fakes.published == []


def test_each_route_has_its_own_incident(fakes):
    fakes.alarm("ALARM")
    fakes.claims += (a_claim("b"),)
    fakes.collect = lambda subject: fakes.seen
    fakes.alarm("ALARM", name="orders/shop/orders/b", dimensions=(*DIMENSIONS[:2], ("Route", "b")))
    assert fakes.words == ["ALARM", "ALARM"]


def test_within_the_grace_period_of_a_deployment_the_message_is_postponed_and_sent_if_it_lasts():
    fakes = Fakes(unhealthy(service=STARTING))
    fakes.alarm("ALARM")
    ((body, seconds),) = fakes.later
    assert (fakes.published, seconds) == ([], 95)
    fakes.time += seconds
    fakes.responder.respond(alarms.parse_event(parse_body(body)))
    fakes.responder.respond(alarms.parse_event(parse_body(body)))
    assert fakes.words == ["ALARM"]
    fakes.at(300, "OK")
    fakes.wait(600)
    assert fakes.words == ["ALARM", "OK"]


def test_what_recovers_within_the_grace_period_is_never_reported():
    fakes = Fakes(unhealthy(service=STARTING))
    fakes.alarm("ALARM")
    fakes.alarm("OK", 60)
    fakes.time += 95
    fakes.responder.respond(alarms.parse_event(parse_body(fakes.later[0][0])))
    assert fakes.published == []


def test_a_postponed_check_of_an_older_incident_does_not_report_a_newer_one():
    fakes = Fakes(unhealthy(service=STARTING))
    fakes.alarm("ALARM")
    fakes.alarm("OK", 20)
    fakes.alarm("ALARM", 40)
    first, second = (alarms.parse_event(parse_body(body)) for body, _ in fakes.later)
    fakes.time += 200
    fakes.responder.respond(first)
    assert fakes.published == []
    fakes.responder.respond(second)
    assert fakes.words == ["ALARM"]


def test_a_grace_period_longer_than_a_message_can_be_delayed_is_waited_for_in_parts():
    fakes = Fakes(unhealthy(service=dataclasses.replace(STARTING, grace_period=2000)))
    fakes.alarm("ALARM")
    assert fakes.later[0][1] == 900
    fakes.time += 900
    fakes.responder.respond(alarms.parse_event(parse_body(fakes.later[0][0])))
    assert [seconds for _, seconds in fakes.later] == [900, 900]
    assert fakes.published == []


@pytest.mark.parametrize(
    "seen",
    [
        unhealthy(),  # no deployment
        unhealthy(service=a_service(a_deployment(rollout="IN_PROGRESS", created_at=NOW - 1000))),  # past its grace
        unhealthy(service=a_service(a_deployment(rollout="IN_PROGRESS", created_at=NOW + 5))),  # began after the alarm
        evidence(service=STARTING, targets=()),  # nothing is being tried
        evidence(service=None, targets=targets("UNHEALTHY")),  # ECS could not be read
    ],
)
def test_otherwise_it_is_reported_at_once(seen):
    fakes = Fakes(seen)
    fakes.alarm("ALARM")
    assert (fakes.words, fakes.later) == (["ALARM"], [])


def test_what_is_healthy_when_it_is_checked_again_gets_time_for_its_alarm_to_recover_but_not_for_ever():
    fakes = Fakes(unhealthy(service=STARTING))
    fakes.alarm("ALARM")
    fakes.seen = evidence()
    for _ in range(7):
        body, seconds = fakes.later[-1]
        fakes.time += seconds
        fakes.responder.respond(alarms.parse_event(parse_body(body)))
    assert [seconds for _, seconds in fakes.later] == [95, 300, 300, 300, 300, 300, 300]
    assert fakes.words == ["ALARM"]


def test_a_postponed_check_of_nothing_does_nothing(fakes):
    fakes.responder.respond(FollowUp("alarm#x", "y"))
    assert (fakes.published, fakes.documents) == ([], {})


# Flapping.


def test_flapping_is_one_incident_with_one_message_an_hour(fakes):
    for start in range(0, 3 * 3600, 480):
        fakes.at(start, "ALARM")
        fakes.at(start + 300, "OK")
    fakes.wait(4000)
    assert fakes.words == ["ALARM", "ALARM", "ALARM", "OK"]
    subjects = [subject for subject, _, _ in fakes.published]
    assert subjects[0] == "ALARM orders/default (shop/orders): the security group does not allow VPC Lattice (IPv4)"
    assert subjects[1].startswith("ALARM orders/default (shop/orders): flapping; the security group")
    assert subjects[3] == "OK orders/default (shop/orders): recovered after 3 hours 1 minute"
    first, second, third, over = (" ".join(text.split()) for _, text, _ in fakes.published)
    assert "one more message once the route has been healthy for 10 minutes" in first
    assert (
        "become unhealthy 9 times since 2026-11-23 06:47 UTC (1 hour 4 minutes ago), most recently at 2026-11-23 07:51"
        in second
    )
    assert "at most one message an hour, and one once it has been healthy for 10 minutes" in second
    assert "17 times since" in third
    assert "It was unhealthy 23 times between" in over
    assert len({chat["metadata"]["threadId"] for _, _, chat in fakes.published}) == 1


def test_what_becomes_unhealthy_again_after_its_recovery_goes_on_and_has_to_be_healthy_for_an_hour(fakes):
    fakes.at(0, "ALARM")
    fakes.at(60, "OK")
    fakes.at(1500, "ALARM")
    assert fakes.words == ["ALARM", "OK", "ALARM"]
    assert "flapping" in fakes.published[2][0]
    assert "once it has been healthy for 1 hour" in " ".join(fakes.published[2][1].split())
    for start in range(1600, 5000, 700):
        fakes.at(start, "OK")
        fakes.at(start + 650, "ALARM")
    fakes.at(5200, "OK")
    fakes.wait(3599)
    assert fakes.words == ["ALARM", "OK", "ALARM"]
    fakes.wait(1)
    assert fakes.words == ["ALARM", "OK", "ALARM", "OK"]
    assert len({chat["metadata"]["threadId"] for _, _, chat in fakes.published}) == 1


def test_what_becomes_unhealthy_an_hour_after_its_recovery_is_a_new_incident(fakes):
    fakes.at(0, "ALARM")
    fakes.at(60, "OK")
    fakes.at(660 + 3600, "ALARM")
    assert fakes.words == ["ALARM", "OK", "ALARM"]
    assert "flapping" not in fakes.published[2][0]
    assert len({chat["metadata"]["threadId"] for _, _, chat in fakes.published}) == 2
    fakes.at(5000, "OK")
    fakes.wait(600)
    assert fakes.words == ["ALARM", "OK", "ALARM", "OK"]


def test_an_alarm_that_recovers_twice_has_been_healthy_since_the_first_time(fakes):
    fakes.at(0, "ALARM")
    fakes.at(60, "OK")
    fakes.wait(400)
    fakes.alarm("OK", 460, previous="INSUFFICIENT_DATA")
    fakes.wait(200)
    assert fakes.words == ["ALARM", "OK"]


def test_a_postponed_check_of_an_earlier_recovery_does_not_report_the_present_one_and_is_not_repeated(fakes):
    for moment, state in ((0, "ALARM"), (60, "OK"), (100, "ALARM"), (200, "OK")):
        fakes.at(moment, state)
    fakes.wait(500)
    assert len(fakes.later) == 2
    assert fakes.words == ["ALARM"]
    fakes.wait(100)
    assert fakes.words == ["ALARM", "OK"]
    assert len(fakes.later) == 2


def test_an_alarm_that_stays_is_reported_once_however_long_it_stays(fakes):
    fakes.at(0, "ALARM")
    fakes.wait(86400)
    assert fakes.words == ["ALARM"]


def test_a_recovery_of_a_flapping_part_of_the_stack_is_postponed_likewise(fakes):
    for start in range(0, 3000, 600):
        fakes.wait(NOW + start - fakes.time)
        fakes.alarm("ALARM", start, name="stack/dead-letters", **QUEUE)
        fakes.wait(300)
        fakes.alarm("OK", start + 300, name="stack/dead-letters", **QUEUE)
    fakes.wait(600)
    assert fakes.words == ["ALARM", "OK"]


GAPS = st.lists(st.integers(30, 2400), min_size=1, max_size=24)


@settings(deadline=None, max_examples=80)
@given(GAPS)
def test_however_it_flaps_the_last_message_is_right_and_messages_are_few(gaps):
    fakes, moments, at = Fakes(), [], 0
    fakes.before_publishing = lambda: moments.append(fakes.time)
    for number, gap in enumerate([0, *gaps]):
        at += gap
        fakes.at(at, "OK" if number % 2 else "ALARM")
        if number % 2 == 0:
            assert fakes.words[-1] == "ALARM", "while it is unhealthy, the last message says so"
    fakes.wait(2 * 3600)
    assert fakes.words[-1] == ("ALARM" if len(gaps) % 2 == 0 else "OK")
    for first in moments:
        assert len([moment for moment in moments if first <= moment < first + 3600]) <= 3
    # From the second hour on an incident that goes on sends one message an hour, and one at its end.
    assert len(moments) <= 3 + 2 * (at + 7200) / 3600


# What anybody may send.


def test_alarms_that_are_not_the_stacks_own_are_ignored(fakes):
    """Anybody who may put alarms may put one with the stack's prefix, on any metric."""
    forged = (("EcsService", "shop/orders"), ("LatticeService", "orders"), ("Route", "nowhere"))
    for name, more in {
        "x": {},
        "stack/anything": QUEUE,
        "stack/dead-letters": {},  # on the metric of a route
        "orders/shop/orders/default-2": {},  # a second one for a route that has one
        "orders/shop/orders/nowhere": {"dimensions": forged},  # a route that no claim names
    }.items():
        with pytest.raises(ForeignEventError, match="not one of this stack"):
            fakes.alarm("ALARM", name=name, **more)
    with pytest.raises(ForeignEventError):
        fakes.responder.respond(AlarmChange("somebody", "arn", "ALARM", "OK", NOW))
    assert (fakes.published, fakes.documents) == ([], {})


def test_the_end_of_what_was_reported_is_reported_even_if_the_route_is_gone(fakes):
    fakes.alarm("ALARM")
    fakes.claims = ()
    fakes.at(60, "OK")
    fakes.wait(600)
    assert fakes.words == ["ALARM", "OK"]


def test_a_reported_route_that_has_no_alarm_any_more_is_reported_as_ended(fakes):
    """Deleting an alarm changes no state, so no event says that it is gone."""
    fakes.alarm("ALARM")
    fakes.wait(7200)
    assert fakes.words == ["ALARM"]
    fakes.claims = (a_claim(alarm=False),)
    fakes.wait(900)
    assert fakes.subjects[1:] == ["CLOSED orders/default (shop/orders): no longer watched after 2 hours 15 minutes"]
    assert len({chat["metadata"]["threadId"] for _, _, chat in fakes.published}) == 1
    fakes.claims = ()
    fakes.wait(86400)
    assert (fakes.words, fakes.due) == (["ALARM", "CLOSED"], [])


def test_one_look_at_a_time_asks_whether_a_route_still_has_its_alarm(fakes):
    for start in range(0, 5 * 3600, 700):
        fakes.at(start, "ALARM")
        fakes.at(start + 300, "OK")
        assert sum(json.loads(body).get("since") == alarms.STILL_WATCHED for _, body in fakes.due) <= 2
    fakes.wait(7200)
    assert (fakes.words[-1], fakes.due) == ("OK", [])


def test_a_route_that_recovered_before_its_alarm_was_deleted_has_recovered(fakes):
    fakes.alarm("ALARM")
    fakes.at(700, "OK")
    fakes.claims = ()
    fakes.wait(7200)
    assert "recovered after" in fakes.published[1][0]
    assert fakes.words == ["ALARM", "OK"]


# The stack itself.

QUEUE = {"namespace": "AWS/SQS", "metric": "ApproximateNumberOfMessagesVisible", "dimensions": (("QueueName", "dead"),)}


def test_dead_letters_are_shown(fakes):
    fakes.letters = DeadLetterSample("https://sqs/dead", (DeadLetter((("reason", "no sense"),), "body"),))
    fakes.alarm("ALARM", name="stack/dead-letters", **QUEUE)
    fakes.alarm("OK", 60, name="stack/dead-letters", **QUEUE)
    fakes.wait(660)
    assert "reason: no sense" in fakes.published[0][1]
    assert fakes.words == ["ALARM", "OK"]


def test_dead_letters_that_cannot_be_read_do_not_delay_the_message(fakes):
    fakes.letters = DeniedError("ReceiveMessage", "AccessDenied", "no")
    fakes.alarm("ALARM", name="stack/dead-letters", **QUEUE)
    assert "The queue could not be read: ReceiveMessage: AccessDenied: no" in fakes.published[0][1]


# Unhealthy targets.


def a_claim(route="default", group=GROUP_ARN, health_grace=120, lattice_service="orders", *, alarm=True):
    made = Route(route, lattice_service, "web", health_grace=health_grace, alarm=alarm)
    claim = Claim(SERVICE, 0.0, made, Placement("vpc-11", "IPV4", 8080))
    return ClaimRecord(claim, 1, Answer("Live", group_arn=group))


def test_an_unhealthy_target_counts_for_all_routes_of_the_service_and_is_no_message(fakes):
    fakes.claims = (a_claim(), a_claim("admin"), a_claim("unmade", group=None))
    fakes.responder.respond(TargetUnhealthy(SERVICE, NOW))
    assert [(dimensions["Route"], values) for dimensions, values in fakes.metrics] == [
        ("default", {"Impaired": 1.0}),
        ("admin", {"Impaired": 1.0}),
    ]
    assert fakes.metrics[0][0] == {"LatticeService": "orders", "EcsService": "shop/orders", "Route": "default"}
    assert fakes.published == []


def test_within_the_grace_period_an_unhealthy_target_does_not_count():
    fakes = Fakes(unhealthy(service=STARTING))
    fakes.claims = (a_claim(),)
    fakes.responder.respond(TargetUnhealthy(SERVICE, NOW))
    fakes.claims = ()
    fakes.seen = evidence()
    fakes.responder.respond(TargetUnhealthy(SERVICE, NOW))
    assert fakes.metrics == []


# Failures.


def test_a_message_that_could_not_be_published_is_published_by_the_next_delivery(fakes):
    fakes.fails = [UnavailableError("Publish", "ServiceUnavailable", "later")]
    with pytest.raises(UnavailableError):
        fakes.alarm("ALARM")
    fakes.alarm("ALARM")
    fakes.alarm("ALARM")
    assert fakes.words == ["ALARM"]


def test_a_recovery_that_could_not_be_published_is_published_by_the_next_delivery(fakes):
    fakes.alarm("ALARM")
    fakes.at(60, "OK")
    fakes.fails = [UnavailableError("Publish", "ServiceUnavailable", "later")]
    with pytest.raises(UnavailableError):
        fakes.wait(600)
    fakes.responder.respond(alarms.parse_event(parse_body(fakes.later[0][0])))
    assert fakes.words == ["ALARM", "OK"]


def test_two_concurrent_invocations_send_one_message(fakes):
    def another():
        fakes.before_publishing = lambda: None
        with pytest.raises(BusyError):
            fakes.alarm("ALARM")
        with pytest.raises(BusyError):
            fakes.alarm("OK", 60)

    fakes.before_publishing = another
    fakes.alarm("ALARM")
    assert fakes.words == ["ALARM"]
    fakes.at(60, "OK")
    fakes.wait(600)
    assert fakes.words == ["ALARM", "OK"]


def test_two_invocations_that_read_at_the_same_moment_send_one_message(fakes):
    fakes.after_reading = lambda: fakes.alarm("ALARM")
    with pytest.raises(BusyError):
        fakes.alarm("ALARM")
    assert fakes.words == ["ALARM"]


class KilledError(BaseException):
    """The function was stopped, between two lines."""


def test_after_an_invocation_dies_while_sending_a_later_one_sends_its_message(fakes):
    def killed():
        fakes.before_publishing = lambda: None
        frozen = dict(fakes.documents)
        fakes.after = frozen
        raise KilledError

    fakes.before_publishing = killed
    with pytest.raises(KilledError):
        fakes.alarm("ALARM")
    fakes.documents = fakes.after  # nothing of what comes after the kill was written
    with pytest.raises(BusyError):
        fakes.alarm("ALARM")
    fakes.time += 91
    fakes.alarm("OK", 60)
    assert fakes.words == ["ALARM"]
    fakes.wait(600)
    assert fakes.words == ["ALARM", "OK"]


def test_after_an_invocation_dies_once_it_has_sent_the_message_is_sent_twice_rather_than_never(fakes):
    fakes.alarm("ALARM")
    ((key, text),) = fakes.documents.items()
    fakes.documents[key] = json.dumps({**json.loads(text), "notified": False, "sending": "open", "sending_at": NOW})
    fakes.time += 91
    fakes.alarm("ALARM")
    assert fakes.words == ["ALARM", "ALARM"]


@settings(deadline=None, max_examples=60)
@given(st.lists(st.sampled_from(["ALARM", "OK"]), min_size=1, max_size=6), st.randoms(use_true_random=False))
def test_whatever_is_repeated_and_reordered_the_messages_alternate_and_end_with_the_present_state(history, dice):
    fakes = Fakes()
    changes = list(enumerate(history, 1))
    delivered = changes + [dice.choice(changes) for _ in range(dice.randrange(6))]
    dice.shuffle(delivered)
    for at, state in delivered:
        if dice.random() < 0.3:
            fakes.fails = [UnavailableError("Publish", "ServiceUnavailable", "later")]
        for _ in range(2):
            try:
                fakes.alarm(state, at, previous=history[at - 2] if at > 1 else "OK")
            except UnavailableError:
                continue
        fakes.fails = []
    fakes.wait(7200)
    assert fakes.words == ["ALARM", "OK"] * (len(fakes.words) // 2) + ["ALARM"] * (len(fakes.words) % 2)
    assert len(fakes.words) % 2 == (history[-1] == "ALARM")


def test_the_recorded_alarm_and_its_end_make_two_messages(fakes):
    fakes.collect = lambda subject: CASES["PREFIX_LIST_RULE_MISSING"]
    fakes.claims = (a_claim(lattice_service="file-transfer"),)
    for name in ("route-alarm", "route-ok"):
        fakes.responder.respond(alarms.parse_event(json.loads((EVENTS / f"alarm/{name}.json").read_text())))
    fakes.wait(7200)
    assert "since 2026-11-23 06:44 UTC" in " ".join(fakes.published[0][1].split())
    assert "recovered after 12 minutes" in fakes.published[1][0]
