"""Causes on the way from VPC Lattice to the task: the VPC, and the inbound rules of the tasks' security groups."""

import ipaddress
import json

from ecs_lattice.diagnosis.causes import commands
from ecs_lattice.diagnosis.evidence import Evidence, SecuritySeen
from ecs_lattice.diagnosis.findings import Command, Finding, Likelihood, aws, sentences
from ecs_lattice.ingress.model import IngressRule, PortRange
from ecs_lattice.model import AddressFamily

# Where VPC Lattice's requests come from (VPC Lattice User Guide, "Control traffic using security groups": the managed
# prefix lists hold these link-local ranges).
LATTICE_ADDRESSES: dict[AddressFamily, str] = {"IPV4": "169.254.171.0/24", "IPV6": "fd00:ec2:80::/64"}


def other_vpc(evidence: Evidence) -> Finding | None:
    """The tasks run in another VPC than the target group's: no target can ever be reached."""
    group, service = evidence.group, evidence.service
    if group is None or service is None or evidence.vpc_id in {"", group.vpc_id} or not group.vpc_id:
        return None
    follows = "the route moves to a new target group once a deployment has completed"
    move = (
        f"To move to the new VPC, {follows}; but this deployment lists the old group, where ECS cannot register its tasks, so it "
        f"will not complete. Set {evidence.label('targets')} = controller (as label or tag), so that ecs-lattice registers the "
        "tasks, and deploy without the old target group."
        if evidence.is_listed
        else f"Or let the deployment complete: {follows}."
    )
    return Finding(
        "OTHER_VPC",
        "certain",
        "the tasks run in another VPC than the target group",
        f"The subnets of the ECS service ({', '.join(service.subnets)}) are in {evidence.vpc_id}; target group {group.name} is in "
        f"{group.vpc_id}, the only VPC in which VPC Lattice can reach its targets.",
        f"Move the service back to subnets in the old VPC. {move}",
        (
            aws("To inspect the VPC of the subnets", evidence.region, "ec2 describe-subnets --subnet-ids", *service.subnets,
                "--query", "Subnets[].[SubnetId,VpcId]", "--output", "text"),
            *(_leave_old_group(evidence) if evidence.is_listed else ()),
        ),
    )  # fmt: skip


def _leave_old_group(evidence: Evidence) -> tuple[Command, ...]:
    """How a deployment completes that would register tasks of one VPC in a target group of another."""
    service = evidence.subject.service
    words = ("--cluster", service.cluster, "--service", service.name, "--vpc-lattice-configurations", "[]")
    return (
        commands.tag_service(evidence, "To fix, first have ecs-lattice register the tasks", "targets", "controller"),
        aws("Then deploy without the old VPC's target groups", evidence.region, "ecs update-service", *words),
    )


def prefix_list_rule_missing(evidence: Evidence) -> Finding | None:
    """No rule of the tasks' security groups allows VPC Lattice's prefix list, and no other allows it on its ports."""
    closed = closed_ports(evidence)
    if not closed or evidence.security is None or evidence.group is None:
        return None
    family = evidence.group.family
    if _lets_in(evidence.security, family):
        return None
    prefix_list = evidence.security.prefix_list(family)
    source = prefix_list.id if prefix_list else f"VPC Lattice's {_spelt(family)} prefix list"
    return Finding(
        "PREFIX_LIST_RULE_MISSING",
        _likelihood(evidence),
        f"the security group does not allow VPC Lattice ({_spelt(family)})",
        sentences(
            f"No inbound rule of {_groups(evidence.security)} allows {source} or VPC Lattice's addresses "
            f"({LATTICE_ADDRESSES[family]}) on {_ports(closed)}.",
            _use(evidence, closed),
            _why_not(evidence),
        ),
        "" if prefix_list else "This Region has no such prefix list, or it could not be read.",
        _opening(evidence, closed),
    )


def port_not_open(evidence: Evidence) -> Finding | None:
    """VPC Lattice is allowed, but not on the port that it needs."""
    closed = closed_ports(evidence)
    if not closed or evidence.security is None or evidence.group is None:
        return None
    security, family = evidence.security, evidence.group.family
    if not _lets_in(security, family):
        return None
    allowed = sorted({str(rule.ports or "all") for rule in security.rules if _is_lattice(rule, security, family)})
    return Finding(
        "PORT_NOT_OPEN",
        _likelihood(evidence),
        f"the security group allows VPC Lattice, but not on {_ports(closed)}",
        sentences(
            f"The inbound rules of {_groups(security)} allow VPC Lattice ({_spelt(family)}) on {_ports(allowed)}, but not on "
            f"{_ports(closed)}.",
            _use(evidence, closed),
            _why_not(evidence),
        ),
        commands=_opening(evidence, closed),
    )


def _use(evidence: Evidence, ports: tuple[int, ...]) -> str:
    """What VPC Lattice needs the ports for."""
    is_for_health = not set(ports) & set(evidence.target_ports)
    return f"VPC Lattice uses {_ports(ports)} for {'' if is_for_health else 'requests and '}health checks."


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
    return rule.protocol in {"tcp", "6", "-1"} and (rule.ports is None or rule.ports.covers(PortRange(port, port)))


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
    """Why the group was not opened, where the status tells; the message shows it among its facts."""
    status = evidence.status
    return f"ecs-lattice did not open it: see {status.code} above." if status and "INGRESS" in status.code else ""


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
        aws("To fix", evidence.region, "ec2 authorize-security-group-ingress --group-id", group.id, "--ip-permissions", text),
    )  # fmt: skip


def _groups(security: SecuritySeen) -> str:
    return " and ".join(group.id for group in security.groups) or "the tasks' security groups"


def _ports(ports: "tuple[int, ...] | list[str]") -> str:
    return f"port{'s' if len(ports) > 1 else ''} {', '.join(map(str, ports)) or 'none'}"


def _spelt(family: AddressFamily) -> str:
    return {"IPV4": "IPv4", "IPV6": "IPv6"}[family]
