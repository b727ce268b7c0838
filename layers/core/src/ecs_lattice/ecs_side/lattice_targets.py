"""What the ECS side needs from VPC Lattice: the targets and the tags of target groups, nothing else."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, order=True)
class Target:
    """A task as a Lattice target group lists it: an IP address and a port (1-65535)."""

    address: str
    port: int

    def __str__(self) -> str:
        return f"[{self.address}]:{self.port}" if ":" in self.address else f"{self.address}:{self.port}"


@dataclass(frozen=True, slots=True)
class TargetState:
    """A registered target and its Lattice status (INITIAL, HEALTHY, UNHEALTHY, UNUSED, UNAVAILABLE, DRAINING)."""

    target: Target
    status: str


class Targets(Protocol):
    """The targets of Lattice target groups. Every method may raise an :class:`~ecs_lattice.errors.AwsError`."""

    def registered(self, group_arn: str) -> tuple[TargetState, ...]:
        """All targets of the group, including draining ones; none if the group does not exist."""

    def register(self, group_arn: str, targets: Sequence[Target]) -> Mapping[Target, str]:
        """Register any number of targets, 100 a call; returns those that Lattice reported as unsuccessful, with its code and
        message."""

    def deregister(self, group_arn: str, targets: Sequence[Target]) -> Mapping[Target, str]:
        """Deregister any number of targets, 100 a call; returns those that Lattice reported as unsuccessful, with its code and
        message."""

    def tags(self, group_arn: str) -> Mapping[str, str]:
        """The tags of a target group. Raises NotFoundError if there is no such group, DeniedError if its tags may not be
        read."""
