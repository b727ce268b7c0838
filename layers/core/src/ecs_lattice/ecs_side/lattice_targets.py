"""What the ECS side needs of VPC Lattice: the targets and the tags of target groups, nothing else."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, order=True)
class Target:
    """A task as a Lattice target group knows it: an IP address and a port (1-65535)."""

    address: str
    port: int

    def __str__(self) -> str:
        return f"[{self.address}]:{self.port}" if ":" in self.address else f"{self.address}:{self.port}"


@dataclass(frozen=True, slots=True)
class TargetState:
    """A registered target and Lattice's status of it (INITIAL, HEALTHY, UNHEALTHY, UNUSED, UNAVAILABLE, DRAINING)."""

    target: Target
    status: str


class Targets(Protocol):
    """The targets of Lattice target groups. All methods raise :class:`~ecs_lattice.errors.AwsError`s."""

    def registered(self, group_arn: str) -> tuple[TargetState, ...]:
        """All targets of the group, draining ones too; none when the group does not exist (any more)."""

    def register(self, group_arn: str, targets: Sequence[Target]) -> tuple[Target, ...]:
        """Register any number of targets, 100 a call; those that Lattice answered as unsuccessful."""

    def deregister(self, group_arn: str, targets: Sequence[Target]) -> tuple[Target, ...]:
        """Deregister any number of targets, 100 a call; those that Lattice answered as unsuccessful."""

    def tags(self, group_arn: str) -> Mapping[str, str]:
        """The tags of a target group; none when it does not exist or belongs to another account."""
