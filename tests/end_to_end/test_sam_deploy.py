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
from tests.end_to_end.account import inventory
from tests.end_to_end.conftest import Operator
from tests.world import open_group

ROOT = Path(__file__).parents[2]
STACK = "ecs-lattice"
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
            **server.environment(self.aws),
            "HOME": str(self.home),
            "SAM_CLI_TELEMETRY": "0",
            "SAM_CLI_POLL_DELAY": "0.2",
        }
        done = subprocess.run(
            [str(Path(sys.executable).parent / "sam"), *arguments],
            cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
            timeout=120,
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
    return {"arn": arn, "domain": lattice_service(deployer)["dnsEntry"]["domainName"]}


def deployments(deployer: Deployer, arn: str) -> list[str]:
    listed = deployer.aws.client("ecs").list_service_deployments(service=arn, cluster="default")
    return [deployment["status"] for deployment in listed["serviceDeployments"]]


def lattice_service(deployer: Deployer) -> dict[str, Any]:
    (found,) = deployer.aws.client("vpc-lattice").list_services()["items"]
    return dict(found)


def test_story(deployer, changed):
    import time

    t = time.monotonic()

    def lap(x):
        nonlocal t
        print(x, round(time.monotonic() - t, 1))
        t = time.monotonic()

    before = inventory(deployer.aws)
    lap("inv")
    deployer.sam("deploy", "--config-env", "default")
    lap("deploy")
    service = create_service(deployer)
    lap("svc")
    deployer.until(lambda: deployer.answers(service["domain"], "/orders"), "answer")
    lap("answer")
    print(deployer.sam("deploy", "--config-env", "default", *changed)[-1500:])
    lap("deploy2")
    for i in range(60):
        left = deployer.invoke("Resync", {"mode": "uninstall"})
        print(left)
        if not any(left["left"].values()):
            break
        time.sleep(1)
    lap("uninst")
    print(deployer.sam("delete", "--config-env", "default", "--no-prompts"))
    lap("delete")
    after = inventory(deployer.aws)
    print("\n".join(sorted(after - before)))
    print("gone:", "\n".join(sorted(before - after)))
