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


def service(each: Service, *, tags: bool = False) -> Document:
    """A member of ``services``. vpcLatticeConfigurations are on its deployments only (botocore, Service)."""
    request = each.request
    fargate = each.launch_type == "FARGATE"
    document = {
        "serviceArn": each.arn,
        "serviceName": each.name,
        "clusterArn": each.cluster.arn,
        "status": each.status,
        "desiredCount": each.desired_count,
        "runningCount": sum(task.is_running for task in each.tasks),
        "pendingCount": sum(task.is_pending for task in each.tasks),
        "loadBalancers": list(each.load_balancers),
        "serviceRegistries": list(request.get("serviceRegistries") or ()),
        "taskDefinition": each.task_definition,
        "deploymentConfiguration": each.configuration,
        "deployments": [deployment(each, entry) for entry in each.deployments],
        "events": list(each.events),
        "createdAt": each.created_at,
        "createdBy": each.created_by,
        "placementConstraints": list(request.get("placementConstraints") or ()),
        "placementStrategy": list(request.get("placementStrategy") or ()),
        "healthCheckGracePeriodSeconds": int(each.grace_seconds),
        "schedulingStrategy": each.scheduling_strategy,
        "deploymentController": {"type": each.controller},
        "propagateTags": each.propagate_tags,
        "currentServiceDeployment": each.history[-1].arn if each.history else None,
        "currentServiceRevisions": [_running(each, entry) for entry in each.deployments],
        "roleArn": request.get("role"),
        "platformVersion": request.get("platformVersion") or "LATEST" if fargate else None,
        "platformFamily": "Linux" if fargate else None,
        **{name: request.get(name) for name in _OF_SERVICE},
        "taskSets": [task_set(each, entry) for entry in each.task_sets] if each.task_sets else None,
        "tags": list(each.tags) if tags else None,
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


def revision(owner: Service, each: Revision) -> Document:
    """A member of ``serviceRevisions``."""
    lattice = [
        given(
            {
                "targetGroupArn": item["targetGroupArn"],
                "productionListenerRule": (item.get("advancedConfiguration") or {}).get("productionListenerRule"),
            }
        )
        for item in each.lattice
    ]
    return given(
        {
            "serviceRevisionArn": each.arn,
            "serviceArn": owner.arn,
            "clusterArn": owner.cluster.arn,
            "createdAt": each.created_at,
            **{name: each.workload.get(name) for name in _WORKLOAD},
            **_platform(each.workload),
            "resolvedConfiguration": {"vpcLatticeConfigurations": lattice} if lattice else None,
        }
    )


def service_deployment_brief(owner: Service, each: ServiceDeployment) -> Document:
    """A member of ListServiceDeployments' ``serviceDeployments``."""
    return given(
        {
            "serviceDeploymentArn": each.arn,
            "serviceArn": owner.arn,
            "clusterArn": owner.cluster.arn,
            "startedAt": each.created_at,
            "createdAt": each.created_at,
            "finishedAt": each.finished_at,
            "targetServiceRevisionArn": each.target.arn,
            "status": each.status,
            "statusReason": each.status_reason,
        }
    )


def service_deployment(owner: Service, each: ServiceDeployment) -> Document:
    """A member of DescribeServiceDeployments' ``serviceDeployments``."""
    rollback = each.rollback and {
        "reason": each.rollback.reason,
        "startedAt": each.rollback.started_at,
        "serviceRevisionArn": each.rollback.revision.arn,
    }
    return given(
        {
            "serviceDeploymentArn": each.arn,
            "serviceArn": owner.arn,
            "clusterArn": owner.cluster.arn,
            "createdAt": each.created_at,
            "startedAt": each.created_at,
            "finishedAt": each.finished_at,
            "stoppedAt": each.stopped_at,
            "updatedAt": each.updated_at,
            "sourceServiceRevisions": [_summary(owner, source) for source in each.sources],
            "targetServiceRevision": _summary(owner, each.target),
            "status": each.status,
            "statusReason": each.status_reason,
            "deploymentConfiguration": each.configuration,
            "rollback": rollback,
            "deploymentCircuitBreaker": {
                "status": each.breaker_status,
                "failureCount": each.breaker_failures,
                "threshold": each.breaker_threshold,
            },
        }
    )


def task_set(owner: Service, each: TaskSet) -> Document:
    """A member of ``taskSets``; moto keeps them, their tasks are not run."""
    return given(
        {
            "id": each.id,
            "taskSetArn": each.task_set_arn,
            "serviceArn": owner.arn,
            "clusterArn": owner.cluster.arn,
            "externalId": each.external_id or None,
            "status": each.status,
            "taskDefinition": each.task_definition,
            "computedDesiredCount": int(owner.desired_count * each.scale["value"] / 100),
            "pendingCount": 0,
            "runningCount": 0,
            "createdAt": each.createdAt,
            "updatedAt": each.updatedAt,
            "launchType": each.launch_type,
            "platformVersion": each.platform_version,
            "networkConfiguration": each.network_configuration,
            "loadBalancers": each.load_balancers,
            "serviceRegistries": each.service_registries,
            "scale": each.scale,
            "stabilityStatus": each.stabilityStatus,
            "stabilityStatusAt": each.stabilityStatusAt,
            "tags": each.tags or None,
        }
    )


def _platform(workload: Mapping[str, Any]) -> Document:
    """A deployment shows what LATEST came to mean."""
    if workload.get("launchType") != "FARGATE":
        return {}
    version = workload.get("platformVersion") or "LATEST"
    return {"platformVersion": FARGATE_VERSION if version == "LATEST" else version, "platformFamily": "Linux"}


def _running(owner: Service, entry: Deployment) -> Document:
    return _counts(entry.revision, owner.tasks_of(entry), owner.desired_count if entry.status == "PRIMARY" else 0)


def _summary(owner: Service, each: Revision) -> Document:
    tasks = [task for task in owner.tasks if task.deployment.revision is each and not task.is_gone]
    primary = owner.primary
    wanted = owner.desired_count if primary is not None and primary.revision is each else 0
    return _counts(each, tasks, wanted)


def _counts(each: Revision, tasks: Iterable[ServiceTask], wanted: int) -> Document:
    alive = list(tasks)
    return {
        "arn": each.arn,
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
