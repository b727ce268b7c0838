"""The Lambda Runtime API of one execution environment, on its own loopback port.

Paths and headers are those of the AWS Lambda Developer Guide, "Using the Lambda runtime API" (2018-06-01).
"""

import queue
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from local_aws import admission

_PREFIX = "/2018-06-01/runtime"


@dataclass
class Invocation:
    """One invocation in an environment; ``done`` is set with its result."""

    request_id: str
    payload: bytes
    function_arn: str
    deadline_ms: int = 0
    result: bytes | None = None
    failed: bool = False
    done: threading.Event = field(default_factory=threading.Event)


class RuntimeApi:
    """Serves ``next``, ``response``, ``error`` and ``init/error`` to one worker process."""

    def __init__(self, timeout: float, now_ms: Any) -> None:
        self._timeout = timeout
        self._now_ms = now_ms
        self._waiting: queue.Queue[Invocation | None] = queue.Queue()
        self._current: Invocation | None = None
        self.ready = threading.Event()
        self.init_error: bytes | None = None
        self._server = _Server(("127.0.0.1", 0), _handler_of(self))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True)
        self._thread.start()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._server.server_address[1]}"

    def submit(self, invocation: Invocation) -> None:
        """Queue an invocation for the worker."""
        self._waiting.put(invocation)

    def next(self) -> Invocation | None:
        """Called by the worker after its initialization: wait for the next invocation. None when this environment ends."""
        self.ready.set()
        invocation = self._waiting.get()
        if invocation is not None:
            invocation.deadline_ms = self._now_ms() + int(self._timeout * 1000)
            self._current = invocation
        return invocation

    def finish(self, request_id: str, result: bytes, *, failed: bool) -> bool:
        """Called by the worker with the function's result or error; False if the request id is not the current one."""
        invocation = self._current
        if invocation is None or invocation.request_id != request_id:
            return False
        self._current = None
        invocation.result, invocation.failed = result, failed
        invocation.done.set()
        return True

    def fail_init(self, error: bytes) -> None:
        self.init_error = error
        self.ready.set()

    def close(self) -> None:
        self._waiting.put(None)
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=5)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A killed worker needs no message."""


def _handler_of(api: RuntimeApi) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def parse_request(self) -> bool:
            """Only the worker's requests: a web page must not take an invocation or fail the start."""
            if not super().parse_request():
                return False
            host, origin, site = (self.headers.get(name) for name in ("Host", "Origin", "Sec-Fetch-Site"))
            refused = admission.refusal(host or "", origin, site, names=())
            if refused is not None:
                self.close_connection = True  # its body is not read, and must not become the next request
                self._answer(403)
            return refused is None

        def do_GET(self) -> None:
            if self.path != f"{_PREFIX}/invocation/next":
                self._answer(404)
                return
            invocation = api.next()
            if invocation is None:
                self.close_connection = True
                return
            headers = {
                "Lambda-Runtime-Aws-Request-Id": invocation.request_id,
                "Lambda-Runtime-Deadline-Ms": str(invocation.deadline_ms),
                "Lambda-Runtime-Invoked-Function-Arn": invocation.function_arn,
                "Content-Type": "application/json",
            }
            self._answer(200, invocation.payload, headers)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            parts = self.path.removeprefix(f"{_PREFIX}/").split("/")
            match parts:
                case ["init", "error"]:
                    api.fail_init(body)
                    known = True
                case ["invocation", request_id, "response" | "error" as kind]:
                    known = api.finish(request_id, body, failed=kind == "error")
                case _:
                    known = False
            self._answer(202 if known else 404)

        def _answer(self, status: int, body: bytes = b"", headers: dict[str, str] | None = None) -> None:
            self.send_response(status)
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the base class names it so
            """The requests of the worker need no log."""

    return Handler
