"""The mode ``explain`` of ``alarm`` on the in-process local AWS: what it tells, and that nothing is different after it."""

import json

import boto3
import pytest

from ecs_lattice.errors import UnknownEventError
from functions.alarm.app import handler
from local_aws import ecs, lattice
from local_aws.delivery import topics
from tests.functions.conftest import Deployed, forget, recorded
from tests.functions.test_query import ROUTE_MEMBERS
from tests.histories.labels import LABELS, hooked_up
from tests.world import close_group

OFF = {**LABELS, "lattice.ingress": "off"}


def asked(deployed: Deployed, arn: str):
    return json.loads(json.dumps(handler({"mode": "explain", "ecsService": arn}, deployed.context)))


def closed(deployed: Deployed) -> str:
    """A live service whose security group somebody closed; its ARN."""
    arn = hooked_up(deployed.world, OFF)
    close_group(deployed.world.ec2, deployed.world.open_group)
    deployed.world.run(60)
    return arn


def test_a_route_whose_targets_fail_is_told_with_its_cause_its_evidence_and_its_commands(deployed):
    arn = closed(deployed)
    told = asked(deployed, arn)
    assert (told["schema"], told["at"], told["isKnown"]) == (1, deployed.world.clock.time(), True)
    assert (told["arn"], told["cluster"], told["service"], told["revision"]) == (arn, "shop", "orders", "orders:1")
    assert told["problems"] == []
    (route,) = told["routes"]
    assert set(route) == ROUTE_MEMBERS | {"facts", "causes", "unread"}
    assert (route["state"], route["code"], route["isProblem"], route["targets"]) == ("Live", "", True, {"UNHEALTHY": 2})
    assert [fact["name"] for fact in route["facts"]] == ["Requests", "Targets", "Tasks"]
    (cause,) = route["causes"]
    assert (cause["code"], cause["certainty"]) == ("PREFIX_LIST_RULE_MISSING", "certain")
    assert cause["message"] == "the security group does not allow VPC Lattice (IPv4)"
    assert deployed.world.open_group in cause["evidence"][0]
    assert cause["command"].startswith("aws ec2 authorize-security-group-ingress --group-id ")
    assert cause["commands"] == [{"purpose": "To fix", "command": cause["command"]}]
    assert route["unread"] == []


def test_nothing_is_different_after_it(deployed, monkeypatch, capsys):
    sns = boto3.client("sns")
    topic = sns.create_topic(Name="notify")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="email", Endpoint="on-call@example.com")
    monkeypatch.setenv("NOTIFY_TOPIC", topic)
    forget()
    arn = closed(deployed)
    items = boto3.client("dynamodb").scan(TableName="registry")["Items"]
    calls = {one: len(one.backend().calls) for one in (ecs, lattice)}
    capsys.readouterr()
    assert asked(deployed, arn)["routes"][0]["causes"]
    assert boto3.client("dynamodb").scan(TableName="registry")["Items"] == items
    for one, before in calls.items():
        assert [
            call.operation
            for call in one.backend().calls[before:]
            if call.operation[:4] not in {"List", "Desc", "GetT"}
        ] == []
    assert topics.deliveries() == ()
    assert "CloudWatchMetrics" not in capsys.readouterr().out
    for url in deployed.queues.values():
        numbers = deployed.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        assert numbers["ApproximateNumberOfMessages"] == numbers["ApproximateNumberOfMessagesDelayed"] == "0"


def test_a_healthy_route_has_facts_and_no_cause(deployed):
    (route,) = asked(deployed, hooked_up(deployed.world))["routes"]
    assert (route["isProblem"], route["causes"], route["unread"]) == (False, [], [])
    assert {fact["name"]: fact["text"] for fact in route["facts"]}["Requests"] == "go to all targets"


def test_what_the_routes_of_a_service_share_is_read_once(deployed):
    routes = {f"lattice.routes.r{n}.path.prefix": f"/{n}" for n in range(4)}
    arn = hooked_up(
        deployed.world, {"lattice.service": "orders", "lattice.port": "web", "lattice.listener": "HTTP:80", **routes}
    )
    before = len(ecs.backend().calls)
    assert [route["state"] for route in asked(deployed, arn)["routes"]] == ["Live"] * 4
    operations = [call.operation for call in ecs.backend().calls[before:]]
    assert sorted(operations) == [
        "DescribeServices",
        "DescribeTaskDefinition",
        "DescribeTasks",
        "ListTasks",
        "ListTasks",
    ]


def test_what_cannot_be_read_is_told_and_no_cause_is_made_of_it(deployed):
    arn = hooked_up(deployed.world)
    lattice.backend().faults.fail("ListTargets", times=20)
    (route,) = asked(deployed, arn)["routes"]
    assert (route["state"], route["targets"], route["causes"], route["isProblem"]) == ("Live", None, [], False)
    assert [unread["part"] for unread in route["unread"]] == ["targets"]


def test_a_service_that_the_registry_does_not_know_is_no_error_of_the_function(deployed):
    """Errors of this function are an alarm; a question is none."""
    arn = hooked_up(deployed.world)
    told = asked(deployed, arn + "-unknown")
    assert (told["isKnown"], told["arn"], told["routes"], told["problems"]) == (False, arn + "-unknown", [], [])
    assert handler(recorded("invoke/explain-ecs-service"), deployed.context)["isKnown"] is False


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({}, 'needs "ecsService", the long ARN'),
        ({"ecsService": "orders"}, "long ARN is needed"),
        ({"ecsService": 5}, "long ARN"),
    ],
)
def test_a_wrong_member_is_a_sentence_that_says_what_is_allowed(deployed, more, words):
    with pytest.raises(UnknownEventError, match=words):
        handler({"mode": "explain", **more}, deployed.context)


def test_a_member_more_is_refused(deployed):
    with pytest.raises(UnknownEventError, match="AlarmFunction takes .*explain"):
        handler({"mode": "explain", "ecsService": "x", "cluster": "y"}, deployed.context)
