"""The HTTP server of the console. It listens on loopback, takes GET alone, and answers nobody without the token.

A page of another site can send requests to loopback and can let its own name resolve to it (DNS rebinding). It knows neither
the token, which is a part of every path, nor may it write another Host.
"""

import secrets
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from ecs_lattice_cli.console.answers import POLICY, Answer, Answers, text

LOOPBACK = "127.0.0.1"
_HTTP = 80
_TOKEN_BYTES = 24
_HEADERS = {
    "Content-Security-Policy": POLICY,
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class Server(ThreadingHTTPServer):
    """Listens on a port of loopback; 0 is any that is free."""

    daemon_threads = True

    def __init__(self, answers: Answers, port: int = 0) -> None:
        self.answers = answers
        self.token = secrets.token_urlsafe(_TOKEN_BYTES)
        super().__init__((LOOPBACK, port), _Handler)

    @property
    def url(self) -> str:
        """The address of the page, with the token."""
        return f"http://{LOOPBACK}:{self.server_port}/{self.token}/"

    @property
    def hosts(self) -> set[str]:
        """What a request may have as its Host."""
        names = (LOOPBACK, "localhost")
        return {f"{name}:{self.server_port}" for name in names} | ({*names} if self.server_port == _HTTP else set())

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no error."""


class _Handler(BaseHTTPRequestHandler):
    server: Server
    timeout = 10

    def do_GET(self) -> None:
        self._send(self._answer())

    def _answer(self) -> Answer:
        if self.headers.get_all("Host", []) not in [[host] for host in self.server.hosts]:
            return text(403, "The console answers only at its own address on loopback.")
        token, _, name = self.path.partition("?")[0].removeprefix("/").partition("/")
        if not secrets.compare_digest(token.encode(errors="replace"), self.server.token.encode()):
            return text(403, "Open the address that ecs-lattice console has printed: it holds the token of this run.")
        return self.server.answers.answer(name)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:  # noqa: ARG002
        """Called for what is no request, and for every method but GET."""
        if code == HTTPStatus.NOT_IMPLEMENTED:
            self._send(text(405, "The console changes nothing: it takes GET alone.", Allow="GET"))
        else:
            self._send(text(code, message or "This is no HTTP request."))

    def _send(self, answer: Answer) -> None:
        self.send_response(answer.status)
        self.send_header("Content-Type", f"{answer.content_type}; charset=utf-8")
        self.send_header("Content-Length", str(len(answer.body)))
        for name, value in {**_HEADERS, **answer.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)

    def version_string(self) -> str:
        return "ecs-lattice"

    def log_message(self, *_: Any) -> None:
        """Nothing: addresses hold the token."""
