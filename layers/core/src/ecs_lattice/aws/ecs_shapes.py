"""ECS's answers as the facts that decisions need. Member names are those of the Amazon ECS API."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from ecs_lattice.facts import (
    Container,
    ContainerDefinition,
    Deployment,
    EcsService,
    LatticeEntry,
    PortMapping,
    ServiceRevision,
    Task,
    TaskDefinition,
    shifted_groups,
)
from ecs_lattice.model import ServiceId

Shape = Mapping[str, Any]
Network = tuple[tuple[str, ...], tuple[str, ...]]

_MESSAGES = 20  # newest first, of the hundred that DescribeServices returns


def service(shape: Shape) -> EcsService:
    """A Service of DescribeServices; of CODE_DEPLOY and EXTERNAL the task sets stand for deployments."""
    controller = shape.get("deploymentController", {}).get("type", "ECS")
    configuration = shape.get("deploymentConfiguration", {})
    own = _network(shape)
    member, read = ("deployments", _deployment) if controller == "ECS" else ("taskSets", _task_set)
    deployments = [read(found, own) for found in shape.get(member, [])]
    deployments.sort(key=lambda found: found.created_at, reverse=True)
    primary = next((found for found in deployments if found.status == "PRIMARY"), None)
    # The network of a task set belongs to the task set, not to the service.
    subnets, groups = _network(shape, (primary.subnets, primary.security_groups) if primary else None)
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
        messages=tuple(event["message"] for event in shape.get("events", [])[:_MESSAGES]),
        exec_enabled=bool(shape.get("enableExecuteCommand")),
        revisions=_revisions(shape),
    )


def task_definition(shape: Shape) -> TaskDefinition:
    """A TaskDefinition: the named ports and the labels of all containers, and the containers themselves."""
    containers = shape.get("containerDefinitions", [])
    made = tuple(_container_definition(container) for container in containers)
    return TaskDefinition(
        arn=shape["taskDefinitionArn"],
        network_mode=shape.get("networkMode", ""),
        ports=tuple(port for container in made for port in container.ports if port.name),
        labels=tuple(
            (container["name"], key, value)
            for container in containers
            for key, value in sorted(container.get("dockerLabels", {}).items())
        ),
        containers=made,
        memory=int(shape["memory"]) if shape.get("memory") else None,
        port_ranges=_port_ranges(containers),
    )


def _port_ranges(containers: Sequence[Shape]) -> tuple[tuple[str, str], ...]:
    """The named mappings that have a containerPortRange."""
    mappings = [mapping for container in containers for mapping in container.get("portMappings", [])]
    ranges = [(mapping.get("name"), mapping.get("containerPortRange")) for mapping in mappings]
    return tuple((name, ports) for name, ports in ranges if name and ports)


def _revisions(shape: Shape) -> tuple[str, ...]:
    """The ARNs of a Service's current revisions."""
    return tuple(found["arn"] for found in shape.get("currentServiceRevisions", []))


def service_revision(shape: Shape) -> ServiceRevision:
    """A ServiceRevision of DescribeServiceRevisions."""
    listed, resolved = _entries(shape), shape.get("resolvedConfiguration", {}).get("vpcLatticeConfigurations", [])
    named = [found["targetGroupArn"] for found in resolved if found.get("productionListenerRule")]
    return ServiceRevision(
        arn=shape["serviceRevisionArn"],
        task_definition=shape["taskDefinition"],
        created_at=_epoch(shape.get("createdAt")),
        entries=listed,
        governed_groups=shifted_groups(listed).union(named),
        connectors=tuple(found.get("portName", "") for found in shape.get("gatewayConnectors", [])),
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
        started_at=_epoch(shape.get("startedAt")),
        stopped_at=_epoch(shape.get("stoppedAt") or shape.get("stoppingAt")),
        stop_code=shape.get("stopCode") or "",
        stopped_reason=shape.get("stoppedReason") or "",
        containers=tuple(
            Container(container.get("name", ""), container.get("exitCode"), container.get("reason") or "")
            for container in shape.get("containers", [])
        ),
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
    """A task set as a deployment: PRIMARY is COMPLETED once steady, others are judged by their counts."""
    status, steady = shape["status"], shape.get("stabilityStatus") == "STEADY_STATE"
    members = {
        "status": status if status in {"PRIMARY", "ACTIVE"} else "INACTIVE",
        "rolloutState": ("COMPLETED" if steady else "IN_PROGRESS") if status == "PRIMARY" else None,
        "desiredCount": shape.get("computedDesiredCount", 0),
    }
    return _deployment({**shape, **members}, own)


def _container_definition(shape: Shape) -> ContainerDefinition:
    log = shape.get("logConfiguration", {})
    return ContainerDefinition(
        name=shape["name"],
        ports=tuple(
            PortMapping(
                name=mapping.get("name", ""),
                container_port=mapping["containerPort"],
                host_port=mapping.get("hostPort"),
                transport=mapping.get("protocol", "tcp"),
                container=shape["name"],
                app_protocol=mapping.get("appProtocol", ""),
            )
            for mapping in shape.get("portMappings", [])
            if mapping.get("containerPort")
        ),
        health_command=tuple(shape.get("healthCheck", {}).get("command", ())),
        memory=shape.get("memory"),
        log_group=log.get("options", {}).get("awslogs-group", "") if log.get("logDriver") == "awslogs" else "",
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


def _network(shape: Shape, otherwise: Network | None = None) -> Network:
    """Subnets and security groups; ``otherwise`` where it has no subnets. Without groups: the VPC's default group."""
    vpc = shape.get("networkConfiguration", {}).get("awsvpcConfiguration", {})
    subnets, groups = tuple(vpc.get("subnets", ())), tuple(vpc.get("securityGroups", ()))
    return otherwise if otherwise and not subnets else (subnets, groups)


def _address(shape: Shape) -> tuple[str | None, str]:
    """The task's own address: of its ENI, or of a container; IPv4 where it has one."""
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
