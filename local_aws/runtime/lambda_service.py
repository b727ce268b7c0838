"""Lambda's API in moto, with invocations that reach worker processes instead of Docker."""

import base64
import json
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from moto.awslambda.exceptions import LambdaClientError
from moto.awslambda.models import EventSourceMapping, LambdaBackend, LambdaFunction
from moto.awslambda.responses import LambdaResponse
from moto.awslambda.utils import get_backend
from moto.sqs.models import sqs_backends

from local_aws import clock, extend
from local_aws.eventbus import ACCOUNT, REGION
from local_aws.iam import platform
from local_aws.monitoring import services
from local_aws.runtime import artefacts
from local_aws.runtime.asynchronous import AsynchronousInvocations
from local_aws.runtime.functions import Functions
from local_aws.runtime.values import FunctionSettings, Outcome, ThrottledError, Trigger

if TYPE_CHECKING:
    from collections.abc import Mapping

_MAX_PAYLOAD = 6 * 1024 * 1024
_MAX_ASYNC_PAYLOAD = 1024 * 1024
"""Bytes (AWS Lambda Developer Guide, "Lambda quotas", invocation payload: synchronous, asynchronous)."""


@dataclass
class Compute:
    """What runs functions: the pools, the asynchronous queue, and where code is unpacked."""

    functions: Functions
    unpacked: Path
    asynchronous: AsynchronousInvocations

    def invoke(self, function: LambdaFunction, payload: bytes, trigger: Trigger) -> Outcome:
        """Run a function and wait. ThrottledError if its reserved concurrency is used up."""
        reserved = None if function.reserved_concurrency is None else int(function.reserved_concurrency)
        began = clock.current().time()
        try:
            outcome = self.functions.invoke(self.settings(function), payload, trigger, reserved)
        except ThrottledError:
            services.throttled(function.function_name)
            raise
        services.invoked(function.function_name, began, outcome.duration, failed=outcome.error is not None)
        return outcome

    def settings(self, function: LambdaFunction) -> FunctionSettings:
        """The function as its environments see it; its code and layers are unpacked if they are not yet."""
        backend = get_backend(function.account_id, function.region)
        layers = [backend.layers_versions_by_arn(layer["Arn"]) for layer in function.layers]
        logging: Mapping[str, str] = getattr(function, "logging_config", {})
        return FunctionSettings(
            name=function.function_name,
            arn=function.function_arn,
            version=str(function.version),
            handler=str(function.handler),
            task=artefacts.unpack(function.code_bytes, function.code_sha_256, self.unpacked),
            layers=tuple(
                artefacts.unpack(layer.code_bytes, layer.code_sha_256, self.unpacked) for layer in layers if layer
            ),
            variables={name: str(value) for name, value in function.environment_vars.items()},
            timeout=float(function.timeout),
            memory=int(function.memory_size),
            log_group=logging.get("LogGroup") or f"/aws/lambda/{function.function_name}",
            log_format=logging.get("LogFormat", "Text"),
            log_level=logging.get("ApplicationLogLevel", ""),
            role=str(function.role),
            traces=function.tracing_config.get("Mode") == "Active",
        )


_compute: Compute | None = None


def use(compute: Compute | None) -> None:
    """Make ``compute`` run the functions of the local AWS; None when the server has stopped."""
    global _compute  # noqa: PLW0603  moto's backends are global, and this stands behind one of them
    _compute = compute


def compute() -> Compute:
    """What runs functions. RuntimeError where no server runs: the in-process local AWS has no compute."""
    if _compute is None:
        raise RuntimeError("Functions run in the server only: start it with local_aws.server or `make local`.")
    return _compute


def find(name_or_arn: str) -> LambdaFunction:
    """The function; moto's ResourceNotFoundException if there is none."""
    name, _, qualifier = name_or_arn.removeprefix(f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:").partition(":")
    return get_backend(ACCOUNT, REGION).get_function(name, qualifier or None)


class LocalLambdaBackend(LambdaBackend):
    """moto's, with event source mappings that do not make SQS invoke, and the properties that moto drops."""

    def create_function(self, spec: dict[str, Any]) -> LambdaFunction:
        if not platform.is_trusted(str(spec.get("Role")), platform.LAMBDA):
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
        if _compute is not None:
            _compute.functions.forget(function_name.rpartition(":")[2])

    def create_event_source_mapping(self, spec: dict[str, Any]) -> EventSourceMapping:
        self._check_polling(spec)
        mapping = super().create_event_source_mapping(spec)
        queue = sqs_backends[self.account_id][self.region_name].queues.get(mapping.event_source_arn.split(":")[-1])
        if queue is not None:
            # moto would invoke inside SendMessage; the pollers of local_aws.delivery read the queue instead.
            queue.lambda_event_source_mappings.pop(mapping.function_arn, None)
        return mapping

    def _check_polling(self, spec: dict[str, Any]) -> None:
        """The role must allow it before (Lambda API Reference, CreateEventSourceMapping; the text is AWS's)."""
        queue = str(spec.get("EventSourceArn"))
        function = self.get_function(str(spec.get("FunctionName")), None) if ":sqs:" in queue else None
        if function is None:
            return
        acting = platform.for_function(str(function.role), str(function.function_arn))
        for action in platform.POLLING:
            if platform.refusal(acting, platform.side([action], queue), note=False) is not None:
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
            compute().asynchronous.submit(function.function_name, payload, trigger)
            return b""
        try:
            outcome = compute().invoke(function, payload, trigger)
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
    """Put this Lambda in the place of moto's."""
    extend.install("lambda", LocalLambdaBackend, LocalLambdaResponse)
    model: Any = LambdaFunction
    model.get_configuration = _configuration
    model._invoke_lambda = _invoke_for_moto
    mapping: Any = EventSourceMapping
    mapping.get_configuration = _mapping_configuration


_moto_configuration = LambdaFunction.get_configuration
_moto_mapping_configuration = EventSourceMapping.get_configuration


def _mapping_configuration(mapping: EventSourceMapping) -> dict[str, Any]:
    """With what the poller says of its work, such as a permission that is missing."""
    result = getattr(mapping, "last_processing_result", "No records processed")
    return {**_moto_mapping_configuration(mapping), "LastProcessingResult": result}


def _invoke_for_moto(function: LambdaFunction, event: Any = None) -> tuple[str, bool, str]:
    """For what invokes inside of moto, such as custom resources and SNS: the payload, whether it failed, the logs."""
    outcome = compute().invoke(function, json.dumps(event).encode(), Trigger("moto"))
    return outcome.payload.decode(), outcome.error is not None, "\n".join(outcome.logs)


def _configuration(function: LambdaFunction, on_create: bool = False) -> dict[str, Any]:
    described = _moto_configuration(function, on_create)
    logging: Mapping[str, str] = getattr(function, "logging_config", {})
    group = logging.get("LogGroup") or f"/aws/lambda/{function.function_name}"
    described["LoggingConfig"] = {"LogFormat": "Text", **logging, "LogGroup": group}
    return described


def warm_all() -> threading.Thread:
    """Start one environment for every function, in the background; the thread ends when they are started."""
    functions = list(get_backend(ACCOUNT, REGION).list_functions())
    running = compute()

    def start() -> None:
        for function in functions:
            running.functions.warm(running.settings(function))

    thread = threading.Thread(target=start, name="local-aws-warm", daemon=True)
    thread.start()
    return thread
