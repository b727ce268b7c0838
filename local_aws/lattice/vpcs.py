"""VPCs and subnets as the local EC2 knows them."""

import ipaddress
from collections.abc import Iterator

from moto.ec2.models import EC2Backend

from local_aws.ec2.reach import in_use


def known(account: str, region: str) -> frozenset[str]:
    """The ids of the VPCs, once one has been created; empty while there is only the default VPC."""
    ec2 = in_use(account, region)
    if ec2 is None or all(vpc.is_default for vpc in ec2.vpcs.values()):
        return frozenset()
    return frozenset(ec2.vpcs)


def holds(account: str, region: str, vpc_id: str, address: str) -> bool:
    """Whether the address is in a subnet of the VPC; True for a VPC that EC2 does not know."""
    ec2 = in_use(account, region)
    if ec2 is None or vpc_id not in ec2.vpcs:
        return True
    wanted = ipaddress.ip_address(address)
    return any(wanted in ipaddress.ip_network(block) for block in _blocks(ec2, vpc_id))


def _blocks(ec2: EC2Backend, vpc_id: str) -> Iterator[str]:
    for zone in ec2.subnets.values():
        for subnet in zone.values():
            if subnet.vpc_id == vpc_id:
                if subnet.cidr_block:  # an IPv6-only subnet has none
                    yield subnet.cidr_block
                for association in subnet.ipv6_cidr_block_associations.values():
                    yield association["ipv6CidrBlock"]
