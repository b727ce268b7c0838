"""The adapter for the reads of a diagnosis: targets with reason codes, service events, stopped tasks, task definitions."""

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from ecs_lattice.aws import ecs_shapes
from ecs_lattice.aws.errors import translating
from ecs_lattice.aws.lattice_shapes import health_from
from ecs_lattice.diagnosis.evidence import (
    ContainerMade,
    ContainerSeen,
    DefinitionSeen,
    EventSeen,
    GroupSeen,
    PortMade,
    ServiceSeen,
    TargetSeen,
    TaskSeen,
)
from ecs_lattice.errors import NotFoundError
from ecs_lattice.model import ServiceId

if TYPE_CHECKING:
    from types_boto3_ec2 import EC2Client
    from types_boto3_ecs import ECSClient
    from types_boto3_vpc_lattice import VPCLatticeClient

_TARGETS_A_PAGE = 100  # VPC Lattice API, ListTargets
_TASKS = 100  # Amazon ECS API, ListTasks and DescribeTasks
_EVENTS = 20  # newest first, of the hundred that DescribeServices returns

type Shape = Mapping[str, Any]


class BotoSources:
    """:class:`ecs_lattice.diagnosis.ports.Sources` over boto3 clients."""

    def __init__(self, ecs: "ECSClient", ec2: "EC2Client", lattice: "VPCLatticeClient") -> None:
        self._ecs_client = translating(ecs)
        self._ec2_client = translating(ec2)
        self._lattice_client = translating(lattice)

    def targets(self, group_arn: str) -> tuple[TargetSeen, ...]:
        pages = self._lattice_client.get_paginator("list_targets").paginate(
            targetGroupIdentifier=group_arn, PaginationConfig={"PageSize": _TARGETS_A_PAGE}
        )
        return tuple(
            TargetSeen(target["id"], target.get("port", 0), target["status"], target.get("reasonCode") or "")
            for page in pages
            for target in page["items"]
        )

    def group(self, group_arn: str) -> GroupSeen | None:
        try:
            found: Shape = self._lattice_client.get_target_group(targetGroupIdentifier=group_arn)
        except NotFoundError:
            return None
        return _group(found)

    def service(self, service: ServiceId) -> ServiceSeen | None:
        try:
            answer = self._ecs_client.describe_services(cluster=service.cluster, services=[service.arn])
        except NotFoundError:
            return None
        if not answer["services"]:
            return None
        shape: Shape = answer["services"][0]
        seen = ecs_shapes.service(shape)
        return ServiceSeen(
            seen,
            tuple(
                EventSeen(_epoch(event.get("createdAt")), event["message"])
                for event in shape.get("events", [])[:_EVENTS]
            ),
            self._vpc(seen.subnets) if seen.subnets else "",
            bool(shape.get("enableExecuteCommand")),
        )

    def tasks(self, service: ServiceId) -> tuple[TaskSeen, ...]:
        try:
            arns = [*self._listed(service, "RUNNING"), *self._listed(service, "STOPPED")]
        except NotFoundError:
            return ()
        return tuple(
            seen
            for start in range(0, len(arns), _TASKS)
            for seen in self._described(service.cluster, arns[start : start + _TASKS])
        )

    def definition(self, arn: str) -> DefinitionSeen:
        shape: Shape = self._ecs_client.describe_task_definition(taskDefinition=arn)["taskDefinition"]
        return DefinitionSeen(
            shape["taskDefinitionArn"],
            shape.get("networkMode", ""),
            tuple(_container_made(container) for container in shape.get("containerDefinitions", [])),
            int(shape["memory"]) if shape.get("memory") else None,
        )

    def _listed(self, service: ServiceId, desired: Literal["RUNNING", "STOPPED"]) -> list[str]:
        answer = self._ecs_client.list_tasks(
            cluster=service.cluster, serviceName=service.name, desiredStatus=desired, maxResults=_TASKS
        )
        return answer["taskArns"]

    def _described(self, cluster: str, arns: list[str]) -> list[TaskSeen]:
        """Tasks that ECS has forgotten meanwhile are missing."""
        answer = self._ecs_client.describe_tasks(cluster=cluster, tasks=arns)
        return [_task(task) for task in answer["tasks"]]

    def _vpc(self, subnets: tuple[str, ...]) -> str:
        found = self._ec2_client.describe_subnets(SubnetIds=list(subnets))["Subnets"]
        return str(found[0]["VpcId"]) if found else ""


def _group(shape: Shape) -> GroupSeen:
    config = shape.get("config", {})
    health = config.get("healthCheck")
    return GroupSeen(
        arn=shape["arn"],
        name=shape["name"],
        port=config.get("port", 0),
        protocol=config.get("protocol", ""),
        version=config.get("protocolVersion", ""),
        family="IPV6" if config.get("ipAddressType") == "IPV6" else "IPV4",
        vpc_id=config.get("vpcIdentifier", ""),
        health=health_from(health) if health else None,
        service_arns=tuple(shape.get("serviceArns", ())),
    )


def _task(shape: Shape) -> TaskSeen:
    return TaskSeen(
        task=ecs_shapes.task(shape),
        created_at=_epoch(shape.get("createdAt")),
        started_at=_epoch(shape.get("startedAt")),
        stopped_at=_epoch(shape.get("stoppedAt") or shape.get("stoppingAt")),
        stop_code=shape.get("stopCode") or "",
        stopped_reason=shape.get("stoppedReason") or "",
        containers=tuple(_container_seen(container) for container in shape.get("containers", [])),
    )


def _container_seen(shape: Shape) -> ContainerSeen:
    return ContainerSeen(
        shape.get("name", ""),
        shape.get("lastStatus", ""),
        shape.get("exitCode"),
        shape.get("reason") or "",
        shape.get("healthStatus", "UNKNOWN"),
    )


def _container_made(shape: Shape) -> ContainerMade:
    log = shape.get("logConfiguration", {})
    ports = [mapping for mapping in shape.get("portMappings", []) if mapping.get("containerPort")]
    return ContainerMade(
        name=shape["name"],
        ports=tuple(
            PortMade(port.get("name", ""), port["containerPort"], port.get("appProtocol", "")) for port in ports
        ),
        health_command=tuple(shape.get("healthCheck", {}).get("command", ())),
        memory=shape.get("memory"),
        stop_timeout=shape.get("stopTimeout"),
        log_group=log.get("options", {}).get("awslogs-group", "") if log.get("logDriver") == "awslogs" else "",
    )


def _epoch(moment: datetime | None) -> float:
    return moment.timestamp() if moment else 0.0
