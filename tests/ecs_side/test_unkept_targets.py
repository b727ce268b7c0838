"""Targets of controller mode that VPC Lattice does not keep registered or deregistered: called about ever more rarely, told
after a quarter of an hour with what is not kept; their neighbours go on, and it ends with the task or once they are kept."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from ecs_lattice.aws.targets import BotoTargets
from ecs_lattice.ecs_side import record as documents
from ecs_lattice.ecs_side.lattice_targets import Target
from ecs_lattice.outcome import Done, NotYet
from tests.ecs_side.bench import SERVICE, Bench
from tests.ecs_side.test_controller_history import BY_CONTROLLER, registered

QUARTER, HOUR = 900, 3600
MOST_AN_HOUR = 10
DRAINED = 400
ANSWER = "InvalidTarget: it is not within the subnets"


class Forgetting(BotoTargets):
    """VPC Lattice, which does not carry out ``verb`` for the address ``of``, though it accepts the call, or answers that target
    as unsuccessful with ``answer``. ``attempts``: when it was asked to (epoch seconds)."""

    def __init__(self, bench: Bench, verb: str, of: str, answer: str = "") -> None:
        super().__init__(bench.lattice)
        self.clock, self.verb, self.of, self.answer = bench.machine.clock, verb, of, answer
        self.attempts: list[float] = []
        self.dies = False
        bench.side = bench.side.__class__(**{**_members(bench.side), "targets": self})

    def registered(self, group_arn: str) -> Any:
        if self.dies and self.attempts and self.attempts[-1] == self.clock.time():
            raise RuntimeError  # after the call, before it is known what came of it
        return super().registered(group_arn)

    def register(self, group_arn: str, targets: Sequence[Target]) -> Mapping[Target, str]:
        return self._call("register", super().register, group_arn, targets)

    def deregister(self, group_arn: str, targets: Sequence[Target]) -> Mapping[Target, str]:
        return self._call("deregister", super().deregister, group_arn, targets)

    def _call(
        self, verb: str, call: Callable[..., Mapping[Target, str]], group_arn: str, targets: Sequence[Target]
    ) -> Mapping[Target, str]:
        meant = [target for target in targets if verb == self.verb and target.address == self.of]
        self.attempts += [self.clock.time() for _ in meant]
        others = [target for target in targets if target not in meant]
        failed = dict(call(group_arn, others)) if others else {}
        return {**failed, **(dict.fromkeys(meant, self.answer) if self.answer else {})}


def _members(side: Any) -> dict[str, Any]:
    return {name: getattr(side, name) for name in side.__dataclass_fields__}


def work(bench: Bench, seconds: float) -> None:
    """Reconciles whenever one is due, for so long."""
    end = bench.machine.clock.time() + seconds
    while True:
        outcome = bench.go()
        bench.taken_in()
        left = end - bench.machine.clock.time()
        if left <= 0:
            return
        bench.advance(min(outcome.after, left) if isinstance(outcome, NotYet) else min(60, left))


def told(bench: Bench) -> list[str]:
    return [problem.message for problem in bench.side.status(SERVICE).problems if problem.code == "NOT_KEPT"]


def wired(bench: Bench) -> tuple[str, str]:
    """A service in controller mode whose tasks are about to be registered: its group, and the address of one task."""
    group = bench.wired(task_definition=bench.define(BY_CONTROLLER), desired=3)
    return group, min(bench.addresses())


def stopped(bench: Bench, address: str) -> None:
    """The task with the address stops, and another one takes its place."""
    arns = bench.ecs.list_tasks(cluster="shop", serviceName="orders")["taskArns"]
    for task in bench.ecs.describe_tasks(cluster="shop", tasks=arns)["tasks"]:
        if task["containers"][0]["networkInterfaces"][0]["privateIpv4Address"] == address:
            bench.ecs.stop_task(cluster="shop", task=task["taskArn"])
    bench.until(lambda: len(bench.addresses()) == 3 and address not in bench.addresses(), step=5)


def is_paced(attempts: Sequence[float]) -> bool:
    gaps = [later - earlier for earlier, later in zip(attempts, attempts[1:], strict=False)]
    return len(attempts) > 2 and gaps == sorted(gaps) and gaps[0] == 15 and gaps[1] >= 60 and gaps[-1] == QUARTER


@pytest.mark.parametrize("answer", ["", ANSWER])
def test_a_registration_that_is_not_kept_is_tried_ever_more_rarely_and_told_with_its_target(
    bench: Bench, answer: str
) -> None:
    group, bad = wired(bench)
    forgetting = Forgetting(bench, "register", bad, answer)
    work(bench, QUARTER - 60)
    assert told(bench) == []
    assert bench.serving_targets(group) == bench.addresses() - {bad}
    work(bench, 2 * HOUR)
    assert is_paced(forgetting.attempts), forgetting.attempts
    assert not documents.is_settled(bench.registry.document(documents.KIND, SERVICE.arn) or "")
    (message,) = told(bench)
    assert f"{bad}:8080 with target group {group.rpartition('/')[2]}" in message
    assert answer in message
    assert bench.states()["default"] == ("Wired", "NOT_KEPT")


def test_it_is_told_as_a_notice_whose_event_leads_to_the_mail_and_so_is_its_end(bench: Bench) -> None:
    _, bad = wired(bench)
    forgetting = Forgetting(bench, "register", bad)
    work(bench, HOUR)
    (status,) = bench.side.status(SERVICE)
    assert [notice.code for notice in status.notices] == ["NOT_KEPT"]
    assert [change.code for change in bench.announced.changes] == ["NOT_KEPT"]
    forgetting.of = ""
    work(bench, QUARTER)
    assert told(bench) == []
    assert [change.previous_code for change in bench.announced.changes] == ["", "NOT_KEPT"]


def test_its_neighbours_join_and_leave_and_what_is_live_stays_so(bench: Bench) -> None:
    group = registered(bench)
    bench.answer("Live", group)
    bench.go()
    bench.deploy(desiredCount=3)
    forgetting = Forgetting(bench, "register", "")
    before = bench.addresses()
    bench.until(lambda: len(bench.addresses()) == 3, step=5)
    (forgetting.of,) = bench.addresses() - before
    work(bench, HOUR)
    assert (bench.states()["default"], bench.records()["default"].claim.serving) == (("Live", "NOT_KEPT"), True)
    stopped(bench, min(before))
    work(bench, 60)
    assert bench.serving_targets(group) == bench.addresses() - {forgetting.of}


@pytest.mark.parametrize("answer", ["", ANSWER])
def test_a_deregistration_that_is_not_kept_is_braked_and_told_too(bench: Bench, answer: str) -> None:
    group, bad = wired(bench)
    work(bench, 60)
    forgetting = Forgetting(bench, "deregister", bad, answer)
    stopped(bench, bad)
    work(bench, 2 * HOUR)
    assert is_paced(forgetting.attempts), forgetting.attempts
    (message,) = told(bench)
    assert f"the deregistration of {bad}:8080 from target group" in message
    assert answer in message
    assert bench.serving_targets(group) == bench.addresses() | {bad}
    forgetting.of = ""
    work(bench, QUARTER + DRAINED)
    assert bench.serving_targets(group) == bench.addresses()
    assert (told(bench), bench.record().unkept, bench.go()) == ([], (), Done())


def test_the_route_s_end_waits_for_a_deregistration_that_is_not_kept(bench: Bench) -> None:
    group, bad = wired(bench)
    work(bench, 60)
    forgetting = Forgetting(bench, "deregister", bad)
    bench.deploy(bench.define({}))
    bench.completed()
    bench.go()
    bench.answer("Parked", group)
    work(bench, HOUR)
    assert bench.records()["default"].claim.named
    assert len(forgetting.attempts) <= MOST_AN_HOUR
    assert len(told(bench)) == 1
    forgetting.of = ""
    work(bench, QUARTER)
    assert not bench.records()["default"].claim.named


def test_what_is_kept_again_is_registered_and_forgotten(bench: Bench) -> None:
    group, bad = wired(bench)
    forgetting = Forgetting(bench, "register", bad)
    work(bench, HOUR)
    assert not bench.records()["default"].claim.serving
    forgetting.of = ""
    work(bench, QUARTER)
    assert bench.serving_targets(group) == bench.addresses()
    assert (told(bench), bench.record().unkept, bench.go()) == ([], (), Done())
    assert bench.records()["default"].claim.serving


def test_it_ends_with_the_task(bench: Bench) -> None:
    group, bad = wired(bench)
    forgetting = Forgetting(bench, "register", bad, ANSWER)
    work(bench, HOUR)
    tried = len(forgetting.attempts)
    stopped(bench, bad)
    work(bench, HOUR)
    assert len(forgetting.attempts) == tried
    assert bench.serving_targets(group) == bench.addresses()
    assert (told(bench), bench.record().unkept, bench.go()) == ([], (), Done())


def test_a_target_that_drains_or_waits_for_its_first_check_is_kept(bench: Bench) -> None:
    group, _ = wired(bench)
    calls: list[str] = []
    bench.go()
    assert set(bench.targets(group).values()) == {"INITIAL"}
    for _ in range(DRAINED // 10):
        with bench.writes() as written:
            bench.go()
        calls += written
        bench.taken_in()
        bench.advance(10)
    leaving = min(bench.addresses())
    stopped(bench, leaving)
    work(bench, 30)
    assert bench.targets(group)[leaving] == "DRAINING"
    with bench.writes() as written:
        bench.go()
    assert (calls, written, bench.record().unkept, told(bench)) == ([], [], (), [])


class Lagging(BotoTargets):
    """VPC Lattice whose list shows what it was ``until`` a time (epoch seconds)."""

    def __init__(self, bench: Bench, seconds: float) -> None:
        super().__init__(bench.lattice)
        self.clock, self.until = bench.machine.clock, bench.machine.clock.time() + seconds
        self.before: dict[str, Any] = {}
        bench.side = bench.side.__class__(**{**_members(bench.side), "targets": self})

    def registered(self, group_arn: str) -> Any:
        found = super().registered(group_arn)
        before = self.before.setdefault(group_arn, found)
        return before if self.clock.time() < self.until else found


def test_a_list_that_lags_delays_it_and_is_never_told(bench: Bench) -> None:
    group, _ = wired(bench)
    Lagging(bench, 10)
    with bench.writes() as written:
        work(bench, QUARTER + 60)
    assert (written, told(bench), bench.record().unkept) == (["RegisterTargets"], [], ())
    assert bench.serving_targets(group) == bench.addresses()
    assert bench.records()["default"].claim.serving


def test_it_is_tried_at_once_where_somebody_asks_for_it_and_goes_on_being_told(bench: Bench) -> None:
    _, bad = wired(bench)
    forgetting = Forgetting(bench, "register", bad)
    work(bench, HOUR)
    bench.advance(10)
    before = len(forgetting.attempts)
    bench.go()
    assert len(forgetting.attempts) == before
    bench.side.forget_failures(SERVICE)
    bench.go()
    assert len(forgetting.attempts) == before + 1
    assert len(told(bench)) == 1


def test_one_that_fails_later_has_a_pace_of_its_own(bench: Bench) -> None:
    _, bad = wired(bench)
    forgetting = Forgetting(bench, "register", bad, ANSWER)
    work(bench, HOUR)
    stopped(bench, max(bench.addresses()))
    later = next(
        iter(bench.addresses() - set(bench.targets(bench.records()["default"].answer.group_arn or "")) - {bad})
    )
    forgetting.of = later
    work(bench, 120)
    assert sorted(len(each.targets) for each in bench.record().unkept) == [1]
    assert bench.record().unkept[0].targets[0].address == later


def test_a_dry_run_leaves_out_what_is_not_due(bench: Bench) -> None:
    _, bad = wired(bench)
    Forgetting(bench, "register", bad)
    work(bench, HOUR)
    (change,) = bench.side.plan(SERVICE).changes
    assert change.register == ()
    assert {target.address for target in change.targets} == bench.addresses()


def test_a_crash_after_the_call_does_not_repeat_it_at_once(bench: Bench) -> None:
    _, bad = wired(bench)
    forgetting = Forgetting(bench, "register", bad)
    work(bench, HOUR)
    work(bench, QUARTER - 1)
    record, tried = bench.record(), len(forgetting.attempts)
    bench.advance(max(0.0, record.unkept[0].next_at - bench.machine.clock.time()))

    forgetting.dies = True
    with pytest.raises(RuntimeError):
        bench.go()
    forgetting.dies = False
    bench.go()
    assert len(forgetting.attempts) == tried + 1
