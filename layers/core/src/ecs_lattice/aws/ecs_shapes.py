"""The shapes of the Amazon ECS API, by its member names, as the facts that decisions need."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from ecs_lattice.facts import (
    Deployment,
    EcsService,
    LatticeEntry,
    PortMapping,
    ServiceRevision,
    Task,
    TaskDefinition,
)
from ecs_lattice.model import ServiceId

type Shape = Mapping[str, Any]
type Network = tuple[tuple[str, ...], tuple[str, ...]]
"""Ids of subnets and of security groups."""


def service(shape: Shape) -> EcsService:
    """A Service of DescribeServices. Where the controller is not ECS, its task sets stand for deployments."""
    controller = shape.get("deploymentController", {}).get("type", "ECS")
    configuration = shape.get("deploymentConfiguration", {})
    own = _network(shape)
    convert, member = (_deployment, "deployments") if controller == "ECS" else (_task_set, "taskSets")
    deployments = [convert(found, own) for found in shape.get(member, [])]
    deployments.sort(key=lambda deployment: deployment.created_at, reverse=True)
    primary = next((found for found in deployments if found.status == "PRIMARY"), None)
    # A task set has the network configuration that the service lacks.
    subnets, groups = own if own[0] or primary is None else (primary.subnets, primary.security_groups)
    scheduling = shape.get("schedulingStrategy", "REPLICA")
    return EcsService(
        id=ServiceId(shape["serviceArn"]),
        status=shape["status"],
        created_at=_epoch(shape.get("createdAt")),
        desired=shape.get("desiredCount", 0),
        running=shape.get("runningCount", 0),
        controller=controller,
        strategy=configuration.get("strategy", "ROLLING"),
        deployments=tuple(deployments),
        tags=tuple(sorted((tag["key"], tag.get("value", "")) for tag in shape.get("tags", []))),
        subnets=subnets,
        security_groups=groups,
        grace_period=shape.get("healthCheckGracePeriodSeconds"),
        minimum_healthy_percent=configuration.get("minimumHealthyPercent", 0 if scheduling == "DAEMON" else 100),
        maximum_percent=configuration.get("maximumPercent", 100 if scheduling == "DAEMON" else 200),
        scheduling=scheduling,
        launch_type=shape.get("launchType", ""),
        managed_by_ecs=shape.get("resourceManagementType") == "ECS",
    )


def task_definition(shape: Shape) -> TaskDefinition:
    """A TaskDefinition: the named ports and the labels of all containers."""
    containers = shape.get("containerDefinitions", [])
    return TaskDefinition(
        arn=shape["taskDefinitionArn"],
        network_mode=shape.get("networkMode", ""),
        ports=tuple(
            PortMapping(
                name=mapping["name"],
                container_port=mapping["containerPort"],
                host_port=mapping.get("hostPort"),
                transport=mapping.get("protocol", "tcp"),
                container=container["name"],
            )
            for container in containers
            for mapping in container.get("portMappings", [])
            if mapping.get("name") and mapping.get("containerPort")
        ),
        labels=tuple(
            (container["name"], key, value)
            for container in containers
            for key, value in sorted(container.get("dockerLabels", {}).items())
        ),
    )


def service_revision(shape: Shape) -> ServiceRevision:
    """A ServiceRevision of DescribeServiceRevisions."""
    return ServiceRevision(
        arn=shape["serviceRevisionArn"],
        task_definition=shape["taskDefinition"],
        created_at=_epoch(shape.get("createdAt")),
        entries=_entries(shape),
    )


def task(shape: Shape) -> Task:
    """A Task of DescribeTasks; ``startedBy`` is the id of the deployment or task set that started it (ECS API, Task)."""
    address, family = _address(shape)
    return Task(
        arn=shape["taskArn"],
        task_definition=shape["taskDefinitionArn"],
        deployment_id=shape.get("startedBy", ""),
        last_status=shape.get("lastStatus", ""),
        desired_status=shape.get("desiredStatus", ""),
        address=address,
        family="IPV6" if family == "IPV6" else "IPV4",
    )


def lattice_configuration(entry: LatticeEntry) -> dict[str, Any]:
    """A VpcLatticeConfiguration as UpdateService takes it."""
    shape: dict[str, Any] = {
        "roleArn": entry.role_arn,
        "targetGroupArn": entry.group_arn,
        "portName": entry.port_name,
    }
    if entry.advanced:
        shape["advancedConfiguration"] = dict(entry.advanced)
    return shape


def _deployment(shape: Shape, own: Network) -> Deployment:
    subnets, groups = _network(shape, own)
    return Deployment(
        id=shape["id"],
        status=shape["status"],
        rollout=shape.get("rolloutState"),
        task_definition=shape["taskDefinition"],
        created_at=_epoch(shape.get("createdAt")),
        desired=shape.get("desiredCount", 0),
        running=shape.get("runningCount", 0),
        pending=shape.get("pendingCount", 0),
        entries=_entries(shape),
        subnets=subnets,
        security_groups=groups,
    )


def _task_set(shape: Shape, own: Network) -> Deployment:
    """A task set as a deployment: a PRIMARY one is COMPLETED in its steady state, others have only their counts."""
    subnets, groups = _network(shape, own)
    status = shape["status"]
    steady = shape.get("stabilityStatus") == "STEADY_STATE"
    return Deployment(
        id=shape["id"],
        status=status if status in {"PRIMARY", "ACTIVE"} else "INACTIVE",
        rollout=("COMPLETED" if steady else "IN_PROGRESS") if status == "PRIMARY" else None,
        task_definition=shape["taskDefinition"],
        created_at=_epoch(shape.get("createdAt")),
        desired=shape.get("computedDesiredCount", 0),
        running=shape.get("runningCount", 0),
        pending=shape.get("pendingCount", 0),
        subnets=subnets,
        security_groups=groups,
    )


def _entries(shape: Shape) -> tuple[LatticeEntry, ...]:
    return tuple(
        LatticeEntry(
            role_arn=entry["roleArn"],
            group_arn=entry["targetGroupArn"],
            port_name=entry["portName"],
            advanced=tuple(sorted(entry.get("advancedConfiguration", {}).items())),
        )
        for entry in shape.get("vpcLatticeConfigurations", [])
    )


def _network(shape: Shape, service: Network = ((), ())) -> Network:
    """Those of the shape, else the service's. Subnets without groups mean the VPC's default group."""
    vpc = shape.get("networkConfiguration", {}).get("awsvpcConfiguration", {})
    subnets = tuple(vpc.get("subnets", ()))
    return (subnets, tuple(vpc.get("securityGroups", ()))) if subnets else service


def _address(shape: Shape) -> tuple[str | None, str]:
    """The address of the task's ENI, or of a container, and its family; IPv4 where there is one."""
    six = None
    for attachment in shape.get("attachments", []):
        details = {detail.get("name"): detail.get("value") for detail in attachment.get("details", [])}
        if four := details.get("privateIPv4Address"):
            return four, "IPV4"
        six = six or details.get("ipv6Address")
    for container in shape.get("containers", []):
        for interface in container.get("networkInterfaces", []):
            if four := interface.get("privateIpv4Address"):
                return four, "IPV4"
            six = six or interface.get("ipv6Address")
    return six, "IPV6" if six else "IPV4"


def _epoch(moment: datetime | None) -> float:
    return moment.timestamp() if moment else 0.0
