"""Security-group ingress as frozen values. Names are EC2's."""

from dataclasses import dataclass, field
from typing import Literal

from ecs_lattice.model import AddressFamily


@dataclass(frozen=True, slots=True, order=True)
class PortRange:
    """TCP ports from ``first`` to ``last``, inclusive (1-65535)."""

    first: int
    last: int

    def __str__(self) -> str:
        return str(self.first) if self.first == self.last else f"{self.first}-{self.last}"


@dataclass(frozen=True, slots=True, order=True)
class AllowedPorts:
    """Ports that VPC Lattice may, or has to, reach from its addresses of one family."""

    family: AddressFamily
    ports: PortRange

    def __str__(self) -> str:
        return f"{self.ports} ({FAMILY_NAMES[self.family]})"


FAMILY_NAMES: dict[AddressFamily, str] = {"IPV4": "IPv4", "IPV6": "IPv6"}


@dataclass(frozen=True, slots=True, order=True)
class IngressRequirement:
    """The ports that a consumer requires open in one security group.

    ``consumer`` is the ARN of an ECS service, or the physical id of a custom resource. ``ports`` are sorted.
    """

    group_id: str
    consumer: str
    ports: tuple[AllowedPorts, ...] = ()


@dataclass(frozen=True, slots=True, order=True)
class PortRequirement:
    """The ports that the tasks of a deployment require open in one of ``group_ids``; without those, in the default group of
    the VPC ``vpc_id`` (Amazon ECS API, AwsVpcConfiguration). ``default_allowed``: whether the default group may be opened;
    ``is_mapped``: whether the task definition maps the ports; ``is_attached``: whether tasks that need them may already be
    in a target group, which makes no other requirement.
    """

    group_ids: tuple[str, ...]
    vpc_id: str
    ports: AllowedPorts
    default_allowed: bool = False
    is_mapped: bool = True
    is_attached: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True, order=True)
class AuthorizedRule:
    """A rule that this stack has added to a security group, as the registry knows it: by its ports, because EC2 accepts no
    second rule with the same ports and source. ``token`` differs each time that it is recorded.
    """

    group_id: str
    ports: AllowedPorts
    token: str = ""


@dataclass(frozen=True, slots=True, order=True)
class PrefixList:
    """VPC Lattice's managed prefix list of one family. A rule that references it counts as ``weight`` rules against the
    group's quota of inbound rules (Amazon VPC User Guide, AWS-managed prefix lists: 10)."""

    id: str
    name: str
    family: AddressFamily
    weight: int = 10

    @property
    def region(self) -> str:
        """The Region, from a name such as ``com.amazonaws.us-east-1.ipv6.vpc-lattice``."""
        return self.name.split(".")[2]


@dataclass(frozen=True, slots=True, order=True)
class SecurityGroup:
    """A security group owned by ``account``; ``is_default``: it is the VPC's own ``default`` group; ``ingress``: what its
    tag ``ecs-lattice:ingress`` says, empty where it has none or another value."""

    id: str
    name: str
    vpc_id: str
    account: str
    is_default: bool = False
    ingress: Literal["", "on", "off"] = ""


@dataclass(frozen=True, slots=True, order=True)
class IngressRule:
    """An inbound rule of a security group (EC2 API, SecurityGroupRule), whoever created it.

    ``protocol`` is EC2's (``tcp``, ``-1`` for all); ``ports`` is None for all ports. The source is exactly one of
    ``prefix_list_id``, ``cidr`` (IPv4 or IPv6) and ``source_group``. ``tags`` are sorted pairs.
    """

    id: str
    group_id: str
    protocol: str
    ports: PortRange | None
    prefix_list_id: str | None = None
    cidr: str | None = None
    source_group: str | None = None
    tags: tuple[tuple[str, str], ...] = ()
