"""The border to AWS: botocore's errors become ours, once, by error code, with the cause chained."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

from ecs_lattice import deadline
from ecs_lattice.errors import (
    AwsError,
    ConditionError,
    ConflictError,
    DeniedError,
    InvalidError,
    NotFoundError,
    QuotaError,
    ThrottledError,
    UnavailableError,
)

# Error codes of every service that is called here; which reaction each asks for.
_BY_CODE: dict[str, type[AwsError]] = {
    **dict.fromkeys(
        ("Throttling", "ThrottlingException", "TooManyRequestsException", "RequestLimitExceeded", "SlowDown",
         "ProvisionedThroughputExceededException", "RequestThrottled"), ThrottledError),
    **dict.fromkeys(
        ("ConflictException", "ResourceInUseException", "TransactionConflictException", "UpdateInProgressException",
         "InvalidPermission.Duplicate", "DeleteConflict"), ConflictError),
    **dict.fromkeys(
        ("ResourceNotFoundException", "ServiceNotFoundException", "ClusterNotFoundException", "ServiceNotActiveException",
         "NotFound", "QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue", "InvalidSubnetID.NotFound", "ResourceNotFound",
         "InvalidGroup.NotFound", "InvalidSecurityGroupID.NotFound", "InvalidSecurityGroupRuleId.NotFound",
         "InvalidID", "NoSuchEntity"), NotFoundError),
    "ConditionalCheckFailedException": ConditionError,
    **dict.fromkeys(("ServiceQuotaExceededException", "LimitExceededException", "RulesPerSecurityGroupLimitExceeded", "TagLimitExceeded", "LimitExceeded", "LimitExceededFault"), QuotaError),
    **dict.fromkeys(("AccessDeniedException", "AccessDenied", "UnauthorizedOperation", "AuthFailure", "AuthorizationError"), DeniedError),
    **dict.fromkeys(
        ("ValidationException", "ValidationError", "InvalidParameterException", "InvalidParameter", "InvalidParameterValue", "ClientException",
         "PlatformUnknownException", "UnsupportedFeatureException",
         "InvalidGroupId.Malformed", "InvalidPermission.Malformed", "InvalidPermission.NotFound", "InvalidParameterCombination"), InvalidError),
}  # fmt: skip
_SERVER_ERROR = 500


@contextmanager
def translated(operation: str) -> Iterator[None]:
    """Raise our error for botocore's inside the block; ``operation`` is AWS's name of the call.

    No call starts after the deadline (OutOfTimeError).
    """
    deadline.check()
    try:
        yield
    except ClientError as error:
        raise _translate(operation, error) from error
    except ParamValidationError as error:
        raise InvalidError(operation, "ParamValidation", str(error)) from error
    except BotoCoreError as error:
        raise UnavailableError(operation, type(error).__name__, str(error)) from error


def _translate(operation: str, error: ClientError) -> AwsError:
    response: dict[str, Any] = dict(error.response)
    code = response.get("Error", {}).get("Code", "Unknown")
    message = response.get("Error", {}).get("Message", str(error))
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    kind = _BY_CODE.get(code) or (UnavailableError if status >= _SERVER_ERROR else AwsError)
    ours = kind(operation, code, message)
    if isinstance(ours, ThrottledError):
        ours.retry_after = _retry_after(response, ours.retry_after)
    if isinstance(ours, ConflictError):
        ours.resource_id, ours.resource_type = response.get("resourceId"), response.get("resourceType")
    if isinstance(ours, QuotaError):
        ours.quota_code = response.get("quotaCode")
    return ours


def _retry_after(response: dict[str, Any], otherwise: float) -> float:
    """Seconds, from the member that Lattice puts it in or from the header behind it."""
    headers = response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    given = response.get("retryAfterSeconds") or headers.get("retry-after")
    try:
        return float(given)
    except (TypeError, ValueError):
        return otherwise
