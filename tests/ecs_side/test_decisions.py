"""The pure decisions of the ECS side as tables: effective revision, list, controller, update outcome, phases."""

import dataclasses

import pytest

from ecs_lattice.claims import Answer, Claim, ClaimRecord
from ecs_lattice.ecs_side import attach, claims, effective_revision, observation, targets, update_outcome
from ecs_lattice.ecs_side import record as documents
from ecs_lattice.ecs_side.ended_update import after_update
from ecs_lattice.ecs_side.lattice_targets import Target, TargetState
from ecs_lattice.ecs_side.obstacles import AttachInput
from ecs_lattice.ecs_side.record import OURS as OWNED
from ecs_lattice.ecs_side.record import EcsRecord, Owner, PendingUpdate
from ecs_lattice.ecs_side.report import dated
from ecs_lattice.ecs_side.status import RouteStatus
from ecs_lattice.ecs_side.targets import ManagedGroup
from ecs_lattice.ecs_side.update_outcome import after_outcome
from ecs_lattice.facts import (
    Deployment,
    EcsService,
    LatticeEntry,
    PortMapping,
    ServiceRevision,
    Subnets,
    Task,
    TaskDefinition,
)
from ecs_lattice.model import Declaration, Placement, Route
from tests.ecs_side.bench import OTHER_ROLE, ROLE, SERVICE, SETTINGS

NOW = 10_000.0
OURS = LatticeEntry(ROLE, "tg-ours", "web")


def deployment(name="d1", status="PRIMARY", rollout="COMPLETED", **more):
    return Deployment(name, status, rollout, **{"task_definition": f"td-{name}", "created_at": 0.0, **more})


def service(*deployments, **more):
    facts = {
        "status": "ACTIVE",
        "created_at": 1.0,
        "desired": 2,
        "running": 2,
        "controller": "ECS",
        "strategy": "ROLLING",
    }
    return EcsService(SERVICE, **{**facts, "deployments": deployments, "subnets": ("subnet-1",), **more})


def old(rollout):
    return deployment("d1", "ACTIVE", rollout)


SUCCESSFUL = ServiceRevision("arn", "td-successful", 0.0)


@pytest.mark.parametrize(
    ("listed", "stored", "successful", "expected"),
    [
        ((deployment("d1"),), None, None, ("td-d1", "completed")),
        ((deployment("d2", rollout="IN_PROGRESS"), old("COMPLETED")), "td-0", None, ("td-d1", "completed")),
        ((deployment("d2"), old("COMPLETED")), None, None, ("td-d2", "completed")),
        ((deployment("d3", rollout="IN_PROGRESS"), old("IN_PROGRESS")), "td-0", SUCCESSFUL, ("td-0", "stored")),
        ((deployment("d3", rollout="IN_PROGRESS"),), None, SUCCESSFUL, ("td-successful", "successful")),
        ((deployment("d3", rollout="IN_PROGRESS"),), None, None, ("td-d3", "primary")),
        ((deployment("d3", rollout="FAILED"), old("COMPLETED")), None, None, ("td-d1", "completed")),
        ((deployment(rollout=None, desired=2, running=2),), None, None, ("td-d1", "completed")),
        ((deployment(rollout=None, desired=2, running=1),), "td-0", None, ("td-0", "stored")),
        ((deployment(rollout=None, desired=2, running=2, pending=1),), "td-0", None, ("td-0", "stored")),
        ((deployment("d2", rollout=None), old(None)), "td-0", None, ("td-0", "stored")),
    ],
)
def test_the_effective_revision_is_the_newest_that_is_known_to_have_completed(listed, stored, successful, expected):
    given = service(*listed)
    completed = effective_revision.newest_completed(given)
    chosen = effective_revision.choose(given, completed, stored, lambda _: successful)
    assert (chosen.task_definition, chosen.source) == expected


def test_without_any_deployment_nothing_is_effective():
    assert effective_revision.choose(service(), None, None, lambda _: None) is None


def test_service_deployments_are_not_asked_for_where_task_sets_deploy():
    def never(_):
        raise AssertionError

    chosen = effective_revision.choose(
        service(deployment(rollout="IN_PROGRESS"), controller="CODE_DEPLOY"), None, None, never
    )
    assert chosen.source == "primary"


@pytest.mark.parametrize(("age", "wait"), [(0, 60), (59, 60), (60, 60), (120, 120), (500, 500), (5000, 900)])
def test_a_rolling_service_is_reconciled_again_after_as_long_as_it_has_been_rolling(age, wait):
    rolling = service(deployment(rollout="IN_PROGRESS", created_at=NOW - age))
    assert effective_revision.wait_while_rolling(rolling, NOW) == wait


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"strategy": "BLUE_GREEN"}, "STRATEGY_LATER"),
        ({"strategy": "CANARY"}, "STRATEGY_LATER"),
        ({"managed_by_ecs": True}, "MANAGED_BY_ECS"),
        ({"launch_type": "EXTERNAL"}, "LAUNCH_TYPE"),
        ({"subnets": ()}, "NETWORK_MODE"),
        ({"scheduling": "DAEMON"}, None),
        ({"launch_type": "EC2"}, None),
        ({"controller": "EXTERNAL"}, None),
    ],
)
def test_what_cannot_be_hooked_up_is_refused_by_name(changes, code):
    problems = effective_revision.unsupported(service(deployment(), **changes), TaskDefinition("td", "awsvpc"))
    assert [problem.code for problem in problems] == ([code] if code else [])


# The list.


def a_claim(name="default", **changes):
    route = Route(name, "orders", "web", **changes.pop("route", {}))
    return Claim(SERVICE, 1.0, route, Placement("vpc", "IPV4", 8080), **changes)


def route_state(state="Wired", group="tg-ours", *, by_ecs=True, applied=True, **changes):
    claim = a_claim(**changes)
    record = ClaimRecord(claim, 1, Answer(state, group_arn=group), 1 if applied else 0, 1, 1)
    return claims.RouteState(claim, record, by_ecs, None if claim.own_group else group)


def given(listed, states, *, record=None, outcome="none", ours=("tg-ours",), settings=SETTINGS, now=NOW):
    return AttachInput(listed, tuple(states), record or EcsRecord(SERVICE.arn), outcome, frozenset(ours), settings, now)


def test_a_wired_route_is_attached_with_its_grace_period():
    decision = attach.decide(given(service(deployment()), [route_state()]))
    assert decision == update_outcome.AttachDecision("attach", (OURS,), 120)


HAND_MADE = LatticeEntry(OTHER_ROLE, "tg-hand", "admin")
SHIFTED = LatticeEntry(ROLE, "tg-green", "web", (("alternateTargetGroupArn", "tg-blue"),))
OTHER_SETTINGS = dataclasses.replace(SETTINGS, other_infrastructure_roles=(OTHER_ROLE,))


@pytest.mark.parametrize(
    ("listed", "states", "expected"),
    [
        ((HAND_MADE,), [route_state()], (HAND_MADE, OURS)),
        ((SHIFTED,), [route_state()], (SHIFTED, OURS)),
        ((HAND_MADE, OURS), [route_state("Parked", phase="vanished")], (HAND_MADE,)),
        ((OURS, HAND_MADE), [route_state("Parked", phase="deleted")], (HAND_MADE,)),
        ((), [route_state(), route_state(name="second")], (OURS,)),
    ],
)
def test_the_list_that_is_sent_is_what_stands_and_stays_and_then_what_joins(listed, states, expected):
    decision = attach.decide(given(service(deployment(entries=listed)), states, settings=OTHER_SETTINGS))
    assert (decision.kind, decision.entries) == ("attach", expected)


@pytest.mark.parametrize(
    ("listed", "states"),
    [
        ((), []),
        ((OURS,), [route_state()]),
        ((LatticeEntry(OTHER_ROLE, "tg-ours", "web"),), [route_state()]),
        ((OURS,), [route_state("Live", phase="vanished")]),
        ((OURS,), [route_state("Parked")]),
        ((OURS,), [route_state("Refused")]),
        ((OURS,), [route_state("Parked", phase="vanished"), route_state("Live", name="second")]),
        ((), [route_state("Refused")]),
        ((), [route_state("Conflicted", None)]),
        ((), [route_state("Pending", None)]),
        ((), [route_state("Live", phase="vanished")]),
        ((), [route_state(by_ecs=False)]),
        ((), [route_state(route={"pause": True})]),
        ((OURS,), [route_state("Parked", phase="vanished"), route_state(name="second", route={"pause": True})]),
    ],
)
def test_the_list_is_left_alone(listed, states):
    assert attach.decide(given(service(deployment(entries=listed)), states)).kind == "no_change"


@pytest.mark.parametrize(
    ("listed", "states", "code"),
    [
        ((deployment(rollout="IN_PROGRESS"),), [route_state()], "DEPLOYMENT_ROLLS"),
        ((deployment(), old("IN_PROGRESS")), [route_state()], "DEPLOYMENT_ROLLS"),
        ((deployment(rollout=None, desired=2, running=1),), [route_state()], "DEPLOYMENT_ROLLS"),
        ((deployment(rollout="FAILED"),), [route_state()], "DEPLOYMENT_FAILED"),
        ((deployment(),), [route_state(), route_state("Pending", None, name="second")], "ROUTE_PENDING"),
        ((deployment(),), [route_state(applied=False)], "ROUTE_PENDING"),
    ],
)
def test_the_list_waits(listed, states, code):
    decision = attach.decide(given(service(*listed), states))
    assert (decision.kind, decision.code) == ("wait", code)
    assert decision.after > 0


@pytest.mark.parametrize(
    ("desired", "percent", "targets", "kind"),
    [
        (1, 0, None, "refuse"),
        (10, 0, None, "refuse"),
        (1, 0, "ecs", "attach"),
        (0, 0, None, "attach"),
        (1, 50, None, "attach"),
        (2, 100, None, "attach"),
    ],
)
def test_a_deployment_that_may_take_the_last_task_away_is_started_only_when_asked_for(desired, percent, targets, kind):
    facts = service(deployment(), desired=desired, minimum_healthy_percent=percent)
    decision = attach.decide(given(facts, [route_state(route={"targets": targets})]))
    assert decision.kind == kind
    assert kind == "attach" or decision.code == "ATTACH_WOULD_INTERRUPT"


def test_a_stack_without_an_infrastructure_role_attaches_nothing():
    settings = dataclasses.replace(SETTINGS, infrastructure_role="")
    decision = attach.decide(given(service(deployment()), [route_state()], settings=settings))
    assert decision.code == "ROLE_NOT_ALLOWED"


def many(count):
    return tuple(LatticeEntry(ROLE, f"tg-{number}", f"p{number}") for number in range(count))


@pytest.mark.parametrize(("standing", "kind"), [(4, "attach"), (5, "refuse")])
def test_five_entries_are_the_most(standing, kind):
    assert attach.decide(given(service(deployment(entries=many(standing))), [route_state()])).kind == kind


def test_messages_name_labels_with_the_prefix_of_the_stack():
    settings = dataclasses.replace(SETTINGS, label_prefix="mesh")
    risky, failed = service(deployment(), minimum_healthy_percent=0), deployment("d2", rollout="FAILED")
    cases = [
        given(service(deployment(entries=(HAND_MADE,))), [route_state()], settings=settings),
        given(service(deployment(entries=many(5))), [route_state()], settings=settings),
        given(risky, [route_state()], settings=settings),
        given(
            service(failed), [], record=EcsRecord("", pending_update=an_update()), outcome="failed", settings=settings
        ),
    ]
    messages = {decision.code: decision.message for decision in map(attach.decide, cases)}
    assert set(messages) == {
        "ROLE_NOT_ALLOWED", "TOO_MANY_CONFIGURATIONS", "ATTACH_WOULD_INTERRUPT", "ATTACH_FAILED"
    }  # fmt: skip
    for message in messages.values():
        assert "mesh.targets = controller" in message
        assert " lattice." not in message


# What became of an UpdateService.


def an_update(**changes):
    plain = PendingUpdate((OURS,), (), "d1", "td-d1", NOW - 100, NOW - 100, deployment="d2")
    return dataclasses.replace(plain, **changes)


def made(rollout="IN_PROGRESS", entries=(OURS,), task_definition="td-d1", name="d2"):
    return deployment(name, rollout=rollout, entries=entries, task_definition=task_definition)


@pytest.mark.parametrize(
    ("known", "listed", "expected"),
    [
        (an_update(), (), "none"),
        (an_update(), (deployment(),), "not_received"),
        (an_update(at=NOW - 59), (deployment(),), "too_recent"),
        (an_update(error="no"), (deployment(),), "rejected"),
        (an_update(), (made(),), "running"),
        (an_update(at=NOW - 1800), (made(),), "overdue"),
        (an_update(), (made("COMPLETED"),), "completed"),
        (an_update(), (made("FAILED"),), "failed"),
        (an_update(is_rollback=True), (made("FAILED"),), "rollback_failed"),
        (an_update(is_rollback=True, at=NOW - 1800), (made(),), "running"),
        (an_update(deployment=None), (made(),), "running"),
        (an_update(deployment=None), (made(entries=()),), "rolled_back"),
        (an_update(), (made(name="d3", entries=()),), "rolled_back"),
        (an_update(), (made(name="d3", entries=(), task_definition="td-9"), made("FAILED")), "rolled_back"),
        (an_update(), (made(name="d3", entries=(), task_definition="td-9"),), "superseded"),
        (an_update(), (made(name="d3", task_definition="td-9"),), "superseded"),
        (an_update(is_rollback=True), (made(name="d3", entries=()),), "superseded"),
    ],
)
def test_what_became_of_an_update_service(known, listed, expected):
    deployments = (*listed[:1], *(dataclasses.replace(older, status="ACTIVE") for older in listed[1:]))
    assert update_outcome.update_outcome(known, service(*deployments), NOW, 1800) == expected


@pytest.mark.parametrize(
    ("known", "listed", "expected"),
    [
        (an_update(), made(), ("d2", NOW + 1700, True)),
        (an_update(deployment=None), made(), ("d2", NOW + 1700, True)),
        (an_update(entries=(), previous=(OURS,)), made(entries=()), ("d2", NOW + 1700, False)),
        (an_update(is_rollback=True), made(), ("d2", 0.0, True)),
        (an_update(), deployment(), None),  # still the one before it
        (an_update(), made(name="d3", task_definition="td-9"), None),  # somebody else's
        (None, made(), None),
    ],
)
def test_whose_the_newest_deployment_is_and_when_it_is_undone(known, listed, expected):
    own = update_outcome.own_deployment(known, service(listed), 1800)
    assert (own and (own.id, own.undone_at, own.attaches)) == expected
    assert own is None or own.started_at == listed.created_at


# The controller.

D1, D2 = deployment("d1", entries=(OURS,)), deployment("d2")
PORTS = {"td-1": 8080, "td-2": 9090, "td-none": None}


def task(address, *, of="d2", revision="td-1", last="RUNNING", desired="RUNNING", family="IPV4"):
    return Task(f"task-{address}", revision, of, last, desired, address, family)


def decided(tasks, registered=(), mine=(), listed=(D2,), mode="register", **more):
    group = ManagedGroup("tg-ours", "web", "IPV4", mode, tuple(Target(address, 8080) for address in mine))
    states = tuple(TargetState(Target(address, 8080), status) for address, status in registered)
    change = targets.decide(group, service(*listed, **more), tuple(tasks), PORTS, states)
    return [str(target) for target in change.register], [str(target) for target in change.deregister], change.is_waiting


@pytest.mark.parametrize(
    ("tasks", "registered", "mine", "more", "expected"),
    [
        ([task("a"), task("b", revision="td-2")], [], [], {}, (["a:8080", "b:9090"], [], False)),
        ([task("a")], [("a", "HEALTHY")], ["a"], {}, ([], [], False)),
        ([task("a", revision="td-none"), task(None), task("f", family="IPV6")], [], [], {}, ([], [], False)),
        ([task("a", last="PENDING")], [], [], {}, ([], [], False)),
        ([task("a", desired="STOPPED")], [("a", "HEALTHY")], ["a"], {}, ([], ["a:8080"], False)),
        ([task("a", of="d1")], [("a", "HEALTHY")], [], {"listed": (D2, D1)}, ([], [], False)),
        ([task("a", of="d1")], [("a", "HEALTHY")], ["a"], {"listed": (D2, D1)}, ([], [], False)),
        ([task("b")], [("x", "HEALTHY")], [], {"listed": (D2, D1)}, (["b:8080"], [], False)),
        ([task("b")], [("x", "HEALTHY")], [], {}, (["b:8080"], ["x:8080"], False)),
        ([task("a")], [("a", "DRAINING")], [], {}, ([], [], True)),
        ([], [("a", "DRAINING")], ["a"], {}, ([], [], False)),
        ([task("a"), task("b")], [("a", "HEALTHY")], ["a"], {"mode": "keep"}, ([], [], False)),
        ([task("a")], [("a", "HEALTHY")], ["a"], {"mode": "deregister"}, ([], ["a:8080"], False)),
        ([task("a")], [], [], {"controller": "CODE_DEPLOY", "listed": (D2,)}, (["a:8080"], [], False)),
        ([task("a", of="green")], [], [], {"controller": "CODE_DEPLOY"}, ([], [], False)),
        ([task("a", of="blue")], [("a", "HEALTHY")], ["a"], {"controller": "EXTERNAL"}, ([], [], False)),
    ],
)
def test_which_tasks_the_controller_registers_and_deregisters(tasks, registered, mine, more, expected):
    assert decided(tasks, registered, mine, **more) == expected


# Claims.


def asked(presence="active", routes=(), since=NOW, known=None):
    web = PortMapping("web", 8080, None, "tcp", "app")
    timers = {} if presence == "active" else {presence: since}
    return observation.Observation(
        service_id=SERVICE,
        now=NOW,
        stored=None,
        record=EcsRecord(SERVICE.arn, 1.0, subnets=Subnets("vpc", "IPV4"), timers=timers),
        claims=known or {},
        standing=(),
        service=None if presence == "not_found" else service(deployment()),
        presence=presence,
        primary=None,
        completed=None,
        listed=frozenset(),
        shifts_traffic=False,
        uninstalls=False,
        revision=observation.Revision(TaskDefinition("td", "awsvpc", (web,)), Declaration(routes)),
        routes=routes,
    )


@pytest.mark.parametrize(
    ("before", "pause", "presence", "since", "expected"),
    [
        ("declared", False, "active", NOW, ("vanished", NOW)),
        ("vanished", False, "active", NOW, ("vanished", 5.0)),
        ("declared", False, "not_found", NOW, ("vanished", NOW)),
        ("declared", False, "deleted", NOW, ("deleted", NOW)),
        ("vanished", False, "deleted", NOW, ("deleted", NOW)),
        ("deleted", False, "not_found", NOW, ("deleted", 5.0)),
        ("deleted", False, "active", NOW, ("vanished", NOW)),
        ("declared", True, "active", NOW, ("vanished", NOW)),
        ("declared", True, "deleted", NOW - 86399, ("declared", 5.0)),
        ("declared", True, "deleted", NOW - 86400, ("deleted", NOW)),
        ("declared", True, "not_found", NOW - 86400, ("vanished", NOW)),
    ],
)
def test_the_phase_of_a_claim_that_nobody_asks_for(before, pause, presence, since, expected):
    record = ClaimRecord(a_claim(phase=before, since=5.0, route={"pause": pause}), 1, Answer("Live"), 1)
    observed = asked(presence, since=since, known={("orders", "default"): record})
    (claim,) = claims.desired_claims(observed, claims.AttachmentFacts()).values()
    assert (claim.phase, claim.since) == expected


def test_a_paused_route_holds_the_removal_of_the_others():
    leaving = {("orders", "other"): ClaimRecord(a_claim("other"), 1, Answer("Live"), 1)}
    route = Route("default", "orders", "web", pause=True)
    claimed = claims.desired_claims(asked(routes=(route,), known=leaving), claims.AttachmentFacts())
    other = claimed["orders", "other"]
    assert (other.phase, other.route.pause) == ("declared", True)


@pytest.mark.parametrize(
    ("facts", "before", "presence", "expected"),
    [
        (claims.AttachmentFacts(frozenset({"tg"}), frozenset({"tg"})), False, "active", (True, True)),
        (claims.AttachmentFacts(frozenset({"tg"}), frozenset()), True, "active", (True, False)),
        (claims.AttachmentFacts(frozenset({"tg"}), None), True, "active", (True, True)),
        (claims.AttachmentFacts(frozenset(), frozenset(), frozenset({"tg"})), False, "active", (False, True)),
        (claims.AttachmentFacts(frozenset(), frozenset()), True, "not_found", (True, True)),
        (claims.AttachmentFacts(frozenset(), frozenset(), replaced=frozenset({"web"})), False, "active", (True, False)),
    ],
)
def test_named_and_serving_are_facts(facts, before, presence, expected):
    record = ClaimRecord(a_claim(named=before, serving=before), 1, Answer("Live", group_arn="tg"), 1)
    claim = claims.with_facts(record.claim, record, facts, presence)
    assert (claim.named, claim.serving) == expected


def test_a_status_keeps_the_time_since_which_it_is_so():
    known = (RouteStatus("default", "orders", "Wired", at=5.0),)
    assert dated([RouteStatus("default", "orders", "Wired")], known, NOW) == known
    (changed,) = dated([RouteStatus("default", "orders", "Live")], known, NOW)
    assert changed.at == NOW


@pytest.mark.parametrize(
    ("state", "code", "settled"),
    [
        ("Live", "", True),
        ("Refused", "X", True),
        ("Wired", "", False),
        ("Attaching", "", False),
        ("Live", "VANISHED", False),
    ],
)
def test_a_record_is_settled_when_nothing_is_awaited(state, code, settled):
    record = EcsRecord(SERVICE.arn, statuses=(RouteStatus("default", "orders", state, code),))
    text = documents.codec.dumps(record)
    assert documents.is_settled(text) is settled
    assert documents.parse(text) == record
    assert not documents.registers_targets(text)


def test_a_record_of_a_newer_version_counts_as_unsettled_and_as_registering():
    text = documents.codec.dumps(EcsRecord(SERVICE.arn, schema=documents.SCHEMA + 1))
    assert not documents.is_settled(text)
    assert documents.registers_targets(text)


def test_a_record_with_everything_in_it_is_read_as_it_was_written():
    record = EcsRecord(
        SERVICE.arn,
        1.0,
        pending_update=an_update(),
        registered={"tg": (Target("a", 1),)},
        timers={"not_found": 2.0},
        owners={"tg-x": OWNED, "tg-y": Owner("other_stack", "theirs")},
    )
    assert documents.parse(documents.codec.dumps(record)) == record


@pytest.mark.parametrize(
    ("is_rollback", "code", "text"),
    [(True, "ATTACH_FAILED", "previous list"), (False, "ATTACHING", "own, and it is undone")],
)
def test_while_an_undo_runs_the_attach_stays_failed_and_while_an_attach_runs_it_says_when_it_is_undone(
    is_rollback, code, text
):
    update = an_update(is_rollback=is_rollback)
    decision = after_outcome(update, "running", service(deployment()), SETTINGS, NOW)
    assert (decision.kind, decision.code, decision.is_problem) == ("wait", code, is_rollback)
    assert text in decision.message
    assert decision.after > 0


@pytest.mark.parametrize(
    ("desired", "least", "most", "listed", "expected"),
    [
        (1, 50, 100, (), ("refuse", "ATTACH_IMPOSSIBLE")),
        (1, 100, 100, (), ("refuse", "ATTACH_IMPOSSIBLE")),
        (3, 100, 110, (), ("refuse", "ATTACH_IMPOSSIBLE")),
        (0, 50, 100, (), ("attach", "")),
        (2, 50, 100, (), ("attach", "")),
        (1, 50, 200, (), ("attach", "")),
        (1, 50, 100, (OURS, LatticeEntry(ROLE, "tg-over", "web")), ("refuse", "DETACH_IMPOSSIBLE")),
    ],
)
def test_no_deployment_is_begun_that_ecs_can_never_carry_out(desired, least, most, listed, expected):
    limited = service(deployment(entries=listed), desired=desired, minimum_healthy_percent=least, maximum_percent=most)
    over = EcsRecord(SERVICE.arn, timers={"leftover:tg-over": 0.0})
    decision = attach.decide(given(limited, [route_state()], record=over, ours=("tg-ours", "tg-over")))
    assert (decision.kind, decision.code) == expected


def taken_or_not(listed, known, *, deployment_id="d2", conditions="c"):
    """The record after an attachment that has completed with ``listed`` on the PRIMARY deployment."""
    record = EcsRecord(SERVICE.arn, pending_update=an_update(conditions=conditions, deployment=deployment_id), **known)
    shown = service(made("COMPLETED", entries=listed, name=deployment_id))
    observed = observation.Observation(
        SERVICE, NOW, record, record, {}, (), shown, "active", shown.primary, shown.primary, frozenset(),
        shifts_traffic=False, uninstalls=False,
    )  # fmt: skip
    return after_update(observed, SETTINGS)[0]


def tried(record, deployment_id, conditions="c"):
    """The decision when ``deployment_id`` is PRIMARY and still has no list."""
    listed = service(deployment(deployment_id, task_definition="td-d1"))
    return attach.decide(dataclasses.replace(given(listed, [route_state()], record=record), conditions=conditions))


def memory(record):
    return {"failed": record.failed, "failed_attach": record.failed_attach}


def test_an_attachment_whose_list_is_not_shown_is_made_twice_and_again_after_a_change():
    record = taken_or_not((), {})
    assert tried(record, "d2").kind == "attach"
    record = taken_or_not((), memory(record), deployment_id="d3")
    assert (tried(record, "d3").kind, tried(record, "d3").code) == ("refuse", "ATTACH_NOT_TAKEN")
    assert tried(record, "d3", "other").kind == "attach"
    assert tried(documents.for_retry(record), "d3").kind == "attach"
    for number in range(2):
        assert tried(record, f"of-theirs-{number}").kind == "attach"
        record = taken_or_not((), memory(record), deployment_id=f"ours-{number}")
        assert tried(record, f"ours-{number}").code == "ATTACH_NOT_TAKEN"
    assert tried(record, "of-theirs-3").code == "ATTACH_NOT_TAKEN"
    record = taken_or_not((OURS,), memory(record))
    assert memory(record) == memory(EcsRecord(""))


def test_an_undo_that_is_not_shown_counts_as_nothing():
    record = EcsRecord(SERVICE.arn, pending_update=an_update(entries=(), is_rollback=True), failed="f")
    shown = service(made("COMPLETED"))
    observed = observation.Observation(
        SERVICE, NOW, record, record, {}, (), shown, "active", shown.primary, shown.primary, frozenset(),
        shifts_traffic=False, uninstalls=False,
    )  # fmt: skip
    assert after_update(observed, SETTINGS)[0].failed_attach.not_taken == 0
