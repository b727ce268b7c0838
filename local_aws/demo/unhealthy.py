"""The chapter on health: a service behind a closed security group, the message about it, and the command in it."""

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local_aws.demo.machine import Machine
from local_aws.environment import client_variables

NAME = "orders"
_OWNER_TAG = "ecs-lattice:owner"
_FIX = re.compile(r"\s*To fix:$")
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
    """An inbound rule with a prefix list. ``owner``: the stack that its tag names, or empty."""

    ports: str
    prefix_list: str
    owner: str


@dataclass
class UnhealthyService:
    """An ECS service whose own security group allows VPC Lattice until its owner revokes that rule."""

    machine: Machine
    cluster: str
    subnets: list[str]
    vpc: str

    def __post_init__(self) -> None:
        self.ec2 = self.machine.aws.client("ec2")
        self.group = ""

    def create(self) -> None:
        made = self.ec2.create_security_group(GroupName=NAME, Description=f"Tasks of {NAME}.", VpcId=self.vpc)
        self.group = made["GroupId"]
        self.ec2.authorize_security_group_ingress(GroupId=self.group, IpPermissions=[self._rule()])
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

    def close(self) -> None:
        """Revoke the rule, as its owner may at any time."""
        self.ec2.revoke_security_group_ingress(GroupId=self.group, IpPermissions=[self._rule()])

    def delete(self) -> None:
        self.machine.ecs.delete_service(cluster=self.cluster, service=NAME, force=True)

    def _rule(self) -> dict[str, Any]:
        names = [{"Name": "prefix-list-name", "Values": [f"com.amazonaws.{self.ec2.meta.region_name}.vpc-lattice"]}]
        lists = self.ec2.describe_managed_prefix_lists(Filters=names)["PrefixLists"]
        sources = [{"PrefixListId": found["PrefixListId"]} for found in lists]
        return {"IpProtocol": "tcp", "FromPort": 8080, "ToPort": 8080, "PrefixListIds": sources}

    def is_live(self) -> bool:
        """Whether requests are forwarded to it."""
        rules = [rule for where, rule in self.machine.graph().rules() if where.startswith(NAME)]
        return any(rule.forwards and not rule.parked for rule in rules)

    def statuses(self) -> set[str]:
        """The statuses of its targets in VPC Lattice, without those that are being deregistered."""
        groups = [group for group in self.machine.graph().groups if group.name.startswith(NAME)]
        return {status for group in groups for _, _, status in group.targets} - {"DRAINING"}

    def message(self, word: str) -> dict[str, Any] | None:
        """The newest message about it whose subject begins with ``word``."""
        subjects = (f"{word} {NAME}/", f"{word}: {NAME}/")
        found = [mail for mail in self.machine.messages() if (mail["subject"] or "").startswith(subjects)]
        return found[-1] if found else None

    def run(self, command: str) -> str:
        """Run a command as printed, in a shell with the AWS CLI; its error output if it failed, else nothing."""
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
        environment = {**os.environ, **client_variables(self.machine.aws.endpoint_url), "PATH": path}
        done = subprocess.run(["sh", "-c", command], env=environment, capture_output=True, text=True, check=False)
        return "" if done.returncode == 0 else done.stderr.strip() or f"exit code {done.returncode}"


def rules(machine: Machine, group: str) -> list[Rule]:
    """The inbound rules of a security group that allow a prefix list, by port."""
    found = machine.aws.client("ec2").describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [group]}])
    listed = [rule for rule in found["SecurityGroupRules"] if not rule["IsEgress"] and "PrefixListId" in rule]
    return [
        Rule(
            f"{rule['FromPort']}-{rule['ToPort']}" if rule["FromPort"] != rule["ToPort"] else str(rule["FromPort"]),
            rule["PrefixListId"],
            next((tag["Value"] for tag in rule.get("Tags", ()) if tag["Key"] == _OWNER_TAG), ""),
        )
        for rule in sorted(listed, key=lambda rule: int(rule["FromPort"]))
    ]


def first_command(body: str) -> str:
    """The command in a message that fixes its first cause; empty where there is none."""
    lines = iter(body.splitlines())
    if not any(_FIX.match(line) for line in lines):  # leaves the lines after the heading
        return ""
    command: list[str] = []
    for line in lines:
        command.append(line.strip())
        if not line.endswith("\\"):
            break
    return "\n".join(command)


def first_cause(body: str) -> str:
    """The code of the first cause in a message; empty where it has none."""
    found = re.search(r"^1\. .*?\[([A-Z_]+)\]$", body, flags=re.MULTILINE | re.DOTALL)
    return found[1] if found else ""


def shortened(body: str, width: int) -> list[str]:
    """A message up to its first cause; lines longer than ``width`` are folded after a comma."""
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
