"""The demo's ECS service as API clients see it: its tasks and its deployments."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types_boto3_ecs import ECSClient


@dataclass(frozen=True, slots=True)
class Deployment:
    """One service deployment; ``attached``: in how many target groups ECS registers its tasks."""

    status: str
    task_definition: str
    attached: str


@dataclass(frozen=True, slots=True)
class EcsService:
    name: str
    running: int
    desired: int
    deployments: tuple[Deployment, ...]
    """Oldest first."""


def read(ecs: "ECSClient", cluster: str, name: str) -> EcsService | None:
    """The service; None if it does not exist or is no longer active."""
    found = ecs.describe_services(cluster=cluster, services=[name])["services"]
    if not found or found[0]["status"] != "ACTIVE":
        return None
    service = found[0]
    deployments = tuple(_deployment(ecs, item) for item in listed(ecs, cluster, service["serviceArn"]))
    return EcsService(service["serviceName"], service["runningCount"], service["desiredCount"], deployments)


def listed(ecs: "ECSClient", cluster: str, service: str) -> list[dict[str, Any]]:
    """The service deployments so far, oldest first."""
    pages: Any = ecs.list_service_deployments(service=service, cluster=cluster)["serviceDeployments"]
    return sorted(pages, key=lambda deployment: deployment["createdAt"])


def _deployment(ecs: "ECSClient", item: dict[str, Any]) -> Deployment:
    arns = [item["targetServiceRevisionArn"]]
    revision = ecs.describe_service_revisions(serviceRevisionArns=arns)["serviceRevisions"][0]
    count = len(revision.get("vpcLatticeConfigurations", ()))
    attached = f"attached to {count} target groups" if count else "not attached"
    return Deployment(item["status"], revision["taskDefinition"].rsplit("/", 1)[-1], attached)
