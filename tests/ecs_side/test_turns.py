"""The queue for the places of attach deployments: tables, and any sequence of what happens to it."""

import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecs_lattice import codec
from ecs_lattice.ecs_side import turns as queue
from ecs_lattice.ecs_side.places import AttachPlaces, _ordinal
from ecs_lattice.ecs_side.turns import CALLED_SECONDS, HOLD_SECONDS, WAIT_SECONDS, Turns
from ecs_lattice.errors import ConflictError


def arn(name):
    """``a1``: service 1 of cluster a."""
    return f"arn:aws:ecs:us-east-1:123456789012:service/{name[0]}/{name}"


def name(service):
    return service.rsplit("/", 1)[-1]


def asked(turns, *names, limit=1, now=0.0, failed=()):
    for one in names:
        turns = queue.ask(turns, arn(one), has_failed=one in failed, limit=limit, now=now)
    return turns


def waiting(turns):
    return [name(service) for service in turns.order]


def placed(turns):
    return {name(turn.service) for turn in turns.placed}


def served(turns, limit=1, now=0.0):
    """Everybody who waits, in the order in which they get the only place."""
    found = []
    while turns.placed:
        (turn,) = turns.placed
        found.append(name(turn.service))
        turns = queue.leave(turns, turn.service, limit=limit, now=now)
    return found


def test_clusters_take_turns_however_many_services_they_have():
    turns = asked(Turns(), "a1", "a2", "a3", "a4", "b1", "b2", "c1")
    assert served(turns) == ["a1", "a2", "b1", "c1", "a3", "b2", "a4"]


def test_a_cluster_that_always_has_a_new_service_does_not_pass_the_others():
    turns = asked(Turns(), "b1", "a1", "a2", "b2")
    turns = queue.leave(turns, arn("b1"), limit=1, now=0.0)
    order = []
    for number in range(3, 7):
        (turn,) = turns.placed
        order.append(name(turn.service))
        turns = asked(turns, f"b{number}")
        turns = queue.leave(turns, turn.service, limit=1, now=0.0)
    assert order == ["a1", "b2", "a2", "b3"]


@pytest.mark.parametrize(
    ("limit", "names", "failed", "expected"),
    [
        (4, ["a1", "a2", "a3"], ["a1", "a2", "a3"], {"a1", "a2"}),
        (4, ["a1", "a2", "a3", "a4", "a5"], ["a1", "a2", "a3"], {"a1", "a2", "a4", "a5"}),
        (1, ["a1"], ["a1"], {"a1"}),
        (1, ["a1", "b1"], ["a1", "b1"], {"a1"}),
        (3, ["a1", "a2"], ["a1", "a2"], {"a1"}),
        (1000, ["a1", "b1"], [], {"a1", "b1"}),
    ],
)
def test_services_that_failed_before_take_at_most_half_and_one_if_nobody_else_waits(limit, names, failed, expected):
    assert placed(asked(Turns(), *names, limit=limit, failed=failed)) == expected


def test_a_service_that_failed_lets_the_others_pass_when_there_is_one_place():
    turns = asked(Turns(), "x1", "a1", "b1", failed=["a1"])
    assert served(turns) == ["x1", "b1", "a1"]


def test_whoever_does_not_come_when_called_loses_the_place():
    turns = asked(Turns(), "a1", "b1", "c1")
    turns = queue.leave(turns, arn("a1"), limit=1, now=100.0)
    assert placed(turns) == {"b1"}
    assert placed(asked(turns, "c1", now=100.0 + CALLED_SECONDS - 1)) == {"b1"}
    assert placed(asked(turns, "c1", now=100.0 + CALLED_SECONDS)) == {"c1"}


def test_whoever_comes_when_called_keeps_the_place_and_a_service_that_is_gone_does_not():
    turns = queue.leave(asked(Turns(), "a1", "b1"), arn("a1"), limit=1, now=0.0)
    turns = asked(turns, "b1", now=CALLED_SECONDS - 1)
    turns = asked(turns, "c1", now=CALLED_SECONDS + HOLD_SECONDS - 2)
    assert placed(turns) == {"b1"}
    assert placed(asked(turns, "c1", now=CALLED_SECONDS + HOLD_SECONDS)) == {"c1"}


def test_whoever_does_not_ask_again_no_longer_waits_and_whoever_does_keeps_the_turn():
    turns = asked(Turns(), "a1", "b1", "c1")
    turns = asked(queue.hold(turns, arn("a1"), HOLD_SECONDS - 1), "c1", "d1", now=WAIT_SECONDS - 1)
    turns = asked(turns, "c1", now=WAIT_SECONDS)
    assert waiting(turns) == ["c1", "d1"]


def test_a_place_that_is_kept_is_not_written_again_before_half_of_its_time():
    turns = asked(Turns(), "a1")
    assert queue.hold(turns, arn("a1"), HOLD_SECONDS / 2 - 1) is turns
    assert queue.hold(turns, arn("a1"), HOLD_SECONDS / 2) != turns


def test_the_document_stays_small_and_the_largest_cluster_asks_again():
    turns = asked(Turns(), *(f"a{number}" for number in range(2000)), "b1")
    assert len(codec.dumps(turns)) < 100_000
    assert "b1" in waiting(turns)[:3]
    assert waiting(turns)[-1] == f"a{len(turns.waiting) - 1}"


# Any sequence.

SERVICES = [f"{cluster}{number}" for cluster in "abc" for number in range(4)]
events = st.tuples(
    st.sampled_from(["ask", "leave", "hold", "ask"]), st.sampled_from(SERVICES), st.sampled_from([0, 0, 1, 300, 2000])
)


@settings(max_examples=200, deadline=None)
@given(limit=st.integers(1, 5), failed=st.sets(st.sampled_from(SERVICES)), history=st.lists(events, max_size=60))
def test_whatever_happens_the_limit_holds_and_no_place_stays_empty(limit, failed, history):
    turns, now = Turns(), 0.0
    for what, one, seconds in history:
        now += seconds
        before = turns
        if what == "ask":
            turns = asked(turns, one, limit=limit, now=now, failed=failed)
        elif what == "leave":
            turns = queue.leave(turns, arn(one), limit=limit, now=now)
        elif one in placed(turns):  # only who attaches holds
            turns = queue.hold(turns, arn(one), now)
        everybody = [turn.service for turn in (*turns.waiting, *turns.placed)]
        assert len(everybody) == len(set(everybody))
        assert len(turns.placed) <= limit
        assert sum(turn.has_failed for turn in turns.placed) <= max(1, limit // 2)
        assert turns.served >= before.served
        if len(turns.placed) < limit and what != "hold":
            assert all(turn.has_failed for turn in turns.waiting)
            assert not turns.waiting or any(turn.has_failed for turn in turns.placed)
        assert codec.loads(Turns, codec.dumps(turns)) == turns


@settings(max_examples=200, deadline=None)
@given(limit=st.integers(1, 4), before=st.lists(st.sampled_from(SERVICES), max_size=12, unique=True), data=st.data())
def test_nobody_waits_for_more_than_two_services_of_each_other_cluster(limit, before, data):
    """The only service of its cluster, while those of the others ask and ask again as they like."""
    turns = asked(Turns(), *before, limit=limit)
    turns = asked(turns, "z0", limit=limit)
    granted = 0
    while "z0" not in placed(turns):
        for one in data.draw(st.lists(st.sampled_from(SERVICES), max_size=6)):
            turns = asked(turns, one, limit=limit)
        leaving = data.draw(st.sampled_from(sorted(placed(turns))))
        turns = queue.leave(turns, arn(leaving), limit=limit, now=0.0)
        granted += 1
        assert granted <= 2 * 3 + 1


@settings(max_examples=100, deadline=None)
@given(names=st.lists(st.sampled_from(SERVICES), unique=True, min_size=1))
def test_within_a_cluster_the_first_to_ask_is_the_first_to_be_served(names):
    order = served(asked(Turns(), *names))
    assert sorted(order) == sorted(names)
    for cluster in "abc":
        assert [one for one in order if one[0] == cluster] == [one for one in names if one[0] == cluster]


# The document.


class Documents:
    """A registry with one document, whose conditional writes fail so often."""

    def __init__(self, fail=0):
        self.text = None
        self.fail = fail
        self.lock = threading.Lock()

    def document(self, kind, key):
        assert (kind, key) == ("stack", "attaching")
        return self.text

    def replace_document(self, kind, key, before, text):
        with self.lock:
            if self.fail or before != self.text:
                self.fail = max(self.fail - 1, 0)
                return False
            self.text = text
            return True


class Requests:
    def __init__(self):
        self.enqueued = []

    def enqueue(self, requests):
        self.enqueued += requests


def places(documents, limit=1):
    return AttachPlaces(documents, Requests(), limit, lambda: 0.0)


def test_a_write_of_somebody_else_is_followed_by_another_attempt():
    documents = Documents(fail=9)
    assert places(documents).ask(arn("a1"), has_failed=False) is None
    documents.fail = 10
    with pytest.raises(ConflictError):
        places(documents).ask(arn("a2"), has_failed=False)


def test_who_waits_is_told_its_place_in_the_queue():
    documents = Documents()
    for one in ("a1", "a2", "a3"):
        places(documents).ask(arn(one), has_failed=False)
    problem = places(documents).ask(arn("b1"), has_failed=False)
    assert problem.code == "WAITING_FOR_TURN"
    assert "waits for its turn to be attached: 2nd of 3." in problem.message


def test_whoever_is_called_is_enqueued_and_who_asks_is_not():
    documents = Documents()
    asking = places(documents)
    asking.ask(arn("a1"), has_failed=False)
    asking.ask(arn("b1"), has_failed=False)
    assert asking.requests.enqueued == []
    asking.leave(arn("a1"))
    assert [request.key for request in asking.requests.enqueued] == [arn("b1")]


@pytest.mark.parametrize(
    ("number", "text"),
    [(1, "1st"), (2, "2nd"), (3, "3rd"), (4, "4th"), (11, "11th"), (12, "12th"), (13, "13th"), (21, "21st"), (112, "112th")],
)  # fmt: skip
def test_ordinals(number, text):
    assert _ordinal(number) == text
