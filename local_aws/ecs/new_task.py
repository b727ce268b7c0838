"""A new task of a deployment: its placement, launch type and tags."""

import uuid
from collections.abc import Mapping
from typing import Any

from moto.ecs.models import TaskDefinition

from local_aws.ecs.model import Service, ServiceTask, containers
from local_aws.ecs.placement import Placement
from local_aws.ecs.revisions import Deployment
from local_aws.services import clock


def new_task(service: Service, entry: Deployment, definition: TaskDefinition, places: Placement) -> ServiceTask:
    """A PROVISIONING task; NoPlaceError if there is no placement for it."""
    workload = entry.revision.workload
    launch_type = _launch_type(workload)
    place = places.find(service, definition, workload, fargate=launch_type == "FARGATE")
    identifier = uuid.uuid4().hex
    return ServiceTask(
        id=identifier,
        task_arn=f"{service.arn.replace(':service/', ':task/').rpartition('/')[0]}/{identifier}",
        service=service,
        deployment=entry,
        task_definition=definition,
        created_at=clock().now(),
        launch_type=launch_type,
        tags=_tags(service, definition.tags),
        interface=place.interface,
        instance_ip=place.instance_ip,
        container_instance_arn=place.instance_arn,
        bindings=place.bindings,
        runtime_ids={container["name"]: uuid.uuid4().hex for container in containers(definition)},
    )


def _launch_type(workload: Mapping[str, Any]) -> str:
    """The launch type, or that of the first capacity provider."""
    strategy = workload.get("capacityProviderStrategy")
    if strategy:
        return "FARGATE" if strategy[0]["capacityProvider"].startswith("FARGATE") else "EC2"
    return workload.get("launchType") or "EC2"


def _tags(service: Service, of_definition: list[dict[str, str]]) -> list[dict[str, str]]:
    """Tags of a new task (ECS Developer Guide, tagging resources)."""
    tags = {"SERVICE": service.tags, "TASK_DEFINITION": of_definition}.get(service.propagate_tags, [])
    managed = [
        {"key": "aws:ecs:clusterName", "value": service.cluster.name},
        {"key": "aws:ecs:serviceName", "value": service.name},
    ]
    return [*tags, *(managed if service.request.get("enableECSManagedTags") else ())]


__all__ = ["new_task"]
