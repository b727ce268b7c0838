"""Targets by their status."""

import pytest

from ecs_lattice.health.counts import count


def test_targets_are_counted_by_their_status():
    statuses = ["HEALTHY", "HEALTHY", "UNHEALTHY", "INITIAL", "DRAINING", "UNUSED", "UNAVAILABLE", "RESTING"]
    assert count(statuses).by_name() == {
        "Healthy": 2.0, "Unhealthy": 1.0, "Initial": 1.0, "Draining": 1.0, "Unused": 1.0, "Unavailable": 1.0,
    }  # fmt: skip
    assert (count(statuses).unhealthy, count(statuses).answering) == (1, 4)
    assert (count([]).unhealthy, count([]).answering) == (0, 0)


@pytest.mark.parametrize(
    ("status", "answers"),
    [
        ("HEALTHY", 1),
        ("UNAVAILABLE", 1),
        ("RESTING", 1),
        ("UNHEALTHY", 0),
        ("INITIAL", 0),
        ("DRAINING", 0),
        ("UNUSED", 0),
    ],
)
def test_a_target_answers_when_it_is_healthy_or_not_known_to_fail(status, answers):
    assert count([status]).answering == answers


def test_healthy_is_always_named_and_other_statuses_only_when_not_zero():
    assert count([]).by_name() == {"Healthy": 0.0}
    assert count(["HEALTHY", "DRAINING", "DRAINING"]).by_name() == {"Healthy": 1.0, "Draining": 2.0}
    assert count(["UNHEALTHY", "INITIAL", "UNUSED", "UNAVAILABLE"]).by_name() == {
        "Healthy": 0.0,
        "Unhealthy": 1.0,
        "Initial": 1.0,
        "Unused": 1.0,
        "Unavailable": 1.0,
    }
