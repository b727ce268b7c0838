"""What people are told of a security group that does not let VPC Lattice in, with the command that mends it.

INGRESS_GROUP_FULL      the group has no room for another rule
INGRESS_DEFAULT_GROUP   only the VPC's default group is there, and nobody said that it may be opened
INGRESS_FOREIGN_GROUP   the group belongs to another account
INGRESS_NO_GROUP        the group does not exist
INGRESS_DENIED          our role may not
INGRESS_NO_PREFIX_LIST  this Region has no prefix list of VPC Lattice for that address family
INGRESS_SHARED          a notice: other ECS services use the same group
INGRESS_OFF             a notice: nobody opens the group, and it is closed
"""

from collections.abc import Collection, Iterable, Sequence

from ecs_lattice.errors import AwsError
from ecs_lattice.ingress.group import SecurityGroupRules
from ecs_lattice.ingress.model import AllowedPorts, PrefixList, SecurityGroup
from ecs_lattice.ingress.ranges import merged
from ecs_lattice.model import AddressFamily
from ecs_lattice.outcome import Problem

DEFAULT_QUOTA = 60
"""Inbound rules of a security group, for IPv4 and IPv6 apart (Amazon VPC quotas); only words: EC2 knows the real one."""
_QUOTA_CODE = "L-0EA8095F"
_NOTICES = {"INGRESS_SHARED", "INGRESS_OFF"}


def is_notice(problem: Problem) -> bool:
    """Whether it stops nothing."""
    return problem.code in _NOTICES


def command(group_id: str, openings: Iterable[tuple[AllowedPorts, PrefixList]]) -> str:
    """The AWS CLI command that lets VPC Lattice in; one line, to be pasted as it is."""
    permissions = [
        f"'IpProtocol=tcp,FromPort={opening.ports.first},ToPort={opening.ports.last},"
        f"PrefixListIds=[{{PrefixListId={source.id}}}]'"
        for opening, source in openings
    ]
    return f"aws ec2 authorize-security-group-ingress --group-id {group_id} --ip-permissions {' '.join(permissions)}"


def command_for(gate: SecurityGroupRules, openings: Iterable[AllowedPorts]) -> str:
    """:func:`command` for what is closed at ``gate``."""
    pairs = [(opening, source) for opening in merged(openings) if (source := gate.lists_of(opening))]
    return command(gate.group_id, pairs)


def full(gate: SecurityGroupRules, openings: Sequence[AllowedPorts]) -> Problem:
    """There is no room for a rule."""
    families: list[AddressFamily] = sorted({opening.family for opening in openings})
    used = ", ".join(f"{_name(family)} at least {gate.weight(family)}" for family in families)
    return _problem(
        "INGRESS_GROUP_FULL",
        gate.group_id,
        f"has no room for a rule that lets VPC Lattice in on {_ports(openings)}. Rules weigh {used} of {DEFAULT_QUOTA} (the "
        "default quota); one for a prefix list of VPC Lattice weighs 10. Put ports next to each other, so that one rule with "
        "a range does, give the tasks a group of their own beside this one, or raise the quota "
        f"{_QUOTA_CODE} (Inbound or outbound rules per security group).",
    )


def default_group(gate: SecurityGroupRules, openings: Sequence[AllowedPorts]) -> Problem:
    """Only the VPC's default group could be opened."""
    return _problem(
        "INGRESS_DEFAULT_GROUP",
        gate.group_id,
        f"is the default group of the VPC, which others use, too, and is closed for VPC Lattice on {_ports(openings)}. Name a "
        "security group in the service's network configuration, or write lattice.ingress = manage to have this one "
        f"opened, or open it: {command_for(gate, openings)}",
    )


def foreign_group(gate: SecurityGroupRules, group: SecurityGroup, openings: Sequence[AllowedPorts]) -> Problem:
    """The group belongs to another account."""
    return _problem(
        "INGRESS_FOREIGN_GROUP",
        gate.group_id,
        f"belongs to the account {group.account}, and only that one can open it for VPC Lattice on {_ports(openings)}. Its "
        f"owner can run: {command_for(gate, openings)}",
    )


def no_group(group_id: str) -> Problem:
    """EC2 does not know the group."""
    return _problem(
        "INGRESS_NO_GROUP",
        group_id,
        "does not exist in this account and Region, and none of this account's is shared with it under this id. Name one "
        "that exists.",
    )


def denied(group_ids: Collection[str], error: AwsError) -> Problem:
    """Our role may not."""
    return _problem(
        "INGRESS_DENIED",
        ", ".join(sorted(group_ids)),
        f"could not be read or opened: {error}. Look for a service control policy or a permissions boundary that forbids "
        f"{error.operation} to the role of the function, or open it yourself and write lattice.ingress = off.",
    )


def no_prefix_list(family: AddressFamily) -> Problem:
    """The Region has no list of that family."""
    message = (
        f"This Region has no managed prefix list of VPC Lattice for {_name(family)}, so no rule can name it. "
        "Leave this address family out, or use a Region that has it (aws ec2 describe-managed-prefix-lists)."
    )
    return Problem("INGRESS_NO_PREFIX_LIST", message)


def shared(group_id: str, others: Collection[str]) -> Problem:
    """Other ECS services use the same group."""
    names = ", ".join(sorted("/".join(arn.split("/")[-2:]) for arn in others))
    return _problem(
        "INGRESS_SHARED",
        group_id,
        f"is also that of {names}: what is opened for one is open to VPC Lattice on the tasks of all. A group of its own "
        "for each ECS service keeps them apart.",
    )


def off(gate: SecurityGroupRules, openings: Sequence[AllowedPorts]) -> Problem:
    """Nobody opens the group, by label or parameter, and it is closed."""
    return _problem(
        "INGRESS_OFF",
        gate.group_id,
        f"is closed for VPC Lattice on {_ports(openings)}, and lattice.ingress = off (or the stack's parameter Ingress) "
        f"leaves it to you: health checks will fail, and ECS stops tasks that fail them. Run: {command_for(gate, openings)}",
    )


def _problem(code: str, subject: str, message: str) -> Problem:
    return Problem(code, f"Security group {subject} {message}", where=f"security group {subject}")


def _ports(openings: Iterable[AllowedPorts]) -> str:
    return ", ".join(f"{opening.ports} ({_name(opening.family)})" for opening in merged(openings))


def _name(family: AddressFamily) -> str:
    return {"IPV4": "IPv4", "IPV6": "IPv6"}[family]
