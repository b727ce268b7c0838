"""Evidence for tests: a healthy service, and one change of it for each cause."""

import dataclasses
from datetime import UTC, datetime

from ecs_lattice.diagnosis.evidence import Evidence, TaskSecurityGroups, Unread
from ecs_lattice.diagnosis.subjects import RouteSubject
from ecs_lattice.ecs_side.status import RouteStatus
from ecs_lattice.ecs_side.update_outcome import OwnDeployment
from ecs_lattice.facts import (
    Container,
    ContainerDefinition,
    Deployment,
    EcsService,
    LatticeEntry,
    PortMapping,
    Task,
    TaskDefinition,
)
from ecs_lattice.graph import Group, Target
from ecs_lattice.ingress.model import IngressRule, PortRange, PrefixList, SecurityGroup
from ecs_lattice.model import HealthCheck, Route, ServiceId

SERVICE = ServiceId("arn:aws:ecs:us-east-1:123456789012:service/shop/orders")
SUBJECT = RouteSubject("orders", SERVICE, "default")
NOW = datetime(2026, 11, 23, 6, 47, 10, tzinfo=UTC).timestamp()
GROUP_ARN = "arn:aws:vpc-lattice:us-east-1:123456789012:targetgroup/tg-0a1b2c3d4e5f60718"
LATTICE_ARN = "arn:aws:vpc-lattice:us-east-1:123456789012:service/svc-0a1b2c3d4e5f60718"
DEFINITION = "arn:aws:ecs:us-east-1:123456789012:task-definition/orders:7"
PREFIX_LISTS = (
    PrefixList("pl-0721453c7ac4ec009", "com.amazonaws.us-east-1.vpc-lattice", "IPV4"),
    PrefixList("pl-0a1b2c3d4e5f60718", "com.amazonaws.us-east-1.ipv6.vpc-lattice", "IPV6"),
)
SECURITY_GROUP = SecurityGroup("sg-0123456789abcdef0", "orders", "vpc-11", "123456789012")
HEALTH = HealthCheck(enabled=True, path="/healthz")


def a_rule(first=8080, last=None, **more):
    source = {} if {"cidr", "source_group"} & set(more) else {"prefix_list_id": PREFIX_LISTS[0].id}
    ports = PortRange(first, last or first) if first else None
    return IngressRule(
        **{"id": "sgr-1", "group_id": SECURITY_GROUP.id, "protocol": "tcp", "ports": ports, **source, **more}
    )


def security(*rules, groups=(SECURITY_GROUP,)):
    return TaskSecurityGroups.of(groups, rules, PREFIX_LISTS)


def a_task(number=1, address="10.0.0.", *, stop_code="", reason="", ago=300, exit_code=None, why=""):
    arn = f"arn:aws:ecs:us-east-1:123456789012:task/shop/{number:032x}"
    status = "STOPPED" if stop_code else "RUNNING"
    container = Container("app", exit_code, why)
    return Task(
        arn, DEFINITION, "ecs-svc/1", status, status, f"{address}{number}",
        started_at=NOW - 7100,
        stopped_at=NOW - ago if stop_code else 0.0,
        stop_code=stop_code,
        stopped_reason=reason,
        containers=(container,),
    )  # fmt: skip


def a_deployment(**more):
    entries = (LatticeEntry("arn:aws:iam::123456789012:role/ecs", GROUP_ARN, "web"),)
    given = {
        "id": "ecs-svc/1", "status": "PRIMARY", "rollout": "COMPLETED", "task_definition": DEFINITION,
        "created_at": NOW - 7200, "desired": 2, "running": 2, "entries": entries,
    }  # fmt: skip
    return Deployment(**{**given, **more})


def a_service(*deployments, **more):
    given = {
        "id": SERVICE, "status": "ACTIVE", "created_at": NOW - 86400, "desired": 2, "running": 2, "controller": "ECS",
        "strategy": "ROLLING", "deployments": deployments or (a_deployment(),), "subnets": ("subnet-1", "subnet-2"),
        "security_groups": (SECURITY_GROUP.id,), "grace_period": 120,
    }  # fmt: skip
    return EcsService(**{**given, **more})


def a_group(**more):
    given = {
        "id": GROUP_ARN.rsplit("/", 1)[-1], "arn": GROUP_ARN, "name": "orders-web-abcdefghij234", "status": "ACTIVE",
        "kind": "IP", "port": 8080, "protocol": "HTTP", "protocol_version": "HTTP1", "family": "IPV4", "vpc_id": "vpc-11",
        "health": HEALTH, "service_arns": (LATTICE_ARN,),
    }  # fmt: skip
    return Group(**{**given, **more})


def a_definition(port=8080, app_protocol="", command=(), log_group="/ecs/orders", memory=256, **more):
    mapping = PortMapping("web", port, port, "tcp", "app", app_protocol)
    container = ContainerDefinition("app", (mapping,), command, memory, log_group)
    return TaskDefinition(
        **{"arn": DEFINITION, "network_mode": "awsvpc", "containers": (container,), "memory": 512, **more}
    )


def targets(*statuses, reason="", port=8080):
    return tuple(
        Target(f"10.0.0.{number}", port, status, reason if status == "UNHEALTHY" else "")
        for number, status in enumerate(statuses, 1)
    )


def evidence(**more):
    """A healthy route, with the changes in ``more``."""
    given = {
        "subject": SUBJECT, "now": NOW, "label_prefix": "lattice", "route": Route("default", "orders", "web"), "status": RouteStatus("default", "orders", "Live"),
        "is_live": True, "group_arn": GROUP_ARN, "group": a_group(), "targets": targets("HEALTHY", "HEALTHY"),
        "service": a_service(), "vpc_id": "vpc-11", "tasks": (a_task(1), a_task(2)), "task_definition": a_definition(),
        "security": security(a_rule()),
    }  # fmt: skip
    return Evidence(**{**given, **more})


def unhealthy(reason="", **more):
    """A route both of whose targets fail their health checks."""
    return evidence(**{"targets": targets("UNHEALTHY", "UNHEALTHY", reason=reason), **more})


OWN_CHECK = ("CMD-SHELL", "curl -f http://localhost:8080/livez || exit 1")
CRASH = {"stop_code": "EssentialContainerExited", "reason": "Essential container in task exited"}
KILLED_BY_ECS = {
    "stop_code": "ServiceSchedulerInitiated",
    "reason": "Task failed VPC Lattice health checks in (target-group orders)",
}
PLACEMENT = (
    "(service orders) was unable to place a task because no container instance met all of its requirements. "
    "The closest matching container-instance has insufficient memory available."
)

CASES = {
    "PREFIX_LIST_RULE_MISSING": unhealthy("HealthCheckTimeout", security=security()),
    "PREFIX_LIST_RULE_MISSING-ipv6": unhealthy(
        group=a_group(family="IPV6"),
        targets=(Target("fd00:10::5", 8080, "UNHEALTHY"),),
        security=security(a_rule()),
    ),
    "PORT_NOT_OPEN": unhealthy(security=security(a_rule(9090))),
    "PORT_NOT_OPEN-health": unhealthy(group=a_group(health=dataclasses.replace(HEALTH, port=9000))),
    "NOT_LISTENING": unhealthy("HealthCheckConnectionError", service=a_service(exec_enabled=True)),
    "HEALTH_CODE": unhealthy("HealthCheckCodeMismatch", task_definition=a_definition(command=OWN_CHECK)),
    "WRONG_PROTOCOL": unhealthy("HealthCheckConnectionError", task_definition=a_definition(app_protocol="grpc")),
    "OUT_OF_MEMORY": evidence(
        targets=targets("INITIAL"),
        tasks=(a_task(1), a_task(7, **CRASH, exit_code=137, why="OutOfMemoryError: Container killed due to memory usage")),
    ),
    "TASK_RESTARTING": evidence(
        targets=targets("INITIAL", "DRAINING"),
        tasks=(a_task(1), a_task(7, **CRASH, ago=40, exit_code=1), a_task(8, **CRASH, ago=400, exit_code=1)),
    ),
    "TASK_STOPPED": evidence(
        targets=(),
        service=a_service(running=0),
        tasks=(
            a_task(
                7, ago=20, stop_code="TaskFailedToStart",
                reason="CannotPullContainerError: pull image manifest has been retried 1 time(s): not found",
            ),
        ),
    ),
    "TARGET_UNUSED": evidence(group=a_group(service_arns=()), targets=targets("UNUSED", "UNUSED")),
    "DRAINING": evidence(targets=targets("DRAINING", "DRAINING"), tasks=()),
    "OTHER_VPC": unhealthy(vpc_id="vpc-22", targets=()),
    "DEPLOYMENT_IN_PROGRESS": evidence(
        targets=targets("INITIAL"),
        tasks=(a_task(1),),
        service=a_service(
            a_deployment(rollout="IN_PROGRESS", created_at=NOW - 60, running=1, id="ecs-svc/2"),
            a_deployment(status="ACTIVE", running=0),
            running=1,
        ),
    ),
    **{
        f"DEPLOYMENT_IN_PROGRESS-{name}": evidence(
            targets=targets("INITIAL"),
            tasks=(a_task(1),),
            service=a_service(a_deployment(rollout="IN_PROGRESS", created_at=NOW - 60, running=1, id="ecs-svc/2"), running=1),
            own_deployment=OwnDeployment("ecs-svc/2", NOW - 60, undone_at, attaches),
        )
        for name, undone_at, attaches in (("attach", NOW + 1740, True), ("detach", NOW + 1740, False), ("undo", 0.0, True))
    },
    "NO_TASKS": evidence(targets=(), tasks=(), service=a_service(running=0, messages=(PLACEMENT,))),
    "NO_TASKS-scaled": evidence(targets=(), tasks=(), service=a_service(running=0, desired=0)),
    "NOT_REGISTERED": evidence(
        targets=(),
        service=a_service(a_deployment(entries=())),
        status=RouteStatus("default", "orders", "Live", "LIST_OVERWRITTEN", "Somebody deployed the service without its target groups."),
    ),
    "NOT_FOUND": evidence(
        security=None,
        unread=(Unread("security groups", "DescribeSecurityGroupRules: UnauthorizedOperation: You are not authorized."),),
    ),
}  # fmt: skip
"""By code (and variant): evidence of which it is the first cause."""
