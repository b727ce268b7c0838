"""A crash after any single call that writes, then a retry: the same state, nothing twice."""

import dataclasses
import itertools

import pytest

from ecs_lattice.errors import UnavailableError
from tests.ecs_side import bench as benches
from tests.ecs_side.bench import LABELS

WRITES = {
    "registry": {"put_claim", "acknowledge", "delete_claim", "put_document", "delete_document", "acquire", "release"},
    "ecs": {"attach"},
    "targets": {"register", "deregister"},
    "requests": {"enqueue"},
    "ingress": {"put_requirement", "put_authorized", "authorize", "tag"},
}


class Crashed(BaseException):
    """The function's process ends here; nothing catches it."""


class Mortal:
    """Hands calls on to what it stands for, and ends the process after the ``last`` write of all."""

    def __init__(self, inner, writes, counter, last):
        self._inner, self._writes, self._counter, self._last = inner, writes, counter, last

    def __getattr__(self, name):
        method = getattr(self._inner, name)
        if name not in self._writes:
            return method

        def written(*args, **kwargs):
            answer = method(*args, **kwargs)
            if next(self._counter) == self._last:
                raise Crashed
            return answer

        return written


def go_and_crash(bench, last, writes=WRITES):
    """A reconcile that ends after its write number ``last`` (from 0); whether it got that far."""
    counter, side, inner = itertools.count(), bench.side, {"ingress": bench.side.ingress}
    for name in set(writes) - {"ingress"}:
        inner[name] = getattr(side, name)
        object.__setattr__(side, name, Mortal(inner[name], writes[name], counter, last))
    if "ingress" in writes:
        parts = {
            part: Mortal(getattr(side.ingress, part), writes["ingress"], counter, last)
            for part in ("registry", "groups")
        }
        object.__setattr__(side, "ingress", dataclasses.replace(side.ingress, **parts))
    try:
        bench.go()
    except Crashed:
        return True
    else:
        return False
    finally:
        for name, original in inner.items():
            object.__setattr__(side, name, original)


def outcome_of(bench):
    """What must be the same whether or not there was a crash on the way: without times, ids and generations."""
    record = bench.record() if any(item["pk"]["S"].startswith("ecs#") for item in bench.stored()) else None
    names = {arn: name for name, arn in bench.groups.items()}
    return {
        "claims": {
            name: (one.claim.phase, one.claim.named, one.claim.serving, one.is_unacknowledged)
            for name, one in bench.records().items()
        },
        "attached": [names[arn] for arn in bench.attached()],
        "deployments": len(bench.history()),
        "targets": {name: len(bench.serving_targets(arn)) for name, arn in bench.groups.items()},
        "update": record and record.pending_update is not None,
        "registered": record and [(names[arn], len(targets)) for arn, targets in record.registered.items()],
        "states": bench.states(),
        "slots": len(bench.placed()),
    }


def first_claim(bench):
    bench.create()
    bench.completed()


def attach(bench):
    bench.groups["web"] = bench.wired()


def after_the_attach(bench):
    attach(bench)
    bench.go()
    bench.completed()


def controller(bench):
    labels = {**LABELS, "lattice.targets": "controller"}
    bench.groups["web"] = bench.wired(task_definition=bench.define(labels))


def list_overwritten(bench):
    bench.groups["web"] = bench.live()
    bench.deploy(bench.define(), vpcLatticeConfigurations=[])
    bench.completed()


def parked(bench):
    bench.groups["web"] = bench.live()
    bench.deploy(bench.define({}))
    bench.completed()
    bench.go()
    bench.answer("Parked", bench.groups["web"])


def removed(bench):
    parked(bench)
    bench.go()
    bench.completed()
    bench.go()
    bench.answer("Removed")


@pytest.mark.parametrize(
    "history", [first_claim, attach, after_the_attach, controller, list_overwritten, parked, removed]
)
def test_a_crash_after_any_write_and_a_retry_end_in_the_same_state(history):
    def walked(last):
        with benches.bench() as bench:
            bench.groups = {}
            history(bench)
            crashed = last is not None and go_and_crash(bench, last)
            bench.requests.enqueued.clear()
            for _ in range(4):
                bench.advance(61)
                bench.go()
            enqueued = {request.key for request in bench.requests.enqueued}
            unapplied = {one.lattice_service for one in bench.registry.claims_of(benches.SERVICE) if one.is_unapplied}
            assert unapplied <= enqueued
            return crashed, outcome_of(bench)

    _, expected = walked(None)
    last = 0
    while True:
        crashed, found = walked(last)
        assert found == expected, f"after write {last}"
        if not crashed:
            break
        last += 1
    assert last > 0


def test_a_crash_between_the_claim_and_the_request_is_healed_by_the_retry(bench):
    bench.create()
    bench.completed()
    assert go_and_crash(bench, 0, {"registry": {"put_claim"}})
    assert bench.records()["default"].is_unapplied
    assert bench.requests.enqueued == []
    bench.go()
    assert [request.key for request in bench.requests.enqueued] == ["orders"]
    bench.go()
    assert [request.key for request in bench.requests.enqueued] == ["orders", "orders"]
    bench.answer("Pending")
    bench.requests.enqueued.clear()
    bench.go()
    assert bench.requests.enqueued == []


def test_a_requirement_that_a_crash_left_behind_is_withdrawn_when_the_group_is_another_by_then(bench):
    old, new = (bench.ec2.create_security_group(GroupName=name, Description=name)["GroupId"] for name in ("old", "new"))

    def network(group):
        return {"awsvpcConfiguration": {"subnets": bench.subnets, "securityGroups": [group]}}

    bench.create(networkConfiguration=network(old))
    bench.completed()
    assert go_and_crash(bench, 0, {"ingress": {"put_requirement"}})
    assert [requirement.group_id for requirement in bench.registry.requirements()] == [old]
    bench.deploy(networkConfiguration=network(new))
    bench.completed()
    bench.go()
    assert [requirement.group_id for requirement in bench.registry.requirements()] == [new]


def test_targets_are_known_to_be_ours_before_they_are_registered(bench):
    controller(bench_with_groups(bench))
    original = bench.side.targets.register

    def register_and_die(group_arn, targets):
        original(group_arn, targets)
        raise Crashed

    bench.side.targets.register = register_and_die
    with pytest.raises(Crashed):
        bench.go()
    ((group, targets),) = bench.record().registered.items()
    assert group == bench.groups["web"]
    assert {target.address for target in targets} == bench.addresses()


def bench_with_groups(bench):
    bench.groups = {}
    return bench


def test_an_answer_written_while_the_reconcile_ran_is_not_acknowledged_unseen(bench):
    group = bench.wired()
    original = bench.side.ecs.attach

    def meanwhile(*args):
        bench.answer("Live", group)
        return original(*args)

    bench.side.ecs.attach = meanwhile
    bench.go()
    assert bench.records()["default"].is_unacknowledged


def test_an_unreadable_service_leads_to_no_removal(bench):
    bench.live()
    before = bench.stored()

    def lost(_service):
        raise UnavailableError("DescribeServices", "ServerException", "no answer")

    bench.side.ecs.service = lost
    with pytest.raises(UnavailableError):
        bench.go()
    assert bench.stored() == before
