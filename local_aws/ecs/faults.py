"""Faults of the ECS API, with its codes (ECS Developer Guide, request throttling; botocore, ServerException)."""

from typing import ClassVar

from moto.ecs.exceptions import ECSException

from local_aws import faults
from local_aws.faults import ANY, Call, Fault, lose


class Faults(faults.Faults):
    """Upcoming faults, by operation (``UpdateService``) or for any (``*``); each affects one call."""

    error = ECSException
    throttled: ClassVar[tuple[str, str]] = ("ThrottlingException", "Rate exceeded")
    failed: ClassVar[tuple[str, str]] = ("ServerException", "Service Unavailable. Please try again later.")


__all__ = ["ANY", "Call", "Fault", "Faults", "lose"]
