"""Tasks of services as DescribeTasks and events show them, in the shapes of botocore."""

from collections.abc import Mapping
from typing import Any

from local_aws.ecs.describe import FARGATE_VERSION, given
from local_aws.ecs.model import Document, ServiceTask, containers


def task(each: ServiceTask, *, tags: bool = False) -> Document:
    """A member of DescribeTasks' ``tasks``."""
    definition, workload = each.task_definition, each.deployment.revision.workload
    fargate = each.launch_type == "FARGATE"
    strategy = workload.get("capacityProviderStrategy")
    return given(
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
            "platformVersion": FARGATE_VERSION if fargate else None,
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
            {"name": "ipv6Address" if ":" in interface.ip else "privateIPv4Address", "value": interface.ip},
        ]
    return {"id": interface.attachment_id, "type": kind, "status": status, "details": details}


def _container(each: ServiceTask, definition: Mapping[str, Any]) -> Document:
    running, gone = each.started_at is not None and each.exit_code is None, each.is_gone
    interfaces = []
    if each.interface is not None and each.last_status != "PROVISIONING":
        spelt = "ipv6Address" if ":" in each.interface.ip else "privateIpv4Address"  # botocore, NetworkInterface
        interfaces = [{"attachmentId": each.interface.attachment_id, spelt: each.interface.ip}]
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
    return given(
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


__all__ = ["attachment", "task"]
