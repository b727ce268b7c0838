"""Histories of one ECS service and its list of target groups, on the local ECS."""

import dataclasses

import pytest

from ecs_lattice.ecs_side import record as documents
from ecs_lattice.outcome import Done, NotYet, Refused
from local_aws import ecs
from tests.ecs_side.bench import LABELS, OTHER_ROLE, ROLE, SERVICE

BREAKER = {"deploymentCircuitBreaker": {"enable": True, "rollback": False}}
ROLLING_BACK = {"deploymentCircuitBreaker": {"enable": True, "rollback": True}}
TWO = {
    "lattice.service": "orders",
    "lattice.listener": "HTTP:80",
    "lattice.routes.web.port": "web",
    "lattice.routes.web.path.prefix": "/",
    "lattice.routes.admin.port": "admin",
    "lattice.routes.admin.path.prefix": "/admin",
}
PORTS = {"web": 8080, "admin": 9090}
ANOTHER = "arn:aws:ecs:us-east-1:123456789012:service/shop/another"
THIRD = "arn:aws:ecs:us-east-1:123456789012:service/shop/third"


def test_a_first_deployment_is_not_stopped_by_the_attach(bench):
    group = bench.group()
    bench.create()
    with bench.writes() as written:
        assert isinstance(bench.go(), NotYet)
    assert written == []
    assert bench.records() == {}
    bench.completed()
    bench.go()
    bench.answer("Wired", group)
    bench.go()
    bench.completed()
    assert bench.history() == ["SUCCESSFUL", "SUCCESSFUL"]
    assert bench.attached() == [group]


def test_no_deployment_of_the_user_is_stopped_when_a_route_is_wired_while_the_next_release_rolls(bench):
    group = bench.wired()
    bench.deploy(bench.define())
    bench.advance(5)
    with bench.writes() as written:
        assert isinstance(bench.go(), NotYet)
    assert written == []
    bench.completed()
    bench.go()
    bench.completed()
    assert bench.history() == ["SUCCESSFUL", "SUCCESSFUL", "SUCCESSFUL"]
    assert bench.attached() == [group]


def test_nothing_is_attached_to_a_deployment_that_failed(bench):
    bench.wired(deploymentConfiguration=BREAKER)
    bench.deploy(bench.define(CRASH_AFTER_SECONDS=1))
    bench.until(lambda: bench.primary()["rolloutState"] == "FAILED")
    with bench.writes() as written:
        outcome = bench.go()
    assert outcome.after == 900
    assert written == []
    assert bench.problems() == ["DEPLOYMENT_FAILED"]


def test_joining_costs_exactly_one_deployment_and_a_second_reconcile_writes_nothing(bench):
    bench.live()
    assert bench.history() == ["SUCCESSFUL", "SUCCESSFUL"]
    assert bench.records()["default"].claim.serving
    assert bench.records()["default"].claim.named
    assert bench.states() == {"default": ("Live", "")}
    assert not bench.records()["default"].is_unacknowledged
    enqueued = list(bench.requests.enqueued)
    bench.answer("Live", bench.records()["default"].answer.group_arn)
    bench.go()
    before = bench.stored()
    bench.requests.enqueued.clear()
    with bench.writes() as written:
        assert bench.go() == Done()
    assert written == []
    assert bench.stored() == before
    assert bench.requests.enqueued == []
    assert enqueued


def test_all_routes_are_attached_by_one_deployment(bench):
    web, admin = bench.group("web"), bench.group("admin")
    bench.create(bench.define(TWO, PORTS))
    bench.completed()
    bench.go()
    bench.answer("Wired", web, "web")
    with bench.writes() as written:
        assert isinstance(bench.go(), NotYet)
    assert written == []
    bench.answer("Wired", admin, "admin")
    bench.go()
    bench.completed()
    assert sorted(bench.attached()) == sorted([web, admin])
    assert bench.history() == ["SUCCESSFUL", "SUCCESSFUL"]


@pytest.mark.parametrize("state", ["Refused", "Conflicted", "Paused"])
def test_a_route_that_is_answered_for_good_does_not_hold_the_others(bench, state):
    web = bench.group("web")
    bench.create(bench.define(TWO, PORTS))
    bench.completed()
    bench.go()
    bench.answer("Wired", web, "web")
    bench.answer(state, None, "admin", code="WHY")
    bench.go()
    bench.completed()
    assert bench.attached() == [web]
    bench.go()
    assert bench.states()["admin"] == (state, "WHY")


def test_a_route_that_is_pending_for_ten_minutes_no_longer_holds_the_others(bench):
    web = bench.group("web")
    bench.create(bench.define(TWO, PORTS))
    bench.completed()
    bench.go()
    bench.answer("Wired", web, "web")
    bench.go()
    assert bench.attached() == []
    bench.advance(600)
    bench.go()
    bench.completed()
    assert bench.attached() == [web]


def test_the_grace_period_is_raised_in_the_same_call_where_it_is_smaller(bench):
    bench.live(healthCheckGracePeriodSeconds=30)
    assert bench.service()["healthCheckGracePeriodSeconds"] == 120
    assert bench.history() == ["SUCCESSFUL", "SUCCESSFUL"]


def test_a_longer_grace_period_is_left_alone(bench):
    bench.live(healthCheckGracePeriodSeconds=500)
    assert bench.service()["healthCheckGracePeriodSeconds"] == 500
    sent = [call.parameters for call in ecs.backend().calls if call.operation == "UpdateService"]
    assert ["healthCheckGracePeriodSeconds" in one for one in sent] == [False]


def moved(bench):
    """A live service, then a release that moves it to the Lattice service ``purchases``; both groups. The old route stays
    declared until the new one is live."""
    old = bench.live()
    bench.deploy(bench.define({**LABELS, "lattice.service": "purchases"}))
    bench.completed()
    bench.go()
    claims = {one.lattice_service: one for one in bench.registry.claims_of(SERVICE)}
    assert {name: record.claim.phase for name, record in claims.items()} == dict.fromkeys(claims, "declared")
    return old, bench.group("purchases")


def answer_on(bench, lattice_service, state, group):
    from ecs_lattice.claims import Answer

    record = next(one for one in bench.registry.claims_of(SERVICE) if one.lattice_service == lattice_service)
    bench.registry.put_answer(record, Answer(state, group_arn=group))


def test_a_move_to_another_lattice_service_costs_two_deployments_and_the_old_group_stays_in_its_grace(bench):
    old, new = moved(bench)
    answer_on(bench, "purchases", "Wired", new)
    answer_on(bench, "orders", "Live", old)
    bench.go()
    bench.completed()
    assert bench.attached() == [old, new]
    bench.go()
    answer_on(bench, "purchases", "Live", new)
    bench.go()
    claims = {one.lattice_service: one.claim for one in bench.registry.claims_of(SERVICE)}
    assert claims["orders"].phase == "vanished"
    answer_on(bench, "orders", "Parked", old)
    bench.go()
    bench.completed()
    assert bench.attached() == [new]
    assert len(bench.history()) == 5
    bench.go()
    claims = {one.lattice_service: one.claim for one in bench.registry.claims_of(SERVICE)}
    assert not claims["orders"].named
    answer_on(bench, "orders", "Removed", None)
    answer_on(bench, "purchases", "Live", new)
    assert bench.go() == Done()
    assert [one.lattice_service for one in bench.registry.claims_of(SERVICE)] == ["purchases"]


def test_a_move_that_needs_more_than_five_entries_is_refused_and_changes_nothing(bench):
    names = ["a", "b", "c"]
    ports = {name: 8000 + number for number, name in enumerate(names)}

    def labels(service):
        return {"lattice.service": service, "lattice.listener": "HTTP:80"} | {
            f"lattice.routes.{name}.{key}": value
            for name in names
            for key, value in (("port", name), ("path.prefix", f"/{name}"))
        }

    old = {name: bench.group(f"old-{name}") for name in names}
    new = {name: bench.group(f"new-{name}") for name in names}
    bench.create(bench.define(labels("orders"), ports))
    bench.completed()
    bench.go()
    for state in ("Wired", "Live"):
        for name in names:
            bench.answer(state, old[name], name)
        bench.go()
        bench.completed()
    bench.go()
    bench.deploy(bench.define(labels("purchases"), ports))
    bench.completed()
    bench.go()
    from ecs_lattice.claims import Answer

    for record in bench.registry.claims_of(SERVICE):
        is_old = record.lattice_service == "orders"
        group = (old if is_old else new)[record.claim.route.name]
        bench.registry.put_answer(record, Answer("Live" if is_old else "Wired", group_arn=group))
    with bench.writes() as written:
        outcome = bench.go()
    assert written == []
    assert [problem.code for problem in outcome.problems] == ["TOO_MANY_CONFIGURATIONS"]
    assert sorted(bench.attached()) == sorted(old.values())


def test_entries_of_others_stay_byte_for_byte_and_their_role_with_them(bench):
    foreign = bench.group("by-hand", tags={})
    entry = {"roleArn": OTHER_ROLE, "targetGroupArn": foreign, "portName": "admin"}
    bench.configure(other_infrastructure_roles=(OTHER_ROLE,))
    group = bench.wired(task_definition=bench.define(ports=PORTS), vpcLatticeConfigurations=[entry])
    bench.go()
    bench.completed()
    own = {"roleArn": ROLE, "targetGroupArn": group, "portName": "web"}
    assert bench.primary()["vpcLatticeConfigurations"] == [entry, own]


def test_an_entry_with_a_role_that_may_not_be_passed_on_refuses_the_attach_and_names_the_role(bench):
    foreign = bench.group("by-hand", tags={})
    entry = {"roleArn": OTHER_ROLE, "targetGroupArn": foreign, "portName": "admin"}
    bench.wired(task_definition=bench.define(ports=PORTS), vpcLatticeConfigurations=[entry])
    with bench.writes() as written:
        outcome = bench.go()
    assert written == []
    assert [problem.code for problem in outcome.problems] == ["ROLE_NOT_ALLOWED"]
    assert OTHER_ROLE in outcome.problems[0].message
    assert bench.states()["default"] == ("Refused", "ROLE_NOT_ALLOWED")


def test_a_new_role_of_the_stack_does_not_redeploy_what_is_attached(bench):
    bench.live()
    bench.configure(infrastructure_role="arn:aws:iam::123456789012:role/made-anew")
    with bench.writes() as written:
        bench.go()
    assert written == []


def test_a_group_that_somebody_attached_for_the_port_is_used_as_it_is(bench):
    foreign = bench.group("by-hand", tags={})
    entry = {"roleArn": OTHER_ROLE, "targetGroupArn": foreign, "portName": "web"}
    bench.create(vpcLatticeConfigurations=[entry])
    bench.completed()
    bench.go()
    claim = bench.records()["default"].claim
    assert (claim.own_group, claim.named, claim.serving) == (foreign, True, True)
    bench.answer("Live", foreign)
    with bench.writes() as written:
        assert bench.go() == Done()
    assert written == []


def test_a_service_whose_list_names_another_stack_s_group_is_refused(bench):
    other = bench.group("other-stack", tags={"ecs-lattice:owner": "prod"})
    entry = {"roleArn": ROLE, "targetGroupArn": other, "portName": "admin"}
    bench.wired(task_definition=bench.define(ports=PORTS), vpcLatticeConfigurations=[entry])
    with bench.writes() as written:
        outcome = bench.go()
    assert written == []
    assert [problem.code for problem in outcome.problems] == ["OTHER_STACK"]


def test_our_group_is_known_by_its_tags_when_the_table_was_lost(bench):
    group = bench.live()
    for item in bench.stored():
        bench.dynamodb.delete_item(TableName="registry", Key={"pk": item["pk"], "sk": item["sk"]})
    with bench.writes() as written:
        bench.go()
        assert bench.records()["default"].claim.own_group is None
        bench.answer("Live", group)
        assert bench.go() == Done()
    assert written == []
    assert bench.records()["default"].claim.serving


def test_a_replaced_group_stays_attached_until_the_new_one_serves_and_for_the_grace_time(bench):
    old = bench.live()
    new = bench.group("replacement")
    bench.answer("Wired", new)
    bench.go()
    bench.completed()
    assert bench.attached() == [old, new]
    bench.go()
    bench.answer("Live", new)
    assert isinstance(bench.go(), NotYet)
    bench.advance(899)
    bench.go()
    assert bench.attached() == [old, new]
    bench.advance(2)
    bench.go()
    bench.completed()
    assert bench.attached() == [new]


def test_an_attach_is_not_repeated_while_ecs_still_shows_the_old_list(bench):
    ecs.backend().settings.read_lag_seconds = 20
    group = bench.group()
    bench.create()
    bench.advance(30)
    bench.completed()
    bench.go()
    bench.answer("Wired", group)
    bench.go()
    for _ in range(3):
        bench.advance(5)
        with bench.writes() as written:
            outcome = bench.go()
        assert bench.attached() == []
        assert written == []
        assert 0 < outcome.after <= 60
    bench.advance(20)
    bench.completed()
    bench.go()
    assert bench.attached() == [group]
    assert bench.history() == ["SUCCESSFUL", "SUCCESSFUL"]


def test_an_attach_whose_answer_was_lost_is_recognised_and_not_repeated(bench):
    group = bench.wired()
    ecs.backend().faults.lose_answer("UpdateService")
    with pytest.raises(Exception, match="UpdateService"):
        bench.go()
    bench.advance(5)
    assert isinstance(bench.go(), NotYet)
    bench.completed()
    bench.go()
    assert bench.attached() == [group]
    assert bench.history() == ["SUCCESSFUL", "SUCCESSFUL"]
    assert bench.record().pending_update is None


def test_an_attach_whose_answer_was_lost_is_not_repeated_while_ecs_still_shows_the_old_list(bench):
    ecs.backend().settings.read_lag_seconds = 20
    bench.advance(30)
    group = bench.group()
    bench.create()
    bench.advance(30)
    bench.completed()
    bench.go()
    bench.answer("Wired", group)
    ecs.backend().faults.lose_answer("UpdateService")
    with pytest.raises(Exception, match="UpdateService"):
        bench.go()
    bench.advance(5)
    with bench.writes() as written:
        assert isinstance(bench.go(), NotYet)
    assert written == []
    bench.advance(30)
    bench.go()
    bench.completed()
    bench.go()
    assert bench.history() == ["SUCCESSFUL", "SUCCESSFUL"]


def test_an_attach_that_never_reached_ecs_is_made_after_a_minute(bench):
    group = bench.wired()
    ecs.backend().faults.fail("UpdateService")
    with pytest.raises(Exception, match="UpdateService"):
        bench.go()
    with bench.writes() as written:
        outcome = bench.go()
    assert written == []
    bench.advance(outcome.after)
    bench.go()
    bench.completed()
    assert bench.attached() == [group]


def test_a_refusal_in_the_first_five_minutes_is_taken_for_a_role_that_is_not_known_everywhere_yet(bench):
    group = bench.wired()
    text = "Unable to assume role"
    ecs.backend().faults.refuse("UpdateService", "InvalidParameterException", text, times=3)
    outcome = bench.go()
    assert (outcome.after, text in outcome.why) == (30, True)
    bench.advance(outcome.after)
    assert bench.go().after == 60  # the same wait, twice as long
    bench.advance(300)
    outcome = bench.go()
    assert [problem.code for problem in outcome.problems] == ["ATTACH_REFUSED"]
    assert text in outcome.problems[0].message
    assert bench.states()["default"] == ("Refused", "ATTACH_REFUSED")
    bench.go()
    bench.completed()
    bench.go()
    assert bench.attached() == [group]


@pytest.mark.parametrize("written_out", [None, "ecs"])
def test_where_a_deployment_may_take_the_last_task_away_ecs_must_be_written_out(bench, written_out):
    labels = {**LABELS, "lattice.targets": written_out} if written_out else LABELS
    configuration = {"minimumHealthyPercent": 0, "maximumPercent": 100}
    group = bench.wired(task_definition=bench.define(labels), desired=1, deploymentConfiguration=configuration)
    outcome = bench.go()
    if written_out:
        bench.completed()
        assert bench.attached() == [group]
    else:
        assert [problem.code for problem in outcome.problems] == ["ATTACH_WOULD_INTERRUPT"]
        assert bench.attached() == []
        assert bench.states()["default"] == ("Refused", "ATTACH_WOULD_INTERRUPT")


def test_at_most_so_many_services_roll_at_a_time(bench):
    bench.configure(max_attaching=1)
    group = bench.wired()
    bench.places().ask(ANOTHER, has_failed=False)
    with bench.writes() as written:
        assert bench.go().after == 900
    assert written == []
    (status,) = bench.side.status(SERVICE)
    assert (status.state, status.code) == ("Wired", "WAITING_FOR_TURN")
    assert "waits for its turn to be attached: 1st of 1." in status.message
    assert bench.announced.changes == []
    bench.requests.enqueued.clear()
    bench.places().leave(ANOTHER)
    assert [request.key for request in bench.requests.enqueued] == [SERVICE.arn]
    bench.go()
    assert bench.placed() == {SERVICE.arn}
    bench.completed()
    bench.go()
    assert bench.attached() == [group]
    assert bench.placed() == set()


def test_the_end_of_an_attach_calls_the_next_service(bench):
    bench.configure(max_attaching=1)
    bench.wired()
    bench.go()
    assert bench.places().ask(ANOTHER, has_failed=False).code == "WAITING_FOR_TURN"
    bench.completed()
    bench.requests.enqueued.clear()
    bench.go()
    assert [request.key for request in bench.requests.enqueued if request.kind == "ecsService"] == [ANOTHER]
    assert bench.placed() == {ANOTHER}


def test_a_service_that_no_longer_has_anything_to_attach_leaves_the_queue(bench):
    bench.configure(max_attaching=1)
    bench.wired()
    bench.places().ask(ANOTHER, has_failed=False)
    bench.go()
    bench.ecs.tag_resource(resourceArn=SERVICE.arn, tags=[{"key": "lattice.pause", "value": "true"}])
    bench.go()
    bench.places().leave(ANOTHER)
    assert bench.placed() == set()


def test_a_deployment_that_the_version_before_started_has_a_place_beyond_the_limit(bench):
    """That version kept the places in a set, which nobody reads any more; the record says that there is one."""
    bench.configure(max_attaching=1)
    bench.wired()
    bench.go()
    bench.registry.delete_document("stack", "attaching")
    bench.places().ask(ANOTHER, has_failed=False)
    bench.go()
    assert bench.placed() == {ANOTHER, SERVICE.arn}
    assert bench.places().ask(THIRD, has_failed=False).code == "WAITING_FOR_TURN"


def test_a_service_whose_attachment_failed_is_no_longer_one_when_another_has_completed(bench):
    bench.wired(task_definition=bench.define(RESPOND="/=503"))
    bench.go()
    bench.advance(1900)
    bench.go()
    bench.completed()
    bench.go()
    assert bench.record().failed
    bench.deploy(bench.define())
    bench.completed()
    bench.taken_in()
    bench.go()
    bench.completed()
    bench.go()
    assert bench.record().failed == ""


def test_an_attachment_that_does_not_complete_is_rolled_back_once_and_not_repeated(bench):
    group = bench.wired(task_definition=bench.define(RESPOND="/=503"))
    bench.go()
    bench.advance(1700)
    bench.go()
    assert bench.attached() == [group]
    bench.advance(200)
    bench.go()
    assert bench.attached() == []
    bench.completed()
    bench.go()
    bench.taken_in()
    for _ in range(3):
        with bench.writes() as written:
            outcome = bench.go()
        assert written == []
        assert [problem.code for problem in outcome.problems] == ["ATTACH_FAILED"]
        bench.advance(1000)
    assert bench.states()["default"] == ("Refused", "ATTACH_FAILED")
    assert bench.placed() == set()
    bench.deploy(bench.define())
    bench.completed()
    bench.go()
    bench.completed()
    assert bench.attached() == [group]


def test_an_attach_that_ecs_rolled_back_is_reported_and_not_repeated(bench):
    bench.wired()
    bench.go()
    attached = bench.primary()
    # What the circuit breaker does: the revision before, list included, as a new deployment.
    bench.deploy(vpcLatticeConfigurations=[])
    bench.completed()
    assert bench.primary()["id"] != attached["id"]
    for _ in range(2):
        with bench.writes() as written:
            outcome = bench.go()
        assert written == []
        assert [problem.code for problem in outcome.problems] == ["ATTACH_FAILED"]


def test_a_declared_service_that_rolls_is_reconciled_again_after_doubling_waits(bench):
    bench.create(bench.define(START_SECONDS=100000))
    waits = []
    for _ in range(6):
        outcome = bench.go()
        waits.append(outcome.after)
        bench.advance(outcome.after)
    assert waits == [60, 60, 120, 240, 480, 900]


def test_an_ecs_service_that_asks_for_nothing_leaves_no_trace(bench):
    bench.create(bench.define({}))
    assert bench.go() == Done()
    assert bench.stored() == []


def test_a_record_written_by_a_newer_version_is_not_misread(bench):
    bench.wired()
    bench.go()
    text = documents.write
    record = dataclasses.replace(bench.record(), schema=documents.SCHEMA + 1)
    text(bench.registry, record)
    with pytest.raises(Exception, match="schema"):
        bench.go()


def test_a_refused_declaration_is_reported_once_and_changes_nothing(bench, caplog):
    group = bench.live()
    bench.deploy(bench.define({**LABELS, "lattice.prot": "web"}))
    bench.completed()
    before = bench.records()["default"].claim
    with bench.writes() as written:
        outcomes = [bench.go(), bench.go()]
    assert written == []
    assert all(isinstance(outcome, Refused) for outcome in outcomes)
    assert bench.problems() == ["UNKNOWN_KEY"]
    assert len([line for line in caplog.messages if "UNKNOWN_KEY" in line]) == 1
    assert bench.records()["default"].claim == before
    assert bench.attached() == [group]
