"""Denies calls of roles and users to services that the local AWS does not authorize.

Some services of moto, such as Amazon S3, answer before :mod:`local_aws.iam.enforcement` sees a call. No rules say what
roles may do there, and an unauthorized success would be worse than a denial.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from local_aws.iam import denials
from local_aws.iam.identities import Identities, UnknownKeyError

_CREDENTIAL = re.compile(r"Credential=([^/,\s]+)/[^/]*/[^/]*/([^/]+)/aws4_request")
_AUTHORIZED = frozenset({
    "cloudformation", "dynamodb", "ec2", "ecs", "events", "iam", "kms", "lambda", "logs", "monitoring", "scheduler",
    "sns", "sqs", "sts", "tagging", "vpc-lattice", "xray",
})  # fmt: skip
"""Signing names of the services whose calls are all authorized (:mod:`local_aws.iam.enforcement`)."""

StartResponse = Callable[..., Any]


class Gateway:
    """Checks requests of the HTTP endpoint, before moto finds the service that they are for."""

    def __init__(self, identities: Identities) -> None:
        self._identities = identities

    def denial(self, environ: Mapping[str, Any], start_response: StartResponse) -> Iterable[bytes] | None:
        """The answer to a request of a role or user to a service without authorization; None for all others."""
        signed = _CREDENTIAL.search(environ.get("HTTP_AUTHORIZATION", ""))
        if signed is None or signed[2] in _AUTHORIZED:
            return None
        key, service = signed.groups()
        try:
            identity = self._identities.of(key)
        except UnknownKeyError:
            return _answer(start_response, service, "The security token included in the request is invalid.")
        if identity is None:
            return None
        why = "because the local AWS authorizes no calls to this service"
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


__all__ = ["Gateway"]
