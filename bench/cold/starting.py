"""One cold start of a function: a new process, its initialisation, its first invocation, its memory.

In the runtime interface emulator that SAM CLI brings (Linux), which times the phases as Lambda does; elsewhere in a
process of its own behind the local AWS's Runtime API. Both run Lambda's own runtime interface client.
"""

import os
import platform
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from local_aws.runtime import start
from local_aws.runtime.api import Invocation, RuntimeApi

_SECONDS = 60.0
_INIT = re.compile(r"INIT REPORT\(durationMs: ([\d.]+)\)")
_INVOKE = re.compile(r"INVOKE RTDONE\(status: success, .*duration: ([\d.]+)(ms|µs|s)\)")
_MS = {"s": 1000.0, "ms": 1.0, "µs": 0.001}
_MACHINES = {"x86_64": "x86_64", "AMD64": "x86_64", "aarch64": "arm64", "arm64": "arm64"}


@dataclass(frozen=True, slots=True)
class Function:
    """What a process runs: code and layer (directories), handler, environment, and what it is first invoked with."""

    name: str
    code: Path
    layer: Path
    handler: str
    variables: Mapping[str, str]
    payload: bytes


@dataclass(frozen=True, slots=True)
class Start:
    """One cold start: milliseconds of initialisation and of the first invocation, peak memory in MB (10^6 bytes)."""

    init: float
    first: float
    memory: float


class StartError(RuntimeError):
    """The function did not start or its first invocation failed; the text has what it wrote."""


def emulator() -> Path | None:
    """The runtime interface emulator for this machine, if it runs here."""
    spec = find_spec("samcli")
    machine = _MACHINES.get(platform.machine())
    if sys.platform != "linux" or machine is None or spec is None or spec.origin is None:
        return None
    file = Path(spec.origin).parent / "local" / "rapid" / f"aws-lambda-rie-{machine}"
    return file if file.is_file() and find_spec("runtime_client") else None


def in_emulator(emulator: Path, function: Function, runtime: Path) -> Start:
    """A cold start in the emulator; its log says how long the phases took. StartError if one failed."""
    front, back = _free_port(), _free_port()
    addresses = ["--runtime-interface-emulator-address", front, "--runtime-api-address", back]
    runs = [sys.executable, "-B", "-S", "-m", "awslambdaric", function.handler]
    with tempfile.TemporaryFile("w+b") as log:
        process = subprocess.Popen(  # noqa: S603  the emulator of SAM CLI with the function that is measured
            [str(emulator), *addresses, *runs],
            cwd=function.code,
            env=_environment(function, runtime),
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            _post(f"http://{front}/2015-03-31/functions/function/invocations", function.payload, process)
            text = _read_until_done(log.fileno())
            return Start(*_phases(text), memory=_peak_memory(_child_of(process.pid)))
        except (OSError, LookupError) as error:
            raise StartError(f"{function.name}: {error}\n{_text(log.fileno())}") from error
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def in_process(function: Function, runtime: Path) -> Start:
    """A cold start without the emulator: from the process's start to its first question for work. StartError if it failed."""
    api = RuntimeApi(_SECONDS, lambda: int(time.time() * 1000))
    extra = {"AWS_LAMBDA_RUNTIME_API": api.address, "LOCAL_AWS_SPEED": "1.0", "LOCAL_AWS_EPOCH": "0.0"}
    path = os.pathsep.join([str(function.code), str(function.layer)])
    begun = time.perf_counter()
    process = subprocess.Popen(  # noqa: S603  this Python with the function that is measured
        [sys.executable, "-B", "-I", "-S", start.__file__],
        cwd=function.code,
        env={**_environment(function, runtime), **extra, "LOCAL_AWS_IMPORT_PATH": path},
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        if not api.ready.wait(_SECONDS) or api.init_error:
            raise StartError(f"{function.name} did not start: {(api.init_error or b'no answer').decode()}")
        ready = time.perf_counter()
        invocation = Invocation(str(uuid.uuid4()), function.payload, "arn:aws:lambda:us-east-1:123456789012:function:f")
        api.submit(invocation)
        if not invocation.done.wait(_SECONDS) or invocation.failed:
            raise StartError(f"{function.name} failed: {(invocation.result or b'no answer').decode()}")
        done = time.perf_counter()
        return Start((ready - begun) * 1000, (done - ready) * 1000, _memory_now(process.pid))
    finally:
        process.kill()
        process.wait()
        api.close()


def _environment(function: Function, runtime: Path) -> dict[str, str]:
    path = [str(function.code), str(function.layer), str(runtime)]
    return {
        "PATH": os.environ["PATH"],
        **function.variables,
        "_HANDLER": function.handler,
        "AWS_LAMBDA_FUNCTION_NAME": function.name,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
        "LAMBDA_TASK_ROOT": str(function.code),
        "LAMBDA_RUNTIME_DIR": str(runtime),
        "PYTHONPATH": os.pathsep.join(path),
    }


def _post(url: str, payload: bytes, process: "subprocess.Popen[bytes]") -> None:
    ends_at = time.monotonic() + _SECONDS
    while True:
        request = urllib.request.Request(url, payload, method="POST")  # noqa: S310  a loopback address
        try:
            with urllib.request.urlopen(request, timeout=_SECONDS) as answer:  # noqa: S310
                body = answer.read()
        except urllib.error.HTTPError as error:
            raise ConnectionError(f"the emulator answered {error.code}: {error.read().decode()}") from error
        except urllib.error.URLError:
            if process.poll() is not None or time.monotonic() > ends_at:
                raise
            time.sleep(0.02)  # the emulator does not listen yet; nothing is measured before it does
        else:
            if b'"errorType"' in body:  # the emulator answers 200 for a function that raised, too
                raise ConnectionError(f"the first invocation failed: {body.decode()}")
            return


def _read_until_done(log: int) -> str:
    ends_at = time.monotonic() + _SECONDS
    while "REPORT RequestId" not in (text := _text(log)):
        if time.monotonic() > ends_at:
            raise LookupError("no report of an invocation")
        time.sleep(0.01)
    return text


def _text(log: int) -> str:
    return os.pread(log, os.fstat(log).st_size, 0).decode(errors="replace")


def _phases(text: str) -> tuple[float, float]:
    init, invoke = _INIT.search(text), _INVOKE.search(text)
    if init is None or invoke is None or "Unhandled" in text:
        raise LookupError("the initialisation or the first invocation failed")
    return float(init[1]), float(invoke[1]) * _MS[invoke[2]]


def _child_of(pid: int) -> int:
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            return int(child)
    raise LookupError("the function's process has gone")


def _peak_memory(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024 / 1e6


def _memory_now(pid: int) -> float:
    """Resident memory after the first invocation: close to the peak, which only Linux tells of another process."""
    told = subprocess.run(["ps", "-o", "rss=", "-p", str(pid)], capture_output=True, text=True, check=True)  # noqa: S603, S607
    return int(told.stdout) * 1024 / 1e6


def _free_port() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"
