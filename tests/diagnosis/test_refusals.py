"""Refusals and notices of an ECS service: from the registry, together, damped, and few; whatever events arrive."""

import dataclasses
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecs_lattice import codec
from ecs_lattice.bounds import ITEM
from ecs_lattice.claims import Notice
from ecs_lattice.consumers.alarms import AlarmConsumer
from ecs_lattice.diagnosis.incidents import Incident
from ecs_lattice.diagnosis.refusals import Refusal, Refusals, look
from ecs_lattice.diagnosis.report_refusals import PREFIX
from ecs_lattice.ecs_side.record import EcsRecord, PendingUpdate
from ecs_lattice.ecs_side.status import RouteStatus
from ecs_lattice.errors import BusyError, ForeignEventError, UnavailableError
from ecs_lattice.messages import alarms
from ecs_lattice.messages.alarms import FollowUp, RouteStateChange
from ecs_lattice.model import ServiceId
from ecs_lattice.outcome import Problem, reported
from tests.diagnosis.making import NOW, SERVICE
from tests.diagnosis.test_respond import Fakes, KilledError

EVENT = json.loads((Path(__file__).parents[2] / "events/alarm/route-refused.json").read_text())
KEY = ("incident", PREFIX + SERVICE.arn)
UNKNOWN = Problem("UNKNOWN_KEY", "there is no such key.", "lattice.sevice", "orders", "tag of the ECS service")


class World(Fakes):
    """What the registry says of the ECS service, and events about it."""

    def __init__(self) -> None:
        super().__init__()
        self.times: list[float] = []
        self.before_publishing = lambda: self.times.append(self.time)

    def store(self, *statuses, problems=(), update=None):
        record = EcsRecord(
            SERVICE.arn, problems=reported(problems), refused=" ".join(dict.fromkeys(p.code for p in problems)),
            statuses=statuses, pending_update=update,
        )  # fmt: skip
        self.documents["ecs", SERVICE.arn] = codec.dumps(record)

    def forget(self):
        del self.documents["ecs", SERVICE.arn]

    def event(self, service=SERVICE, owner="ecs-lattice"):
        self.responder.respond(RouteStateChange(service, owner))

    def says(self, *statuses, after=0, problems=(), update=None):
        """After so many seconds the registry says this, and an event arrives."""
        self.wait(after)
        self.store(*statuses, problems=problems, update=update)
        self.event()

    @property
    def texts(self):
        return [" ".join(text.split()) for _, text, _ in self.published]


@pytest.fixture
def world():
    return World()


def status(code="", state="Refused", route="default", message="because", **more):
    return RouteStatus(route, "orders", state if code else "Live", code, message if code else "", **more)


def test_a_refusal_is_reported_at_once_and_its_end_after_ten_minutes_in_the_same_thread(world):
    world.says(status("A"))
    world.says(status("A"), after=60)
    world.says(status(), after=3540)
    assert world.subjects == ["REFUSED orders/default (shop/orders): A"]
    world.wait(600)
    assert world.subjects[1:] == ["OK orders/default (shop/orders): no longer refused after 1 hour"]
    assert "because" in world.texts[0]
    assert "It is Live now." in world.texts[1]
    assert len({chat["metadata"]["threadId"] for _, _, chat in world.published}) == 1


def test_a_tag_that_is_switched_on_and_off_15_times_is_few_messages(world):
    for _ in range(15):
        world.says(problems=(UNKNOWN,), after=60)
        world.says(after=60)
    world.wait(7200)
    assert world.words == ["REFUSED", "OK"]


def test_switched_slowly_it_is_one_message_an_hour_after_the_first(world):
    for _ in range(15):
        world.says(problems=(UNKNOWN,), after=900)
        world.says(after=900)
    world.wait(7200)
    assert world.words == ["REFUSED", "OK"] * 2
    assert "has not been so for 1 hour" in world.texts[2]


def test_the_refusals_of_one_service_are_one_message(world):
    world.says(*(status(f"C{n % 2}", route=f"r{n}") for n in range(25)), problems=(UNKNOWN,))
    assert world.subjects == ["REFUSED shop/orders: 26 reasons, C0, C1, UNKNOWN_KEY"]
    assert "The declaration: Refused, UNKNOWN_KEY" in world.texts[0]
    assert "Route r0 of Lattice service orders: Refused, C0" in world.texts[0]
    assert "And 6 more." in world.texts[0]


def test_a_new_reason_is_reported_and_that_which_it_replaced_is_not_an_end(world):
    world.says(status("A"))
    world.says(status("B"), after=10)
    world.wait(3600)
    assert world.subjects == [f"REFUSED orders/default (shop/orders): {code}" for code in "AB"]


UNDO = PendingUpdate((), (), "ecs-svc/1", "orders:1", NOW, NOW, is_rollback=True)


def test_a_refusal_is_not_over_while_a_deployment_of_ours_is_in_progress(world):
    """The state on the way is Wired for as long as restoring the previous list takes, and Refused again after it."""
    world.says(status("ATTACH_FAILED"))
    world.says(status("ATTACHING", "Wired"), after=60, update=UNDO)
    world.wait(1800)
    world.says(status("ATTACH_FAILED"), after=73)
    world.wait(7200)
    assert world.words == ["REFUSED"]
    world.says(status("ATTACHING", "Attaching"), update=dataclasses.replace(UNDO, is_rollback=False))
    world.wait(1800)
    assert world.words == ["REFUSED"]
    world.store(status())  # nothing announces the end of the deployment
    world.wait(1200)
    assert world.words == ["REFUSED", "OK"]


def test_what_no_deployment_decides_is_over_during_one(world):
    notice = Notice("SHADOWED", "Requests go to shop/cart first.")
    world.says(status(notices=(notice,)), problems=(UNKNOWN,))
    world.says(status(), after=60, update=UNDO)
    world.wait(600)
    assert world.words[1:] == ["OK"]


def test_reasons_that_alternate_are_reported_once_each(world):
    for number in range(20):
        world.says(status("AB"[number % 2]), after=30)
    world.wait(7200)
    assert world.words == ["REFUSED", "REFUSED"]


def test_what_no_longer_is_refused_while_another_route_is_comes_in_one_more_message(world):
    world.says(status("A"), status("B", route="admin"))
    world.says(status("A"), status(route="admin"), after=60)
    world.wait(599)
    assert len(world.published) == 1
    world.wait(1)
    assert world.subjects[1] == "REFUSED orders/default (shop/orders): A"
    assert "No longer Route admin of Lattice service orders: B" in world.texts[1]


def test_six_messages_an_hour_then_one_that_counts_the_rest(world):
    for number in range(30):
        world.says(status("A", route=f"r{number}"), after=60)
    assert world.words == ["REFUSED"] * 6
    assert "What changes before 2026-11-23 07:48 UTC is counted" in world.texts[5]
    world.wait(3600)
    assert len(world.words) == 7
    assert "there were 48 more changes" in world.texts[6]
    world.says(after=60)
    world.wait(7200)
    assert world.words[-1] == "OK"


def test_what_came_and_went_while_it_was_counted_only_is_reported_as_a_count(world):
    for number in range(6):
        world.says(status("A", route=f"r{number}"), after=1)
    world.says(status("A", route="r5"), status("A", route="other"), after=1)
    world.says(status("A", route="r5"), after=1)
    world.wait(3600 - 7)
    assert "there were 1 more changes" in " ".join(world.texts)


@settings(deadline=None, max_examples=60)
@given(
    st.lists(
        st.tuples(st.sampled_from([1, 30, 200, 700, 2000]), st.sets(st.sampled_from("abcdefgh"), max_size=4)),
        max_size=40,
    )
)
def test_whatever_happens_messages_are_few_and_what_was_begun_ends(history):
    world = World()
    for after, refused in history:
        world.says(*(status(name.upper(), route=name) for name in sorted(refused)), after=after)
    for first in world.times:
        assert sum(first <= at < first + 3600 for at in world.times) <= 6
    world.says()
    world.wait(3 * 3600)
    assert world.words.count("OK") >= bool(world.words)
    assert world.words[-1:] in ([], ["OK"])
    state = codec.loads(Refusals, world.documents[KEY])
    assert (state.reported, state.held, state.seen) == ((), 0, ())


def test_a_notice_is_reported_and_its_end_too(world):
    notices = (Notice("SHADOWED", "Requests go to shop/cart first."), Notice("SHADOWED", "And to shop/web."))
    world.says(status(notices=notices))
    world.says(status(), after=60)
    world.wait(600)
    assert world.subjects == [
        "NOTICE orders/default (shop/orders): SHADOWED",
        "OK orders/default (shop/orders): no longer has a notice after 1 minute",
    ]
    assert "Requests go to shop/cart first. And to shop/web." in world.texts[0]
    assert "Existing routing is unchanged" not in world.texts[0]


def test_a_conflict_says_that_the_other_service_is_left_alone(world):
    world.says(status("MATCH_TAKEN", "Conflicted", command="aws x"))
    assert world.subjects == ["CONFLICTED orders/default (shop/orders): MATCH_TAKEN"]
    assert "because To fix: aws x" in world.texts[0]
    assert "and so is that of the other ECS service" in world.texts[0]


def test_a_deleted_service_ends_what_was_refused(world):
    world.says(status("A"))
    world.forget()
    world.wait(60)
    world.event()
    world.wait(600)
    assert "The ECS service no longer exists." in world.texts[1]


# What is believed of an event: nothing but whose it is.


def test_an_event_that_tells_of_what_the_registry_does_not_is_no_message(world):
    world.store(status())
    world.responder.respond(
        alarms.parse_event(
            {
                **EVENT,
                "detail": {
                    **EVENT["detail"],
                    "ecsService": SERVICE.arn,
                    "message": "<!channel> pay here",
                    "code": ["x"],
                    "state": {"a": 1},
                },
            }
        )
    )
    world.wait(7200)
    assert world.published == []


def test_an_event_about_a_service_that_the_registry_does_not_know_is_ignored_and_leaves_nothing(world):
    with pytest.raises(ForeignEventError, match="knows no ECS service"):
        world.event(ServiceId(SERVICE.arn + "-2"))
    with pytest.raises(ForeignEventError, match="other"):
        world.event(owner="other")
    assert (world.published, world.documents, world.later) == ([], {}, [])


@pytest.mark.parametrize(
    "detail",
    [
        {"owner": "ecs-lattice", "ecsService": SERVICE.arn},
        {"owner": ["ecs-lattice"], "ecsService": SERVICE.arn},
        {"owner": "ecs-lattice", "ecsService": [SERVICE.arn]},
        {"owner": "ecs-lattice"},
        {"owner": "x", "ecsService": SERVICE.arn},
        "text",
    ],
)
def test_a_forged_event_is_logged_once_and_dropped(world, detail, caplog):
    put = []
    letters = type("Letters", (), {"put": lambda self, *given: put.append(given)})()
    consumer = AlarmConsumer(world.responder, letters, world, lambda: NOW)
    body = json.dumps({**EVENT, "detail": detail})
    answer = consumer.work({"Records": [{"messageId": "1", "receiptHandle": "r", "body": body}]}, 60)
    assert answer == {"batchItemFailures": []}
    assert (put, world.published) == ([], [])


def test_an_event_that_arrives_before_the_registry_is_written_is_looked_at_again(world):
    world.store(status())
    world.event()
    world.event()
    ((body, seconds),) = world.later
    assert (seconds, world.published) == (30, [])
    assert alarms.parse_event(json.loads(body)) == FollowUp(PREFIX + SERVICE.arn, "")
    world.store(status("A"))
    world.wait(30)
    assert world.words == ["REFUSED"]


def test_a_delayed_message_of_an_earlier_version_is_a_request_to_look(world):
    world.store(status("A"))
    world.responder.respond(FollowUp(f"route#{SERVICE.arn}#orders#default", "x"))
    assert world.words == ["REFUSED"]


def test_what_an_earlier_version_reported_is_not_reported_again_and_ends(world):
    for route, state in (("default", "Refused A"), ("admin", "Refused B"), ("other", "")):
        key = f"route#{SERVICE.arn}#orders#{route}"
        old = Incident(key, state, NOW - 600, opened_at=NOW - 600, notified=bool(state), notified_state=state)
        world.documents["incident", key] = codec.dumps(old)
    world.says(status("A"), status("B", route="admin"), status(route="other"))
    assert world.published == []
    world.says(status(), status(route="admin"), status(route="other"), after=60)
    world.wait(600)
    assert world.subjects == ["OK shop/orders: no longer refused after 11 minutes"]


def test_a_record_of_a_newer_version_is_looked_at_later(world):
    world.documents["ecs", SERVICE.arn] = '{"schema": 99}'
    world.event()
    assert [seconds for _, seconds in world.later] == [300]


# Failures.


def test_a_message_that_could_not_be_published_is_published_by_the_next_delivery(world):
    world.fails = [UnavailableError("Publish", "ServiceUnavailable", "later")]
    with pytest.raises(UnavailableError):
        world.says(status("A"))
    world.event()
    world.event()
    assert world.words == ["REFUSED"]


def test_two_concurrent_invocations_send_one_message(world):
    def another():
        world.before_publishing = lambda: None
        with pytest.raises(BusyError):
            world.event()

    world.before_publishing = another
    world.says(status("A"))
    assert world.words == ["REFUSED"]


def test_two_invocations_that_read_at_the_same_moment_send_one_message(world):
    world.store(status("A"))

    def read(kind, key):
        text = world.documents.get((kind, key))
        if kind == "incident":
            del world.document
            world.event()
        return text

    world.document = read
    with pytest.raises(BusyError):
        world.event()
    assert world.words == ["REFUSED"]


def test_after_an_invocation_died_while_sending_a_later_one_sends_what_is_due_then(world):
    frozen = {}

    def killed():
        frozen.update(world.documents)
        raise KilledError

    world.before_publishing = killed
    with pytest.raises(KilledError):
        world.says(status("A"))
    world.documents, world.before_publishing = frozen, lambda: None
    with pytest.raises(BusyError):
        world.event()
    world.time += 91
    world.event()
    assert world.words == ["REFUSED"]


def test_what_is_remembered_fits_an_item_of_the_registry():
    state, now = Refusals(SERVICE.arn), NOW
    for hour in range(40):
        names = (f"{hour:02}-{'r' * 28}-{n}" for n in range(40))
        present = tuple(Refusal("s" * 63, name, "Conflicted", "C" * 40) for name in names)
        state, now = look(state, present, now).state, now + 30
        assert len(codec.dumps(state)) < ITEM


def test_a_service_with_a_thousand_refusals_is_remembered_in_part(world):
    world.says(*(status("A", route=f"r{n}") for n in range(1000)))
    assert len(world.documents[KEY]) < ITEM / 5
    assert len(codec.loads(Refusals, world.documents[KEY]).reported) == 40
    assert dataclasses.replace(codec.loads(Refusals, world.documents[KEY])).sent == (NOW,)
