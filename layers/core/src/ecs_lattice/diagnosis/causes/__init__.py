"""All causes. Each is a pure function from the evidence to a finding, or to None when it does not fit."""

from collections.abc import Callable
from typing import get_args

from ecs_lattice.diagnosis.causes import checking, deployment, network, targets, tasks
from ecs_lattice.diagnosis.evidence import Evidence
from ecs_lattice.diagnosis.findings import Finding, Likelihood

CAUSES: dict[str, Callable[[Evidence], Finding | None]] = {
    "OTHER_VPC": network.other_vpc,
    "PREFIX_LIST_RULE_MISSING": network.prefix_list_rule_missing,
    "PORT_NOT_OPEN": network.port_not_open,
    "TARGET_UNUSED": targets.target_unused,
    "OUT_OF_MEMORY": tasks.out_of_memory,
    "TASK_RESTARTING": tasks.task_restarting,
    "TASK_STOPPED": tasks.task_stopped,
    "NO_TASKS": tasks.no_tasks,
    "NOT_REGISTERED": targets.not_registered,
    "WRONG_PROTOCOL": checking.wrong_protocol,
    "HEALTH_CODE": checking.health_code,
    "NOT_LISTENING": checking.not_listening,
    "DRAINING": targets.draining,
    "DEPLOYMENT_IN_PROGRESS": deployment.deployment_in_progress,
}
"""By the code of the finding; a cause comes before those that are its consequences."""


def diagnose(evidence: Evidence) -> tuple[Finding, ...]:
    """The causes that fit, most likely first, equally likely ones in the order above; none when nothing explains what was
    seen."""
    findings = [finding for cause in CAUSES.values() if (finding := cause(evidence)) is not None]
    return tuple(sorted(findings, key=lambda finding: get_args(Likelihood).index(finding.likelihood)))
