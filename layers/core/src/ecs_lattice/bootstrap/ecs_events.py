"""What ``ecs_events`` runs."""

import time
from functools import cache

from ecs_lattice.aws import clients
from ecs_lattice.aws.queues import DeadLetters
from ecs_lattice.bootstrap.common import bells, registry, settings
from ecs_lattice.consumers.ecs_events import Intake


@cache
def intake() -> Intake:
    """The consumer of the events queue."""
    dead_letters = DeadLetters(clients.sqs(), settings().dead_letter_queue, "ecs_events")
    return Intake(registry(), bells(), dead_letters, time.time)
