"""A cluster, clients and short words for the tests of the local ECS."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.config import Config

from local_aws import ecs, inprocess
from local_aws.network import Request
from local_aws.services import events as event_buses

SUBNETS = {"awsvpcConfiguration": {"subnets": ["subnet-0a", "subnet-0b"], "securityGroups": ["sg-1"]}}
ROLE = "arn:aws:iam::123456789012:role/ecsInfrastructureRole"
_ONCE = Config(retries={"total_max_attempts": 1})


@dataclass(frozen=True, slots=True)
class Stage:
    machine: inprocess.Machine
    ecs: Any
    lattice: Any

    @property
    def backend(self) -> ecs.EcsBackend:
        return ecs.backend()

    def advance(self, seconds: float) -> None:
        self.machine.clock.advance(seconds)

    def until(self, true: Callable[[], Any], limit: float = 1800) -> float:
        """Move on second by second until something is true; how long it took."""
        for waited in range(int(limit)):
            if true():
                return waited
            self.advance(1)
        raise AssertionError(f"not true within {limit} s: {self.backend.service('web').events[:5]}")

    def define(self, family: str = "web", ports: Mapping[str, int] | None = None, **environment: object) -> str:
        mappings = [{"name": name, "containerPort": port} for name, port in (ports or {"web": 8080}).items()]
        app = {
            "name": "app",
            "image": "shop:1",
            "portMappings": mappings,
            "environment": [{"name": name, "value": str(value)} for name, value in environment.items()],
            "dockerLabels": {"lattice.service": "shop"},
        }
        answer = self.ecs.register_task_definition(
            family=family, requiresCompatibilities=["FARGATE"], networkMode="awsvpc", cpu="256", memory="512",
            containerDefinitions=[app],
        )  # fmt: skip
        return answer["taskDefinition"]["taskDefinitionArn"]

    def create(self, name: str = "web", desired: int = 2, **more: Any) -> dict[str, Any]:
        request = {
            "serviceName": name, "taskDefinition": "web", "desiredCount": desired, "launchType": "FARGATE",
            "networkConfiguration": SUBNETS, **more,
        }  # fmt: skip
        return self.ecs.create_service(**request)["service"]

    def settled(self, name: str = "web", desired: int = 2, **more: Any) -> dict[str, Any]:
        """A service whose first deployment has completed."""
        self.create(name, desired, **more)
        self.until(lambda: self.primary(name)["rolloutState"] == "COMPLETED")
        return self.service(name)

    def service(self, name: str = "web") -> dict[str, Any]:
        return self.ecs.describe_services(services=[name], include=["TAGS"])["services"][0]

    def primary(self, name: str = "web") -> dict[str, Any]:
        return next(each for each in self.service(name)["deployments"] if each["status"] == "PRIMARY")

    def tasks(self, name: str = "web", desired: str = "RUNNING") -> list[dict[str, Any]]:
        arns = self.ecs.list_tasks(serviceName=name, desiredStatus=desired)["taskArns"]
        return self.ecs.describe_tasks(tasks=arns)["tasks"] if arns else []

    def history(self, name: str = "web") -> list[dict[str, Any]]:
        return self.ecs.list_service_deployments(service=name)["serviceDeployments"]

    def group(self, name: str = "web", path: str = "/", *, referenced: bool = True) -> str:
        """A target group that VPC Lattice checks, because a listener names it."""
        group = self.lattice.create_target_group(
            name=name, type="IP",
            config={
                "port": 80, "protocol": "HTTP", "vpcIdentifier": "vpc-0123456789abcdef0",
                "healthCheck": {"enabled": True, "path": path, "healthCheckIntervalSeconds": 10},
            },
        )  # fmt: skip
        self.advance(30)
        if referenced:
            service = self.lattice.create_service(name=f"{name}-svc")
            self.advance(30)
            forward = {"forward": {"targetGroups": [{"targetGroupIdentifier": group["id"]}]}}
            self.lattice.create_listener(
                serviceIdentifier=service["id"], name="http", protocol="HTTP", port=80, defaultAction=forward
            )
        return group["arn"]

    def targets(self, group: str) -> dict[str, str]:
        """Status by address."""
        items = self.lattice.list_targets(targetGroupIdentifier=group)["items"]
        return {item["id"]: item["status"] for item in items}

    def serving(self) -> list[str]:
        """The revision that each task which is RUNNING and should be answers with."""
        addresses = [ip_of(task) for task in self.tasks() if task["lastStatus"] == "RUNNING"]
        answers = [self.machine.network.send(ip, 8080, Request()) for ip in addresses]
        return [json.loads(answer.body)["taskDefinition"] for answer in answers]


def attach(group: str, port: str = "web") -> dict[str, str]:
    return {"roleArn": ROLE, "targetGroupArn": group, "portName": port}


def ip_of(task: Mapping[str, Any]) -> str:
    return task["containers"][0]["networkInterfaces"][0]["privateIpv4Address"]


def events(kind: str, **detail: Any) -> list[dict[str, Any]]:
    """Published events of a detail-type whose detail has these members."""
    return [
        event
        for event in event_buses().history
        if event["detail-type"] == kind and all(event["detail"].get(name) == value for name, value in detail.items())
    ]


@contextmanager
def stage() -> Iterator[Stage]:
    with inprocess.started() as machine:
        client = boto3.client("ecs", config=_ONCE)
        client.create_cluster(clusterName="default")
        yield Stage(machine, client, boto3.client("vpc-lattice", config=_ONCE))
