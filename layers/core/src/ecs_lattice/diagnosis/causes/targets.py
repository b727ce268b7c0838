"""Causes in the target group: nobody points at it, nobody is in it, or everybody is leaving."""

from ecs_lattice.diagnosis.causes import commands
from ecs_lattice.diagnosis.evidence import Evidence
from ecs_lattice.diagnosis.findings import Finding, aws

_REGISTERING_SECONDS = 180  # what ECS allows for it (Amazon ECS Developer Guide, VPC Lattice blue/green deployments)
_ROLE_POLICY = "AmazonECSInfrastructureRolePolicyForVpcLattice"


def target_unused(evidence: Evidence) -> Finding | None:
    """No rule points at the target group, so that nobody checks its targets (VPC Lattice User Guide, target groups)."""
    unused = evidence.in_status("UNUSED")
    without_rule = evidence.group is not None and not evidence.group.service_arns
    if evidence.answering or not (unused or (without_rule and evidence.targets)):
        return None
    name = evidence.group.name if evidence.group else evidence.group_arn
    return Finding(
        "TARGET_UNUSED",
        "certain" if without_rule else "likely",
        "no rule points at the target group",
        f"{len(unused)} of {len(evidence.targets or ())} targets of {name} are UNUSED: VPC Lattice neither asks nor checks a "
        f"target of a group that no listener rule names.",
        "Somebody may have changed the rules by hand. The resync puts them back within the drift time (6 hours, unless "
        "DriftHours says otherwise); docs/operations.md has how to reconcile a Lattice service at once.",
        (
            aws("shows which Lattice services use the group", evidence.region, "vpc-lattice", "get-target-group",
                "--target-group-identifier", evidence.group_arn, "--query", "serviceArns"),
            commands.into_targets(evidence),
        ),
    )  # fmt: skip


def not_registered(evidence: Evidence) -> Finding | None:
    """Tasks run, and none of them is a target."""
    if evidence.targets is None or evidence.service is None or not evidence.running:
        return None
    settled = [t for t in evidence.running if evidence.now - (t.started_at or evidence.now) > _REGISTERING_SECONDS]
    known = {target.address for target in evidence.targets if target.status != "DRAINING"}
    if {task.task.address for task in settled} & {target.address for target in evidence.in_status("DRAINING")}:
        return None  # they were registered, and somebody takes them out: draining says so
    missing = [task for task in settled if task.task.address not in known]
    if known or not missing:
        return None
    primary = evidence.service.service.primary
    named = primary is not None and any(entry.group_arn == evidence.group_arn for entry in primary.entries)
    why = (
        "The PRIMARY deployment names the group, so ECS should have registered them: its infrastructure role may lack a "
        "permission."
        if named
        else "The PRIMARY deployment does not name the group: somebody deployed the service with another list."
    )
    said = next((f" ECS says: {e.message}" for e in evidence.service.events if "unable to register" in e.message), "")
    return Finding(
        "NOT_REGISTERED",
        "likely" if named and not said else "certain",
        "tasks run, but none is registered",
        f"{len(missing)} tasks run and the target group has no target for them. {why}{said}",
        f"See whether the infrastructure role has what {_ROLE_POLICY} allows."
        if named
        else "Terraform: ignore_changes = [vpc_lattice_configurations]. CloudFormation: put the list into the template.",
        (
            aws("shows which target groups the deployments name", evidence.region, "ecs", "describe-services",
                "--cluster", evidence.subject.service.cluster, "--services", evidence.subject.service.name,
                "--query", "services[].deployments[].[id,status,vpcLatticeConfigurations[].targetGroupArn]"),
            commands.into_targets(evidence),
        ),
    )  # fmt: skip


def draining(evidence: Evidence) -> Finding | None:
    """All targets are leaving."""
    leaving = evidence.in_status("DRAINING")
    if not leaving or len(leaving) < len(evidence.targets or ()):
        return None
    return Finding(
        "DRAINING",
        "likely",
        "all targets are draining",
        f"All {len(leaving)} targets of the group are being deregistered and none has taken their place.",
        commands=(commands.into_targets(evidence), commands.into_service(evidence)),
    )
