"""Whatever AWS accepts and does not keep is written ever more rarely and told; the rest goes on; what is kept again heals."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from ecs_lattice import ownership
from ecs_lattice.aws.lattice import BotoLattice
from ecs_lattice.claims import Answer, LatticeRecord, RepeatedStep
from ecs_lattice.errors import InvalidError, ThrottledError
from ecs_lattice.lattice_side import steps as s
from ecs_lattice.lattice_side.repeats import told as all_told
from ecs_lattice.model import ListenerKey
from ecs_lattice.outcome import NotYet, put_off
from tests.lattice_side.stage import CHECK, GRACE, NAME, SETTINGS, TLS, Stage, path, service

BASE, BAD, NEAR = service("base"), service("bad"), service("near")
HOUR, QUARTER = 3600, 900
OTHER = ListenerKey("HTTP", 8080)
BACKED_OFF = 12
_CREATED: dict[str, Callable[[tuple[Any, ...]], Any]] = {
    "create_group": lambda _: (
        "arn:aws:vpc-lattice:us-east-1:123456789012:targetgroup/tg-0123456789abcdef0",
        "CREATE_IN_PROGRESS",
    ),
    "create_service": lambda _: (
        "arn:aws:vpc-lattice:us-east-1:123456789012:service/svc-0123456789abcdef0",
        "CREATE_IN_PROGRESS",
    ),
    "create_listener": lambda given: f"{given[0]}/listener/listener-0123456789abcdef0",
    "create_rule": lambda given: f"{given[0]}/rule/rule-0123456789abcdef0",
    "update_rules": lambda _: (),
    "deregister": lambda _: (),
}


class Forgetting:
    """A Lattice that accepts ``operation`` and does not keep it, where it is about one of ``marks`` (all, without any).
    ``attempts``: when it was called (epoch seconds)."""

    def __init__(self, stage: Stage, operation: str, marks: set[str]) -> None:
        self._lattice, self._clock = BotoLattice(stage.lattice), stage.clock
        self.operation, self.marks = operation, marks
        self.attempts: list[float] = []
        self.forgets = True

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._lattice, name)
        return call if name != self.operation else lambda *given: self._accept(call, given)

    def _accept(self, call: Callable[..., Any], given: tuple[Any, ...]) -> Any:
        is_meant = not self.marks or any(mark in repr(given) for mark in self.marks)
        if not (self.forgets and is_meant):
            return call(*given)
        self.attempts.append(self._clock.time())
        return _CREATED.get(self.operation, lambda _: None)(given)


@dataclass(frozen=True)
class Case:
    """``before``: what is there; ``act``: what makes the step necessary, ``operation`` its call; ``named``: what people are
    told. ``is_urgent``: requests get through meanwhile that should not."""

    step: type[s.Step]
    operation: str
    named: str
    act: Callable[[Stage], object]
    before: Callable[[Stage], object] = lambda _: None
    is_urgent: bool = False
    neighbours: bool = True


def bad(**more: Any) -> Callable[[Stage], object]:
    """BAD declares its route."""
    return lambda stage: stage.claim(BAD, stage.route(**{"match": path("/bad"), **more}))


def all_ask(**more: Any) -> Callable[[Stage], object]:
    """Every ECS service asks for a setting of the Lattice service."""
    return lambda stage: stage.claim(BASE, stage.route("base", path("/base"), **more))


def gone(stage: Stage) -> None:
    stage.vanish(BAD)


def two(first: str, second: str) -> Callable[[Stage], object]:
    def declare(stage: Stage) -> None:
        stage.claim(BAD, stage.route(match=path(first)))
        stage.claim(BAD, stage.route("second", match=path(second)))

    return declare


def other_network(stage: Stage) -> None:
    if not any(each["name"] == "other" for each in stage.lattice.list_service_networks()["items"]):
        stage.lattice.create_service_network(name="other")
    bad(networks=("platform", "other"))(stage)


def no_tag(stage: Stage) -> None:
    arn = stage.registry.lattice(NAME).service_arn
    stage.lattice.untag_resource(resourceArn=arn, tagKeys=[ownership.HOLDER])


def leftover_target(stage: Stage) -> None:
    """BAD's claim goes, and a task of its stays registered."""
    group = stage.record(BAD).answer.group_arn
    stage.lattice.register_targets(targetGroupIdentifier=group, targets=[{"id": "172.31.79.9", "port": 8080}])
    stage.vanish(BAD)


def failed_association(stage: Stage) -> None:
    other_network(stage)
    stage.settle()
    for association in stage.backend.service_network_service_associations.values():
        if association.network.name == "other":
            association.status = "CREATE_FAILED"
    stage.reconcile()
    stage.clock.advance(SETTINGS.drift_hours * HOUR)


TLS_ROUTE = bad(match=None, listeners=(TLS,), protocol="TCP", protocol_version=None, domain="shop.example.com")
CASES = (
    Case(s.CreateGroup, "create_group", "the creation of target group bad-", bad()),
    Case(s.UpdateHealth, "update_health", "path of the health check of", bad(health=replace(CHECK, path="/x")), bad()),
    Case(s.CreateLatticeService, "create_service", "the creation of Lattice service", bad(), neighbours=False),
    Case(s.TagService, "tag", f"tags {ownership.HOLDER} of the Lattice service", no_tag),
    Case(s.PutPolicy, "put_policy", "the auth policy", all_ask(auth="AWS_IAM")),
    Case(s.UpdateLatticeService, "update_service", "idle timeout of Lattice service", all_ask(idle_timeout=300)),
    Case(s.UpdateLatticeService, "update_service", "auth of Lattice service", all_ask(auth="AWS_IAM"), is_urgent=True),
    Case(s.CreateListener, "create_listener", "the creation of listener HTTP:8080", bad(listeners=(OTHER,))),
    Case(s.UpdateDefault, "update_listener", "the default action of listener", bad(match=None)),
    Case(s.UpdateDefault, "update_listener", "the default action of", gone, bad(match=None), is_urgent=True),
    Case(s.CreateRule, "create_rule", "the creation of rule bad-", bad()),
    Case(s.UpdateRule, "update_rule", "priority of rule bad-", bad(priority=7), bad(priority=9)),
    Case(s.UpdateRule, "update_rule", "match of rule bad-", bad(match=path("/else")), bad()),
    Case(s.UpdateRule, "update_rule", "match of rule bad-", gone, bad(), is_urgent=True),
    Case(s.UpdateRules, "update_rules", "match of rule bad-", two("/c", "/d"), two("/a", "/b")),
    Case(s.Associate, "associate", "the association with arn:", other_network),
    Case(s.Disassociate, "disassociate", "the deletion of the association", bad(), other_network),
    Case(s.Disassociate, "disassociate", "the deletion of the association", failed_association, bad()),
    Case(s.DeleteRule, "delete_rule", "the deletion of rule bad-", gone, bad()),
    Case(s.DeleteListener, "delete_listener", "the deletion of listener TLS_", gone, TLS_ROUTE, True, neighbours=False),
    Case(s.Deregister, "deregister", "the deregistration of 1 targets of", leftover_target, bad()),
    Case(s.DeleteGroup, "delete_group", "the deletion of target group bad-", gone, bad()),
)
_IDS = {case: f"{number}-{case.step.__name__}" for number, case in enumerate(CASES)}
ELSEWHERE = {s.DeleteLatticeService}
"""Kinds of a Lattice service without claims."""


def kinds() -> set[type[s.Step]]:
    found = {each for each in vars(s).values() if isinstance(each, type) and issubclass(each, s.Step)}
    return found - {s.Step, s.CreateStep}


def marks(stage: Stage, case: Case) -> set[str]:
    """What calls about BAD's things have in them; none where the Lattice service has one of it alone."""
    if case.operation in {"create_group", "create_rule"}:
        return {"bad-"}
    if case.operation in {"update_rule", "update_rules", "delete_rule"}:
        return {rule["arn"] for rule in stage.rules() if rule["name"].startswith("bad-")}
    if case.operation in {"update_health", "deregister", "delete_group"}:
        groups = stage.lattice.list_target_groups()["items"]
        return {group["id"] for group in groups if group["name"].startswith("bad-")}
    return set()


def told(stage: Stage) -> list[str]:
    answers = [record.answer for record in stage.records()]
    notices = [notice for answer in answers for notice in answer.notices]
    return [each.message for each in (*answers, *notices) if each.code == "NOT_KEPT"]


def work(stage: Stage, seconds: float) -> None:
    """Both sides work for so long; what goes on waiting for the same waits longer and longer, as the queue's consumer has
    it."""
    end, why, since = stage.clock.time() + seconds, "", 0.0
    while True:
        outcome = stage.reconcile()
        if stage.ecs():
            continue
        now = stage.clock.time()
        if now >= end:
            return
        wait = outcome if isinstance(outcome, NotYet) else NotYet.until(QUARTER, "")
        since = since if wait.why == why else now
        why = wait.why
        stage.clock.advance(min(put_off(wait, since, now).after, end - now))


def start(stage: Stage, case: Case) -> Forgetting:
    """The world in which AWS begins not to keep what the case is about, which becomes necessary."""
    stage.registry.put_document("stack", "marker", "{}")
    if case.neighbours:
        stage.claim(BASE, stage.route("base", path("/base")))
    case.before(stage)
    if stage.records():
        stage.settle()
    forgetting = Forgetting(stage, case.operation, marks(stage, case))
    case.act(stage)
    stage.side = replace(stage.side, lattice=forgetting)
    return forgetting


def heal(stage: Stage, forgetting: Forgetting) -> None:
    """AWS keeps it again: within a quarter of an hour it is written, and no longer told."""
    forgetting.forgets = False
    with stage.writes() as made:
        work(stage, QUARTER + 60)
    assert made
    work(stage, HOUR)
    assert told(stage) == []
    assert stage.registry.lattice(NAME).repeated == ()
    assert not isinstance(stage.settle(), NotYet)


def test_every_kind_of_step_is_tried() -> None:
    assert {case.step for case in CASES} | ELSEWHERE == kinds()


@pytest.mark.parametrize("case", CASES, ids=_IDS.__getitem__)
def test_what_is_not_kept_is_written_rarely_and_told_until_it_is_kept(stage: Stage, case: Case) -> None:
    forgetting = start(stage, case)
    began = stage.clock.time()
    work(stage, GRACE + QUARTER + 120)
    assert any(case.named in message for message in told(stage)), told(stage)
    if case.neighbours:
        neighbours_go_on(stage)
    if not case.is_urgent:  # which is tried each minute: the time until here has shown that
        work(stage, max(0.0, began + 2 * HOUR - stage.clock.time()))
    minutes = (stage.clock.time() - began) / 60
    assert 1 < len(forgetting.attempts) <= (minutes + 1 if case.is_urgent else BACKED_OFF)
    gaps = [later - earlier for earlier, later in zip(forgetting.attempts, forgetting.attempts[1:], strict=False)]
    assert max(gaps) <= (60 if case.is_urgent else QUARTER) + 5
    heal(stage, forgetting)


def neighbours_go_on(stage: Stage) -> None:
    """A neighbour joins, changes its match and leaves, and what is live stays so."""
    base = stage.record(BASE, "base").claim.route  # what it asks of the whole Lattice service has to be asked by all
    asked = {"auth": base.auth, "idle_timeout": base.idle_timeout}
    stage.claim(NEAR, stage.route("near", path("/near"), **asked))
    work(stage, QUARTER)
    assert stage.state(NEAR, "near") == "Live"
    assert stage.state(BASE, "base") == "Live"
    stage.claim(NEAR, stage.route("near", path("/next"), **asked))
    work(stage, QUARTER / 2)
    assert "/next" in str(stage.rules())
    stage.vanish(NEAR, "near")
    work(stage, GRACE + QUARTER)
    assert NEAR not in {record.claim.service for record in stage.records()}


@pytest.mark.parametrize("operation", ["disassociate", "delete_service", "delete_group"])
def test_a_lattice_service_without_claims_whose_deletion_is_not_kept(
    stage: Stage, operation: str, caplog: pytest.LogCaptureFixture
) -> None:
    stage.use(replace(SETTINGS, delete_empty_services=True))
    stage.registry.put_document("stack", "marker", "{}")
    stage.claim(BAD, stage.route())
    stage.settle()
    stage.vanish(BAD)
    forgetting = Forgetting(stage, operation, set())
    stage.side = replace(stage.side, lattice=forgetting)
    if operation == "delete_group":  # its claim is lost while it is still there
        work(stage, GRACE + 120)
        stage.registry.delete_claim(stage.record(BAD))
        forgetting.attempts.clear()
    with caplog.at_level(logging.WARNING):
        work(stage, 2 * HOUR)
    assert 1 < len(forgetting.attempts) <= BACKED_OFF
    assert "NOT_KEPT" in caplog.text
    forgetting.forgets = False
    work(stage, QUARTER + HOUR)
    assert stage.lattice.list_services()["items"] == []
    assert stage.groups() == []
    assert list(stage.registry.lattice_records()) == []


def repeated(identity: str, what: str, *keys: str) -> RepeatedStep:
    return RepeatedStep(identity, what, keys, since=0.0, tries=5, tried_at=900.0)


def test_what_has_another_code_or_a_second_value_that_is_not_kept_has_it_as_a_notice() -> None:
    answers = {"a": Answer("Refused", "QUOTA", "full"), "b": Answer("Live"), "c": Answer("Removed")}
    known = (repeated("1", "path of the health check", "a"), repeated("2", "the auth policy"))
    found = all_told(answers, LatticeRecord(NAME, repeated=known), now=900.0)
    assert (found["a"].code, found["b"].code, found["c"]) == ("QUOTA", "NOT_KEPT", Answer("Removed"))
    assert [notice.code for notice in found["a"].notices] == ["NOT_KEPT", "NOT_KEPT"]
    assert "auth policy" in found["b"].message
    both = all_told({"a": Answer("Live")}, LatticeRecord(NAME, repeated=known), now=900.0)["a"]
    assert "path" in both.message
    assert sorted("auth policy" in notice.message for notice in both.notices) == [False, True]


@pytest.mark.parametrize(
    "case", [case for case in CASES if case.step in {s.CreateRule, s.UpdateHealth, s.DeleteRule}], ids=_IDS.__getitem__
)
def test_a_list_that_lags_for_a_minute_is_never_told(stage: Stage, case: Case) -> None:
    forgetting = start(stage, case)
    while not forgetting.attempts:
        stage.reconcile()
        stage.ecs() or stage.clock.advance(5)
    since = stage.clock.time()
    while stage.clock.time() < since + 60:
        stage.reconcile()
        stage.clock.advance(5)
    assert len(forgetting.attempts) <= 2
    forgetting.forgets = False
    for _ in range(int(2 * GRACE / 60)):
        work(stage, 60)
        assert told(stage) == []
    assert not isinstance(stage.settle(), NotYet)


def test_a_run_that_is_stopped_each_time_finds_what_the_one_before_has_tried(stage: Stage) -> None:
    """The next call of each run is throttled, so that no run reads what it has written."""
    case = next(case for case in CASES if case.step is s.UpdateHealth)
    forgetting = start(stage, case)

    def throttled(*_: Any) -> Any:
        raise ThrottledError("UpdateRule", "ThrottlingException", "slow down")

    stage.claim(NEAR, stage.route("near", path("/near")))
    forgetting.create_rule = throttled
    work(stage, HOUR)
    assert 1 < len(forgetting.attempts) <= BACKED_OFF / 2 + 2
    assert any(case.named in message for message in told(stage))


@pytest.mark.parametrize("kind", [s.UpdateHealth, s.TagService])  # needed by a claim, and by none
def test_a_step_that_is_refused_later_is_no_longer_told_as_accepted(stage: Stage, kind: type[s.Step]) -> None:
    case = next(case for case in CASES if case.step is kind)
    forgetting = start(stage, case)
    work(stage, QUARTER + 120)
    assert told(stage)

    def refused(*_: Any) -> Any:
        raise InvalidError(case.operation, "ValidationException", "not allowed")

    setattr(forgetting, case.operation, refused)
    work(stage, QUARTER + 60)
    remembered = stage.registry.lattice(NAME)
    assert (remembered.repeated, [each.code for each in remembered.refused]) == ((), ["INVALID"])
    assert told(stage) == []
    delattr(forgetting, case.operation)
    forgetting.forgets = False
    work(stage, HOUR)
    remembered = stage.registry.lattice(NAME)
    assert (remembered.repeated, remembered.refused) == ((), ())


def test_it_is_tried_at_once_where_somebody_asks_for_it_and_goes_on_being_told(stage: Stage) -> None:
    forgetting = start(stage, next(case for case in CASES if case.step is s.UpdateHealth))
    work(stage, 2 * HOUR)
    stage.clock.advance(10)
    before = len(forgetting.attempts)
    stage.reconcile()
    assert len(forgetting.attempts) == before
    stage.side.forget_failures(NAME)
    stage.reconcile()
    assert len(forgetting.attempts) == before + 1
    assert told(stage)


def test_it_is_a_notice_too_whose_event_leads_to_the_mail_and_is_told_once(stage: Stage) -> None:
    start(stage, next(case for case in CASES if case.step is s.UpdateHealth))
    work(stage, 2 * HOUR)
    answer = stage.record(BAD).answer
    assert (answer.state, answer.code, [each.code for each in answer.notices]) == ("Live", "NOT_KEPT", ["NOT_KEPT"])
