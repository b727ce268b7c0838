"""The error of the ECS API that moto does not have."""

from moto.ecs.exceptions import ECSException


class ServiceNotActiveError(ECSException):
    """An update of a service that is being or has been deleted (botocore, ServiceNotActiveException)."""

    def __init__(self) -> None:
        super().__init__("ServiceNotActiveException", "Service was not ACTIVE.")


__all__ = ["ServiceNotActiveError"]
