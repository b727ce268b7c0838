"""Histories at the edges: auth, long names, TLS passthrough, bad input, networks, quotas."""

import dataclasses

import pytest

from ecs_lattice.declaration import route_rules
from ecs_lattice.lattice_side import claim_facts, entries, forwarding, seen
from ecs_lattice.messages.requests import ReconcileRequest
from ecs_lattice.model import Match, ServiceId
from ecs_lattice.resync import approve_removals
from local_aws import lattice
from tests.histories.labels import LABELS, hooked_up


def problems(world, arn) -> list[str]:
    status = world.ecs_side.status(ServiceId(arn))
    return [problem.code for problem in status.problems] or [route.code for route in status.routes]


def test_iam_auth_puts_the_policy_before_it_switches_the_type_so_that_nobody_is_denied(world):
    hooked_up(world, {**LABELS, "lattice.auth": "iam"})
    order = [
        c.operation
        for c in lattice.backend().calls
        if c.operation in {"PutAuthPolicy", "UpdateService", "CreateService"}
    ]
    service = next(item for item in world._all("list_services"))
    read = world.lattice.get_service(serviceIdentifier=service["id"])
    assert read["authType"] == "AWS_IAM"
    assert "vpc-lattice-svcs:Invoke" in world.lattice.get_auth_policy(resourceIdentifier=service["id"])["policy"]
    assert order.index("PutAuthPolicy") < (order.index("UpdateService") if "UpdateService" in order else len(order))
    created = next(c for c in lattice.backend().calls if c.operation == "CreateService")
    assert created.parameters.get("authType", "NONE") == "NONE"


def test_a_label_may_tighten_what_the_platform_asks_and_never_loosen_it(world):
    world.build(dataclasses.replace(world.settings, minimum_auth="iam"))
    arn = hooked_up(world, {**LABELS, "lattice.auth": "none"})
    assert world.graph() == {}
    assert problems(world, arn) == ["AUTH_BELOW_MINIMUM"]


def test_names_of_255_characters_are_hooked_up_like_any_other(world):
    cluster, name = "c" * 255, "s" * 255
    world.make_cluster(cluster)
    arn = hooked_up(world, name=name, cluster=cluster)
    assert len(arn) > 256
    assert world.claims(arn) == {"orders/default": "Live"}


TLS = {
    "lattice.service": "transfer",
    "lattice.port": "tls",
    "lattice.listener": "TLS_PASSTHROUGH:443",
    "lattice.domain": "transfer.example.com",
    "lattice.protocol": "TCP",
}


def test_a_tls_passthrough_listener_comes_with_its_first_route_and_goes_with_its_last(world):
    arn = hooked_up(world, TLS, ports=(("tls", 8443),), environment={"TLS_PORTS": "8443"})
    assert world.claims(arn) == {"transfer/default": "Live"}
    listeners = world.graph()["transfer"]["listeners"]
    assert list(listeners) == ["TLS_PASSTHROUGH:443"]
    assert list(listeners["TLS_PASSTHROUGH:443"]["default"].values()) == [100]
    world.ecs.update_service(cluster="shop", service=arn, taskDefinition=world.register({}, ports=(("tls", 8443),)))
    world.run(4800)
    assert world.graph()["transfer"]["listeners"] == {}
    assert world._all("list_target_groups") == []
    assert world.claims(arn) == {}


@pytest.mark.parametrize(
    ("labels", "code"),
    [
        ({**LABELS, "lattice.pathprefix": "/x"}, "UNKNOWN_KEY"),
        ({**LABELS, "lattice.service": "Orders_1"}, "BAD_SERVICE_NAME"),
        ({**LABELS, "lattice.port": "admin"}, "PORT_UNKNOWN"),
        ({**LABELS, "lattice.network": "nowhere"}, "NETWORK_UNKNOWN"),
        ({**LABELS, "lattice.listener": "HTTPS:443", "lattice.domain": "a.example.com"}, "CERTIFICATE_MISSING"),
        ({**TLS, "lattice.port": "web", "lattice.domain": ""}, "DOMAIN_MISSING"),
    ],
)
def test_bad_input_changes_nothing_and_is_stored_with_its_code(world, labels, code):
    arn = hooked_up(world, {key: value for key, value in labels.items() if value})
    assert problems(world, arn) == [code]
    assert world.primary(arn).get("vpcLatticeConfigurations", []) == []
    assert [service for service in world._all("list_services") if world.graph()[service["name"]]["listeners"]] == []


def test_a_bad_declaration_leaves_what_was_wired_before_as_it_was(world):
    arn = hooked_up(world)
    before = world.graph()
    world.ecs.update_service(
        cluster="shop", service=arn, taskDefinition=world.register({**LABELS, "lattice.prot": "x"})
    )
    world.run(3600)
    assert world.graph() == before
    assert world.ask("orders", "/orders").status == 200
    assert problems(world, arn) == ["UNKNOWN_KEY"]


def test_two_routes_of_one_service_on_one_match_are_refused(world):
    two = {"lattice.routes.a.path.prefix": "/x", "lattice.routes.b.path.prefix": "/x"}
    base = {key: value for key, value in LABELS.items() if "path" not in key}
    arn = hooked_up(world, {**base, **two})
    assert problems(world, arn) == ["SAME_MATCH"]


def test_routes_that_an_earlier_version_took_in_two_spellings_of_a_match_stay_as_they_are(world, monkeypatch):
    two = {"lattice.routes.a.path.prefix": "/", "lattice.routes.b.port": "web"}
    labels = {key: value for key, value in LABELS.items() if "path.prefix" not in key} | two
    with monkeypatch.context() as before:
        for module in (seen, claim_facts, entries, forwarding, route_rules):
            before.setattr(module, "normal", lambda match: match.canonical if match else Match())
        arn = hooked_up(world, labels)
    graph = world.graph()
    world.ecs.update_service(
        cluster="shop", service=arn, taskDefinition=world.register({**labels, "lattice.alarm": "off"})
    )
    world.run(24 * 3600)
    assert world.graph() == graph
    status = world.ecs_side.status(ServiceId(arn))
    assert status.problems == ()
    told = [(route.route, route.state, route.code) for route in status.routes]
    assert told == [("a", "Live", ""), ("b", "Live", "SHADOWED")]


def test_more_routes_than_the_quota_holds_refuse_only_what_is_too_much(world):
    routes = {f"lattice.routes.r{number:02}.path.prefix": f"/r{number:02}" for number in range(11)}
    base = {key: value for key, value in LABELS.items() if key != "lattice.path.prefix"}
    arn = hooked_up(world, {**base, **routes})
    states = world.statuses(arn)
    assert sorted({state for state, _ in states.values()}) == ["Live", "Refused"]
    assert sum(state == "Live" for state, _ in states.values()) == 10
    refused = next(r for r in world.ecs_side.status(ServiceId(arn)).routes if r.state == "Refused")
    assert "L-CF78395E" in refused.message
    assert world.ask("orders", "/r03").status == 200


def test_tasks_are_not_registered_by_ecs_where_its_controller_cannot(world):
    revision = world.register({**LABELS, "lattice.targets": "ecs"})
    service = {"cluster": "shop", "service": "orders"}
    created = world.ecs.create_service(
        cluster="shop", serviceName="orders", desiredCount=1, deploymentController={"type": "EXTERNAL"}
    )
    network = {"awsvpcConfiguration": {"subnets": world.subnets, "securityGroups": [world.open_group]}}
    task_set = world.ecs.create_task_set(
        **service, taskDefinition=revision, launchType="FARGATE", networkConfiguration=network,
        scale={"unit": "PERCENT", "value": 100},
    )["taskSet"]["taskSetArn"]  # fmt: skip
    world.ecs.update_service_primary_task_set(**service, primaryTaskSet=task_set)
    world.sweep()
    assert problems(world, created["service"]["serviceArn"]) == ["TARGETS_NOT_POSSIBLE"]
    assert world.graph() == {}


def test_an_event_of_an_unknown_shape_goes_to_the_dead_letters_with_its_reason(world):
    body = '{"detail-type": "EC2 Spot Instance Interruption Warning", "source": "aws.ec2"}'
    world.event_router.work({"Records": [{"messageId": "1", "body": body}]})
    ((letter, reason),) = world.dead
    assert letter == body
    assert "EC2 Spot Instance Interruption Warning" in reason


def test_a_paused_route_is_observed_and_not_changed(world):
    arn = hooked_up(world)
    before = world.graph()
    world.ecs.tag_resource(resourceArn=arn, tags=[{"key": "lattice.pause", "value": "true"}])
    world.ecs.update_service(
        cluster="shop", service=arn, taskDefinition=world.register({**LABELS, "lattice.path.prefix": "/moved"})
    )
    world.run(3600)
    assert world.graph() == before
    assert world.statuses(arn)["default"][0] == "Paused"
    world.ecs.untag_resource(resourceArn=arn, tagKeys=["lattice.pause"])
    world.run(600)
    assert world.ask("orders", "/moved").status == 200


def test_a_tag_edit_alone_changes_the_route(world):
    arn = hooked_up(world)
    world.ecs.tag_resource(resourceArn=arn, tags=[{"key": "lattice.path.prefix", "value": "/tagged"}])
    world.run(300)
    assert world.ask("orders", "/tagged").status == 200
    assert world.ask("orders", "/orders").status == 404


def test_more_removals_in_an_hour_than_the_ceiling_stop_and_wait_for_approval(world):
    world.build(dataclasses.replace(world.settings, max_removals=1))
    arns = [
        hooked_up(world, {**LABELS, "lattice.path.prefix": f"/{name}"}, family=name, name=name)
        for name in ("a", "b", "c")
    ]
    for arn in arns:
        world.ecs.update_service(cluster="shop", service=arn, taskDefinition=world.register({}, arn.rsplit("/", 1)[-1]))
    world.run(2400)
    rules = world.graph()["orders"]["listeners"]["HTTP:80"]["rules"]
    assert len([match for match, _ in rules if "pathMatch" in match]) == 2
    assert "REMOVALS_HELD" in {code for arn in arns for _, code in world.statuses(arn).values()}
    approve_removals(world.registry, world, world.clock.time())
    world.run(3000)
    assert world.graph()["orders"]["listeners"]["HTTP:80"]["rules"] == []


@pytest.mark.parametrize(
    "labels", [{**LABELS, "lattice.pathprefix": "/x"}, {**LABELS, "lattice.network": "nowhere"}], ids=["ecs", "lattice"]
)
def test_a_refusal_is_logged_once_however_often_it_is_met(world, labels, caplog):
    arn = hooked_up(world, labels)
    for _ in range(3):
        world.enqueue([ReconcileRequest("ecsService", arn), ReconcileRequest("latticeService", "orders")])
        world.run(900)
        world.sweep()
    said = [
        record for record in caplog.records if record.levelname == "WARNING" and record.name.startswith("ecs_lattice")
    ]
    assert len(said) == 1, [record.getMessage() for record in said]
