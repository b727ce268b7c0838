"""One message when an incident begins and one when it ends, in whatever order and number the events arrive."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecs_lattice.diagnosis.incidents import Change, Incident, apply_event, closed, notified


def alarm(at, *, previous="OK"):
    return Change("ALARM", previous, at, bad=True)


def ok(at, *, previous="ALARM"):
    return Change("OK", previous, at, bad=False)


def refusal(at, code, previous="good"):
    return Change(f"Refused {code}", previous, at, bad=True)


def fed(*changes, postponed=False):
    """The steps of ``changes``, each message sent as it is due (or postponed)."""
    incident, steps = Incident("key"), []
    for change in changes:
        incident, step = apply_event(incident, change)
        if step == "update" or (step == "open" and not postponed):
            incident = sent(incident)
        if step == "close":
            incident = closed(incident)
        steps.append(step)
    return steps


def sent(incident):
    return notified(incident, "CODE")


@pytest.mark.parametrize(
    ("changes", "steps"),
    [
        ([alarm(10), ok(20)], ["open", "close"]),
        ([alarm(10), alarm(10), ok(20), ok(20)], ["open", "", "close", ""]),
        ([ok(20), alarm(10)], ["", ""]),
        ([alarm(10), ok(20), alarm(10), ok(20)], ["open", "close", "", ""]),
        ([ok(5)], [""]),
        ([alarm(10), alarm(30), ok(20), ok(40)], ["open", "", "", "close"]),
        ([alarm(10), ok(20), alarm(30), ok(40)], ["open", "close", "open", "close"]),
        ([alarm(10), ok(10), alarm(10)], ["open", "close", ""]),
        ([refusal(10, "A"), refusal(20, "B", "Refused A"), refusal(20, "B", "Refused A")], ["open", "update", ""]),
        ([refusal(10, "A"), refusal(10, "B", "Refused A"), refusal(10, "A")], ["open", "update", ""]),
        ([alarm(10), alarm(99, previous="INSUFFICIENT_DATA")], ["open", ""]),
        ([alarm(10), alarm(10 + 3601, previous="INSUFFICIENT_DATA"), ok(9999)], ["open", "open", "close"]),
    ],
)
def test_which_messages_are_sent(changes, steps):
    assert fed(*changes) == steps


def test_what_was_postponed_and_has_recovered_is_never_sent():
    assert fed(alarm(10), alarm(12), ok(20), postponed=True) == ["open", "", ""]


def test_two_incidents_of_one_subject_have_two_threads():
    first, _ = apply_event(Incident("key"), alarm(10))
    again, _ = apply_event(closed(first), alarm(30))
    assert first.id != again.id
    assert apply_event(sent(first), ok(20))[0].id == first.id


HISTORY = st.lists(st.sampled_from(["ALARM", "OK"]), min_size=1, max_size=8)


@given(HISTORY, st.randoms(use_true_random=False), st.booleans())
def test_never_two_beginnings_in_a_row_and_no_end_without_a_beginning(history, dice, postponed):
    changes, previous = [], "OK"
    for at, state in enumerate(history, 1):
        changes.append(Change(state, previous, at, bad=state == "ALARM"))
        previous = state
    delivered = changes + [dice.choice(changes) for _ in range(dice.randrange(8))]
    dice.shuffle(delivered)
    steps = [step for step in fed(*delivered, postponed=postponed) if step]
    assert "update" not in steps
    if postponed:
        assert "close" not in steps
    else:
        assert steps == ["open", "close"] * (len(steps) // 2) + ["open"] * (len(steps) % 2)
        assert len(steps) % 2 == (history[-1] == "ALARM"), "the last message is the present state"
