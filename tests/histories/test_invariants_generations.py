"""Whether the other side is enqueued follows from the generations in the item alone."""

import dataclasses
from collections.abc import Iterator

import pytest

from ecs_lattice.claims import Answer
from tests.lattice_side.stage import Stage, path, service
from tests.lattice_side.stage import stage as started


@pytest.fixture
def stage() -> Iterator[Stage]:
    with started() as made:
        yield made


def test_the_same_answer_to_a_changed_claim_applies_the_claim_and_enqueues_nothing(stage):
    first = stage.claim(service("web"), stage.route("r", path("/r")))
    answered = stage.registry.put_answer(first, Answer("Live"))
    stage.registry.acknowledge(answered)
    changed = stage.registry.put_claim(dataclasses.replace(first.claim, serving=True))
    assert changed.is_unapplied
    again = stage.registry.put_answer(changed, Answer("Live"))
    assert not again.is_unapplied
    assert not again.is_unacknowledged
    assert stage.record(service("web"), "r") == again
