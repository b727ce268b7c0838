"""Routes and services that go, come back, or are only not found; and what a pause holds."""

from ecs_lattice.outcome import Done, NotYet
from local_aws import ecs
from tests.ecs_side.bench import LABELS, SERVICE


def phase(bench):
    return bench.records()["default"].claim.phase


def test_a_vanished_label_keeps_its_group_attached_until_the_rule_is_parked(bench):
    group = bench.live()
    bench.deploy(bench.define({}))
    bench.completed()
    bench.go()
    claim = bench.records()["default"].claim
    assert (claim.phase, claim.since, claim.named) == ("vanished", bench.machine.clock.time(), True)
    assert bench.states()["default"] == ("Live", "VANISHED")
    bench.answer("Live", group)
    with bench.writes() as written:
        bench.go()
    assert written == []
    bench.answer("Parked", group)
    bench.go()
    bench.completed()
    assert bench.attached() == []
    bench.go()
    assert not bench.records()["default"].claim.named
    bench.answer("Removed")
    assert bench.go() == Done()
    assert bench.records() == {}
    assert [item for item in bench.stored() if item["pk"]["S"].startswith("ecs#")] == []


def test_a_label_that_comes_back_before_the_end_is_simply_declared_again(bench):
    group = bench.live()
    bench.deploy(bench.define({}))
    bench.completed()
    bench.go()
    bench.answer("Parked", group)
    bench.deploy(bench.define())
    bench.completed()
    with bench.writes() as written:
        bench.go()
    assert written == []
    assert phase(bench) == "declared"
    assert bench.attached() == [group]
    assert bench.states()["default"][0] == "Pending"


def test_a_claim_that_was_declared_again_is_not_deleted_for_an_old_answer(bench):
    bench.live()
    bench.deploy(bench.define({}))
    bench.completed()
    bench.go()
    stale = bench.records()["default"]
    bench.answer("Removed")
    bench.deploy(bench.define())
    bench.completed()
    bench.go()
    assert phase(bench) == "declared"
    assert not bench.registry.delete_claim(stale)
    assert bench.records()["default"].is_unapplied
    bench.deploy(bench.define({}))
    bench.completed()
    bench.go()
    bench.go()
    assert phase(bench) == "vanished"
    assert bench.records()["default"].is_unapplied


def test_a_deleted_service_is_deleted_at_once_and_its_claims_go_when_nothing_is_left(bench):
    group = bench.live()
    bench.ecs.delete_service(cluster="shop", service="orders", force=True)
    assert isinstance(bench.go(), NotYet)
    assert phase(bench) == "deleted"
    bench.advance(600)
    bench.answer("Parked", group)
    bench.go()
    assert not bench.records()["default"].claim.named
    bench.answer("Removed")
    bench.go()
    assert bench.records() == {}
    assert [item for item in bench.stored() if item["pk"]["S"].startswith("ecs#")] == []


def notices(bench):
    return {notice.code: notice.message for status in bench.record().statuses for notice in status.notices}


def test_a_wait_of_a_day_is_told_once_until_it_is_over(bench):
    bench.live()
    ecs.backend().settings.deprovisioning_seconds = 30 * 3600.0
    bench.ecs.delete_service(cluster="shop", service="orders", force=True)
    bench.go()
    bench.advance(23 * 3600)
    bench.go()
    assert "NO_PROGRESS" not in notices(bench)
    bench.advance(2 * 3600)
    assert bench.go().after == 900
    told = notices(bench)["NO_PROGRESS"]
    assert "ECS is still stopping the tasks" in told
    assert [problem.message for problem in bench.record().problems if problem.code == "NO_PROGRESS"] == [told]
    assert [change.code for change in bench.announced.changes].count("NO_PROGRESS") == 1
    stored = bench.stored()
    bench.advance(3600)
    bench.go()
    assert bench.stored() == stored
    bench.advance(6 * 3600)
    bench.go()
    assert "NO_PROGRESS" not in notices(bench)
    assert bench.record().waits == ()


def test_a_service_that_one_read_does_not_find_waits_as_a_lost_label_does(bench):
    group = bench.live()
    ecs.backend().settings.read_lag_seconds = 10000
    bench.go()
    claim = bench.records()["default"].claim
    assert (claim.phase, claim.named, claim.serving) == ("vanished", True, True)
    ecs.backend().settings.read_lag_seconds = 0
    bench.go()
    claim = bench.records()["default"].claim
    assert (claim.phase, claim.named, claim.serving) == ("declared", True, True)
    assert bench.attached() == [group]


def test_a_service_that_was_seen_deleted_and_is_then_forgotten_by_ecs_stays_deleted(bench):
    bench.live()
    bench.ecs.delete_service(cluster="shop", service="orders", force=True)
    bench.go()
    bench.advance(8000)
    assert bench.side.ecs.service(SERVICE) is None
    bench.go()
    assert phase(bench) == "deleted"


def test_a_service_recreated_under_the_same_name_is_attached_again_and_its_list_not_overwritten(bench):
    group = bench.live()
    bench.ecs.delete_service(cluster="shop", service="orders", force=True)
    bench.advance(600)
    bench.create()
    bench.completed()
    bench.go()
    assert phase(bench) == "declared"
    assert bench.records()["default"].claim.created_at == bench.side.ecs.service(SERVICE).created_at
    bench.answer("Wired", group)
    bench.go()
    assert bench.record().list_overwritten == ""
    bench.completed()
    assert bench.attached() == [group]


def test_a_pause_holds_attach_and_content_and_a_removal_too(bench):
    group = bench.wired()
    bench.ecs.tag_resource(resourceArn=SERVICE.arn, tags=[{"key": "lattice.pause", "value": "true"}])
    with bench.writes() as written:
        assert bench.go() == Done()
        bench.answer("Paused", group)
        assert bench.go() == Done()
    assert written == []
    route = bench.records()["default"].claim.route
    assert route.pause
    bench.deploy(bench.define({**LABELS, "lattice.path.prefix": "/new"}))
    bench.completed()
    bench.go()
    assert bench.records()["default"].claim.route == route
    bench.ecs.untag_resource(resourceArn=SERVICE.arn, tagKeys=["lattice.pause"])
    bench.go()
    route = bench.records()["default"].claim.route
    assert not route.pause
    assert route.match.path[1] == "/new"


def test_a_paused_service_that_is_deleted_is_held_for_a_day(bench):
    group = bench.live()
    bench.ecs.tag_resource(resourceArn=SERVICE.arn, tags=[{"key": "lattice.pause", "value": "true"}])
    bench.go()
    bench.answer("Paused", group)
    bench.ecs.delete_service(cluster="shop", service="orders", force=True)
    assert isinstance(bench.go(), NotYet)
    bench.advance(86000)
    bench.go()
    assert (phase(bench), bench.records()["default"].claim.route.pause) == ("declared", True)
    bench.advance(500)
    bench.go()
    assert (phase(bench), bench.records()["default"].claim.route.pause) == ("deleted", False)


def test_a_service_of_a_cluster_that_the_stack_gave_up_vanishes_as_a_lost_label_does(bench):
    bench.live()
    bench.configure(clusters=("another",))
    bench.go()
    assert phase(bench) == "vanished"
