"""What ``ecs_events`` runs."""

import time
from functools import cache

from ecs_lattice.aws import clients
from ecs_lattice.aws.queues import DeadLetters
from ecs_lattice.bootstrap.common import registry, request_queue, settings
from ecs_lattice.consumers.ecs_events import EventRouter


@cache
def event_router() -> EventRouter:
    """The consumer of the events queue."""
    dead_letters = DeadLetters(clients.sqs(), settings().dead_letter_queue, "ecs_events")
    return EventRouter(registry(), request_queue(), dead_letters, time.time)
