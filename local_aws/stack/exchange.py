"""Requests of CloudFormation to custom resources, and their answers: a function is told, and PUTs to a URL.

Source: CloudFormation User Guide, "Custom resource request objects" and "Custom resource response objects". Texts of
failures are those that stacks show; where none is public it says assumption.
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

from local_aws import clock
from local_aws.runtime import lambda_service
from local_aws.runtime.values import Trigger

PREFIX = "/cloudformation-custom-resource-response/"
"""Where answers are PUT; on AWS this is a bucket of CloudFormation's own, reached by a presigned URL."""
_LONGEST = 4096
_LONGEST_ID = 1024
"""Bytes of an answer and of a physical id (User Guide, "Custom resource response objects")."""
_COPIED = ("RequestId", "StackId", "LogicalResourceId")
_WAKE_SECONDS = 0.2

Request = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a custom resource said: its id, and what Fn::GetAtt gives."""

    physical_id: str
    data: Mapping[str, Any]


class NotDoneError(Exception):
    """A request was answered FAILED, wrongly or not at all; the text is what the stack's events show.

    ``physical_id`` is the id in the answer, if there was one.
    """

    def __init__(self, reason: str, physical_id: str | None = None) -> None:
        super().__init__(reason)
        self.physical_id = physical_id


@dataclass(slots=True, eq=False)
class Exchange:
    """One request that waits for its answer."""

    request: Request
    done: threading.Event = field(default_factory=threading.Event)
    expired: threading.Event = field(default_factory=threading.Event)
    body: bytes = b""

    def answered(self, body: bytes) -> None:
        """The first answer counts; any other is taken and ignored, because CloudFormation no longer looks."""
        if not self.done.is_set():
            self.body = body
            self.done.set()


_exchanges: dict[str, Exchange] = {}
_address: str | None = None


def answer_at(address: str | None) -> None:
    """Where functions reach the receiver of answers; None where they do at the local AWS's own endpoint.

    Functions in containers do not: their loopback is not this machine's.
    """
    global _address  # noqa: PLW0603  it goes with the exchanges, which are one server's
    _address = address


def by_hand(address: str) -> str:
    """A ResponseURL for a request that somebody makes up: its answer is taken, and nobody waits for it."""
    signature = secrets.token_hex(32)
    _exchanges[signature] = Exchange({})
    return f"{address}{PREFIX}by-hand?X-Amz-Signature={signature}"


def ask(token: str, request: Request, seconds: float, endpoint: str) -> Answer:
    """Send a request to the function ``token`` and wait for its answer; NotDoneError if that is not SUCCESS.

    ``seconds`` are of the local AWS's time. Functions run in real time, so nobody is given up before the function's own
    time-out has passed in real time, however fast the clock is.
    """
    function = _find(token)
    signature = secrets.token_hex(32)
    exchange = _exchanges[signature] = Exchange(request)
    payload = json.dumps({**request, "ResponseURL": _url(_address or endpoint, request, signature)}).encode()
    trigger = Trigger("cloudformation", {name: request[name] for name in ("RequestType", *_COPIED)})
    lambda_service.compute().asynchronous.submit(function.function_name, payload, trigger)
    timer = clock.call_later(seconds, exchange.expired.set)
    earliest = time.monotonic() + float(function.timeout)
    try:
        while not exchange.done.wait(_WAKE_SECONDS):
            lambda_service.compute()  # raises when the server has stopped
            if exchange.expired.is_set() and time.monotonic() > earliest:
                exchange.done.set()  # from now on an answer is too late
                raise NotDoneError(_silent(request))
    finally:
        timer.cancel()
    return read(exchange.body, request)


def read(body: bytes, request: Request) -> Answer:
    """What an answer says; NotDoneError if it says FAILED, or is not one."""
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
        raise NotDoneError(f"The response has no {wrong} that fits the request.", physical_id)  # assumption
    if answer["Status"] == "FAILED":
        told = f"Message returned: {answer.get('Reason') or 'no Reason given'} (RequestId: {request['RequestId']})"
        raise NotDoneError(f"Received response status [FAILED] from custom resource. {told}", physical_id)
    data = answer.get("Data")
    if data is not None and not isinstance(data, dict):
        raise NotDoneError("The Data of the response is not an object.", physical_id)  # assumption
    return Answer(physical_id, strings(data or {}))


def strings(value: Any) -> Any:
    """Properties as custom resources get them: every scalar a string, true and false in lower case."""
    if isinstance(value, Mapping):
        return {str(key): strings(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [strings(inner) for inner in value]
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)


def receive(environ: Mapping[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """The receiver of answers, as WSGI: a presigned URL of S3 takes one PUT without a content type.

    A content type that the signature does not know is 403 there (User Guide: send an empty one); here, too.
    """
    signature = parse_qs(environ.get("QUERY_STRING", "")).get("X-Amz-Signature", [""])[0]
    exchange = _exchanges.get(signature)
    length = int(environ.get("CONTENT_LENGTH") or 0)
    body = environ["wsgi.input"].read(length) if length else b""
    if exchange is None or environ["REQUEST_METHOD"] != "PUT" or environ.get("CONTENT_TYPE"):
        status, answer = HTTPStatus.FORBIDDEN, b"<Error><Code>SignatureDoesNotMatch</Code></Error>"
    else:
        exchange.answered(body)
        status, answer = HTTPStatus.OK, b""
    headers = [("Content-Length", str(len(answer))), ("Content-Type", "application/xml")]
    start_response(f"{status.value} {status.phrase}", headers)
    return [answer]


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
        return lambda_service.find(token)
    except LambdaClientError as error:
        raise NotDoneError(f"The function of the ServiceToken {token} is not there.") from error  # assumption


def _silent(request: Request) -> str:
    """Nobody answered (aws-solutions-library-samples/guidance-for-baseline-security-assessment-on-aws #2)."""
    return (
        "CloudFormation did not receive a response from your Custom Resource. Please check your logs for requestId "
        f"[{request['RequestId']}]. If you are using the Python cfn-response module, you may need to update your Lambda "
        "function code so that CloudFormation can attach the updated version."
    )


__all__ = ["PREFIX", "Answer", "Exchange", "NotDoneError", "answer_at", "ask", "by_hand", "read", "receive", "strings"]
