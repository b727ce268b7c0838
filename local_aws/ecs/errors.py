"""The errors of the ECS API that moto does not have."""

from moto.ecs.exceptions import ECSException, InvalidParameterException, ServiceNotFoundException


class ServiceNotActiveError(ECSException):
    """An update of a service that is being deleted or is deleted (botocore, ServiceNotActiveException)."""

    def __init__(self) -> None:
        super().__init__("ServiceNotActiveException", "Service was not ACTIVE.")


class ServiceDeploymentNotFoundError(ECSException):
    """A service deployment that does not exist (botocore, ServiceDeploymentNotFoundException)."""

    def __init__(self) -> None:
        super().__init__("ServiceDeploymentNotFoundException", "Service deployment not found.")


__all__ = [
    "InvalidParameterException",
    "ServiceDeploymentNotFoundError",
    "ServiceNotActiveError",
    "ServiceNotFoundException",
]
