"""ECS of the local AWS: moto's ECS with a service scheduler that runs deployments and publishes events."""

from moto.ecs.models import ecs_backends

from local_aws import eventbus, extend
from local_aws.ecs import cloudformation
from local_aws.ecs.backend import EcsBackend
from local_aws.ecs.responses import EcsResponse
from local_aws.ecs.settings import Settings


def install() -> None:
    """Serve ECS from the next request on, under ``mock_aws`` and in moto's server."""
    extend.install("ecs", EcsBackend, EcsResponse)
    cloudformation.install()


def backend(account: str = eventbus.ACCOUNT, region: str = eventbus.REGION) -> EcsBackend:
    """The backend of one account and Region: settings, faults, calls and services, without HTTP."""
    return ecs_backends[account][region]  # type: ignore[return-value]


__all__ = ["EcsBackend", "EcsResponse", "Settings", "backend", "install"]
