"""Without our tag nothing is changed or deleted, on each way by which a reconcile could meet it."""

import dataclasses
from collections.abc import Iterator

import pytest

from ecs_lattice import ownership
from ecs_lattice.graph import PARKED_HEADER
from ecs_lattice.lattice_side.claim_facts import facts_of
from tests.histories.labels import LABELS, hooked_up
from tests.lattice_side.stage import GRACE, SETTINGS, Stage, path, service
from tests.lattice_side.stage import stage as started

WEB = service("web")


@pytest.fixture
def stage() -> Iterator[Stage]:
    with started() as made:
        yield made


def associated(stage: Stage) -> set[str]:
    found = stage.lattice.list_service_network_service_associations(serviceIdentifier=stage.service_id())["items"]
    return {one["serviceNetworkName"] for one in found}


def test_a_target_group_of_somebody_else_that_has_our_name_is_not_taken_over(stage):
    record = stage.claim(WEB, stage.route("r", path("/r")))
    group = stage.lattice.create_target_group(
        name=facts_of(record, SETTINGS).group_name,
        type="IP",
        config={"port": 80, "protocol": "HTTP", "vpcIdentifier": stage.vpc},
    )
    stage.clock.advance(30)
    before = stage.lattice.get_target_group(targetGroupIdentifier=group["arn"])
    stage.settle()
    assert stage.record(WEB, "r").answer.code == "FOREIGN_GROUP"
    after = stage.lattice.get_target_group(targetGroupIdentifier=group["arn"])
    assert (after["config"], after["lastUpdatedAt"]) == (before["config"], before["lastUpdatedAt"])
    assert stage.lattice.list_targets(targetGroupIdentifier=group["arn"])["items"] == []


def test_a_lattice_service_that_was_handed_to_another_stack_is_not_written_any_more(stage):
    stage.claim(WEB, stage.route("r", path("/r")))
    stage.settle()
    stage.lattice.tag_resource(
        resourceArn=stage.lattice.list_services()["items"][0]["arn"], tags={ownership.OWNER: "another-stack"}
    )
    with stage.writes() as made:
        stage.claim(WEB, stage.route("r", path("/other"), idle_timeout=120))
        stage.claim(WEB, stage.route("s", path("/s")))
        stage.work(2 * GRACE)
    assert [operation for operation in made if "Target" not in operation] == []
    assert stage.record(WEB, "r").answer.code == "FOREIGN_SERVICE"
    assert stage.ask("/r") == "prod/web:http"


def test_a_rule_made_by_hand_on_our_listener_stays_as_long_as_the_listener_does(stage):
    stage.claim(WEB, stage.route("r", path("/r")))
    stage.settle()
    match = {"httpMatch": {"pathMatch": {"match": {"prefix": "/by-hand"}}}}
    made = stage.lattice.create_rule(
        **stage.listener(), name="by-hand", priority=10, match=match, action={"fixedResponse": {"statusCode": 404}}
    )
    ids = {**stage.listener(), "ruleIdentifier": made["id"]}
    before = stage.lattice.get_rule(**ids)
    stage.claim(WEB, stage.route("s", path("/s")))
    stage.settle()
    stage.vanish(WEB, "r")
    stage.vanish(WEB, "s")
    stage.settle()
    stage.work(GRACE)
    after = stage.lattice.get_rule(**ids)
    assert {**after, "ResponseMetadata": {}} == {**before, "ResponseMetadata": {}}


def test_a_lattice_service_with_a_rule_made_by_hand_is_kept_where_empty_ones_are_deleted(stage):
    stage.use(dataclasses.replace(SETTINGS, delete_empty_services=True))
    stage.registry.put_document("stack", "marker", "{}")
    stage.claim(WEB, stage.route("r", path("/r")))
    stage.settle()
    match = {"httpMatch": {"pathMatch": {"match": {"prefix": "/by-hand"}}}}
    action = {"fixedResponse": {"statusCode": 404}}
    stage.lattice.create_rule(**stage.listener(), name="by-hand", priority=10, match=match, action=action)
    stage.vanish(WEB, "r")
    stage.work(4 * GRACE)
    assert stage.records() == ()
    assert [rule["name"] for rule in stage.rules()] == ["by-hand"]
    assert associated(stage) == {"platform"}


def test_every_route_gets_its_own_service_networks(stage):
    stage.lattice.create_service_network(name="second")
    stage.claim(WEB, stage.route("r", path("/r")))
    stage.claim(WEB, stage.route("s", path("/s"), networks=("second",)))
    stage.settle()
    assert associated(stage) == {"platform", "second"}


def test_a_rule_is_made_parked_even_where_its_group_takes_traffic_already(world):
    arn = hooked_up(world)
    made: list[dict] = []
    world.lattice.meta.events.register(
        "provide-client-params.vpc-lattice.CreateRule", lambda params, **_: made.append(params["match"]["httpMatch"])
    )
    more = {"lattice.routes.default.path.prefix": "/orders", "lattice.routes.more.path.prefix": "/orders/more"}
    labels = {**{key: value for key, value in LABELS.items() if key != "lattice.path.prefix"}, **more}
    world.ecs.update_service(cluster="shop", service=arn, taskDefinition=world.register(labels))
    world.run(1200)
    assert world.claims(arn) == {"orders/default": "Live", "orders/more": "Live"}
    assert [[header["name"] for header in match["headerMatches"]] for match in made] == [[PARKED_HEADER]]
