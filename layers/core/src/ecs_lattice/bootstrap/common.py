"""What the functions share: settings, clients, the registry, and all that leads out of the application."""

from __future__ import annotations

import time
from functools import cache, cached_property
from typing import TYPE_CHECKING

from ecs_lattice import settings as environment
from ecs_lattice.aws.clients import Clients
from ecs_lattice.aws.history import DynamoHistory
from ecs_lattice.aws.queues import SqsDeadLetters, SqsQueue, SqsRequestQueue
from ecs_lattice.aws.registry import DynamoRegistry

if TYPE_CHECKING:
    from ecs_lattice.health.ports import MetricsSink
    from ecs_lattice.ports import Now, RequestQueue, Sleep
    from ecs_lattice.settings import Settings


class Wiring:
    """The collaborators of one stack. Nothing is called before an operation needs it."""

    def __init__(self, settings: Settings, clients: Clients, now: Now, sleep: Sleep) -> None:
        self.settings = settings
        self.clients = clients
        self.now = now
        self.sleep = sleep

    @cached_property
    def registry(self) -> DynamoRegistry:
        return DynamoRegistry(self.clients.dynamodb, self.settings.table)

    @cached_property
    def history(self) -> DynamoHistory:
        return DynamoHistory(self.clients.dynamodb, self.settings.table, self.now)

    @cached_property
    def requests(self) -> RequestQueue:
        return SqsRequestQueue(
            self.clients.sqs,
            ecs_services=self.settings.ecs_services_queue,
            lattice_services=self.settings.lattice_services_queue,
            later=self.settings.ecs_events_queue,
        )

    def queue(self, url: str) -> SqsQueue:
        """A queue of the application, for delays and retries."""
        return SqsQueue(self.clients.sqs, url)

    def dead_letters(self, function: str) -> SqsDeadLetters:
        """The dead-letter queue as ``function`` uses it."""
        return SqsDeadLetters(self.clients.sqs, self.settings.dead_letter_queue, function)

    @cached_property
    def metrics(self) -> MetricsSink:
        from ecs_lattice.aws.metrics import EmfMetrics  # noqa: PLC0415  not every function publishes

        return EmfMetrics()


@cache
def settings() -> Settings:
    """The environment of the function. Raises SettingsError naming everything that is missing or wrong."""
    return environment.read()


@cache
def wiring() -> Wiring:
    """The real collaborators. Raises SettingsError."""
    return Wiring(settings(), Clients(), time.time, time.sleep)
