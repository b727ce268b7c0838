"""Whose the target groups are that the list of an ECS service names, and which of them a route uses as they are.

The list is its author's affair: anybody who may update the ECS service can write any ARN into it. So a group that carries
a stack's owner tag is never taken for somebody's own, whoever lists it; nor is one that is gone or cannot be read.
"""

from ecs_lattice import ownership
from ecs_lattice.ecs_side.lattice_targets import Targets
from ecs_lattice.ecs_side.record import OURS, Owner
from ecs_lattice.errors import DeniedError, InvalidError, NotFoundError
from ecs_lattice.model import ServiceId
from ecs_lattice.outcome import Problem


def read_owner(targets: Targets, stack: str, service: ServiceId, group_arn: str) -> Owner:
    """The owner of a target group, as ``service`` and ``stack`` (the value of our owner tag) see it. The stack creates
    groups in its own account and Region only, and cannot read the tags of others."""
    if group_arn.split(":")[3:5] != [service.region, service.account]:
        return Owner("somebody")
    try:
        tags = targets.tags(group_arn)
    except NotFoundError:
        return Owner("gone")
    except (DeniedError, InvalidError):
        return Owner("unknown")
    owner = tags.get(ownership.OWNER)
    if not owner:
        return Owner("somebody")
    if owner != stack:
        return Owner("other_stack", owner)
    is_ours = (tags.get(ownership.CLUSTER), tags.get(ownership.SERVICE)) == (service.cluster, service.name)
    return OURS if is_ours else Owner("other_service")


def foreign_entry(port_name: str, group_arn: str, owner: Owner, label_prefix: str) -> Problem | None:
    """Why a route on this port makes no claim: its list names a group that this route must not use. None if it may."""
    reasons = {
        "other_service": "which this stack has created for another ECS service",
        "other_stack": f"which belongs to the stack {owner.stack}",
        "unknown": "whose tags ecs-lattice cannot read (vpc-lattice:ListTagsForResource), so that its owner is unknown",
    }
    if owner.kind not in reasons:
        return None
    message = (
        f"The list vpcLatticeConfigurations of this ECS service names, for port {port_name}, the target group {group_arn}, "
        f"{reasons[owner.kind]}. Remove the entry from the list of the ECS service, or declare the route on another port "
        f"({label_prefix}.port)."
    )
    return Problem("FOREIGN_LIST_ENTRY", message)
