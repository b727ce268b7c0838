"""Services, tasks, deployments and revisions as the API shows them: plain documents in the shapes of botocore."""

from collections.abc import Iterable, Mapping
from typing import Any

from moto.ecs.models import TaskSet

from local_aws.ecs.model import Deployment, Document, Revision, Service, ServiceDeployment, ServiceTask, containers

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
_FARGATE_VERSION = "1.4.0"
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
    return _given(document)


def deployment(owner: Service, entry: Deployment) -> Document:
    """A member of ``deployments``."""
    tasks = owner.tasks_of(entry)
    workload = entry.revision.workload
    return _given(
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
        _given(
            {
                "targetGroupArn": item["targetGroupArn"],
                "productionListenerRule": (item.get("advancedConfiguration") or {}).get("productionListenerRule"),
            }
        )
        for item in each.lattice
    ]
    return _given(
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
    return _given(
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
    return _given(
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


def task(each: ServiceTask, *, tags: bool = False) -> Document:
    """A member of DescribeTasks' ``tasks``."""
    definition, workload = each.task_definition, each.deployment.revision.workload
    fargate = each.launch_type == "FARGATE"
    strategy = workload.get("capacityProviderStrategy")
    return _given(
        {
            "taskArn": each.task_arn,
            "clusterArn": each.cluster_arn,
            "taskDefinitionArn": definition.arn,
            "containerInstanceArn": each.container_instance_arn,
            "attachments": [attachment(each, "ElasticNetworkInterface")] if each.interface else [],
            "attributes": [],
            "availabilityZone": each.interface.zone if each.interface else None,
            "capacityProviderName": strategy[0]["capacityProvider"] if strategy else None,
            "connectivity": "CONNECTED" if each.started_at and not each.is_gone else None,
            "connectivityAt": each.pull_started_at if each.started_at and not each.is_gone else None,
            "containers": [_container(each, container) for container in containers(definition)],
            "cpu": str(definition.cpu) if definition.cpu else None,
            "memory": str(definition.memory) if definition.memory else None,
            "createdAt": each.created_at,
            "desiredStatus": each.desired_status,
            "enableExecuteCommand": bool(each.service.request.get("enableExecuteCommand")),
            "executionStoppedAt": each.execution_stopped_at,
            "group": f"service:{each.service.name}",
            "healthStatus": "UNKNOWN",
            "lastStatus": each.last_status,
            "launchType": each.launch_type,
            "overrides": {"containerOverrides": [{"name": c["name"]} for c in containers(definition)]},
            "platformVersion": _FARGATE_VERSION if fargate else None,
            "platformFamily": "Linux" if fargate else None,
            "pullStartedAt": each.pull_started_at,
            "pullStoppedAt": each.pull_stopped_at,
            "startedAt": each.started_at,
            "startedBy": each.started_by,
            "stopCode": each.stop_code,
            "stoppedAt": each.stopped_at,
            "stoppedReason": each.stopped_reason,
            "stoppingAt": each.stopping_at,
            "tags": list(each.tags) if tags else None,
            "version": each.version,
        }
    )


def attachment(each: ServiceTask, kind: str) -> Document:
    """The interface of a task; ``kind`` is ElasticNetworkInterface in DescribeTasks and eni in events.

    Its address is spelt privateIPv4Address here and privateIpv4Address in the containers (ECS Developer Guide, task
    state change events).
    """
    interface = each.interface
    if interface is None:
        raise ValueError(f"{each.task_arn} has no network interface")
    status = {"PROVISIONING": "PRECREATED", "STOPPED": "DELETED"}.get(each.last_status, "ATTACHED")
    details = [{"name": "subnetId", "value": interface.subnet}]
    if status != "PRECREATED":
        details += [
            {"name": "networkInterfaceId", "value": interface.eni},
            {"name": "macAddress", "value": interface.mac},
            {"name": "privateDnsName", "value": interface.dns},
            {"name": "privateIPv4Address", "value": interface.ip},
        ]
    return {"id": interface.attachment_id, "type": kind, "status": status, "details": details}


def _container(each: ServiceTask, definition: Mapping[str, Any]) -> Document:
    running, gone = each.started_at is not None and each.exit_code is None, each.is_gone
    interfaces = []
    if each.interface is not None and each.last_status != "PROVISIONING":
        interfaces = [{"attachmentId": each.interface.attachment_id, "privateIpv4Address": each.interface.ip}]
    bindings = [
        {
            "bindIP": "0.0.0.0",
            "containerPort": binding.container_port,
            "hostPort": binding.host_port,
            "protocol": binding.protocol,
        }
        for binding in each.bindings
        if each.interface is None and binding.container == definition["name"] and each.started_at is not None
    ]
    runtime = each.runtime_ids[definition["name"]]
    return _given(
        {
            "containerArn": each.task_arn.replace(":task/", ":container/") + "/" + runtime,
            "taskArn": each.task_arn,
            "name": definition["name"],
            "image": definition.get("image"),
            "runtimeId": f"{each.id}-{runtime[:10]}" if each.started_at else None,
            "lastStatus": "STOPPED" if gone or each.exit_code is not None else "RUNNING" if running else "PENDING",
            "exitCode": each.exit_code,
            "reason": each.exit_reason,
            "networkBindings": bindings,
            "networkInterfaces": interfaces,
            "healthStatus": "UNKNOWN",
            "cpu": str(definition.get("cpu") or 0),
            "memory": str(definition["memory"]) if definition.get("memory") else None,
            "memoryReservation": str(definition["memoryReservation"]) if definition.get("memoryReservation") else None,
        }
    )


def task_set(owner: Service, each: TaskSet) -> Document:
    """A member of ``taskSets``; moto keeps them, their tasks are not run."""
    return _given(
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
    return {"platformVersion": _FARGATE_VERSION if version == "LATEST" else version, "platformFamily": "Linux"}


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


def _given(document: Mapping[str, Any]) -> Document:
    return {name: value for name, value in document.items() if value is not None}


__all__ = [
    "attachment",
    "deployment",
    "revision",
    "service",
    "service_deployment",
    "service_deployment_brief",
    "task",
    "task_set",
]
