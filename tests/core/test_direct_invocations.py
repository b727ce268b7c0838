"""Direct invocations of the reconcilers."""

import re

import pytest

from ecs_lattice.consumers import reconciles
from ecs_lattice.errors import UnknownEventError
from ecs_lattice.messages.requests import ReconcileRequest

ARN = "arn:aws:ecs:us-east-1:123456789012:service/shop/orders"


class Enqueued(list):
    def enqueue(self, requests):
        self.extend(requests)


def ask(event: dict, kind="ecsService", enqueued=None) -> dict:
    return reconciles.answer(
        event, kind, lambda key, _event: {"planned": key}, Enqueued() if enqueued is None else enqueued, lambda: 5.0
    )


def test_plan_answers_with_the_plan_and_enqueues_nothing():
    enqueued = Enqueued()
    assert ask({"ecsService": ARN, "mode": "plan"}, enqueued=enqueued) == {"planned": ARN}
    assert ask({"latticeService": "orders", "mode": "plan"}, "latticeService", enqueued) == {"planned": "orders"}
    assert enqueued == []


def test_apply_uses_the_queue_which_is_the_only_lock():
    enqueued = Enqueued()
    assert ask({"ecsService": ARN, "mode": "apply"}, enqueued=enqueued) == {
        "enqueued": {"kind": "ecsService", "key": ARN}
    }
    assert enqueued == [ReconcileRequest("ecsService", ARN, "invoked by hand", 5.0)]


@pytest.mark.parametrize(
    ("event", "said"),
    [
        ({}, "plan"),
        ({"ecsService": ARN}, "mode"),
        ({"ecsService": ARN, "mode": "destroy"}, "'destroy'"),
        ({"latticeService": "orders", "mode": "plan"}, "ecsService"),
        ({"ecsService": "orders", "mode": "plan"}, "long ARN"),
        ({"ecsService": "arn:aws:ecs:us-east-1:123456789012:service/orders", "mode": "plan"}, "long ARN"),
        ({"detail-type": "ECS Service Action", "source": "aws.ecs"}, "batch of its queue"),
    ],
)
def test_anything_else_is_refused_with_what_is_allowed(event, said):
    with pytest.raises(UnknownEventError, match=re.escape(said)):
        ask(event)


def test_a_batch_of_the_queue_is_not_a_direct_invocation():
    assert not reconciles.is_direct({"Records": []})
    assert reconciles.is_direct({"mode": "plan"})
