"""Which revision routing follows, on the local ECS: releases that are superseded, rolled back, or never complete."""

from ecs_lattice.declaration import declare
from ecs_lattice.ecs_side import observe
from ecs_lattice.model import ServiceId
from ecs_lattice.outcome import NotYet, Refused
from tests.ecs_side.bench import LABELS, SERVICE


def path(bench, prefix, **more):
    return bench.define({**LABELS, "lattice.path.prefix": prefix}, **more)


def declared_path(bench):
    return bench.records()["default"].claim.route.match.path[1]


def test_a_release_that_was_superseded_before_it_completed_does_not_move_routing_to_the_next_one(bench):
    bench.create(path(bench, "/one"))
    bench.completed()
    bench.go()
    bench.deploy(path(bench, "/two"))
    bench.until(
        lambda: all(one["status"] == "PRIMARY" or not one["runningCount"] for one in bench.service()["deployments"])
    )
    bench.until(lambda: len(bench.service()["deployments"]) == 1)
    assert bench.primary()["rolloutState"] == "IN_PROGRESS"
    bench.deploy(path(bench, "/three"))
    assert not any(one.get("rolloutState") == "COMPLETED" for one in bench.service()["deployments"])
    bench.go()
    assert declared_path(bench) == "/one"
    bench.completed()
    bench.go()
    assert declared_path(bench) == "/three"


def test_without_memory_the_newest_successful_service_deployment_says_what_is_effective(bench):
    bench.create(path(bench, "/one"))
    bench.completed()
    bench.deploy(path(bench, "/two"))
    bench.until(lambda: len(bench.service()["deployments"]) == 1)
    assert bench.primary()["rolloutState"] == "IN_PROGRESS"
    assert bench.side.plan(SERVICE).source == "successful"
    bench.go()
    assert declared_path(bench) == "/one"


def test_a_failed_release_moves_no_route_and_a_rollback_takes_its_routing_with_it(bench):
    breaker = {"deploymentCircuitBreaker": {"enable": True, "rollback": True}}
    bench.create(path(bench, "/one"), deploymentConfiguration=breaker)
    bench.completed()
    bench.go()
    bench.deploy(path(bench, "/two", CRASH_AFTER_SECONDS=1))
    for _ in range(60):
        bench.advance(30)
        bench.go()
        assert declared_path(bench) == "/one"
    bench.completed()
    assert bench.primary()["taskDefinition"].endswith(":1")


def test_a_revision_that_ecs_has_deleted_keeps_what_was_read_of_it(bench):
    bench.create(path(bench, "/one"))
    bench.completed()
    bench.go()
    arn = bench.primary()["taskDefinition"]
    bench.configure()  # a new execution environment has read nothing yet
    described = []
    original = bench.side.ecs.task_definition

    def refused(arn):
        described.append(arn)
        return original(arn)

    bench.side.ecs.task_definition = refused
    bench.go()
    assert declared_path(bench) == "/one"
    assert arn not in described


def test_tags_count_as_they_are_now_and_override_the_labels_of_the_effective_revision(bench):
    bench.create(path(bench, "/one"))
    bench.completed()
    bench.go()
    bench.ecs.tag_resource(resourceArn=SERVICE.arn, tags=[{"key": "lattice.path.prefix", "value": "/tagged"}])
    bench.go()
    assert declared_path(bench) == "/tagged"
    bench.ecs.untag_resource(resourceArn=SERVICE.arn, tagKeys=["lattice.path.prefix"])
    bench.go()
    assert declared_path(bench) == "/one"


def test_a_service_can_declare_by_tags_alone(bench):
    tags = [{"key": key, "value": value} for key, value in LABELS.items()]
    bench.create(bench.define({}), tags=tags)
    bench.completed()
    bench.go()
    assert bench.records()["default"].claim.route.lattice_service == "orders"


def test_a_release_that_demands_another_health_check_of_the_same_port_is_reported_at_once(bench):
    bench.create(bench.define({**LABELS, "lattice.health.path": "/healthz"}))
    bench.completed()
    bench.go()
    bench.deploy(bench.define({**LABELS, "lattice.health.path": "/livez"}))
    outcome = bench.go()
    assert isinstance(outcome, NotYet)
    assert bench.problems() == ["HOLDS_BACK"]
    assert bench.records()["default"].claim.route.health.path == "/healthz"


def test_naming_routes_without_default_while_the_unnamed_one_is_live_is_a_problem_and_no_removal(bench):
    bench.live()
    labels = {
        "lattice.service": "orders",
        "lattice.listener": "HTTP:80",
        "lattice.routes.admin.port": "web",
        "lattice.routes.admin.path.prefix": "/admin",
    }
    bench.deploy(bench.define(labels))
    bench.completed()
    outcome = bench.go()
    assert isinstance(outcome, Refused)
    assert bench.problems() == ["DEFAULT_ROUTE_LOST"]
    assert {name: one.claim.phase for name, one in bench.records().items()} == {"default": "declared"}


def test_a_cluster_that_is_not_the_stacks_is_left_alone(bench):
    bench.configure(clusters=("prod-*",))
    bench.create()
    bench.completed()
    bench.go()
    assert bench.stored() == []
    bench.configure(clusters=("prod-*", "sho?"))
    bench.go()
    assert set(bench.records()) == {"default"}


def test_a_short_arn_is_not_looked_up(bench):
    bench.create()
    bench.side.reconcile(ServiceId("arn:aws:ecs:us-east-1:123456789012:service/orders"))
    assert bench.stored() == []


def test_bridge_networking_is_refused_by_name(bench):
    bench.create(bench.define(network_mode="bridge"), launchType="EC2", networkConfiguration={}, desired=0)
    bench.go()
    assert bench.problems() == ["NETWORK_MODE"]
    assert bench.records() == {}


def test_a_plan_changes_nothing_and_names_the_claims_that_would_be_written(bench):
    bench.create()
    bench.completed()
    with bench.writes() as written:
        plan = bench.side.plan(SERVICE)
    assert written == []
    assert bench.stored() == []
    assert bench.requests.enqueued == []
    assert [claim.route.name for claim in plan.claims] == ["default"]
    assert plan.effective == "orders:1"
    assert plan.routes[0].lattice_service == "orders"


def test_each_revision_is_declared_once_a_reconcile(bench, monkeypatch):
    bench.live()
    bench.deploy(path(bench, "/new"))
    declared = []

    def counting(task_definition, *rest):
        declared.append(task_definition.name)
        return declare(task_definition, *rest)

    monkeypatch.setattr(observe, "declare", counting)
    bench.go()
    assert sorted(declared) == ["orders:1", "orders:2"]
