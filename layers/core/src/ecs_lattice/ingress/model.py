"""The words of security-group ingress, as frozen values. Names are EC2's."""

from dataclasses import dataclass

from ecs_lattice.model import AddressFamily


@dataclass(frozen=True, slots=True, order=True)
class PortRange:
    """TCP ports from ``first`` to ``last``, both included (1-65535)."""

    first: int
    last: int

    def __str__(self) -> str:
        return str(self.first) if self.first == self.last else f"{self.first}-{self.last}"

    def covers(self, other: "PortRange") -> bool:
        """Whether every port of ``other`` is one of these."""
        return self.first <= other.first and other.last <= self.last


@dataclass(frozen=True, slots=True, order=True)
class AllowedPorts:
    """Ports that VPC Lattice has to reach, from the addresses of one family."""

    family: AddressFamily
    ports: PortRange

    def __str__(self) -> str:
        return f"{self.ports} ({self.family})"


@dataclass(frozen=True, slots=True, order=True)
class IngressRequirement:
    """What one needer needs of one security group.

    ``needer`` is the ARN of an ECS service, or the physical id of a custom resource. ``openings`` are sorted.
    """

    group_id: str
    consumer: str
    openings: tuple[AllowedPorts, ...] = ()


@dataclass(frozen=True, slots=True, order=True)
class PrefixList:
    """VPC Lattice's managed prefix list of one family. A rule that names it weighs ``weight`` of the group's quota of
    inbound rules (Amazon VPC User Guide, AWS-managed prefix lists: 10)."""

    id: str
    name: str
    family: AddressFamily
    weight: int = 10


@dataclass(frozen=True, slots=True, order=True)
class SecurityGroup:
    """A security group. ``account`` owns it; ``is_default`` is the VPC's own ``default``."""

    id: str
    name: str
    vpc_id: str
    account: str
    is_default: bool = False


@dataclass(frozen=True, slots=True, order=True)
class IngressRule:
    """An inbound rule of a security group (EC2 API, SecurityGroupRule), whoever made it.

    ``protocol`` is EC2's (``tcp``, ``-1`` for everything); ``ports`` None for every port. Exactly one of
    ``prefix_list_id``, ``cidr`` (IPv4 or IPv6) and ``source_group`` says from where. ``tags`` are sorted pairs.
    """

    id: str
    group_id: str
    protocol: str
    ports: PortRange | None
    prefix_list_id: str | None = None
    cidr: str | None = None
    source_group: str | None = None
    tags: tuple[tuple[str, str], ...] = ()
