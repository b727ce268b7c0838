"""What a diagnosis reads: targets with their reason codes, ECS with its service events, stopped tasks, task definitions."""

from collections.abc import Sequence
from itertools import batched
from typing import TYPE_CHECKING, Literal

from ecs_lattice.aws import ecs_shapes
from ecs_lattice.aws.clients import translating
from ecs_lattice.aws.lattice_shapes import group_from, target_from
from ecs_lattice.errors import NotFoundError
from ecs_lattice.facts import EcsService, Task, TaskDefinition
from ecs_lattice.graph import Group, Target
from ecs_lattice.model import ServiceId

if TYPE_CHECKING:
    from types_boto3_ec2 import EC2Client
    from types_boto3_ecs import ECSClient
    from types_boto3_vpc_lattice import VPCLatticeClient

_TARGETS_A_PAGE = 100  # VPC Lattice API, ListTargets
_TASKS = 100  # Amazon ECS API, ListTasks and DescribeTasks


class BotoSources:
    """:class:`ecs_lattice.diagnosis.ports.Sources` over boto3 clients."""

    def __init__(self, ecs: "ECSClient", ec2: "EC2Client", lattice: "VPCLatticeClient") -> None:
        self._ecs_client = translating(ecs)
        self._ec2_client = translating(ec2)
        self._lattice_client = translating(lattice)

    def targets(self, group_arn: str) -> tuple[Target, ...]:
        pages = self._lattice_client.get_paginator("list_targets").paginate(
            targetGroupIdentifier=group_arn, PaginationConfig={"PageSize": _TARGETS_A_PAGE}
        )
        return tuple(target_from(target) for page in pages for target in page["items"])

    def group(self, group_arn: str) -> Group | None:
        try:
            return group_from(self._lattice_client.get_target_group(targetGroupIdentifier=group_arn))
        except NotFoundError:
            return None

    def service(self, service: ServiceId) -> EcsService | None:
        try:
            answer = self._ecs_client.describe_services(cluster=service.cluster, services=[service.arn])
        except NotFoundError:
            return None
        return ecs_shapes.service(answer["services"][0]) if answer["services"] else None

    def vpc_id(self, subnet_ids: Sequence[str]) -> str:
        found = self._ec2_client.describe_subnets(SubnetIds=list(subnet_ids))["Subnets"]
        return str(found[0]["VpcId"]) if found else ""

    def tasks(self, service: ServiceId) -> tuple[Task, ...]:
        try:
            arns = [*self._listed(service, "RUNNING"), *self._listed(service, "STOPPED")]
        except NotFoundError:
            return ()
        # Tasks that ECS no longer knows are missing from the answer, which is no failure.
        parts = [
            self._ecs_client.describe_tasks(cluster=service.cluster, tasks=list(part))["tasks"]
            for part in batched(arns, _TASKS, strict=False)
        ]
        return tuple(ecs_shapes.task(task) for tasks in parts for task in tasks)

    def task_definition(self, arn: str) -> TaskDefinition:
        answer = self._ecs_client.describe_task_definition(taskDefinition=arn)
        return ecs_shapes.task_definition(answer["taskDefinition"])

    def _listed(self, service: ServiceId, desired: Literal["RUNNING", "STOPPED"]) -> list[str]:
        answer = self._ecs_client.list_tasks(
            cluster=service.cluster, serviceName=service.name, desiredStatus=desired, maxResults=_TASKS
        )
        return answer["taskArns"]
