"""Commands that inspect a service, used by several causes."""

import json
import re
from collections.abc import Sequence

from ecs_lattice.diagnosis.evidence import Evidence
from ecs_lattice.diagnosis.findings import Command, aws
from ecs_lattice.facts import Task

_LOG_GROUP = re.compile(r"[._/#A-Za-z0-9][._/#A-Za-z0-9-]{0,511}")  # CloudWatch Logs API; no option of the command
_A_CALL = 10  # task ids in one command, to keep it readable; DescribeTasks takes 100


def log(evidence: Evidence) -> tuple[Command, ...]:
    """The newest lines of the container that should answer, where it logs to CloudWatch Logs."""
    if evidence.container is None or not _LOG_GROUP.fullmatch(evidence.container.log_group):
        return ()
    return (
        aws(
            "To inspect the container's log",
            evidence.region,
            "logs tail",
            evidence.container.log_group,
            "--since",
            "30m",
        ),
    )


def in_container(evidence: Evidence, purpose: str, command: str) -> tuple[Command, ...]:
    """Run ``command`` in a running task, where ECS Exec is on."""
    container = evidence.container
    if container is None or not evidence.running or evidence.service is None or not evidence.service.exec_enabled:
        return ()
    words = (
        "--cluster",
        evidence.subject.service.cluster,
        "--task",
        evidence.running[0].id,
        "--container",
        container.name,
    )
    return (aws(purpose, evidence.region, "ecs execute-command", *words, "--interactive", "--command", command),)


def stopped_tasks(evidence: Evidence, tasks: Sequence[Task]) -> Command:
    """Why these tasks stopped."""
    query = "tasks[].{task:taskArn,code:stopCode,reason:stoppedReason,containers:containers[].[name,exitCode,reason]}"
    words = ("--cluster", evidence.subject.service.cluster, "--tasks", *(task.id for task in tasks[:_A_CALL]))
    return aws("To inspect the stopped tasks", evidence.region, "ecs describe-tasks", *words, "--query", query)


def service(
    evidence: Evidence,
    purpose: str = "To inspect the service's deployments and events",
    query: str = "services[].[deployments[].[id,rolloutState],events[:5].message]",
) -> Command:
    """The ECS service as ECS describes it."""
    ecs_service = evidence.subject.service
    words = ("--cluster", ecs_service.cluster, "--services", ecs_service.name, "--query", query)
    return aws(purpose, evidence.region, "ecs describe-services", *words)


def targets(evidence: Evidence) -> Command:
    """The targets as VPC Lattice sees them."""
    words = ("--target-group-identifier", evidence.group_arn, "--query", "items[].[id,port,status,reasonCode]")
    return aws("To inspect the targets", evidence.region, "vpc-lattice list-targets", *words, "--output", "text")


def tag_service(evidence: Evidence, purpose: str, key: str, value: str) -> Command:
    """Set ``key`` by a tag of the service: it overrides the label and needs no deployment."""
    tags = json.dumps([{"key": evidence.label(key), "value": value}])  # shorthand would split a value at its commas
    words = ("--resource-arn", evidence.subject.service.arn, "--tags", tags)
    return aws(purpose, evidence.region, "ecs tag-resource", *words)
