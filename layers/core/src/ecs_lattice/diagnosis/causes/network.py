"""Causes on the way from VPC Lattice to the task: the VPC, and the inbound rules of the tasks' security groups."""

import ipaddress
import json

from ecs_lattice.diagnosis.evidence import Evidence, SecuritySeen
from ecs_lattice.diagnosis.findings import Command, Finding, Likelihood, aws
from ecs_lattice.ingress.model import IngressRule
from ecs_lattice.model import AddressFamily

# Where VPC Lattice's requests come from (VPC Lattice User Guide, "Control traffic using security groups": the managed
# prefix lists hold these link-local ranges).
LATTICE_ADDRESSES: dict[AddressFamily, str] = {"IPV4": "169.254.171.0/24", "IPV6": "fd00:ec2:80::/64"}


def other_vpc(evidence: Evidence) -> Finding | None:
    """The tasks run in another VPC than the target group's: no target can ever be reached."""
    if evidence.group is None or evidence.service is None or not evidence.service.vpc_id or not evidence.group.vpc_id:
        return None
    if evidence.service.vpc_id == evidence.group.vpc_id:
        return None
    subnets = evidence.service.service.subnets
    held = _held_by_ecs(evidence)
    follows = "a route follows a completed deployment with a new target group"
    return Finding(
        "OTHER_VPC",
        "certain",
        "the tasks run in another VPC than the target group",
        f"The subnets of the ECS service ({', '.join(subnets)}) lie in {evidence.service.vpc_id}; the target group "
        f"{evidence.group.name} belongs to {evidence.group.vpc_id}, and VPC Lattice reaches targets only there.",
        f"Put the service back into subnets of the old VPC. Or, to move: {follows}, but this deployment has the old one, in "
        "which ECS cannot register its tasks, so it will not complete. With lattice.targets = controller (as label or tag) "
        "ecs-lattice registers the tasks, and ECS may be told to leave the target group out."
        if held
        else f"Put the service back into subnets of the old VPC, or let the deployment complete: {follows}.",
        (
            aws("shows the VPC of the subnets", evidence.region, "ec2", "describe-subnets", "--subnet-ids", *subnets,
                "--query", "Subnets[].[SubnetId,VpcId]", "--output", "text"),
            *held,
        ),
    )  # fmt: skip


def _held_by_ecs(evidence: Evidence) -> tuple[Command, ...]:
    """How to let a deployment complete that is to register tasks of one VPC in a group of another; none if it is not."""
    primary = evidence.service.service.primary if evidence.service else None
    if primary is None or all(entry.group_arn != evidence.group_arn for entry in primary.entries):
        return ()
    service = evidence.subject.service
    return (
        aws("has ecs-lattice register the tasks", evidence.region, "ecs", "tag-resource", "--resource-arn", service.arn,
            "--tags", "key=lattice.targets,value=controller"),
        aws("then deploys without the old VPC's target groups", evidence.region, "ecs", "update-service",
            "--cluster", service.cluster, "--service", service.name, "--vpc-lattice-configurations", "[]"),
    )  # fmt: skip


def prefix_list_rule_missing(evidence: Evidence) -> Finding | None:
    """No rule of the tasks' security groups names VPC Lattice's prefix list, and no other is open to it at its ports."""
    closed = closed_ports(evidence)
    if (
        not closed
        or evidence.security is None
        or evidence.group is None
        or _lets_in(evidence.security, evidence.group.family)
    ):
        return None
    family = evidence.group.family
    prefix_list = evidence.security.prefix_list(family)
    listed = prefix_list.id if prefix_list else f"VPC Lattice's {_spelt(family)} prefix list"
    return Finding(
        "PREFIX_LIST_RULE_MISSING",
        _likelihood(evidence),
        f"the security group does not let VPC Lattice in ({_spelt(family)})",
        f"No inbound rule of {_groups(evidence.security)} has {listed} as its source, and none is open to "
        f"VPC Lattice's addresses ({LATTICE_ADDRESSES[family]}) at {_ports(closed)}, where it asks and checks the tasks."
        f"{_why_not(evidence)}",
        "" if prefix_list else "This Region has no such prefix list, or it could not be seen.",
        _opening(evidence, closed),
    )


def port_not_open(evidence: Evidence) -> Finding | None:
    """VPC Lattice is let in, but not at the port that it needs."""
    closed = closed_ports(evidence)
    if not closed or evidence.security is None or evidence.group is None:
        return None
    family = evidence.group.family
    if not _lets_in(evidence.security, family):
        return None
    open_now = sorted(
        {str(rule.ports or "all") for rule in evidence.security.rules if _is_lattice(rule, evidence.security, family)}
    )
    checked = (
        " (the health check's port)" if set(closed) <= set(evidence.health_ports) - set(evidence.target_ports) else ""
    )
    return Finding(
        "PORT_NOT_OPEN",
        _likelihood(evidence),
        f"VPC Lattice is let in, but not at {_ports(closed)}{checked}",
        f"The inbound rules of {_groups(evidence.security)} let VPC Lattice ({_spelt(family)}) in at "
        f"{_ports(open_now)}; it asks the tasks at {_ports(closed)}{checked}.{_why_not(evidence)}",
        commands=_opening(evidence, closed),
    )


def closed_ports(evidence: Evidence) -> tuple[int, ...]:
    """The ports among those VPC Lattice needs at which no group lets it in; none when that could not be seen."""
    if evidence.security is None or evidence.group is None:
        return ()
    security, family = evidence.security, evidence.group.family
    needed = sorted({*evidence.target_ports, *evidence.health_ports})
    return tuple(
        port
        for port in needed
        if not any(
            _covers(rule, port) and (_is_lattice(rule, security, family) or _is_wide(rule, family))
            for rule in security.rules
        )
    )


def _covers(rule: IngressRule, port: int) -> bool:
    return rule.protocol in {"tcp", "6", "-1"} and (rule.ports is None or rule.ports.first <= port <= rule.ports.last)


def _is_lattice(rule: IngressRule, security: SecuritySeen, family: AddressFamily) -> bool:
    prefix_list = security.prefix_list(family)
    return prefix_list is not None and rule.prefix_list_id == prefix_list.id and rule.protocol in {"tcp", "6", "-1"}


def _is_wide(rule: IngressRule, family: AddressFamily) -> bool:
    """Whether the rule's CIDR holds all of VPC Lattice's addresses."""
    if rule.cidr is None:
        return False
    theirs, ours = ipaddress.ip_network(rule.cidr, strict=False), ipaddress.ip_network(LATTICE_ADDRESSES[family])
    return theirs.version == ours.version and ours.subnet_of(theirs)  # type: ignore[arg-type]  # of one version


def _lets_in(security: SecuritySeen, family: AddressFamily) -> bool:
    """Whether any rule names VPC Lattice's prefix list, at whatever port."""
    return any(_is_lattice(rule, security, family) for rule in security.rules)


def _likelihood(evidence: Evidence) -> Likelihood:
    """Certain, unless a target answers all the same (rules that were taken away a moment ago)."""
    return "likely" if evidence.in_status("HEALTHY") else "certain"


def _why_not(evidence: Evidence) -> str:
    """Why the group was not opened, where the status says so; it stands among the facts of the message."""
    status = evidence.status
    return f" ecs-lattice did not open it: {status.code}, see above." if status and "INGRESS" in status.code else ""


def _opening(evidence: Evidence, ports: tuple[int, ...]) -> tuple[Command, ...]:
    if evidence.security is None or evidence.group is None:
        return ()
    prefix_list = evidence.security.prefix_list(evidence.group.family)
    group = next(iter(sorted(evidence.security.groups, key=lambda one: one.is_default)), None)
    if prefix_list is None or group is None:
        return ()
    permissions = [
        {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "PrefixListIds": [{"PrefixListId": prefix_list.id}]}
        for port in ports
    ]
    text = json.dumps(permissions, separators=(",", ":"))
    return (
        aws("mends it", evidence.region, "ec2", "authorize-security-group-ingress", "--group-id", group.id,
            "--ip-permissions", text),
    )  # fmt: skip


def _groups(security: SecuritySeen) -> str:
    return " and ".join(group.id for group in security.groups) or "the tasks' security groups"


def _ports(ports: "tuple[int, ...] | list[str]") -> str:
    return f"port{'s' if len(ports) > 1 else ''} {', '.join(map(str, ports)) or 'none'}"


def _spelt(family: AddressFamily) -> str:
    return {"IPV4": "IPv4", "IPV6": "IPv6"}[family]
