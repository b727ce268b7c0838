"""Services, deployments and revisions as the API shows them: plain documents in the shapes of botocore."""

from collections.abc import Iterable, Mapping
from typing import Any

from moto.ecs.models import TaskSet

from local_aws.ecs.model import Deployment, Document, Revision, Service, ServiceDeployment, ServiceTask

_WORKLOAD = (
    "taskDefinition", "capacityProviderStrategy", "launchType", "platformVersion", "platformFamily", "loadBalancers",
    "serviceRegistries", "networkConfiguration", "serviceConnectConfiguration", "volumeConfigurations",
    "vpcLatticeConfigurations", "gatewayConnectors",
)  # fmt: skip
_OF_DEPLOYMENT = (
    "taskDefinition", "capacityProviderStrategy", "launchType", "platformVersion", "platformFamily",
    "networkConfiguration", "serviceConnectConfiguration", "volumeConfigurations", "vpcLatticeConfigurations",
)  # fmt: skip
_OF_SERVICE = (
    "launchType", "capacityProviderStrategy", "networkConfiguration", "enableExecuteCommand", "enableECSManagedTags",
    "availabilityZoneRebalancing",
)  # fmt: skip
FARGATE_VERSION = "1.4.0"
"""What ``LATEST`` means for Linux (ECS Developer Guide, Fargate platform versions)."""


def service(service: Service, *, tags: bool = False) -> Document:
    """A member of ``services``. vpcLatticeConfigurations are on its deployments only (botocore, Service)."""
    request = service.request
    fargate = service.launch_type == "FARGATE"
    document = {
        "serviceArn": service.arn,
        "serviceName": service.name,
        "clusterArn": service.cluster.arn,
        "status": service.status,
        "desiredCount": service.desired_count,
        "runningCount": sum(task.is_running for task in service.tasks),
        "pendingCount": sum(task.is_pending for task in service.tasks),
        "loadBalancers": list(service.load_balancers),
        "serviceRegistries": list(request.get("serviceRegistries") or ()),
        "taskDefinition": service.task_definition,
        "deploymentConfiguration": service.configuration,
        "deployments": [deployment(service, entry) for entry in service.deployments],
        "events": list(service.events),
        "createdAt": service.created_at,
        "createdBy": service.created_by,
        "placementConstraints": list(request.get("placementConstraints") or ()),
        "placementStrategy": list(request.get("placementStrategy") or ()),
        "healthCheckGracePeriodSeconds": int(service.grace_seconds),
        "schedulingStrategy": service.scheduling_strategy,
        "deploymentController": {"type": service.controller},
        "propagateTags": service.propagate_tags,
        "currentServiceDeployment": service.history[-1].arn if service.history else None,
        "currentServiceRevisions": [_running(service, entry) for entry in service.deployments],
        "roleArn": request.get("role"),
        "platformVersion": request.get("platformVersion") or "LATEST" if fargate else None,
        "platformFamily": "Linux" if fargate else None,
        **{name: request.get(name) for name in _OF_SERVICE},
        "taskSets": [task_set(service, entry) for entry in service.task_sets] if service.task_sets else None,
        "tags": list(service.tags) if tags else None,
    }
    return given(document)


def deployment(owner: Service, entry: Deployment) -> Document:
    """A member of ``deployments``."""
    tasks = owner.tasks_of(entry)
    workload = entry.revision.workload
    return given(
        {
            "id": entry.id,
            "status": entry.status,
            "desiredCount": owner.desired_count
            if entry.status == "PRIMARY"
            else sum(task.should_run for task in tasks),
            "runningCount": sum(task.is_running for task in tasks),
            "pendingCount": sum(task.is_pending for task in tasks),
            "failedTasks": entry.failed_tasks,
            "createdAt": entry.created_at,
            "updatedAt": entry.updated_at,
            "rolloutState": entry.rollout_state,
            "rolloutStateReason": entry.rollout_reason,
            **{name: workload.get(name) for name in _OF_DEPLOYMENT},
            **_platform(workload),
        }
    )


def revision(owner: Service, revision: Revision) -> Document:
    """A member of ``serviceRevisions``."""
    lattice = [
        given(
            {
                "targetGroupArn": item["targetGroupArn"],
                "productionListenerRule": (item.get("advancedConfiguration") or {}).get("productionListenerRule"),
            }
        )
        for item in revision.lattice
    ]
    return given(
        {
            "serviceRevisionArn": revision.arn,
            "serviceArn": owner.arn,
            "clusterArn": owner.cluster.arn,
            "createdAt": revision.created_at,
            **{name: revision.workload.get(name) for name in _WORKLOAD},
            **_platform(revision.workload),
            "resolvedConfiguration": {"vpcLatticeConfigurations": lattice} if lattice else None,
        }
    )


def service_deployment_brief(owner: Service, deployment: ServiceDeployment) -> Document:
    """A member of ListServiceDeployments' ``serviceDeployments``."""
    return given(
        {
            "serviceDeploymentArn": deployment.arn,
            "serviceArn": owner.arn,
            "clusterArn": owner.cluster.arn,
            "startedAt": deployment.created_at,
            "createdAt": deployment.created_at,
            "finishedAt": deployment.finished_at,
            "targetServiceRevisionArn": deployment.target.arn,
            "status": deployment.status,
            "statusReason": deployment.status_reason,
        }
    )


def service_deployment(owner: Service, deployment: ServiceDeployment) -> Document:
    """A member of DescribeServiceDeployments' ``serviceDeployments``."""
    rollback = deployment.rollback and {
        "reason": deployment.rollback.reason,
        "startedAt": deployment.rollback.started_at,
        "serviceRevisionArn": deployment.rollback.revision.arn,
    }
    return given(
        {
            "serviceDeploymentArn": deployment.arn,
            "serviceArn": owner.arn,
            "clusterArn": owner.cluster.arn,
            "createdAt": deployment.created_at,
            "startedAt": deployment.created_at,
            "finishedAt": deployment.finished_at,
            "stoppedAt": deployment.stopped_at,
            "updatedAt": deployment.updated_at,
            "sourceServiceRevisions": [_summary(owner, source) for source in deployment.sources],
            "targetServiceRevision": _summary(owner, deployment.target),
            "status": deployment.status,
            "statusReason": deployment.status_reason,
            "deploymentConfiguration": deployment.configuration,
            "rollback": rollback,
            "deploymentCircuitBreaker": {
                "status": deployment.breaker_status,
                "failureCount": deployment.breaker_failures,
                "threshold": deployment.breaker_threshold,
            },
        }
    )


def task_set(owner: Service, task_set: TaskSet) -> Document:
    """A member of ``taskSets``; moto keeps them, and their tasks do not run."""
    return given(
        {
            "id": task_set.id,
            "taskSetArn": task_set.task_set_arn,
            "serviceArn": owner.arn,
            "clusterArn": owner.cluster.arn,
            "externalId": task_set.external_id or None,
            "status": task_set.status,
            "taskDefinition": task_set.task_definition,
            "computedDesiredCount": int(owner.desired_count * task_set.scale["value"] / 100),
            "pendingCount": 0,
            "runningCount": 0,
            "createdAt": task_set.createdAt,
            "updatedAt": task_set.updatedAt,
            "launchType": task_set.launch_type,
            "platformVersion": task_set.platform_version,
            "networkConfiguration": task_set.network_configuration,
            "loadBalancers": task_set.load_balancers,
            "serviceRegistries": task_set.service_registries,
            "scale": task_set.scale,
            "stabilityStatus": task_set.stabilityStatus,
            "stabilityStatusAt": task_set.stabilityStatusAt,
            "tags": task_set.tags or None,
        }
    )


def _platform(workload: Mapping[str, Any]) -> Document:
    """A deployment shows the version that LATEST resolved to."""
    if workload.get("launchType") != "FARGATE":
        return {}
    version = workload.get("platformVersion") or "LATEST"
    return {"platformVersion": FARGATE_VERSION if version == "LATEST" else version, "platformFamily": "Linux"}


def _running(owner: Service, entry: Deployment) -> Document:
    return _counts(entry.revision, owner.tasks_of(entry), owner.desired_count if entry.status == "PRIMARY" else 0)


def _summary(owner: Service, revision: Revision) -> Document:
    tasks = [task for task in owner.tasks if task.deployment.revision is revision and not task.is_gone]
    primary = owner.primary
    wanted = owner.desired_count if primary is not None and primary.revision is revision else 0
    return _counts(revision, tasks, wanted)


def _counts(revision: Revision, tasks: Iterable[ServiceTask], wanted: int) -> Document:
    alive = list(tasks)
    return {
        "arn": revision.arn,
        "requestedTaskCount": wanted,
        "runningTaskCount": sum(task.is_running for task in alive),
        "pendingTaskCount": sum(task.is_pending for task in alive),
    }


def given(document: Mapping[str, Any]) -> Document:
    """The members that have a value."""
    return {name: value for name, value in document.items() if value is not None}


__all__ = [
    "FARGATE_VERSION",
    "deployment",
    "given",
    "revision",
    "service",
    "service_deployment",
    "service_deployment_brief",
    "task_set",
]
