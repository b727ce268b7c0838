"""All causes. Each is a pure function from the evidence to a finding, or to None when it does not fit."""

from collections.abc import Callable

from ecs_lattice.diagnosis.causes import checking, deployment, network, targets, tasks
from ecs_lattice.diagnosis.evidence import Evidence
from ecs_lattice.diagnosis.findings import Finding, ranked

ALL: tuple[Callable[[Evidence], Finding | None], ...] = (
    network.other_vpc,
    network.prefix_list_rule_missing,
    network.port_not_open,
    targets.target_unused,
    tasks.out_of_memory,
    tasks.task_restarting,
    tasks.task_stopped,
    tasks.no_tasks,
    targets.not_registered,
    checking.wrong_protocol,
    checking.health_code,
    checking.not_listening,
    targets.draining,
    deployment.deployment_in_progress,
)


def diagnose(evidence: Evidence) -> tuple[Finding, ...]:
    """The causes that fit, most likely first; none when nothing that was seen explains it."""
    return ranked(finding for cause in ALL if (finding := cause(evidence)) is not None)
