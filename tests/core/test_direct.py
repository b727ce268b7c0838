"""Direct invocations of the reconcilers."""

import re

import pytest

from ecs_lattice.consumers import reconciles
from ecs_lattice.errors import UnknownEventError
from ecs_lattice.messages.requests import Bell

ARN = "arn:aws:ecs:us-east-1:123456789012:service/shop/orders"


class Rung(list):
    def ring(self, bells):
        self.extend(bells)


def ask(event: dict, kind="ecsService", rung=None) -> dict:
    return reconciles.answer(event, kind, lambda key: {"planned": key}, Rung() if rung is None else rung, lambda: 5.0)


def test_plan_answers_with_the_plan_and_rings_nothing():
    rung = Rung()
    assert ask({"ecsService": ARN, "mode": "plan"}, rung=rung) == {"planned": ARN}
    assert ask({"latticeService": "orders", "mode": "plan"}, "latticeService", rung) == {"planned": "orders"}
    assert rung == []


def test_apply_rings_the_queue_which_is_the_only_lock():
    rung = Rung()
    assert ask({"ecsService": ARN, "mode": "apply"}, rung=rung) == {"rung": {"kind": "ecsService", "key": ARN}}
    assert rung == [Bell("ecsService", ARN, "invoked by hand", 5.0)]


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
