"""Why a security group does not let VPC Lattice in, for the people who can change it; with the command that fixes it.

INGRESS_GROUP_FULL      the group has no room for another rule
INGRESS_DEFAULT_GROUP   the tasks have only the VPC's default group, which may not be opened
INGRESS_FOREIGN_GROUP   the group belongs to another account
INGRESS_NO_GROUP        the group does not exist
INGRESS_DENIED          our role lacks a permission
INGRESS_TAGGED_OFF      the group's tag says that no rule is to be added
INGRESS_NOT_TAGGED      the stack opens tagged groups only, and the group has no tag
INGRESS_HALF_USED       the routes of the cluster use half of the group's quota
HEALTH_PORT_NOT_MAPPED  the task definition does not map the port of the health check
INGRESS_NO_PREFIX_LIST  this Region has no prefix list of VPC Lattice for that address family
NOT_KEPT                a rule that was added is missing again, each time
INGRESS_SHARED          a notice: other ECS services use the same group
INGRESS_OFF             a notice: the group is closed, and ecs-lattice is not to open it
INGRESS_UNKNOWN_RULE    a notice: a rule has our tag, and nothing says that we have added it
"""

import shlex
from collections.abc import Collection, Iterable

from ecs_lattice import ownership
from ecs_lattice.bounds import listed
from ecs_lattice.errors import AwsError
from ecs_lattice.ingress.group import SecurityGroupRules, merged
from ecs_lattice.ingress.limits import DEFAULT_QUOTA
from ecs_lattice.ingress.model import FAMILY_NAMES, AllowedPorts, SecurityGroup
from ecs_lattice.model import AddressFamily
from ecs_lattice.outcome import NOT_KEPT, Problem

_QUOTA_CODE = "L-0EA8095F"
_SHOWN = 20  # ids in a message


def full(rules: SecurityGroupRules, ports: Collection[AllowedPorts]) -> Problem:
    """There is no room for a rule."""
    used = ", ".join(
        f"{FAMILY_NAMES[family]} at least {rules.weight(family)}"
        for family in sorted({allowed.family for allowed in ports})
    )
    return _problem(
        "INGRESS_GROUP_FULL",
        rules.group_id,
        f"has no room for a rule that lets VPC Lattice in on {_listed(ports)}. In use: {used} of {DEFAULT_QUOTA} (the "
        "default quota); a rule for a VPC Lattice prefix list counts as 10. Use adjacent ports, so that one rule with a "
        "range covers them, give the tasks an additional security group, or request an increase of the quota "
        f"{_QUOTA_CODE} (Inbound or outbound rules per security group).",
    )


def not_kept(group_id: str, ports: AllowedPorts, sweeps: int) -> Problem:
    """EC2 accepts the rule, and it is missing again afterwards."""
    return _problem(
        NOT_KEPT,
        group_id,
        f"does not keep the inbound rule for VPC Lattice on {ports}: {sweeps:,} times in a row it was missing and has been added. "
        "It is added again every 15 minutes. Look in CloudTrail for who revokes it (RevokeSecurityGroupIngress).",
    )


def default_group(rules: SecurityGroupRules, ports: Collection[AllowedPorts], label_prefix: str) -> Problem:
    """Only the VPC's default group could be opened."""
    return _problem(
        "INGRESS_DEFAULT_GROUP",
        rules.group_id,
        f"is the default group of the VPC, which other resources use too, and is closed for VPC Lattice on {_listed(ports)}. "
        f"Set a security group in the network configuration of the ECS service, set {label_prefix}.ingress = manage to have "
        "ecs-lattice open the default group, or open it yourself.",
        rules.command(ports),
    )


def foreign_group(rules: SecurityGroupRules, group: SecurityGroup, ports: Collection[AllowedPorts]) -> Problem:
    """The group belongs to another account."""
    return _problem(
        "INGRESS_FOREIGN_GROUP",
        rules.group_id,
        f"belongs to account {group.account}, and only that account can open it for VPC Lattice on {_listed(ports)}.",
        rules.command(ports),
    )


def no_group(group_id: str) -> Problem:
    """EC2 does not know the group."""
    return _problem(
        "INGRESS_NO_GROUP",
        group_id,
        "does not exist in this account and Region, and no group with this ID is shared with this account. Use a security "
        "group that exists.",
    )


def tagged_off(rules: SecurityGroupRules, ports: Collection[AllowedPorts]) -> Problem:
    """The tag of the group forbids new rules."""
    why = f"has the tag {ownership.INGRESS_ALLOWED} = off, so ecs-lattice adds no rule to it"
    return _problem("INGRESS_TAGGED_OFF", rules.group_id, f"{why}; {_responsible(ports)}", _tag_command(rules))


def not_tagged(rules: SecurityGroupRules, ports: Collection[AllowedPorts]) -> Problem:
    """The group lacks the tag that the stack requires for new rules."""
    tag = f"{ownership.INGRESS_ALLOWED} = on"
    why = f"has no tag {tag}, which the stack parameter IngressGroups = tagged requires for new rules"
    return _problem("INGRESS_NOT_TAGGED", rules.group_id, f"{why}; {_responsible(ports)}", _tag_command(rules))


def not_mapped(rules: SecurityGroupRules, ports: Collection[AllowedPorts], label_prefix: str) -> Problem:
    """The port of the health check is none that the task definition maps."""
    mapped = " and ".join(f"containerPort {allowed.ports}" for allowed in sorted(set(ports)))
    return _problem(
        "HEALTH_PORT_NOT_MAPPED",
        rules.group_id,
        f"is closed for VPC Lattice on {_listed(ports)}, and is not opened: {label_prefix}.health.port names a port that no "
        f"container of the task definition maps. Add a port mapping with {mapped}, set {label_prefix}.health.port to a mapped "
        "port, or open the group yourself.",
        rules.command(ports),
    )


def half_used(rules: SecurityGroupRules, ports: Collection[AllowedPorts], quota: int) -> Problem:
    """The ECS services of one cluster use as much of the quota as they may."""
    return _problem(
        "INGRESS_HALF_USED",
        rules.group_id,
        f"is closed for VPC Lattice on {_listed(ports)}, and is not opened: the routes of one ECS cluster may use at most half of "
        f"its quota, {quota // 2} of {quota} (the default quota), and a rule for a VPC Lattice prefix list counts "
        "as 10. Use adjacent ports, so that one rule with a range covers them, give the tasks an additional security group, or "
        "open the group yourself.",
        rules.command(ports),
    )


def denied(group_ids: Collection[str], error: AwsError, label_prefix: str) -> Problem:
    """Our role lacks a permission."""
    return _problem(
        "INGRESS_DENIED",
        listed(sorted(group_ids), _SHOWN),
        f"could not be read or opened: {error}. Look for a service control policy or a permissions boundary that denies "
        f"{error.operation} to the role of the function, or open it yourself and set {label_prefix}.ingress = off.",
    )


def no_prefix_list(family: AddressFamily) -> Problem:
    """The Region has no prefix list of that family."""
    message = (
        f"This Region has no managed prefix list of VPC Lattice for {FAMILY_NAMES[family]}, so no rule can reference it. "
        "Leave out this address family, or use a Region that has the list (aws ec2 describe-managed-prefix-lists)."
    )
    return Problem("INGRESS_NO_PREFIX_LIST", message)


def shared(group_id: str, others: Collection[str]) -> Problem:
    """Other ECS services (ARNs) use the same group."""
    names = ", ".join(sorted("/".join(arn.split("/")[-2:]) for arn in others))
    return _problem(
        "INGRESS_SHARED",
        group_id,
        f"is also used by {names}: ports opened for one ECS service are open to VPC Lattice on the tasks of all of them. "
        "Use a separate security group for each ECS service to isolate them.",
    )


def off(rules: SecurityGroupRules, ports: Collection[AllowedPorts], label_prefix: str) -> Problem:
    """The group is closed, and by label or stack parameter ecs-lattice is not to open it."""
    return _problem(
        "INGRESS_OFF",
        rules.group_id,
        f"is closed for VPC Lattice on {_listed(ports)}, and {label_prefix}.ingress = off (or the stack parameter Ingress) "
        "leaves it to you to open it. Until it is open, no tasks are attached; of those that are, health checks fail, and ECS stops "
        "tasks that fail them.",
        rules.command(ports),
    )


def unknown_rules(rules: SecurityGroupRules, rule_ids: Collection[str]) -> Problem:
    """Rules with our tag that nobody requires, and that the registry does not know."""
    shown = sorted(rule_ids)[:_SHOWN]
    ports = [allowed for allowed, rule in rules.ours.items() if rule.id in shown]
    which, region = ("--security-group-rule-ids", *shown), ("--region", rules.prefix_lists[0].region)
    return _problem(
        "INGRESS_UNKNOWN_RULE",
        rules.group_id,
        f"has rules with the tag {ownership.OWNER} of this stack that its registry does not know and no route or custom "
        f"resource requires: {listed(sorted(rule_ids), _SHOWN)}, open for VPC Lattice on {_listed(ports)}. They were added before the "
        "registry was lost, or somebody else has tagged them; only an uninstall revokes them. Revoke them if nothing else "
        "needs them, or remove the tag.",
        ("aws", "ec2", "revoke-security-group-ingress", "--group-id", rules.group_id, *which, *region),
    )


def _responsible(ports: Collection[AllowedPorts]) -> str:
    return (
        f"it is closed for VPC Lattice on {_listed(ports)}. Use another security group for the tasks, or have the people who are "
        f"responsible for this one set its tag {ownership.INGRESS_ALLOWED} to on, or open it themselves."
    )


def _tag_command(rules: SecurityGroupRules) -> tuple[str, ...]:
    tag, region = f"Key={ownership.INGRESS_ALLOWED},Value=on", rules.prefix_lists[0].region
    return ("aws", "ec2", "create-tags", "--resources", rules.group_id, "--tags", tag, "--region", region)


def _problem(code: str, subject: str, message: str, command: tuple[str, ...] = ()) -> Problem:
    where = f"security group {subject}"
    return Problem(code, f"Security group {subject} {message}", where=where, command=shlex.join(command))


def _listed(ports: Iterable[AllowedPorts]) -> str:
    return ", ".join(map(str, merged(ports)))
