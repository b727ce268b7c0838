"""The chapter on health: a service whose security group stays closed, the message about it, and the command it prints."""

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local_aws import server
from local_aws.demo.machine import Machine

NAME = "orders"
_OWNER_TAG = "ecs-lattice:owner"
_LABELS = {
    "lattice.service": NAME,
    "lattice.port": "web",
    "lattice.listener": "HTTP:80",
    "lattice.health.path": "/healthz",
    "lattice.health.interval": "10",
    "lattice.ingress": "off",
}


@dataclass(frozen=True, slots=True)
class Rule:
    """An inbound rule with a prefix list. ``owner`` is the stack that its tag names, empty where it has none."""

    ports: str
    prefix_list: str
    owner: str


@dataclass
class Ailing:
    """An ECS service in a security group of its own that lets nobody in and that nobody opens."""

    machine: Machine
    cluster: str
    subnets: list[str]
    vpc: str

    def __post_init__(self) -> None:
        self.ec2 = self.machine.aws.client("ec2")
        self.group = ""

    def subscribe(self, address: str) -> None:
        """Have the messages of the stack recorded for this mail address, as somebody on call would get them."""
        self.machine.aws.client("sns").subscribe(
            TopicArn=self.machine.output("NotifyTopicArn"), Protocol="email", Endpoint=address
        )

    def create(self) -> None:
        made = self.ec2.create_security_group(GroupName=NAME, Description=f"Tasks of {NAME}.", VpcId=self.vpc)
        self.group = made["GroupId"]
        ecs = self.machine.ecs
        ecs.register_task_definition(
            family=NAME,
            networkMode="awsvpc",
            requiresCompatibilities=["FARGATE"],
            cpu="256",
            memory="512",
            containerDefinitions=[
                {
                    "name": "app",
                    "image": "example.com/orders:1",
                    "portMappings": [{"name": "web", "containerPort": 8080}],
                    "dockerLabels": _LABELS,
                }
            ],
        )
        ecs.create_service(
            cluster=self.cluster,
            serviceName=NAME,
            taskDefinition=NAME,
            desiredCount=1,
            launchType="FARGATE",
            networkConfiguration={
                "awsvpcConfiguration": {"subnets": self.subnets, "securityGroups": [self.group]},
            },
        )

    def delete(self) -> None:
        self.machine.ecs.delete_service(cluster=self.cluster, service=NAME, force=True)

    def statuses(self) -> set[str]:
        """What VPC Lattice finds of its targets, those aside that are being taken out."""
        groups = [group for group in self.machine.graph().groups if group.name.startswith(NAME)]
        return {status for group in groups for _, _, status in group.targets} - {"DRAINING"}

    def message(self, word: str) -> dict[str, Any] | None:
        """The newest message about it whose subject begins with ``word``."""
        found = [one for one in self.machine.messages() if (one["subject"] or "").startswith(f"{word} {NAME}/")]
        return found[-1] if found else None

    def run(self, command: str) -> str:
        """Run a command as it was printed, in a shell with the AWS CLI; what it said if it failed, else nothing."""
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
        environment = {**os.environ, **server.environment(self.machine.aws), "PATH": path, "AWS_PAGER": ""}
        done = subprocess.run(["sh", "-c", command], env=environment, capture_output=True, text=True, check=False)
        return "" if done.returncode == 0 else done.stderr.strip() or f"exit code {done.returncode}"


def rules(machine: Machine, group: str) -> list[Rule]:
    """The inbound rules of a security group that let a prefix list in, by port."""
    found = machine.aws.client("ec2").describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [group]}])
    listed = [one for one in found["SecurityGroupRules"] if not one["IsEgress"] and "PrefixListId" in one]
    return [
        Rule(
            f"{one['FromPort']}-{one['ToPort']}" if one["FromPort"] != one["ToPort"] else str(one["FromPort"]),
            one["PrefixListId"],
            next((tag["Value"] for tag in one.get("Tags", ()) if tag["Key"] == _OWNER_TAG), ""),
        )
        for one in sorted(listed, key=lambda one: int(one["FromPort"]))
    ]


def first_command(body: str) -> str:
    """The command that the first cause of a message gives to fix it; empty where there is none."""
    lines = body.splitlines()
    starts = [number for number, line in enumerate(lines) if line.strip() == "To fix:"]
    if not starts:
        return ""
    command: list[str] = []
    for line in lines[starts[0] + 1 :]:
        command.append(line.strip())
        if not line.endswith("\\"):
            break
    return "\n".join(command)


def first_cause(body: str) -> str:
    """The code of the cause that a message names first; empty where it names none."""
    found = re.search(r"^1\. .*?\[([A-Z_]+)\]$", body, flags=re.MULTILINE | re.DOTALL)
    return found[1] if found else ""


def shortened(body: str, width: int) -> list[str]:
    """A message up to its first cause; lines that are longer than ``width`` are folded after a comma."""
    text = re.split(r"\n(?=2\. |docs/troubleshooting\.md)", body, maxsplit=1)
    lines = [*text[0].rstrip().splitlines(), *(["", "…"] if len(text) > 1 else [])]
    return [piece for line in lines for piece in _folded(line, width)]


def _folded(line: str, width: int) -> list[str]:
    pieces = []
    while len(line) > width:
        at = line.rfind(",", 0, width) + 1 or width
        pieces.append(line[:at])
        line = line[at:]
    return [*pieces, line]
