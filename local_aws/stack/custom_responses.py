"""CloudFormation's requests to custom resources and their responses: a function receives a request and PUTs to a URL.

Source: CloudFormation User Guide, "Custom resource request objects" and "Custom resource response objects". The error
texts are those that stacks show; ``assumption`` marks texts without a public source.
"""

import json
import secrets
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs, quote, urlencode

from moto.awslambda.exceptions import LambdaClientError

from local_aws.clock import Clock
from local_aws.runtime.compute import Compute, find
from local_aws.runtime.values import Trigger

PREFIX = "/cloudformation-custom-resource-response/"
"""Where responses are PUT; in AWS it is a bucket of CloudFormation, with a presigned URL."""
_LONGEST = 4096
_LONGEST_ID = 1024
"""Bytes of a response and of a physical id (User Guide, "Custom resource response objects")."""
_COPIED = ("RequestId", "StackId", "LogicalResourceId")
_WAKE_SECONDS = 0.2

Request = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """The response of a custom resource: its physical id and the attributes for Fn::GetAtt."""

    physical_id: str
    data: Mapping[str, Any]


class NotDoneError(Exception):
    """The response was FAILED, invalid or missing; the text is what the stack's events show.

    ``physical_id`` is the id in the response, if there was one.
    """

    def __init__(self, reason: str, physical_id: str | None = None) -> None:
        super().__init__(reason)
        self.physical_id = physical_id


@dataclass(slots=True, eq=False)
class PendingResponse:
    """One request that waits for its response."""

    request: Request
    done: threading.Event = field(default_factory=threading.Event)
    expired: threading.Event = field(default_factory=threading.Event)
    body: bytes = b""

    def answered(self, body: bytes) -> None:
        """Take the first response; later ones are accepted and ignored, because CloudFormation no longer waits."""
        if not self.done.is_set():
            self.body = body
            self.done.set()


class PendingResponses:
    """Sends requests to functions and receives their responses, by the signature of the ResponseURL."""

    def __init__(self, endpoint_url: str, compute: Compute, clock: Clock) -> None:
        self.container_url: str | None = None
        """Where functions in containers reach the local AWS, if that is where they run: their loopback is their own."""
        self._endpoint_url = endpoint_url
        self._compute = compute
        self._clock = clock
        self._pending: dict[str, PendingResponse] = {}
        self._closed = threading.Event()

    def manual_url(self, endpoint_url: str) -> str:
        """A ResponseURL for a request that a person writes; its response is accepted, and nothing waits for it."""
        signature = secrets.token_hex(32)
        self._pending[signature] = PendingResponse({})
        return f"{endpoint_url}{PREFIX}by-hand?X-Amz-Signature={signature}"

    def ask(self, token: str, request: Request, seconds: float) -> Answer:
        """Send a request to the function ``token`` and wait for its response; NotDoneError if that is not SUCCESS.

        ``seconds`` are of the local AWS's time. Functions run in real time, so the wait lasts at least for the function's
        own timeout in real time, however fast the clock is.
        """
        function = _find(token)
        signature = secrets.token_hex(32)
        pending = self._pending[signature] = PendingResponse(request)
        url = _url(self.container_url or self._endpoint_url, request, signature)
        payload = json.dumps({**request, "ResponseURL": url}).encode()
        trigger = Trigger("cloudformation", {name: request[name] for name in ("RequestType", *_COPIED)})
        self._compute.asynchronous.submit(function.function_name, payload, trigger)
        timer = self._clock.call_later(seconds, pending.expired.set)
        earliest = time.monotonic() + float(function.timeout)
        try:
            while not pending.done.wait(_WAKE_SECONDS):
                if self._closed.is_set():
                    raise RuntimeError("The local AWS has stopped.")
                if pending.expired.is_set() and time.monotonic() > earliest:
                    pending.done.set()  # a response is too late from now on
                    raise NotDoneError(_silent(request))
        finally:
            timer.cancel()
        return read(pending.body, request)

    def receive(self, environ: Mapping[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """The receiver of responses, as WSGI: a presigned URL of S3 accepts one PUT without a content type.

        S3 answers 403 to a content type that the signature does not cover (User Guide: send an empty one); so does this.
        """
        signature = parse_qs(environ.get("QUERY_STRING", "")).get("X-Amz-Signature", [""])[0]
        pending = self._pending.get(signature)
        length = int(environ.get("CONTENT_LENGTH") or 0)
        body = environ["wsgi.input"].read(length) if length else b""
        if pending is None or environ["REQUEST_METHOD"] != "PUT" or environ.get("CONTENT_TYPE"):
            status, answer = HTTPStatus.FORBIDDEN, b"<Error><Code>SignatureDoesNotMatch</Code></Error>"
        else:
            pending.answered(body)
            status, answer = HTTPStatus.OK, b""
        headers = [("Content-Length", str(len(answer))), ("Content-Type", "application/xml")]
        start_response(f"{status.value} {status.phrase}", headers)
        return [answer]

    def close(self) -> None:
        """End all waiting."""
        self._closed.set()


def read(body: bytes, request: Request) -> Answer:
    """Parse a response; NotDoneError if it is FAILED or invalid."""
    if len(body) > _LONGEST:
        raise NotDoneError("Response object is too long.")  # aws-samples/amazon-cloudfront-secure-static-site #25
    try:
        answer = json.loads(body)
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        raise NotDoneError("The response is not a JSON object.")  # assumption
    physical_id = answer.get("PhysicalResourceId")
    if not isinstance(physical_id, str) or not 0 < len(physical_id.encode()) <= _LONGEST_ID:
        raise NotDoneError("Invalid PhysicalResourceId")  # aws-cloudformation/custom-resource-helper #67
    strange = [name for name in _COPIED if answer.get(name) != request[name]]
    if strange or answer.get("Status") not in {"SUCCESS", "FAILED"}:
        wrong = ", ".join(strange or ["Status"])
        raise NotDoneError(f"The response has no {wrong} that matches the request.", physical_id)  # assumption
    if answer["Status"] == "FAILED":
        told = f"Message returned: {answer.get('Reason') or 'no Reason given'} (RequestId: {request['RequestId']})"
        raise NotDoneError(f"Received response status [FAILED] from custom resource. {told}", physical_id)
    data = answer.get("Data")
    if data is not None and not isinstance(data, dict):
        raise NotDoneError("The Data of the response is not an object.", physical_id)  # assumption
    return Answer(physical_id, strings(data or {}))


def strings(value: Any) -> Any:
    """Properties as custom resources receive them: every scalar a string, true and false in lower case."""
    if isinstance(value, Mapping):
        return {str(key): strings(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [strings(inner) for inner in value]
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)


def _url(endpoint: str, request: Request, signature: str) -> str:
    key = quote(f"{request['StackId']}|{request['LogicalResourceId']}|{request['RequestId']}", safe="")
    query = {"X-Amz-Algorithm": "AWS4-HMAC-SHA256", "X-Amz-Expires": "7200", "X-Amz-SignedHeaders": "host"}
    return f"{endpoint}{PREFIX}{key}?{urlencode({**query, 'X-Amz-Signature': signature})}"


def _find(token: str) -> Any:
    if ":sns:" in token:
        raise NotDoneError(
            "The local AWS runs custom resources by Lambda functions; this ServiceToken is an SNS topic."
        )
    try:
        return find(token)
    except LambdaClientError as error:
        raise NotDoneError(f"The function of the ServiceToken {token} does not exist.") from error  # assumption


def _silent(request: Request) -> str:
    """No response arrived (aws-solutions-library-samples/guidance-for-baseline-security-assessment-on-aws #2)."""
    return (
        "CloudFormation did not receive a response from your Custom Resource. Please check your logs for requestId "
        f"[{request['RequestId']}]. If you are using the Python cfn-response module, you may need to update your Lambda "
        "function code so that CloudFormation can attach the updated version."
    )


__all__ = ["PREFIX", "Answer", "NotDoneError", "PendingResponse", "PendingResponses", "read", "strings"]
