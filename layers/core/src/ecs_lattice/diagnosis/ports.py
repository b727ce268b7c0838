"""What the diagnosis needs beside the registry and the security groups. Adapters: :mod:`ecs_lattice.aws.evidence`,
:mod:`ecs_lattice.aws.topic`, :mod:`ecs_lattice.aws.queues`. Errors are :class:`~ecs_lattice.errors.AwsError`s.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from ecs_lattice.facts import EcsService, Task, TaskDefinition
from ecs_lattice.graph import Group, Target
from ecs_lattice.model import ServiceId


class Sources(Protocol):
    """The reads that a diagnosis makes, each one call or a few."""

    def targets(self, group_arn: str) -> tuple[Target, ...]:
        """The targets of a group with their reason codes."""

    def group(self, group_arn: str) -> Group | None:
        """The target group; None when it does not exist."""

    def service(self, service: ServiceId) -> EcsService | None:
        """The ECS service with its newest messages; None when ECS does not know it."""

    def vpc_id(self, subnet_ids: Sequence[str]) -> str:
        """The VPC of these subnets."""

    def tasks(self, service: ServiceId) -> tuple[Task, ...]:
        """Up to a hundred running and a hundred recently stopped tasks."""

    def task_definition(self, arn: str) -> TaskDefinition:
        """A task definition."""


class Topic(Protocol):
    """The SNS topic for notifications."""

    def publish(self, subject: str, text: str, chat: str) -> None:
        """One message: ``text`` for mail and every other protocol, ``chat`` (JSON) for HTTPS subscribers."""


class AlarmQueue(Protocol):
    """The ``alarm`` function's own queue."""

    def send_later(self, body: str, seconds: int) -> None:
        """Deliver ``body`` to this function in ``seconds`` (0-900)."""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message in a dead-letter queue: its attributes, and the beginning of its body."""

    attributes: tuple[tuple[str, str], ...]
    body: str
    sent_at: float = 0.0


@dataclass(frozen=True, slots=True)
class DeadLetterSample:
    """Some messages of the queue at ``url``; they stay in it."""

    url: str
    messages: tuple[DeadLetter, ...]


class DeadLetterQueue(Protocol):
    """Dead-letter queues."""

    def sample(self, queue_name: str) -> DeadLetterSample:
        """Up to ten messages of the queue, none of which is removed."""
