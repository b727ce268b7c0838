"""Tasks of services as DescribeTasks and events show them, in the shapes of botocore."""

from collections.abc import Mapping
from typing import Any

from local_aws.ecs.describe import FARGATE_VERSION, given
from local_aws.ecs.model import Document, ServiceTask, containers


def task(task: ServiceTask, *, tags: bool = False) -> Document:
    """A member of DescribeTasks' ``tasks``."""
    definition, workload = task.task_definition, task.deployment.revision.workload
    fargate = task.launch_type == "FARGATE"
    strategy = workload.get("capacityProviderStrategy")
    return given(
        {
            "taskArn": task.task_arn,
            "clusterArn": task.cluster_arn,
            "taskDefinitionArn": definition.arn,
            "containerInstanceArn": task.container_instance_arn,
            "attachments": [attachment(task, "ElasticNetworkInterface")] if task.interface else [],
            "attributes": [],
            "availabilityZone": task.interface.zone if task.interface else None,
            "capacityProviderName": strategy[0]["capacityProvider"] if strategy else None,
            "connectivity": "CONNECTED" if task.started_at and not task.is_gone else None,
            "connectivityAt": task.pull_started_at if task.started_at and not task.is_gone else None,
            "containers": [_container(task, container) for container in containers(definition)],
            "cpu": str(definition.cpu) if definition.cpu else None,
            "memory": str(definition.memory) if definition.memory else None,
            "createdAt": task.created_at,
            "desiredStatus": task.desired_status,
            "enableExecuteCommand": bool(task.service.request.get("enableExecuteCommand")),
            "executionStoppedAt": task.execution_stopped_at,
            "group": f"service:{task.service.name}",
            "healthStatus": "UNKNOWN",
            "lastStatus": task.last_status,
            "launchType": task.launch_type,
            "overrides": {"containerOverrides": [{"name": c["name"]} for c in containers(definition)]},
            "platformVersion": FARGATE_VERSION if fargate else None,
            "platformFamily": "Linux" if fargate else None,
            "pullStartedAt": task.pull_started_at,
            "pullStoppedAt": task.pull_stopped_at,
            "startedAt": task.started_at,
            "startedBy": task.started_by,
            "stopCode": task.stop_code,
            "stoppedAt": task.stopped_at,
            "stoppedReason": task.stopped_reason,
            "stoppingAt": task.stopping_at,
            "tags": list(task.tags) if tags else None,
            "version": task.version,
        }
    )


def attachment(task: ServiceTask, kind: str) -> Document:
    """The interface of a task; ``kind`` is ElasticNetworkInterface in DescribeTasks and eni in events.

    Its address is spelt privateIPv4Address here and privateIpv4Address in the containers (ECS Developer Guide, task
    state change events).
    """
    interface = task.interface
    if interface is None:
        raise ValueError(f"{task.task_arn} has no network interface")
    status = {"PROVISIONING": "PRECREATED", "STOPPED": "DELETED"}.get(task.last_status, "ATTACHED")
    details = [{"name": "subnetId", "value": interface.subnet}]
    if status != "PRECREATED":
        details += [
            {"name": "networkInterfaceId", "value": interface.eni},
            {"name": "macAddress", "value": interface.mac},
            {"name": "privateDnsName", "value": interface.dns},
            {"name": "ipv6Address" if ":" in interface.ip else "privateIPv4Address", "value": interface.ip},
        ]
    return {"id": interface.attachment_id, "type": kind, "status": status, "details": details}


def _container(task: ServiceTask, definition: Mapping[str, Any]) -> Document:
    running, gone = task.started_at is not None and task.exit_code is None, task.is_gone
    interfaces = []
    if task.interface is not None and task.last_status != "PROVISIONING":
        spelt = "ipv6Address" if ":" in task.interface.ip else "privateIpv4Address"  # botocore, NetworkInterface
        interfaces = [{"attachmentId": task.interface.attachment_id, spelt: task.interface.ip}]
    bindings = [
        {
            "bindIP": "0.0.0.0",
            "containerPort": binding.container_port,
            "hostPort": binding.host_port,
            "protocol": binding.protocol,
        }
        for binding in task.bindings
        if task.interface is None and binding.container == definition["name"] and task.started_at is not None
    ]
    runtime = task.runtime_ids[definition["name"]]
    return given(
        {
            "containerArn": task.task_arn.replace(":task/", ":container/") + "/" + runtime,
            "taskArn": task.task_arn,
            "name": definition["name"],
            "image": definition.get("image"),
            "runtimeId": f"{task.id}-{runtime[:10]}" if task.started_at else None,
            "lastStatus": "STOPPED" if gone or task.exit_code is not None else "RUNNING" if running else "PENDING",
            "exitCode": task.exit_code,
            "reason": task.exit_reason,
            "networkBindings": bindings,
            "networkInterfaces": interfaces,
            "healthStatus": "UNKNOWN",
            "cpu": str(definition.get("cpu") or 0),
            "memory": str(definition["memory"]) if definition.get("memory") else None,
            "memoryReservation": str(definition["memoryReservation"]) if definition.get("memoryReservation") else None,
        }
    )


__all__ = ["attachment", "task"]
