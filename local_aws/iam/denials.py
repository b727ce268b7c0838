"""How each service denies access: the message, the error code of its protocol, the HTTP status.

Sources: IAM User Guide, "Troubleshoot access denied error messages"; the common errors of each API reference
(AccessDeniedException), Amazon EC2 API Reference, error codes (UnauthorizedOperation), Amazon SNS API Reference
(AuthorizationError).
"""

import json
from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import escape

from moto.core.responses import BaseResponse
from moto.core.utils import get_service_model

Answer = tuple[int, dict[str, Any], Any]


@dataclass(frozen=True, slots=True)
class Refused:
    """The response to a denied request, and its error code."""

    answer: Answer
    code: str


def sentence(who: str, action: str, resource: str, why: str) -> str:
    """AWS's message; ``why`` begins with ``because`` or ``with``."""
    return f"User: {who} is not authorized to perform: {action} on resource: {resource} {why}"


def no_policy_allows(kind: str, action: str) -> str:
    """The reason of an implicit deny; ``kind`` such as ``identity-based policy``."""
    return f"because no {kind} allows the {action} action"


def explicitly_denied(kind: str) -> str:
    """The reason of an explicit deny; ``kind`` such as ``identity-based policy``."""
    article = "an" if kind[0] in "aeiou" else "a"
    return f"with an explicit deny in {article} {kind}"


def denied(response: BaseResponse, message: str) -> Refused:
    """Access denied, in the form of the service's protocol."""
    service, protocol = str(response.boto3_service_name), _protocol(response)
    code = {"ec2": "UnauthorizedOperation", "sns": "AuthorizationError"}.get(service)
    if service == "ec2":
        message = f"You are not authorized to perform this operation. {message}"
    if code is None:
        code = "AccessDeniedException" if "json" in protocol else "AccessDenied"
    # awsJson services return 400, all others 403 (DynamoDB Developer Guide, error handling; EC2 and SQS error codes)
    status = 400 if protocol == "json" and service not in _QUERY_COMPATIBLE else 403
    return _refused(response, status, code, message)


def unknown_key(response: BaseResponse) -> Refused:
    """An unknown temporary access key."""
    code = "UnrecognizedClientException" if "json" in _protocol(response) else "InvalidClientTokenId"
    return _refused(response, 403, code, "The security token included in the request is invalid.")


def undecided(response: BaseResponse, message: str) -> Refused:
    """An error of the local AWS, or a policy that it cannot evaluate: neither allowed nor denied."""
    return _refused(response, 500, "InternalFailure", message)


_QUERY_COMPATIBLE = {"sqs": "AccessDenied", "cloudwatch": "AccessDenied"}
"""Services that used the query protocol and keep its error codes (x-amzn-query-error) in JSON."""


def _refused(response: BaseResponse, status: int, code: str, message: str) -> Refused:
    protocol, service = _protocol(response), str(response.boto3_service_name)
    headers: dict[str, Any] = {"content-type": "text/xml"}
    if "json" in protocol:
        # Built here, because moto's serializer knows only the errors of a service's model.
        headers = {"content-type": "application/json", "x-amzn-errortype": code}
        body: Any = json.dumps({"__type": code, "message": message, "Message": message})
        if service in _QUERY_COMPATIBLE and code == "AccessDeniedException":
            headers["x-amzn-query-error"] = f"{_QUERY_COMPATIBLE[service]};Sender"
    elif protocol == "ec2":
        body = _XML_EC2.format(code=code, message=escape(message))
    else:
        body = _XML_QUERY.format(code=code, message=escape(message))
    headers["status"] = status
    headers, body = response._enrich_response(headers, body)
    return Refused((status, headers, body), code)


_XML_EC2 = (
    "<Response><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors>"
    "<RequestID>00000000-0000-0000-0000-000000000000</RequestID></Response>"
)
_XML_QUERY = (
    "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>"
    "<RequestId>00000000-0000-0000-0000-000000000000</RequestId></ErrorResponse>"
)


def _protocol(response: BaseResponse) -> str:
    model = get_service_model(str(response.boto3_service_name))
    return str(response.determine_response_protocol(model))


__all__ = ["Answer", "Refused", "denied", "explicitly_denied", "no_policy_allows", "sentence", "undecided",
           "unknown_key"]  # fmt: skip
