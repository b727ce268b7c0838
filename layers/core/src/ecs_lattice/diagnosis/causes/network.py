"""Causes on the way from VPC Lattice to the task: the VPC, and the inbound rules of the tasks' security groups."""

from collections.abc import Sequence

from ecs_lattice.diagnosis.causes import commands
from ecs_lattice.diagnosis.evidence import Evidence, TaskSecurityGroups
from ecs_lattice.diagnosis.findings import Command, Finding, Likelihood, aws, sentences
from ecs_lattice.ingress.group import LATTICE_ADDRESSES
from ecs_lattice.ingress.model import FAMILY_NAMES, AllowedPorts, PortRange


def other_vpc(evidence: Evidence) -> Finding | None:
    """The tasks run in a different VPC from the target group: no target can ever be reached."""
    group, service = evidence.group, evidence.service
    if group is None or service is None or evidence.vpc_id in {"", group.vpc_id} or not group.vpc_id:
        return None
    move = (
        "To move to the new VPC instead: a route gets a target group there once a deployment has completed, but this deployment "
        "lists the old group, where ECS cannot register its tasks, so it will not complete. Set "
        f"{evidence.label('targets')} = controller (as a label or tag) so that ecs-lattice registers the tasks, then deploy "
        "without the old target group."
        if evidence.is_listed
        else "Or let the deployment complete: the route then gets a target group in the new VPC."
    )
    words = (*service.subnets, "--query", "Subnets[].[SubnetId,VpcId]", "--output", "text")
    return Finding(
        "OTHER_VPC",
        "certain",
        "the tasks run in a different VPC from the target group",
        f"The subnets of the ECS service ({', '.join(service.subnets)}) are in {evidence.vpc_id}; target group {group.name} is in "
        f"{group.vpc_id}, the only VPC in which VPC Lattice can reach its targets.",
        f"Move the service back to subnets in the old VPC. {move}",
        (
            aws("To inspect the VPC of the subnets", evidence.region, "ec2 describe-subnets --subnet-ids", *words),
            *(_leave_old_group(evidence) if evidence.is_listed else ()),
        ),
    )


def _leave_old_group(evidence: Evidence) -> tuple[Command, ...]:
    """How a deployment completes that would register tasks of one VPC in a target group of another."""
    service = evidence.subject.service
    words = ("--cluster", service.cluster, "--service", service.name, "--vpc-lattice-configurations", "[]")
    return (
        commands.tag_service(evidence, "To fix, first have ecs-lattice register the tasks", "targets", "controller"),
        aws("Then deploy without the old VPC's target groups", evidence.region, "ecs update-service", *words),
    )


def prefix_list_rule_missing(evidence: Evidence) -> Finding | None:
    """No rule of the tasks' security groups has VPC Lattice's prefix list as its source, and its ports are closed."""
    security, closed = evidence.security, closed_ports(evidence)
    if security is None or not closed or _allowed(security, closed):
        return None
    family, addresses = FAMILY_NAMES[closed[0].family], LATTICE_ADDRESSES[closed[0].family]
    prefix_list = security.inbound.prefix_list(closed[0].family)
    return Finding(
        "PREFIX_LIST_RULE_MISSING",
        _likelihood(evidence),
        f"the security group does not allow VPC Lattice ({family})",
        sentences(
            f"No inbound rule of {_groups(security)} allows VPC Lattice's prefix list "
            f"{prefix_list.id if prefix_list else f'for {family}'} or its addresses ({addresses}) on {_ports(closed)}.",
            _use(evidence, closed),
            _why_not(evidence),
        ),
        "" if prefix_list else "This Region has no such prefix list, or it could not be read.",
        _fix(security, closed),
    )


def port_not_open(evidence: Evidence) -> Finding | None:
    """A rule has VPC Lattice's prefix list as its source, but not on a port that VPC Lattice needs."""
    security, closed = evidence.security, closed_ports(evidence)
    if security is None or not closed or not (allowed := _allowed(security, closed)):
        return None
    return Finding(
        "PORT_NOT_OPEN",
        _likelihood(evidence),
        f"the security group allows VPC Lattice, but not on {_ports(closed)}",
        sentences(
            f"The inbound rules of {_groups(security)} allow VPC Lattice ({FAMILY_NAMES[closed[0].family]}) on "
            f"{_ports(allowed)}, but not on {_ports(closed)}.",
            _use(evidence, closed),
            _why_not(evidence),
        ),
        commands=_fix(security, closed),
    )


def closed_ports(evidence: Evidence) -> tuple[AllowedPorts, ...]:
    """The ports VPC Lattice needs on which no security group allows it; none when that could not be read."""
    if evidence.security is None or evidence.group is None:
        return ()
    family, ports = evidence.group.family, sorted({*evidence.target_ports, *evidence.health_ports})
    needed = (AllowedPorts(family, PortRange(port, port)) for port in ports)
    return tuple(allowed for allowed in needed if not evidence.security.inbound.is_open(allowed))


def _allowed(security: TaskSecurityGroups, closed: Sequence[AllowedPorts]) -> list[AllowedPorts]:
    """The ports on which rules with VPC Lattice's prefix list of the same address family allow it."""
    return sorted(allowed for allowed in security.inbound.allowed if allowed.family == closed[0].family)


def _likelihood(evidence: Evidence) -> Likelihood:
    """Certain, unless a target is healthy all the same (rules that were revoked a moment ago)."""
    return "likely" if evidence.in_status("HEALTHY") else "certain"


def _use(evidence: Evidence, closed: Sequence[AllowedPorts]) -> str:
    """What VPC Lattice needs the ports for."""
    is_for_requests = any(allowed.ports.first in evidence.target_ports for allowed in closed)
    return f"VPC Lattice uses {_ports(closed)} for {'requests and ' if is_for_requests else ''}health checks."


def _why_not(evidence: Evidence) -> str:
    """Why the group was not opened, where its status says so; the message shows that status among its facts."""
    status = evidence.status
    return f"ecs-lattice did not open it: see {status.code} above." if status and "INGRESS" in status.code else ""


def _fix(security: TaskSecurityGroups, closed: Sequence[AllowedPorts]) -> tuple[Command, ...]:
    words = security.inbound.command(closed) if security.ids else ()
    return (Command("To fix", words),) if words else ()


def _groups(security: TaskSecurityGroups) -> str:
    return " and ".join(security.ids) or "the tasks' security groups"


def _ports(allowed: Sequence[AllowedPorts]) -> str:
    return f"port{'s' if len(allowed) > 1 else ''} {', '.join(str(ports.ports) for ports in allowed)}"
