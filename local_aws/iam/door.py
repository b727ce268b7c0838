"""Services of moto that answer past the place where calls are authorised: no role gets in there, nor any user of IAM's.

Amazon S3 is one, and some that are not part of the local AWS. What roles may do there nobody has written, and an
unauthorised yes would be worse than a no.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from local_aws.iam import denials, enforcement
from local_aws.iam.identities import UnknownKeyError

_CREDENTIAL = re.compile(r"Credential=([^/,\s]+)/[^/]*/[^/]*/([^/]+)/aws4_request")
_AUTHORISED = frozenset({
    "cloudformation", "dynamodb", "ec2", "ecs", "events", "iam", "kms", "lambda", "logs", "monitoring", "scheduler",
    "sns", "sqs", "sts", "tagging", "vpc-lattice", "xray",
})  # fmt: skip
"""Signing names of services whose every call is authorised (:mod:`local_aws.iam.enforcement`)."""

StartResponse = Callable[..., Any]


def closed(environ: Mapping[str, Any], start_response: StartResponse) -> Iterable[bytes] | None:
    """The answer to a request of a role or user to such a service; None for every other request."""
    active = enforcement.active()
    signed = _CREDENTIAL.search(environ.get("HTTP_AUTHORIZATION", ""))
    if active is None or signed is None or signed[2] in _AUTHORISED:
        return None
    key, service = signed.groups()
    try:
        identity = active.identities.of(key)
    except UnknownKeyError:
        return _answer(start_response, service, "The security token included in the request is invalid.")
    if identity is None:
        return None
    why = "because the local AWS authorises no calls to this service"
    return _answer(start_response, service, denials.sentence(identity.principal_arn, f"{service}:*", "*", why))


def _answer(start_response: StartResponse, service: str, message: str) -> Iterable[bytes]:
    if service == "s3":
        kind, body = "application/xml", f"<Error><Code>AccessDenied</Code><Message>{message}</Message></Error>"
    else:
        kind, body = "application/json", json.dumps({"__type": "AccessDeniedException", "message": message})
    headers = [
        ("Content-Type", kind),
        ("Content-Length", str(len(body))),
        ("x-amzn-ErrorType", "AccessDeniedException"),
    ]
    start_response("403 Forbidden", headers)
    return [body.encode()]


__all__ = ["closed"]
