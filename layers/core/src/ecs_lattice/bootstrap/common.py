"""What every function has: its settings, the registry and the bells of the stack."""

from functools import cache

from ecs_lattice import settings as environment
from ecs_lattice.aws import clients
from ecs_lattice.aws.queues import SqsRequestQueue
from ecs_lattice.aws.registry import DynamoRegistry
from ecs_lattice.settings import Settings


@cache
def settings() -> Settings:
    """The environment of the function. Raises SettingsError naming all that is missing or wrong."""
    return environment.read()


@cache
def registry() -> DynamoRegistry:
    """The registry of this stack."""
    return DynamoRegistry(clients.dynamodb(), settings().table)


@cache
def request_queue() -> SqsRequestQueue:
    """The bells of this stack."""
    return SqsRequestQueue(
        clients.sqs(),
        ecs_services=settings().ecs_services_queue,
        lattice_services=settings().lattice_services_queue,
        later=settings().ecs_events_queue,
    )
