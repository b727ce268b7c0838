"""A plan with a task definition that is not registered: what the reconcile would do after a deployment of it."""

import json
import re

import boto3
import pytest

from ecs_lattice.errors import UnknownEventError
from functions.ecs_service.app import handler
from functions.query.app import handler as query
from local_aws import lattice
from tests.histories.labels import LABELS, hooked_up

ORDERS = {name: value for name, value in LABELS.items() if "path.prefix" not in name}
ORDERS |= {"lattice.routes.orders.path.prefix": "/orders"}
ADMIN = {"lattice.routes.admin.path.prefix": "/admin"}
IDS = re.compile(r"(tg|rule|svc|listener|sn|vpc)-[0-9a-z]+|ecs-lattice-parked=[0-9a-f]+|-[0-9a-z]{13}\b")


def definition(labels, port=8080, family="orders", **more):
    """A task definition as one writes it, in a file of a repository."""
    container = {
        "name": "app", "image": "app", "dockerLabels": labels,
        "portMappings": [{"name": "web", "containerPort": port}],
    }  # fmt: skip
    return {"family": family, "networkMode": "awsvpc", "containerDefinitions": [container], **more}


def planned(deployed, arn, **members):
    return json.loads(json.dumps(handler({"ecsService": arn, "mode": "plan", **members}, deployed.context)))


def lattice_steps(plan):
    return [IDS.sub("", step["text"]) for service in plan["latticeServices"] for step in service["steps"]]


def changes(deployed, since):
    entries = query({"mode": "history", "since": since}, deployed.context)["entries"]
    return [IDS.sub("", step) for entry in entries if entry["kind"] == "latticeService" for step in entry["steps"]]


def test_the_plan_of_a_new_route_is_what_is_done_after_its_deployment(deployed):
    world = deployed.world
    arn = hooked_up(world, ORDERS)
    before, calls = len(boto3.client("ecs").list_task_definitions()["taskDefinitionArns"]), len(lattice.backend().calls)
    plan = planned(deployed, arn, taskDefinition=definition(ORDERS | ADMIN))
    assert not [call for call in lattice.backend().calls[calls:] if call.writes]
    assert len(boto3.client("ecs").list_task_definitions()["taskDefinitionArns"]) == before
    assert plan["effective"] == "orders:planned"
    assert sorted(route["name"] for route in plan["routes"]) == ["admin", "orders"]
    assert [claim["route"]["name"] for claim in plan["claims"]] == ["admin"]
    steps = lattice_steps(plan)
    assert steps
    since = world.clock.time()
    revision = world.register(ORDERS | ADMIN)
    boto3.client("ecs").update_service(cluster="shop", service="orders", taskDefinition=revision)
    world.run(1200)
    done = changes(deployed, since)
    assert set(steps) <= set(done), (steps, done)
    assert planned(deployed, arn)["claims"] == []


def test_the_plan_says_what_would_be_refused_and_changes_nothing(deployed):
    arn = hooked_up(deployed.world)
    plan = planned(deployed, arn, taskDefinition=definition(LABELS | {"lattice.colour": "red"}))
    assert {problem["code"] for problem in plan["problems"]} == {"UNKNOWN_KEY"}
    assert plan["claims"] == []
    assert planned(deployed, arn)["problems"] == []


def test_a_plan_without_the_labels_shows_the_route_as_vanished(deployed):
    arn = hooked_up(deployed.world)
    (claim,) = planned(deployed, arn, taskDefinition={"taskDefinition": definition({})})["claims"]
    assert claim["phase"] == "vanished"


def test_planned_tags_stand_in_for_those_of_the_service(deployed):
    arn = hooked_up(deployed.world)
    tags = {"lattice.path.prefix": "/other"}
    (claim,) = planned(deployed, arn, taskDefinition=definition(LABELS), serviceTags=tags)["claims"]
    assert claim["route"]["match"]["path"][1] == "/other"


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ({"taskDefinition": "orders:7"}, "as an object"),
        ({"taskDefinition": {"family": "orders"}}, "with family and containerDefinitions"),
        ({"taskDefinition": {"family": "orders", "containerDefinitions": [5]}}, "taskDefinition has to be"),
        (
            {"taskDefinition": {"family": "o", "containerDefinitions": [{"portMappings": [{}]}]}},
            "taskDefinition has to be",
        ),
        ({"serviceTags": {"a": "b"}}, "together with a taskDefinition"),
        (
            {"taskDefinition": {"family": "o", "containerDefinitions": []}, "serviceTags": ["a"]},
            "an object of names and values",
        ),
    ],
)
def test_what_is_no_task_definition_is_a_sentence(deployed, members, words):
    arn = hooked_up(deployed.world)
    with pytest.raises(UnknownEventError, match=words):
        handler({"ecsService": arn, "mode": "plan", **members}, deployed.context)


def test_a_service_that_does_not_exist_and_an_apply_with_a_task_definition_are_refused(deployed):
    arn = hooked_up(deployed.world)
    with pytest.raises(UnknownEventError, match="ECS does not know the service"):
        handler({"ecsService": arn + "x", "mode": "plan", "taskDefinition": definition(LABELS)}, deployed.context)
    with pytest.raises(UnknownEventError, match="EcsServiceFunction takes"):
        handler({"ecsService": arn, "mode": "apply", "taskDefinition": definition(LABELS)}, deployed.context)
