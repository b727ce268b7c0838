"""The effect of security groups (decision 35): whether VPC Lattice reaches an address, and which groups a task may
have.

Traffic and health checks of VPC Lattice come from the addresses of its managed prefix lists, and the groups of the
target must allow those (VPC Lattice User Guide, "Control traffic in VPC Lattice using security groups"). Groups belong
to network interfaces, so they are read from there: of a task with awsvpc, and of the container instance of any other.
"""

import ipaddress
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from moto.ec2.models import EC2Backend, ec2_backends
from moto.ec2.models.security_groups import SecurityGroupRule

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_ANY = "-1"
_LISTS = {4: "com.amazonaws.{region}.vpc-lattice", 6: "com.amazonaws.{region}.ipv6.vpc-lattice"}
"""Names of VPC Lattice's managed prefix lists by IP version (VPC Lattice User Guide, "Managed prefix list")."""


def in_use(account: str, region: str) -> EC2Backend | None:
    """EC2's backend, if it has been used; creating it would create its default VPCs, which takes a while."""
    if account not in ec2_backends or region not in list(ec2_backends[account].keys()):
        return None
    return ec2_backends[account][region]


def allows_lattice(account: str, region: str, address: str, port: int) -> bool:
    """Whether the security groups of the interface with this address allow VPC Lattice on a TCP port.

    True for an address without an interface: no group applies. If several VPCs have the address, one is enough.
    """
    ec2 = in_use(account, region)
    if ec2 is None:
        return True
    interfaces = [interface for interface in tuple(ec2.enis.values()) if address in _addresses(interface)]
    if not interfaces:
        return True
    sources = lattice_ranges(ec2, ipaddress.ip_address(address).version)
    groups = {group.id: group for interface in interfaces for group in interface.group_set}
    return any(_admits(ec2, rule, port, sources) for group in groups.values() for rule in tuple(group.ingress_rules))


def lattice_ranges(ec2: EC2Backend, version: int) -> tuple[Network, ...]:
    """The source addresses of VPC Lattice for IP version 4 or 6."""
    name = _LISTS[version].format(region=ec2.region_name)
    lists = (
        prefix_list for prefix_list in tuple(ec2.managed_prefix_lists.values()) if prefix_list.prefix_list_name == name
    )
    return tuple(block for prefix_list in lists for block in _entries(prefix_list))


def problem(subnets: Sequence[str], groups: Sequence[str], account: str, region: str) -> str | None:
    """Why ECS rejects these security groups in these subnets; None if it does not.

    A service in subnets that EC2 does not know is not checked (the local AWS allows made-up VPCs).
    Texts: the one on the VPC is in aws/aws-dotnet-deploy #735; that on a missing group is EC2's own
    (kubernetes-sigs/aws-load-balancer-controller #2371), and what ECS puts before it is an assumption.
    """
    ec2 = in_use(account, region)
    known = {zone[name].vpc_id for zone in ec2.subnets.values() for name in subnets if name in zone} if ec2 else set()
    if ec2 is None or not known:
        return None
    for name in groups:
        group = ec2.get_security_group_from_id(name)
        if group is None:
            return (
                f"Error retrieving security group information for [{name}]: The security group '{name}' does not exist"
            )
        if group.vpc_id not in known:
            return f"Security group {name} does not appear to belong to the same VPC as the input subnets."
    return None


def _admits(ec2: EC2Backend, rule: SecurityGroupRule, port: int, sources: Sequence[Network]) -> bool:
    """Whether a rule opens a TCP port to all of ``sources``."""
    if rule.ip_protocol == "tcp":
        if rule.from_port is None or rule.to_port is None or not rule.from_port <= port <= rule.to_port:
            return False
    elif rule.ip_protocol != _ANY:
        return False
    allowed = tuple(_sources(ec2, rule))
    return bool(sources) and all(any(_contains(block, source) for block in allowed) for source in sources)


def _sources(ec2: EC2Backend, rule: SecurityGroupRule) -> Iterator[Network]:
    """The addresses that a rule allows; none for another security group, because VPC Lattice is a member of no group."""
    for block in (rule.cidr_ipv4, rule.cidr_ipv6):
        if block:
            yield ipaddress.ip_network(block, strict=False)
    listed = ec2.managed_prefix_lists.get(rule.prefix_list_id) if rule.prefix_list_id else None
    if listed is not None:
        yield from _entries(listed)


def _entries(listed: Any) -> Iterable[Network]:
    """The blocks of the newest version of a prefix list; AWS's own lists have one version without a number."""
    if not listed.entries:
        return ()
    newest = listed.entries.get(listed.version) or listed.entries[max(listed.entries)]
    return tuple(ipaddress.ip_network(entry["Cidr"], strict=False) for entry in newest)


def _contains(outer: Network, inner: Network) -> bool:
    return outer.version == inner.version and inner[0] in outer and inner[-1] in outer


def _addresses(interface: Any) -> set[str]:
    secondary = {private["PrivateIpAddress"] for private in interface.private_ip_addresses}
    return {interface.private_ip_address, *secondary, *interface.ipv6_addresses}


__all__ = ["allows_lattice", "in_use", "lattice_ranges", "problem"]
