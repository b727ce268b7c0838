"""Installations from their first `sam deploy` to their removal, by the unmodified SAM CLI against the local AWS."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local_aws import server
from local_aws.__main__ import build
from local_aws.demo import traffic
from local_aws.ec2.backend import DEFAULT_VPC
from local_aws.environment import client_variables
from tests.end_to_end.account import inventory
from tests.end_to_end.conftest import Operator

ROOT = Path(__file__).parents[2]
STACK = "ecs-lattice"
PARAMETERS = f"CreateNetwork=true NetworkVpc1={DEFAULT_VPC}"
MANAGED = "aws-sam-cli-managed-default"
"""The stack of SAM CLI's own bucket, which all applications of an account share."""


class Deployer(Operator):
    """An operator who has SAM CLI, and a home directory of its own for what that keeps."""

    def __init__(self, aws: server.LocalAws, home: Path) -> None:
        super().__init__(aws)
        self.home = home

    def sam(self, *arguments: str, fails: bool = False) -> str:
        """What ``sam`` writes; the root of the repository is its directory."""
        environment = {
            **os.environ,
            **client_variables(self.aws.endpoint_url),
            "HOME": str(self.home),
            "SAM_CLI_TELEMETRY": "0",
            "SAM_CLI_POLL_DELAY": "0.2",
            "COLUMNS": "250",
        }
        done = subprocess.run(
            [str(Path(sys.executable).parent / "sam"), *arguments],
            cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
            timeout=400,
        )  # fmt: skip
        assert bool(done.returncode) is fails, done.stdout
        return " ".join(done.stdout.split())  # tables wrap

    def status(self, stack: str = STACK) -> str:
        return str(self.cli("cloudformation", "describe-stacks", "--stack-name", stack)["Stacks"][0]["StackStatus"])

    def output(self, key: str) -> str:
        outputs = self.cli("cloudformation", "describe-stacks", "--stack-name", STACK)["Stacks"][0]["Outputs"]
        return next(str(one["OutputValue"]) for one in outputs if one["OutputKey"] == key)

    def answers(self, domain: str, path: str) -> str | None:
        status, body = traffic.get(self.aws.lattice_url, domain, path)
        return body if status == 200 else None


@pytest.fixture
def deployer(tmp_path: Path) -> Iterator[Deployer]:
    """With an account in which nothing was ever deployed."""
    if not (ROOT / ".aws-sam" / "build" / "template.yaml").exists():
        build(ROOT)
    with server.running(speed=60, state_dir=tmp_path / "state") as aws:
        (tmp_path / "home").mkdir()
        yield Deployer(aws, tmp_path / "home")


@pytest.fixture
def changed(tmp_path: Path) -> list[str]:
    """The arguments that deploy another version of one function."""
    shutil.copytree(ROOT / ".aws-sam" / "build", tmp_path / "build")
    with (tmp_path / "build" / "TargetHealthFunction" / "app.py").open("a") as code:
        code.write("# another version\n")
    return ["--template-file", str(tmp_path / "build" / "template.yaml"), "--config-file", str(ROOT / "samconfig.toml")]


def create_service(deployer: Deployer) -> dict[str, str]:
    """``orders``, by the AWS CLI, until it is hooked up and nothing moves any more."""
    definition = {
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
            }
        ],
    }
    deployer.cli("ecs", "register-task-definition", "--cli-input-json", json.dumps(definition))
    subnets = [one["SubnetId"] for one in deployer.cli("ec2", "describe-subnets")["Subnets"]][:2]
    group = deployer.aws.client("ec2").create_security_group(GroupName="orders", Description="orders")["GroupId"]
    network = json.dumps({"awsvpcConfiguration": {"subnets": subnets, "securityGroups": [group]}})
    created = deployer.cli(
        "ecs", "create-service", "--service-name", "orders", "--task-definition", "orders", "--desired-count", "2",
        "--launch-type", "FARGATE", "--network-configuration", network,
    )["service"]  # fmt: skip
    arn = str(created["serviceArn"])
    deployer.until(lambda: deployments(deployer, arn) == ["SUCCESSFUL", "SUCCESSFUL"], "the deployment that attaches")
    return {"arn": arn, "domain": lattice_service(deployer)["dnsEntry"]["domainName"], "group": group}


def deployments(deployer: Deployer, arn: str) -> list[str]:
    listed = deployer.aws.client("ecs").list_service_deployments(service=arn, cluster="default")
    return [deployment["status"] for deployment in listed["serviceDeployments"]]


def lattice_service(deployer: Deployer) -> dict[str, Any]:
    (found,) = deployer.aws.client("vpc-lattice").list_services()["items"]
    return dict(found)


def is_left(name: str, service: dict[str, str]) -> bool:
    """Whether something is neither SAM CLI's own bucket and what it keeps there, nor the ECS service's, nor the account's."""
    of_sam = MANAGED in name
    of_account = name == "role AWSServiceRoleForVpcLattice"
    of_service = name.endswith((f"security group {service['group']}", f"out of {service['group']}"))
    return not (of_sam or of_account or of_service)


def task(deployer: Deployer) -> str:
    return str(deployer.aws.client("ecs").list_tasks(cluster="default")["taskArns"][0])


def replace_a_task(deployer: Deployer, service: dict[str, str]) -> None:
    """Stop one task and wait until ECS has registered another one, which is healthy."""
    ecs, lattice = deployer.aws.client("ecs"), deployer.aws.client("vpc-lattice")
    (group,) = [one["id"] for one in lattice.list_target_groups()["items"]]

    def healthy() -> set[str]:
        targets = lattice.list_targets(targetGroupIdentifier=group)["items"]
        return {target["id"] for target in targets if target["status"] == "HEALTHY"}

    before = healthy()
    ecs.stop_task(cluster="default", task=task(deployer))
    deployer.until(lambda: len(healthy()) == 2 and healthy() - before, f"another task of {service['arn']} as a target")


def uninstall(deployer: Deployer) -> None:
    deployer.until(
        lambda: not any(deployer.invoke("Resync", {"mode": "uninstall"})["left"].values()), "the uninstall to end"
    )


def test_what_is_deployed_is_changed_deleted_found_again_and_taken_away(deployer, changed):
    untouched = inventory(deployer.aws)
    assert "CREATE_COMPLETE AWS::CloudFormation::Stack ecs-lattice" in deployer.sam("deploy")
    service = create_service(deployer)
    deployer.until(lambda: deployer.answers(service["domain"], "/orders"), "an answer")
    caller = traffic.Caller(deployer.aws.lattice_url)
    caller.watch(service["domain"], "/orders")
    caller.start()

    # Deployed again as it is, then with other code and another parameter.
    assert "No changes to deploy" in deployer.sam("deploy")
    told = deployer.sam("deploy", *changed, "--parameter-overrides", f"{PARAMETERS} GraceMinutes=20")
    assert "* Modify TargetHealthFunction AWS::Lambda::Function False" in told
    assert "RegistryTable" not in told.partition("CloudFormation outputs")[0]
    assert deployer.status() == "UPDATE_COMPLETE"
    assert variables(deployer, "LatticeServiceFunctionName")["GRACE_MINUTES"] == "20"

    # Deleted alone: what serves goes on, and what ECS has to do, it can.
    network, table = deployer.output("ServiceNetworkArn"), deployer.output("RegistryTableName")
    asked = sum(caller.requests.values())
    assert "Deleted successfully" in deployer.sam("delete", "--no-prompts")
    replace_a_task(deployer, service)
    kept = deployer.aws.client("vpc-lattice").list_service_network_vpc_associations(serviceNetworkIdentifier=network)
    assert [(one["vpcId"], one["status"]) for one in kept["items"]] == [(DEFAULT_VPC, "ACTIVE")]
    assert table in deployer.aws.client("dynamodb").list_tables()["TableNames"]

    # Installed again, with the network of the first time: it finds its own, and neither makes it twice nor breaks it.
    before = serving(deployer)
    deployer.sam("deploy", "--parameter-overrides", f"CreateNetwork=false DefaultNetworks={network}")
    deployer.until(
        lambda: deployer.answers(service["domain"], "/orders") and state(deployer, service) == "Live", "Live"
    )
    assert serving(deployer) == before
    replace_a_task(deployer, service)
    caller.stop()
    assert sum(caller.requests.values()) > asked
    assert caller.failures == []

    # Uninstalled and deleted: nothing is left but what the first installation kept.
    uninstall(deployer)
    assert deployments(deployer, service["arn"])[0] == "SUCCESSFUL"
    deployer.sam("delete", "--no-prompts")
    left = {name for name in inventory(deployer.aws) - untouched if is_left(name, service)}
    assert {name.split()[0] for name in left} == {"table", "role", "service", "network's"}
    assert f"table {table}" in left
    assert len(left) == 4  # the registry, the role, the network and its VPC: of the installation that was deleted alone


def test_an_uninstall_and_a_deletion_leave_nothing(deployer):
    untouched = inventory(deployer.aws)
    deployer.sam("deploy")
    service = create_service(deployer)
    deploy_and_delete_the_example(deployer)
    refused = deployer.sam("deploy", *plain("refused", deployer.home, BEANS), fails=True)
    assert "Failed to create changeset for the stack: refused" in refused
    assert "Reason: The local AWS does not support these resources: Beans (AWS::Coffee::Beans)" in refused
    assert "Reason: Requires capabilities : [CAPABILITY_IAM]" in deployer.sam(
        "deploy", *plain("refused", deployer.home, ROLE), fails=True
    )
    deployer.cli("cloudformation", "delete-stack", "--stack-name", "refused")
    uninstall(deployer)
    deployer.sam("delete", "--no-prompts")
    left = {name for name in inventory(deployer.aws) - untouched if is_left(name, service)}
    assert left == set()
    assert untouched - inventory(deployer.aws) == set()
    listed = deployer.aws.client("ecs").describe_services(cluster="default", services=[service["arn"]])["services"][0]
    assert (listed["runningCount"], listed["deployments"][0].get("vpcLatticeConfigurations", [])) == (2, [])


BEANS = "{Type: AWS::Coffee::Beans}"
ROLE = "{Type: AWS::IAM::Role, Properties: {AssumeRolePolicyDocument: {Version: '2012-10-17', Statement: []}}}"


def plain(stack: str, folder: Path, resource: str) -> list[str]:
    """The arguments that deploy a template with one resource, without what samconfig.toml says."""
    template = folder / "template.yaml"
    template.write_text(f"Transform: AWS::Serverless-2016-10-31\nResources:\n  Beans: {resource}\n")
    return ["--template-file", str(template), "--stack-name", stack, "--config-env", "none", "--resolve-s3"]


def deploy_and_delete_the_example(deployer: Deployer) -> None:
    """The custom resource of another stack, which imports the token that the application exports."""
    template, name = str(ROOT / "examples" / "ingress" / "template.yaml"), "transfer-network"
    stack = ["--stack-name", name, "--config-env", "none"]
    told = deployer.sam(
        "deploy", "--template-file", template, *stack, "--resolve-s3", "--parameter-overrides", f"VpcId={DEFAULT_VPC}"
    )
    assert "CREATE_COMPLETE Custom::LatticeIngress" in told
    assert deployer.status(name) == "CREATE_COMPLETE"
    assert "Deleted successfully" in deployer.sam("delete", *stack, "--no-prompts")


def variables(deployer: Deployer, output: str) -> dict[str, str]:
    function = deployer.aws.client("lambda").get_function(FunctionName=deployer.output(output))["Configuration"]
    return dict(function["Environment"]["Variables"])


def serving(deployer: Deployer) -> set[str]:
    """What a second installation could make twice."""
    kinds = ("Lattice service ", "target group ", "network's ", "service network ", "security group rule ")
    return {name for name in inventory(deployer.aws) if name.startswith(kinds)}


def state(deployer: Deployer, service: dict[str, str]) -> str | None:
    """What the registry of the installation says of the route."""
    key = {"pk": {"S": f"ecs#{service['arn']}"}, "sk": {"S": "document"}}
    item = deployer.aws.client("dynamodb").get_item(TableName=deployer.output("RegistryTableName"), Key=key).get("Item")
    statuses = json.loads(item["text"]["S"]).get("statuses", []) if item else []
    return str(statuses[0]["state"]) if statuses else None
