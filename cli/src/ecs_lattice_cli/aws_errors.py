"""Errors of boto3 to sentences: what was not possible, and what the person can do about it."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import botocore.exceptions as failures
from botocore.session import Session

from ecs_lattice_cli.errors import UNAVAILABLE, USAGE, CommandError
from ecs_lattice_cli.nearest import suggestion

POLICY_PAGE = "docs/command.md#permissions"
_DENIED = (
    "AccessDenied",
    "AccessDeniedException",
    "UnauthorizedOperation",
    "AuthorizationError",
    "AuthorizationErrorException",
)
_BAD_CREDENTIALS = (
    "ExpiredToken", "ExpiredTokenException", "InvalidClientTokenId", "UnrecognizedClientException", "SignatureDoesNotMatch",
    "InvalidSignatureException", "AuthFailure", "RequestExpired",
)  # fmt: skip
_ACTION = re.compile(r"not authorized to perform:? ([\w-]+:\w+)(?: on resource:? (\S+))?")
_CREDENTIALS = "Configure some (aws configure, aws sso login, AWS_PROFILE), or write --profile."


@contextmanager
def explained() -> Iterator[None]:
    """Raise CommandError, with the cause, instead of an error of boto3."""
    try:
        yield
    except failures.ClientError as error:
        raise _of_service(error) from error
    except (failures.BotoCoreError, ValueError) as error:
        raise _of_client(error) from error


def _of_service(error: failures.ClientError) -> CommandError:
    """AWS answered with an error."""
    code, message = error.response["Error"].get("Code", ""), error.response["Error"].get("Message", "")
    if code in _DENIED:
        found = _ACTION.search(message)
        action = denied_action(error)
        where = f" on {found[2]}" if found and found[2] else ""
        return CommandError(
            f"AWS denied {action}{where}. The policy that this command needs is in {POLICY_PAGE}. ({message})",
            UNAVAILABLE,
        )
    if code in _BAD_CREDENTIALS:
        return CommandError(f"AWS does not accept the credentials: {message}. {_CREDENTIALS}", UNAVAILABLE)
    return CommandError(f"AWS rejected {error.operation_name}: {message} ({code}).", UNAVAILABLE)


def denied_action(error: BaseException | None) -> str:
    """The action that AWS denied, as its answer names it; without that the operation. Empty if ``error`` is no denial."""
    if not isinstance(error, failures.ClientError) or error.response["Error"].get("Code") not in _DENIED:
        return ""
    found = _ACTION.search(error.response["Error"].get("Message", ""))
    return found[1] if found else str(error.operation_name)


def _of_client(error: Exception) -> CommandError:
    """No answer came, or nothing could be sent."""
    match error:
        case failures.NoCredentialsError() | failures.PartialCredentialsError() | failures.CredentialRetrievalError():
            return CommandError(f"There are no usable AWS credentials: {error}. {_CREDENTIALS}", UNAVAILABLE)
        case failures.TokenRetrievalError() | failures.SSOError():
            return CommandError(f"The AWS login is not usable: {error}. {_CREDENTIALS}", UNAVAILABLE)
        case failures.ProfileNotFound():
            profile = str(error.kwargs.get("profile", ""))
            return CommandError(f"{error}; {suggestion(profile, Session().available_profiles)}".rstrip("; "), USAGE)
        case failures.NoRegionError():
            return CommandError("There is no Region: write --region, or set AWS_REGION or ECS_LATTICE_REGION.", USAGE)
        case failures.ConnectionError() | failures.HTTPClientError():
            return CommandError(f"AWS cannot be reached: {error}", UNAVAILABLE)
    return CommandError(f"AWS cannot be called: {error}", USAGE if isinstance(error, ValueError) else UNAVAILABLE)
