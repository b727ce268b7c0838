"""What the diagnosis needs of the world; the adapters are :mod:`ecs_lattice.aws.evidence`, :mod:`ecs_lattice.aws.topic`
and :mod:`ecs_lattice.aws.queues`. Errors are
:class:`~ecs_lattice.errors.AwsError`s.
"""

from dataclasses import dataclass
from typing import Protocol

from ecs_lattice.diagnosis.evidence import DefinitionSeen, GroupSeen, ServiceSeen, TargetSeen, TaskSeen
from ecs_lattice.model import ServiceId


class Sources(Protocol):
    """The reads that a diagnosis makes, each one call or a few."""

    def targets(self, group_arn: str) -> tuple[TargetSeen, ...]:
        """The targets of a group with their reason codes."""

    def group(self, group_arn: str) -> GroupSeen | None:
        """The target group; None when there is none."""

    def service(self, service: ServiceId) -> ServiceSeen | None:
        """The ECS service with its newest messages and its VPC; None when ECS does not know it."""

    def tasks(self, service: ServiceId) -> tuple[TaskSeen, ...]:
        """Up to a hundred running and a hundred recently stopped tasks."""

    def definition(self, arn: str) -> DefinitionSeen:
        """A task definition."""


class Topic(Protocol):
    """The SNS topic for people."""

    def publish(self, subject: str, text: str, chat: str) -> None:
        """One message: ``text`` for mail and all else, ``chat`` (JSON) for HTTPS subscribers."""


class Later(Protocol):
    """The function's own queue."""

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
    """Some messages of a queue, which stay in it; ``url`` is the queue's."""

    url: str
    letters: tuple[DeadLetter, ...]


class DeadLetterQueue(Protocol):
    """Dead-letter queues."""

    def peek(self, queue_name: str) -> DeadLetterSample:
        """Up to ten messages of the queue; none of them is taken out."""
