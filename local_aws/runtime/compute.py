"""What runs functions in the server, synchronously and asynchronously."""

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from moto.awslambda.models import LambdaFunction
from moto.awslambda.utils import get_backend

from local_aws.clock import Clock
from local_aws.eventbus import ACCOUNT, REGION
from local_aws.runtime import artefacts
from local_aws.runtime.asynchronous import AsynchronousInvocations
from local_aws.runtime.functions import Functions
from local_aws.runtime.values import FunctionSettings, Outcome, ThrottledError, Trigger

if TYPE_CHECKING:
    from collections.abc import Mapping


class InvocationMetrics(Protocol):
    """Records Lambda's metrics (:mod:`local_aws.monitoring.service_metrics`)."""

    def invoked(self, function: str, at: float, seconds: float, *, failed: bool) -> None: ...
    def throttled(self, function: str) -> None: ...


@dataclass
class Compute:
    """Runs functions: the pools of environments, the asynchronous queue, and where code is unpacked."""

    functions: Functions
    unpacked: Path
    asynchronous: AsynchronousInvocations
    clock: Clock
    metrics: InvocationMetrics

    def invoke(self, function: LambdaFunction, payload: bytes, trigger: Trigger) -> Outcome:
        """Run a function and wait for it. ThrottledError if its reserved concurrency is used up."""
        reserved = None if function.reserved_concurrency is None else int(function.reserved_concurrency)
        began = self.clock.time()
        try:
            outcome = self.functions.invoke(self.settings(function), payload, trigger, reserved)
        except ThrottledError:
            self.metrics.throttled(function.function_name)
            raise
        self.metrics.invoked(function.function_name, began, outcome.duration, failed=outcome.error is not None)
        return outcome

    def settings(self, function: LambdaFunction) -> FunctionSettings:
        """The function as its environments see it; its code and layers are unpacked where they have not been yet."""
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

    def warm_all(self) -> threading.Thread:
        """Start one environment per function in the background; the thread ends when all have been started."""
        functions = list(get_backend(ACCOUNT, REGION).list_functions())

        def start() -> None:
            for function in functions:
                self.functions.warm(self.settings(function))

        thread = threading.Thread(target=start, name="local-aws-warm", daemon=True)
        thread.start()
        return thread


def find(name_or_arn: str) -> LambdaFunction:
    """The function; moto's ResourceNotFoundException if there is none."""
    name, _, qualifier = name_or_arn.removeprefix(f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:").partition(":")
    return get_backend(ACCOUNT, REGION).get_function(name, qualifier or None)


__all__ = ["Compute", "InvocationMetrics", "find"]
