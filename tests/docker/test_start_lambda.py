"""The functions in containers of the real `sam local start-lambda`, behind the local AWS: one hook-up from end to end."""

import copy
import json
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from local_aws import ecs
from local_aws.demo import traffic
from tests.docker.terminal import TOOLS, Terminal, opened
from tests.end_to_end.test_application import TASK_DEFINITION, domain_of, settled
from tests.world import open_group

LIMIT_SECONDS = 240.0
LOG = "start-lambda.log"
WARM = ("--warm-containers", "LAZY", "--no-watch")


@pytest.fixture(scope="module")
def terminal(docker, tmp_path_factory) -> Iterator[Terminal]:
    """A local AWS whose functions run in containers. Its ECS is quick, because containers keep real time."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LOCAL_AWS_START_LAMBDA", f"http://127.0.0.1:{port}")
        with opened(tmp_path_factory.mktemp("application"), tmp_path_factory.mktemp("home")) as one:
            settings = ecs.backend().settings
            settings.healthy_after_seconds = settings.settle_seconds = settings.poll_seconds = 1.0
            settings.provisioning_seconds = settings.start_seconds = 0.5
            with start_lambda(one, port):
                yield one


@contextmanager
def start_lambda(terminal: Terminal, port: int) -> Iterator[None]:
    """`sam local start-lambda`, until the block ends; it takes its containers away itself."""
    log = terminal.home / LOG
    command = [str(TOOLS / "sam"), "local", "start-lambda", "--port", str(port), *WARM]
    with log.open("w") as output:
        process = subprocess.Popen(
            command, cwd=terminal.root, env=terminal.variables, stdout=output, stderr=subprocess.STDOUT
        )
        try:
            until(lambda: process.poll() is not None or listens(port), "sam local start-lambda")
            assert process.poll() is None, log.read_text()
            yield
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=60)


def listens(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def until(condition: Callable[[], Any], what: str) -> Any:
    """The first true value of ``condition``. Containers keep real time: there is nothing to do but to wait."""
    ends_at = time.monotonic() + LIMIT_SECONDS
    while not (value := condition()):
        assert time.monotonic() < ends_at, f"waited {LIMIT_SECONDS:.0f} s for: {what}"
        time.sleep(0.5)
    return value


def invoke(terminal: Terminal, function: str, payload: Any) -> tuple[Any, str | None]:
    answer = terminal.aws.client("lambda").invoke(
        FunctionName=terminal.function(function), Payload=json.dumps(payload).encode()
    )
    return json.loads(answer["Payload"].read()), answer.get("FunctionError")


def test_an_ecs_service_is_hooked_up_by_functions_in_containers(terminal):
    aws = terminal.aws
    definition = copy.deepcopy(TASK_DEFINITION)
    definition["containerDefinitions"][0]["dockerLabels"]["lattice.health.interval"] = "5"
    client, ec2 = aws.client("ecs"), aws.client("ec2")
    client.register_task_definition(**definition)
    subnets = [subnet["SubnetId"] for subnet in ec2.describe_subnets()["Subnets"]][:2]
    network = {"awsvpcConfiguration": {"subnets": subnets, "securityGroups": [open_group(ec2)]}}
    arn = client.create_service(
        serviceName="orders",
        taskDefinition="orders",
        desiredCount=1,
        networkConfiguration=network,
        launchType="FARGATE",
    )["service"]["serviceArn"]
    domain = until(lambda: domain_of(terminal, "orders"), "the Lattice service")
    until(lambda: traffic.get(aws.lattice_url, domain, "/orders")[0] == 200, "an answer through VPC Lattice")
    until(lambda: settled(terminal, arn) == ["SUCCESSFUL", "SUCCESSFUL"], "two completed deployments")
    plan, failed = invoke(terminal, "EcsServiceFunction", {"ecsService": arn, "mode": "plan"})
    assert (failed, plan["attach"]["kind"], plan["problems"]) == (None, "no_change", [])
    log = (terminal.home / LOG).read_text()
    for function in ("EcsEventsFunction", "EcsServiceFunction", "LatticeServiceFunction"):
        assert f"POST /2015-03-31/functions/{terminal.function(function)}/invocations" in log, "it ran in its container"


def test_a_failure_in_a_container_is_a_failed_invocation(terminal):
    answer, failed = invoke(terminal, "LatticeServiceFunction", {"ecsService": "x", "mode": "plan"})
    assert (answer["errorType"], failed) == ("UnknownEventError", "Unhandled")


def test_a_custom_resource_of_another_stack_is_answered_by_a_container(terminal):
    ec2, cloudformation = terminal.aws.client("ec2"), terminal.aws.client("cloudformation")
    group = ec2.create_security_group(GroupName="closed", Description="closed")["GroupId"]
    ingress = {
        "Type": "Custom::LatticeIngress",
        "Properties": {
            "ServiceToken": terminal.aws.outputs["IngressServiceToken"],
            "SecurityGroupIds": [group],
            "Ports": ["8080"],
        },
    }
    cloudformation.create_stack(StackName="other", TemplateBody=json.dumps({"Resources": {"Ingress": ingress}}))

    def status() -> str:
        found: str = cloudformation.describe_stacks(StackName="other")["Stacks"][0]["StackStatus"]
        return "" if found.endswith("IN_PROGRESS") else found

    assert until(status, "the stack") == "CREATE_COMPLETE"
    rules = ec2.describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [group]}])["SecurityGroupRules"]
    assert {rule["FromPort"] for rule in rules if not rule["IsEgress"]} == {8080}
