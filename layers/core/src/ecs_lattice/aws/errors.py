"""Every error of botocore as an :class:`~ecs_lattice.errors.AwsError`, chosen by its error code."""

from typing import Any

from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

from ecs_lattice.errors import (
    AwsError,
    ConditionError,
    ConflictError,
    DeniedError,
    InvalidError,
    NotFoundError,
    QuotaError,
    StackResourceError,
    ThrottledError,
    UnavailableError,
)

# The error codes of all services that are called here, by how the caller reacts.
_CODES: dict[type[AwsError], str] = {
    ThrottledError: "Throttling ThrottlingException TooManyRequestsException RequestLimitExceeded SlowDown "
    "ProvisionedThroughputExceededException RequestThrottled",
    ConflictError: "ConflictException ResourceInUseException TransactionConflictException UpdateInProgressException "
    "InvalidPermission.Duplicate DeleteConflict",
    NotFoundError: "ResourceNotFoundException ServiceNotFoundException ClusterNotFoundException "
    "ServiceNotActiveException NotFound QueueDoesNotExist AWS.SimpleQueueService.NonExistentQueue "
    "InvalidSubnetID.NotFound ResourceNotFound InvalidGroup.NotFound InvalidSecurityGroupID.NotFound "
    "InvalidSecurityGroupRuleId.NotFound InvalidID NoSuchEntity",
    ConditionError: "ConditionalCheckFailedException",
    QuotaError: "ServiceQuotaExceededException LimitExceededException RulesPerSecurityGroupLimitExceeded "
    "TagLimitExceeded LimitExceeded LimitExceededFault",
    DeniedError: "AccessDeniedException AccessDenied UnauthorizedOperation AuthFailure AuthorizationError",
    InvalidError: "ValidationException ValidationError InvalidParameterException InvalidParameter "
    "InvalidParameterValue ClientException PlatformUnknownException UnsupportedFeatureException "
    "InvalidGroupId.Malformed InvalidPermission.Malformed InvalidPermission.NotFound InvalidParameterCombination",
}
_BY_CODE = {code: kind for kind, codes in _CODES.items() for code in codes.split()}
_SERVER_ERROR = 500


def translated(operation: str, error: ClientError | BotoCoreError) -> AwsError:
    """Our error for what botocore raised in a call of ``operation``."""
    if isinstance(error, ParamValidationError):
        return InvalidError(operation, "ParamValidation", str(error))
    if isinstance(error, BotoCoreError):
        return UnavailableError(operation, type(error).__name__, str(error))
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


def translated_of_stack(operation: str, error: ClientError | BotoCoreError) -> AwsError:
    """As :func:`translated`, for a call to the stack's own table or queues: a refusal there is a fault of the stack, and never
    one of what a customer declares."""
    ours = translated(operation, error)
    if isinstance(ours, DeniedError | NotFoundError):
        return StackResourceError(operation, ours.code, ours.message)
    return ours


def _retry_after(response: dict[str, Any], otherwise: float) -> float:
    """Seconds, from VPC Lattice's member of the error or from the HTTP header."""
    headers = response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    given = response.get("retryAfterSeconds") or headers.get("retry-after")
    try:
        return float(given)
    except (TypeError, ValueError):
        return otherwise
