"""The adapter to Amazon ECS and to the subnets of its services: pages, batches and ECS's shapes as frozen values."""

from collections.abc import Iterator, Sequence
from itertools import batched
from typing import TYPE_CHECKING, Any, Literal

from ecs_lattice.aws import ecs_shapes as shapes
from ecs_lattice.aws.clients import translating
from ecs_lattice.errors import NotFoundError, UnavailableError
from ecs_lattice.facts import EcsService, LatticeEntry, ServiceRevision, Subnets, Task, TaskDefinition
from ecs_lattice.model import AddressFamily, ServiceId

if TYPE_CHECKING:
    from types_boto3_ec2 import EC2Client
    from types_boto3_ecs import ECSClient
    from types_boto3_ecs.literals import ServiceDeploymentStatusType

_DESIRED_STATUSES: tuple[Literal["RUNNING"], Literal["STOPPED"]] = ("RUNNING", "STOPPED")
# Items a call, Amazon ECS API Reference.
_DESCRIBE_SERVICES, _DESCRIBE_REVISIONS, _DESCRIBE_TASKS, _LIST = 10, 20, 100, 100
_ONGOING: "tuple[ServiceDeploymentStatusType, ...]" = (
    "PENDING", "IN_PROGRESS", "STOP_REQUESTED", "ROLLBACK_REQUESTED", "ROLLBACK_IN_PROGRESS",
)  # fmt: skip


class BotoEcs:
    """:class:`ecs_lattice.ports.Ecs` over boto3 clients. Caches task definitions, which are immutable."""

    def __init__(self, client: "ECSClient", ec2: "EC2Client") -> None:
        self._client = translating(client)
        self._ec2 = translating(ec2)
        self._task_definitions: dict[str, TaskDefinition] = {}

    def service(self, service: ServiceId) -> EcsService | None:
        return next(iter(self.services([service])), None)

    def services(self, services: Sequence[ServiceId]) -> tuple[EcsService, ...]:
        by_cluster: dict[str, list[str]] = {}
        for service in services:
            by_cluster.setdefault(service.cluster, []).append(service.arn)
        found: list[EcsService] = []
        for cluster, arns in by_cluster.items():
            for part in batched(arns, _DESCRIBE_SERVICES, strict=False):
                try:
                    answer = self._client.describe_services(cluster=cluster, services=part, include=["TAGS"])
                except NotFoundError:
                    continue  # ClusterNotFoundException: a cluster that does not exist has no services
                if failed := [failure for failure in answer.get("failures", ()) if failure.get("reason") != "MISSING"]:
                    raise _unavailable("DescribeServices", failed[0])
                found += map(shapes.service, answer["services"])
        return tuple(found)

    def service_ids(self, cluster: str) -> Iterator[ServiceId]:
        pages = self._client.get_paginator("list_services").paginate(
            cluster=cluster, PaginationConfig={"PageSize": _LIST}
        )
        for page in pages:
            yield from (ServiceId(arn) for arn in page["serviceArns"])

    def clusters(self) -> Iterator[str]:
        for page in self._client.get_paginator("list_clusters").paginate():
            yield from page["clusterArns"]

    def task_definition(self, arn: str) -> TaskDefinition:
        if arn not in self._task_definitions:
            answer = self._client.describe_task_definition(taskDefinition=arn)
            self._task_definitions[arn] = shapes.task_definition(answer["taskDefinition"])
        return self._task_definitions[arn]

    def newest_successful_revision(self, service: ServiceId) -> ServiceRevision | None:
        # Newest first, and ECS keeps 90 days (Amazon ECS Developer Guide, service deployments): one page is enough.
        answer = self._client.list_service_deployments(
            cluster=service.cluster, service=service.arn, status=["SUCCESSFUL"], maxResults=_LIST
        )
        found = sorted(answer["serviceDeployments"], key=lambda deployment: deployment["createdAt"], reverse=True)
        if not found:
            return None
        return next(iter(self.revisions([found[0]["targetServiceRevisionArn"]])), None)

    def ongoing_revisions(self, service: ServiceId) -> tuple[str, ...]:
        # A newer deployment stops the one before: one page is enough.
        answer = self._client.list_service_deployments(
            cluster=service.cluster, service=service.arn, status=_ONGOING, maxResults=_LIST
        )
        found = (deployment.get("targetServiceRevisionArn") for deployment in answer["serviceDeployments"])
        return tuple(filter(None, found))

    def revisions(self, arns: Sequence[str]) -> tuple[ServiceRevision, ...]:
        found: list[ServiceRevision] = []
        for part in batched(arns, _DESCRIBE_REVISIONS, strict=False):
            answer = self._client.describe_service_revisions(serviceRevisionArns=part)
            found += map(shapes.service_revision, answer["serviceRevisions"])
        return tuple(found)

    def tasks(self, service: ServiceId) -> tuple[Task, ...]:
        arns: list[str] = []
        for desired in _DESIRED_STATUSES:
            pages = self._client.get_paginator("list_tasks").paginate(
                cluster=service.cluster, serviceName=service.name, desiredStatus=desired
            )
            arns += [arn for page in pages for arn in page["taskArns"]]
        found: list[Task] = []
        for part in batched(dict.fromkeys(arns), _DESCRIBE_TASKS, strict=False):
            answer = self._client.describe_tasks(cluster=service.cluster, tasks=part)
            if failed := [failure for failure in answer.get("failures", ()) if failure.get("reason") != "MISSING"]:
                raise _unavailable("DescribeTasks", failed[0])
            found += map(shapes.task, answer["tasks"])
        return tuple(found)

    def subnets(self, subnet_ids: Sequence[str]) -> Subnets:
        found = self._ec2.describe_subnets(SubnetIds=list(subnet_ids))["Subnets"]
        if not found:
            raise NotFoundError("DescribeSubnets", "InvalidSubnetID.NotFound", f"none of {', '.join(subnet_ids)}")
        family: AddressFamily = "IPV4" if any(subnet.get("CidrBlock") for subnet in found) else "IPV6"
        return Subnets(found[0]["VpcId"], family, tuple(sorted(subnet_ids)))

    def attach(self, service: ServiceId, entries: Sequence[LatticeEntry], grace_period: int | None) -> str:
        members: dict[str, Any] = {
            "vpcLatticeConfigurations": [shapes.lattice_configuration(entry) for entry in entries]
        }
        if grace_period is not None:
            members["healthCheckGracePeriodSeconds"] = grace_period
        answer = self._client.update_service(cluster=service.cluster, service=service.arn, **members)
        return next(found["id"] for found in answer["service"]["deployments"] if found["status"] == "PRIMARY")


def _unavailable(operation: str, failure: Any) -> UnavailableError:
    """The error for a failure other than MISSING: after it, nothing is known of the resource."""
    reason = str(failure.get("reason"))
    return UnavailableError(operation, reason, f"{failure.get('arn')}: {failure.get('detail') or reason}")
