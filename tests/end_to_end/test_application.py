"""The application as it is built and deployed, on a real endpoint, driven by the AWS CLI and by boto3."""

import json
import re

import pytest

from local_aws.demo import traffic
from tests.world import open_group

TASK_DEFINITION = {
    "family": "orders",
    "networkMode": "awsvpc",
    "requiresCompatibilities": ["FARGATE"],
    "cpu": "256",
    "memory": "512",
    "containerDefinitions": [
        {
            "name": "app",
            "image": "example.com/orders:1",
            "portMappings": [{"name": "web", "containerPort": 8080}],
            "dockerLabels": {
                "lattice.service": "orders",
                "lattice.port": "web",
                "lattice.listener": "HTTP:80",
                "lattice.path.prefix": "/orders",
                "lattice.health.path": "/healthz",
            },
            "environment": [{"name": "RESPOND", "value": "/healthz=200 /=200"}],
        }
    ],
}


@pytest.fixture(scope="module")
def service(operator) -> dict:
    """``orders``, created with the plain AWS CLI and waited for until its route is live."""
    operator.cli("ecs", "register-task-definition", "--cli-input-json", json.dumps(TASK_DEFINITION))
    subnets = [s["SubnetId"] for s in operator.cli("ec2", "describe-subnets")["Subnets"]][:2]
    group = open_group(operator.aws.client("ec2"))
    network = json.dumps({"awsvpcConfiguration": {"subnets": subnets, "securityGroups": [group]}})
    created = operator.cli(
        "ecs", "create-service", "--service-name", "orders", "--task-definition", "orders", "--desired-count", "2",
        "--launch-type", "FARGATE", "--network-configuration", network,
    )["service"]  # fmt: skip
    domain = operator.until(lambda: domain_of(operator, "orders"), "the Lattice service")
    operator.until(lambda: traffic.get(operator.aws.lattice_url, domain, "/orders")[0] == 200, "an answer on /orders")
    operator.until(lambda: len(settled(operator, created["serviceArn"])) == 2, "two finished deployments")
    return {"arn": created["serviceArn"], "domain": domain}


def domain_of(operator, name: str) -> str | None:
    lattice = operator.aws.client("vpc-lattice")
    item = next((i for i in lattice.list_services()["items"] if i["name"] == name), None)
    return item.get("dnsEntry", {}).get("domainName") if item else None


def settled(operator, arn: str) -> list[str]:
    listed = operator.aws.client("ecs").list_service_deployments(service=arn, cluster=arn.split("/")[1])
    statuses = [deployment["status"] for deployment in listed["serviceDeployments"]]
    return statuses if not {"IN_PROGRESS", "PENDING"} & set(statuses) else []


def test_a_service_created_with_the_plain_cli_is_hooked_up_as_the_tables_say(operator, service):
    deployed = operator.cli("ecs", "describe-services", "--services", service["arn"])["services"][0]
    (primary,) = [d for d in deployed["deployments"] if d["status"] == "PRIMARY"]
    (entry,) = primary["vpcLatticeConfigurations"]
    assert entry["portName"] == "web"
    targets = operator.cli("vpc-lattice", "list-targets", "--target-group-identifier", entry["targetGroupArn"])["items"]
    assert [target["status"] for target in targets if target["status"] != "DRAINING"] == ["HEALTHY", "HEALTHY"]
    (lattice,) = [i for i in operator.cli("vpc-lattice", "list-services")["items"] if i["name"] == "orders"]
    associations = operator.cli(
        "vpc-lattice", "list-service-network-service-associations", "--service-identifier", lattice["id"]
    )
    assert [item["status"] for item in associations["items"]] == ["ACTIVE"]
    assert settled(operator, service["arn"]) == ["SUCCESSFUL", "SUCCESSFUL"]


def test_a_second_reconcile_makes_no_write_call(operator, service):
    before = operator.writes()
    runs = len(operator.aws.journal.invocations)
    assert (
        operator.invoke("EcsService", {"ecsService": service["arn"], "mode": "apply"})["enqueued"]["key"]
        == service["arn"]
    )
    operator.invoke("LatticeService", {"latticeService": "orders", "mode": "apply"})

    def both_ran() -> bool:
        kinds = {re.sub(r".*-(\w+Function)-.*", r"\1", run.function) for run in _from_queue(operator, runs)}
        return {"EcsServiceFunction", "LatticeServiceFunction"} <= kinds

    operator.until(both_ran, "both reconcilers' runs")
    assert operator.writes() == before


def _from_queue(operator, since: int) -> list:
    return [
        run
        for run in operator.aws.journal.invocations[since:]
        if "sqs" in json.dumps(run.trigger).lower() or run.source != "client"
    ]


def test_the_plan_of_a_settled_service_is_empty_and_data(operator, service):
    plan = operator.invoke("EcsService", {"ecsService": service["arn"], "mode": "plan"})
    assert "FunctionError" not in plan
    assert plan["claims"] == []
    assert plan["problems"] == []
    plan = operator.invoke("LatticeService", {"latticeService": "orders", "mode": "plan"})
    assert plan["steps"] == []


def test_a_direct_invocation_of_another_functions_event_is_refused_with_what_is_allowed(operator):
    answer = operator.invoke("LatticeService", {"ecsService": "x", "mode": "plan"})
    assert answer["FunctionError"] == "Unhandled"
    assert "latticeService" in answer["errorMessage"]


def test_an_event_of_an_unknown_shape_ends_in_the_dead_letter_queue_with_its_reason(operator):
    sqs = operator.aws.client("sqs")
    queue = next(url for url in sqs.list_queues()["QueueUrls"] if "EcsEventsQueue" in url and "DeadLetter" not in url)
    sqs.send_message(QueueUrl=queue, MessageBody=json.dumps({"detail-type": "Nobody knows", "source": "aws.else"}))
    dead = next(url for url in sqs.list_queues()["QueueUrls"] if re.search(r"-DeadLetterQueue", url))

    def letters() -> list:
        return sqs.receive_message(QueueUrl=dead, MessageAttributeNames=["All"]).get("Messages", [])

    (letter,) = operator.until(letters, "the dead letter")
    assert "Nobody knows" in letter["MessageAttributes"]["reason"]["StringValue"]
    assert letter["MessageAttributes"]["function"]["StringValue"] == "ecs_events"


def test_nothing_failed_on_the_way(operator, service):
    assert [
        run.error for run in operator.aws.journal.invocations if run.error and "LatticeService" not in run.function
    ] == []
