"""Causes in the target group: no rule uses it, no target is in it, or all targets are draining."""

from ecs_lattice.diagnosis.causes import commands
from ecs_lattice.diagnosis.causes.reason_hints import reported_by_ecs
from ecs_lattice.diagnosis.evidence import Evidence
from ecs_lattice.diagnosis.findings import Finding, aws, sentences
from ecs_lattice.facts import Task

_REGISTERING_SECONDS = 180  # what ECS allows for it (Amazon ECS Developer Guide, VPC Lattice blue/green deployments)
_ROLE_POLICY = "AmazonECSInfrastructureRolePolicyForVpcLattice"


def target_unused(evidence: Evidence) -> Finding | None:
    """No rule uses the target group, so VPC Lattice does not check its targets (VPC Lattice User Guide, target groups)."""
    unused = evidence.in_status("UNUSED")
    without_rule = evidence.group is not None and not evidence.group.service_arns
    if evidence.answering or not evidence.targets or not (unused or without_rule):
        return None
    name = evidence.group.name if evidence.group else evidence.group_arn
    return Finding(
        "TARGET_UNUSED",
        "certain" if without_rule else "likely",
        "no listener rule uses the target group",
        f"{len(unused)} of {len(evidence.targets)} targets of {name} are UNUSED: VPC Lattice sends no requests and no health "
        "checks to targets of a group that no listener rule uses.",
        "Rules may have been changed by hand. The resync restores them within the drift interval (6 hours, unless DriftHours "
        "says otherwise). To reconcile the Lattice service immediately, see docs/operations.md.",
        (
            aws("To inspect which Lattice services use the group", evidence.region, "vpc-lattice get-target-group",
                "--target-group-identifier", evidence.group_arn, "--query", "serviceArns"),
            commands.targets(evidence),
        ),
    )  # fmt: skip


def not_registered(evidence: Evidence) -> Finding | None:
    """Tasks are running, and none of them is a target. Before a route is Live its status says what the stack waits for before
    it attaches the tasks."""
    missing = _unregistered(evidence)
    if not missing or not (evidence.is_live or evidence.is_listed):
        return None
    reported, listed = reported_by_ecs(evidence, "unable to register"), evidence.is_listed
    return Finding(
        "NOT_REGISTERED",
        "likely" if listed and not reported else "certain",
        "running tasks are not registered as targets",
        sentences(
            f"{len(missing)} tasks are running, and none of them is registered in the target group.",
            "The PRIMARY deployment lists the group, so ECS should have registered them: its infrastructure role may lack a "
            "permission."
            if listed
            else "The PRIMARY deployment does not list the group: the service was deployed with another list.",
            reported,
        ),
        f"Check that the infrastructure role has the permissions of {_ROLE_POLICY}."
        if listed
        else "In Terraform, set ignore_changes = [vpc_lattice_configurations]. With other tools, declare targets = controller.",
        (
            commands.service(
                evidence,
                "To inspect which target groups the deployments list",
                "services[].deployments[].[id,status,vpcLatticeConfigurations[].targetGroupArn]",
            ),
            commands.targets(evidence),
        ),
    )


def _unregistered(evidence: Evidence) -> tuple[Task, ...]:
    """The tasks that have been running for long enough to be targets, where there is no target at all.

    None where some of them are draining: they were registered, and DRAINING says so.
    """
    targets = evidence.targets
    if evidence.service is None or targets is None or len(evidence.in_status("DRAINING")) < len(targets):
        return ()
    draining = {target.id for target in targets}
    started = [task for task in _to_register(evidence) if 0 < task.started_at < evidence.now - _REGISTERING_SECONDS]
    return () if any(task.address in draining for task in started) else tuple(started)


def _to_register(evidence: Evidence) -> tuple[Task, ...]:
    """The running tasks; where the PRIMARY deployment lists the group, only its own, not those that it replaces."""
    primary = evidence.primary
    if primary is None or not evidence.is_listed:
        return evidence.running
    return tuple(task for task in evidence.running if task.deployment_id == primary.id)


def draining(evidence: Evidence) -> Finding | None:
    """All targets are draining."""
    leaving = evidence.in_status("DRAINING")
    if not leaving or len(leaving) < len(evidence.targets or ()):
        return None
    return Finding(
        "DRAINING",
        "likely",
        "all targets are draining",
        f"All {len(leaving)} targets of the group are being deregistered, and none has replaced them.",
        commands=(commands.targets(evidence), commands.service(evidence)),
    )
