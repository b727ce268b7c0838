"""One execution environment: a worker process with the real awslambdaric, and its Runtime API."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from local_aws.clock import Clock
from local_aws.eventbus import REGION
from local_aws.iam import service_principals
from local_aws.runtime.api import Invocation, RuntimeApi
from local_aws.runtime.logs import LogFiles, LogStream
from local_aws.runtime.values import FunctionSettings, Outcome

_START = Path(__file__).with_name("start.py")
# Lambda allows 10 s for initialization and repeats it within the timeout (Developer Guide, "Lambda execution environment
# lifecycle"). Here one initialization may take a minute: the machine may be a busy laptop.
_INIT_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Platform:
    """What all environments share. ``runtime`` is the directory of the packages in Lambda's runtime."""

    endpoint_url: str
    runtime: Path
    files: LogFiles
    clock: Clock


class ExecutionEnvironment:
    """Runs one invocation at a time, as long as ``alive`` is True."""

    def __init__(self, settings: FunctionSettings, platform: Platform, access_key: str) -> None:
        self.settings = settings
        self.access_key = access_key
        self._stream = LogStream(settings, platform.files, platform.clock)
        self._api = RuntimeApi(settings.timeout, lambda: int(time.time() * 1000))
        self._trace()
        self._process = self._start(platform)
        self._reader = threading.Thread(target=self._read_output, daemon=True)
        self._reader.start()

    @property
    def alive(self) -> bool:
        return self._process.poll() is None and self._api.init_error is None

    def invoke(self, payload: bytes) -> Outcome:
        """Run the function on ``payload``; its errors are outcomes in Lambda's words."""
        invocation = Invocation(str(uuid.uuid4()), payload, self.settings.arn)
        failure = self._await_init(invocation.request_id)
        started = time.monotonic()
        if failure is None:
            self._stream.platform("start", invocation.request_id, Version=self.settings.version)
            self._api.submit(invocation)
            failure = self._await_result(invocation, started)
        duration = time.monotonic() - started
        self._stream.platform("report", invocation.request_id, Duration=f"{duration * 1000:.2f} ms")
        if failure is not None:
            self._stream.write(json.dumps(failure))
            result = json.dumps(failure).encode()
            return Outcome(invocation.request_id, result, "Unhandled", duration, self._stream.take_recent())
        error = "Unhandled" if invocation.failed else None
        return Outcome(invocation.request_id, invocation.result or b"null", error, duration, self._stream.take_recent())

    def close(self) -> None:
        """End the worker and wait for its end."""
        self._kill()
        self._api.close()
        self._reader.join(timeout=5)
        if self._process.stdout:
            self._process.stdout.close()

    def _trace(self) -> None:
        """Lambda sends traces with the function's role; without the permission the function runs without traces."""
        if self.settings.traces:
            principal = service_principals.for_function(self.settings.role, self.settings.arn)
            why = service_principals.refusal(principal, service_principals.side_needs(service_principals.TRACING))
            if why is not None:
                print(f"{self.settings.name} sends no traces: {why}", file=sys.stderr)

    def _start(self, platform: Platform) -> subprocess.Popen[str]:
        # -I: no PYTHON* variables, no user packages; -S: no site-packages and none of its .pth files, so that the
        # repository's editable install cannot replace the built layer.
        command = [sys.executable, "-I", "-S", str(_START)]
        return subprocess.Popen(
            command,
            cwd=self.settings.task,
            env=self._variables(platform),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,  # Ctrl-C is for the local AWS, which then stops its workers
        )

    def _variables(self, platform: Platform) -> Mapping[str, str]:
        """The environment variables that Lambda defines (Developer Guide, "Defined runtime environment variables")."""
        settings, clock = self.settings, platform.clock
        path = [str(settings.task), *(str(layer / "python") for layer in settings.layers)]
        logging = {"AWS_LAMBDA_LOG_FORMAT": settings.log_format} if settings.log_format == "JSON" else {}
        if settings.log_level:
            logging["AWS_LAMBDA_LOG_LEVEL"] = settings.log_level
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "LANG": "en_US.UTF-8",
            "TZ": ":UTC",
            **settings.variables,
            **logging,
            "_HANDLER": settings.handler,
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": "local",  # signatures are not checked
            "AWS_SESSION_TOKEN": "local",
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ENDPOINT_URL": platform.endpoint_url,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_EXECUTION_ENV": f"AWS_Lambda_python{sys.version_info.major}.{sys.version_info.minor}",
            "AWS_LAMBDA_FUNCTION_NAME": settings.name,
            "AWS_LAMBDA_FUNCTION_VERSION": settings.version,
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(settings.memory),
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "AWS_LAMBDA_LOG_GROUP_NAME": settings.log_group,
            "AWS_LAMBDA_LOG_STREAM_NAME": self._stream.name,
            "AWS_LAMBDA_RUNTIME_API": self._api.address,
            "LAMBDA_TASK_ROOT": str(settings.task),
            "LAMBDA_RUNTIME_DIR": str(platform.runtime),
            "PYTHONPATH": os.pathsep.join(path),
            "LOCAL_AWS_IMPORT_PATH": os.pathsep.join(path),
            "LOCAL_AWS_SPEED": repr(clock.speed or 1.0),
            "LOCAL_AWS_EPOCH": repr(clock.epoch),
        }

    def _await_init(self, request_id: str) -> dict[str, str] | None:
        deadline = time.monotonic() + _INIT_SECONDS
        while not self._api.ready.wait(0.02):
            if self._process.poll() is not None:
                return self._exited(request_id)
            if time.monotonic() > deadline:
                self._kill()
                return _error("Sandbox.Timedout", f"Init timed out after {_INIT_SECONDS:.2f} seconds", request_id)
        if self._api.init_error is not None:
            return dict(json.loads(self._api.init_error))
        return None

    def _await_result(self, invocation: Invocation, started: float) -> dict[str, str] | None:
        deadline = started + self.settings.timeout
        while not invocation.done.wait(min(0.1, max(deadline - time.monotonic(), 0.001))):
            if self._process.poll() is not None:
                return self._exited(invocation.request_id)
            if time.monotonic() >= deadline:
                self._kill()
                message = f"Task timed out after {self.settings.timeout:.2f} seconds"
                return _error("Sandbox.Timedout", message, invocation.request_id)
        return None

    def _exited(self, request_id: str) -> dict[str, str]:
        code = self._process.returncode
        how = f"signal: {signal.Signals(-code).name}" if code < 0 else f"exit status {code}"
        return _error("Runtime.ExitError", f"Runtime exited with error: {how}", request_id)

    def _kill(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()

    def _read_output(self) -> None:
        for line in self._process.stdout or ():
            self._stream.printed(line.rstrip("\n"))


def _error(kind: str, message: str, request_id: str) -> dict[str, str]:
    return {"errorType": kind, "errorMessage": f"RequestId: {request_id} Error: {message}"}
