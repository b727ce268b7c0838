"""The errors of the VPC Lattice API, with the members that its service model gives them.

HTTP status and members: botocore's ``vpc-lattice`` service model, version 2022-11-30.
"""

from collections.abc import Sequence
from typing import Any

from moto.core.exceptions import ServiceException

SERVICE_CODE = "vpc-lattice"


class LatticeError(ServiceException):
    """An error of the API: ``code`` as clients see it, ``status`` of HTTP, further members, headers."""

    def __init__(
        self,
        code: str,
        message: str,
        status: int,
        members: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(code, message)
        self.status = status
        self.members: dict[str, Any] = {"message": message, **(members or {})}
        self.headers: dict[str, str] = headers or {}


class AnswerLostError(Exception):
    """The operation succeeded, and the connection broke before the response."""


def invalid(message: str, *fields: tuple[str, str], reason: str | None = None) -> LatticeError:
    """A request with invalid fields; ``fields`` are pairs of name and problem."""
    members: dict[str, Any] = {"reason": reason or ("fieldValidationFailed" if fields else "other")}
    if fields:
        members["fieldList"] = [{"name": name, "message": text} for name, text in fields]
    return LatticeError("ValidationException", message, 400, members)


def conflict(message: str, resource_id: str, resource_type: str) -> LatticeError:
    """The state or existence of a resource forbids the request."""
    return LatticeError("ConflictException", message, 409, {"resourceId": resource_id, "resourceType": resource_type})


def not_found(resource_id: str, resource_type: str) -> LatticeError:
    """Nothing has this identifier."""
    message = f"{resource_type} {resource_id} not found"
    return LatticeError(
        "ResourceNotFoundException", message, 404, {"resourceId": resource_id, "resourceType": resource_type}
    )


def over_quota(what: str, limit: int, quota_code: str, resource_type: str, resource_id: str | None) -> LatticeError:
    """One more would exceed a quota; HTTP 402, as the service model says."""
    members: dict[str, Any] = {
        "resourceType": resource_type,
        "serviceCode": SERVICE_CODE,
        "quotaCode": quota_code,
    }
    if resource_id:
        members["resourceId"] = resource_id
    return LatticeError("ServiceQuotaExceededException", f"{what} is limited to {limit}", 402, members)


def throttled(retry_after_seconds: int) -> LatticeError:
    return LatticeError(
        "ThrottlingException",
        "Rate exceeded",
        429,
        {"serviceCode": SERVICE_CODE},
        {"Retry-After": str(retry_after_seconds)},
    )


def internal(retry_after_seconds: int = 1) -> LatticeError:
    return LatticeError(
        "InternalServerException", "An internal error occurred", 500, headers={"Retry-After": str(retry_after_seconds)}
    )


def summary(problems: Sequence[tuple[str, str]]) -> str:
    """One message for several invalid fields."""
    return "; ".join(f"{name}: {text}" for name, text in problems)
