"""Lambda's API in moto, with invocations that reach worker processes instead of Docker."""

import base64
import json
from typing import TYPE_CHECKING, Any

from moto.awslambda.exceptions import LambdaClientError
from moto.awslambda.models import EventSourceMapping, LambdaBackend, LambdaFunction
from moto.awslambda.responses import LambdaResponse
from moto.sqs.models import sqs_backends

from local_aws import extend
from local_aws.iam import service_principals
from local_aws.runtime.values import ThrottledError, Trigger
from local_aws.services import current

if TYPE_CHECKING:
    from collections.abc import Mapping

_MAX_PAYLOAD = 6 * 1024 * 1024
_MAX_ASYNC_PAYLOAD = 1024 * 1024
"""Bytes (AWS Lambda Developer Guide, "Lambda quotas", invocation payload: synchronous, asynchronous)."""


class LocalLambdaBackend(LambdaBackend):
    """moto's, with event source mappings that are polled, and properties that moto drops."""

    def create_function(self, spec: dict[str, Any]) -> LambdaFunction:
        if not service_principals.is_trusted(str(spec.get("Role")), service_principals.LAMBDA):
            raise _invalid("The role defined for the function cannot be assumed by Lambda.")
        function: Any = super().create_function(spec)
        function.logging_config = spec.get("LoggingConfig", {})
        function.dead_letter_arn = spec.get("DeadLetterConfig", {}).get("TargetArn")
        return function

    def update_function_configuration(
        self, function_name: str, qualifier: str, body: dict[str, Any]
    ) -> dict[str, Any] | None:
        function: Any = self.get_function(function_name, qualifier)
        if "LoggingConfig" in body:
            function.logging_config = body["LoggingConfig"]
        return super().update_function_configuration(function_name, qualifier, body)

    def delete_function(self, function_name: str, qualifier: str | None = None) -> None:
        super().delete_function(function_name, qualifier)
        compute = current().compute
        if compute is not None:
            compute.functions.forget(function_name.rpartition(":")[2])

    def create_event_source_mapping(self, spec: dict[str, Any]) -> EventSourceMapping:
        self._check_polling(spec)
        mapping = super().create_event_source_mapping(spec)
        queue = sqs_backends[self.account_id][self.region_name].queues.get(mapping.event_source_arn.split(":")[-1])
        if queue is not None:
            # moto would invoke inside SendMessage; the pollers of local_aws.delivery read the queue instead.
            queue.lambda_event_source_mappings.pop(mapping.function_arn, None)
        return mapping

    def _check_polling(self, spec: dict[str, Any]) -> None:
        """The role must allow polling beforehand (Lambda API Reference, CreateEventSourceMapping; the text is AWS's)."""
        queue = str(spec.get("EventSourceArn"))
        function = self.get_function(str(spec.get("FunctionName")), None) if ":sqs:" in queue else None
        if function is None:
            return
        principal = service_principals.for_function(str(function.role), str(function.function_arn))
        for action in service_principals.POLLING:
            if (
                service_principals.refusal(principal, service_principals.side_needs([action], queue), log=False)
                is not None
            ):
                name = action.partition(":")[2]
                raise _invalid(f"The provided execution role does not have permissions to call {name} on SQS")

    def invoke(
        self, function_name: str, qualifier: str | None, body: Any, headers: Any, response_headers: Any
    ) -> str | bytes | None:
        function = self.get_function(function_name, qualifier)
        payload = body.encode() if isinstance(body, str) else body
        payload = payload or b"{}"
        kind = headers.get("X-Amz-Invocation-Type") or "RequestResponse"
        _check_payload(payload, _MAX_ASYNC_PAYLOAD if kind == "Event" else _MAX_PAYLOAD)
        if kind == "DryRun":
            return b""
        trigger = Trigger("invoke", {"invocationType": kind})
        if kind == "Event":
            current().running_compute().asynchronous.submit(function.function_name, payload, trigger)
            return b""
        try:
            outcome = current().running_compute().invoke(function, payload, trigger)
        except ThrottledError as error:
            raise _TooManyRequestsError(str(error)) from error
        response_headers["x-amz-executed-version"] = str(function.version)
        if outcome.error:
            response_headers["x-amz-function-error"] = outcome.error
        tail = "\n".join(outcome.logs).encode()[-4096:]
        response_headers["x-amz-log-result"] = base64.b64encode(tail).decode()
        response_headers["Content-Length"] = str(len(outcome.payload))
        return outcome.payload


class LocalLambdaResponse(LambdaResponse):
    """moto's response class; the backend does the work."""


class _TooManyRequestsError(LambdaClientError):
    code = 429

    def __init__(self, message: str) -> None:
        super().__init__("TooManyRequestsException", f"Rate Exceeded. {message}")


def _invalid(message: str) -> LambdaClientError:
    return LambdaClientError("InvalidParameterValueException", message)


def _check_payload(payload: bytes, limit: int) -> None:
    if len(payload) > limit:
        raise LambdaClientError(
            "RequestTooLargeException", f"Request must be smaller than {limit} bytes, was {len(payload)}"
        )
    try:
        json.loads(payload)
    except ValueError as error:
        raise LambdaClientError(
            "InvalidRequestContentException", f"Could not parse request body into json: {error}"
        ) from error


def install() -> None:
    """Replace moto's Lambda."""
    extend.install("lambda", LocalLambdaBackend, LocalLambdaResponse)
    model: Any = LambdaFunction
    model.get_configuration = _configuration
    model._invoke_lambda = _invoke_for_moto
    mapping: Any = EventSourceMapping
    mapping.get_configuration = _mapping_configuration


_moto_configuration = LambdaFunction.get_configuration
_moto_mapping_configuration = EventSourceMapping.get_configuration


def _mapping_configuration(mapping: EventSourceMapping) -> dict[str, Any]:
    """With the poller's result, such as a missing permission."""
    result = getattr(mapping, "last_processing_result", "No records processed")
    return {**_moto_mapping_configuration(mapping), "LastProcessingResult": result}


def _invoke_for_moto(function: LambdaFunction, event: Any = None) -> tuple[str, bool, str]:
    """For invocations inside of moto, such as custom resources and SNS: payload, failure, logs."""
    outcome = current().running_compute().invoke(function, json.dumps(event).encode(), Trigger("moto"))
    return outcome.payload.decode(), outcome.error is not None, "\n".join(outcome.logs)


def _configuration(function: LambdaFunction, on_create: bool = False) -> dict[str, Any]:
    described = _moto_configuration(function, on_create)
    logging: Mapping[str, str] = getattr(function, "logging_config", {})
    group = logging.get("LogGroup") or f"/aws/lambda/{function.function_name}"
    described["LoggingConfig"] = {"LogFormat": "Text", **logging, "LogGroup": group}
    return described
