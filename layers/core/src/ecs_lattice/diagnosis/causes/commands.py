"""Commands that look into a service, used by several causes."""

from ecs_lattice.diagnosis.evidence import Evidence, TaskSeen
from ecs_lattice.diagnosis.findings import Command, aws

_A_CALL = 10  # task ids in one command, so that it can be read; DescribeTasks takes 100


def into_logs(evidence: Evidence) -> tuple[Command, ...]:
    """The newest lines of the container that should answer, where it logs to CloudWatch Logs."""
    container = evidence.container
    if container is None or not container.log_group:
        return ()
    return (
        aws("shows what the container says", evidence.region, "logs", "tail", container.log_group, "--since", "30m"),
    )


def into_container(evidence: Evidence, command: str) -> tuple[Command, ...]:
    """Run ``command`` in a running task, where ECS Exec is on."""
    if (
        evidence.service is None
        or not evidence.service.exec_enabled
        or not evidence.running
        or evidence.container is None
    ):
        return ()
    return (
        aws("looks from inside", evidence.region, "ecs", "execute-command", "--cluster", evidence.subject.service.cluster,
            "--task", evidence.running[0].id, "--container", evidence.container.name, "--interactive",
            "--command", command),
    )  # fmt: skip


def into_tasks(evidence: Evidence, tasks: tuple[TaskSeen, ...]) -> tuple[Command, ...]:
    """Why these tasks stopped."""
    if not tasks:
        return ()
    query = "tasks[].{task:taskArn,code:stopCode,reason:stoppedReason,containers:containers[].[name,exitCode,reason]}"
    return (
        aws("shows why they stopped", evidence.region, "ecs", "describe-tasks",
            "--cluster", evidence.subject.service.cluster, "--tasks", *(task.id for task in tasks[:_A_CALL]),
            "--query", query),
    )  # fmt: skip


def into_service(evidence: Evidence) -> Command:
    """What ECS says of the service."""
    return aws("shows what ECS says of the service", evidence.region, "ecs", "describe-services",
               "--cluster", evidence.subject.service.cluster, "--services", evidence.subject.service.name,
               "--query", "services[].[deployments[].[id,rolloutState],events[:5].message]")  # fmt: skip


def into_targets(evidence: Evidence) -> Command:
    """The targets as VPC Lattice sees them."""
    return aws("shows the targets", evidence.region, "vpc-lattice", "list-targets",
               "--target-group-identifier", evidence.group_arn,
               "--query", "items[].[id,port,status,reasonCode]", "--output", "text")  # fmt: skip
