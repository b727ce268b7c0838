"""Endpoints of the data plane for real clients: an HTTP server and a TLS passthrough server on loopback.

The HTTP endpoint speaks plain HTTP for HTTPS listeners too: it starts where VPC Lattice terminates TLS. The service is
found by the Host header (generated or custom domain name); the listener's port by, in this order, the header
``x-local-lattice-listener``, a port in the Host header other than the endpoint's own, ``x-forwarded-proto`` (http 80,
https 443), and 80, or 443 where the service has no listener on 80.

The TLS endpoint works like a TLS_PASSTHROUGH listener: it reads the server name of the ClientHello, finds the service by
its custom domain name and forwards the bytes in both directions.
"""

import contextlib
import socket
import socketserver
import ssl
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol, cast

from local_aws import lattice
from local_aws.lattice.dataplane import Client, DataPlane, UnknownServiceError
from local_aws.network import Request, Response
from local_aws.services import network

LOOPBACK = "127.0.0.1"
LISTENER_HEADER = "x-local-lattice-listener"
_HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "te", "trailer", "upgrade", "proxy-connection"}
_MOST_HELLO = 65_536
"""The maximum number of bytes of a ClientHello."""


class Addressed(Protocol):
    """A network that maps its addresses to real ones."""

    def address_of(self, ip: str, port: int) -> tuple[str, int] | None:
        """The loopback address behind ``ip:port``; None if nobody listens."""


@dataclass(frozen=True, slots=True)
class ListenerServer:
    """A running endpoint."""

    port: int
    server: socketserver.BaseServer
    thread: threading.Thread

    def stop(self) -> None:
        """Close the endpoint and wait until it is closed."""
        self.server.shutdown()
        self.server.server_close()
        self.thread.join(timeout=5)


def serve(port: int, host: str = LOOPBACK) -> ListenerServer:
    """Open the HTTP endpoint on ``port`` (0: any free port)."""
    server = ThreadingHTTPServer((host, port), _HttpListener)
    server.daemon_threads = True
    return _started(server, "lattice-http-listener")


def serve_tls(port: int, listener_port: int | None = None, host: str = LOOPBACK) -> ListenerServer:
    """Open the TLS passthrough endpoint on ``port``, for listeners on ``listener_port``, by default each service's first."""
    server = _TlsServer((host, port), _TlsListener)
    server.listener_port = listener_port
    return _started(server, "lattice-tls-listener")


def _plane() -> DataPlane:
    """The current data plane: a reset of the local AWS creates a new one."""
    return lattice.backend().data_plane


def _started(server: socketserver.TCPServer, name: str) -> ListenerServer:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, name=name, daemon=True)
    thread.start()
    return ListenerServer(server.server_address[1], server, thread)


class _HttpListener(BaseHTTPRequestHandler):
    """One connection of an HTTP client; any method."""

    protocol_version = "HTTP/1.1"

    def __getattr__(self, name: str) -> Any:
        if name.startswith("do_"):
            return self._answer
        raise AttributeError(name)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the base class names it so
        """Write nothing: the targets have logs."""

    def _answer(self) -> None:
        request = Request(self.command, self.path, dict(self.headers.items()), self._body())
        try:
            name, port = self._meant()
            answer = _plane().route(name, port, request, Client(self.client_address[0]))
        except UnknownServiceError as error:
            answer = Response(404, {"x-local-lattice-error": "unknown-host"}, f"{error}\n".encode())
        except ConnectionRefusedError as error:
            answer = Response(503, {"x-local-lattice-error": "connection-refused"}, f"{error}\n".encode())
        self._send(answer)

    def _body(self) -> bytes:
        length = self.headers.get("content-length", "0")
        return self.rfile.read(int(length)) if length.isdigit() else b""

    def _meant(self) -> tuple[str, int]:
        """The service's name and the listener's port that the client addresses."""
        host, _, given = self.headers.get("host", "").partition(":")
        if asked := self.headers.get(LISTENER_HEADER, ""):
            return host, int(asked) if asked.isdigit() else 0
        own = cast("tuple[str, int]", self.server.server_address)[1]
        if given.isdigit() and int(given) != own:
            return host, int(given)
        scheme = self.headers.get("x-forwarded-proto")
        if scheme:
            return host, 443 if scheme.lower() == "https" else 80
        return host, 80 if _plane().has_listener(host, 80) else 443

    def _send(self, answer: Response) -> None:
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            if name.lower() not in _HOP_BY_HOP and name.lower() != "content-length":
                self.send_header(name, value)
        self.send_header("content-length", str(len(answer.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)


class _TlsServer(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    listener_port: int | None = None


class _TlsListener(socketserver.BaseRequestHandler):
    """One connection of a TLS client. Any error closes it without a message, because VPC Lattice cannot send one."""

    server: _TlsServer

    def handle(self) -> None:
        client: socket.socket = self.request
        client.settimeout(10)
        try:
            hello, name = read_hello(client)
            target = self._target(name)
        except (OSError, LookupError):
            return
        if target is None:
            return
        try:
            with socket.create_connection(target, timeout=10) as upstream:
                upstream.sendall(hello)
                client.settimeout(None)
                upstream.settimeout(None)
                _pipe_both(client, upstream)
        except OSError:
            return

    def _target(self, name: str | None) -> tuple[str, int] | None:
        """The real address of the next target."""
        if name is None:
            return None
        listener = self.server.listener_port or _plane().passthrough_port(name)
        if listener is None:
            return None
        decision = _plane().decide(name, listener, Request())
        if decision.target is None or not _plane().reaches(decision, listener):
            return None
        ip, port = decision.target
        return cast("Addressed", network()).address_of(ip, port or listener)


def read_hello(client: socket.socket) -> tuple[bytes, str | None]:
    """The bytes up to the end of a ClientHello, and the server name in it.

    OpenSSL parses it; the handshake never completes. ConnectionError if it is not TLS.
    """
    names: list[str | None] = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)

    def named(_socket: ssl.SSLObject, name: str | None, _context: ssl.SSLContext) -> int:
        names.append(name)
        return ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME

    context.sni_callback = named
    incoming = ssl.MemoryBIO()
    handshake = context.wrap_bio(incoming, ssl.MemoryBIO(), server_side=True)
    hello = b""
    while len(hello) < _MOST_HELLO:
        chunk = client.recv(4096)
        if not chunk:
            break
        hello += chunk
        incoming.write(chunk)
        try:
            handshake.do_handshake()
        except ssl.SSLWantReadError:
            continue
        except ssl.SSLError as error:
            if not names:
                raise ConnectionAbortedError("not a TLS ClientHello") from error
        return hello, names[0]
    raise ConnectionAbortedError("the connection ended before its ClientHello did")


def _pipe_both(client: socket.socket, upstream: socket.socket) -> None:
    back = threading.Thread(target=_pipe, args=(upstream, client), daemon=True)
    back.start()
    _pipe(client, upstream)
    back.join()


def _pipe(source: socket.socket, sink: socket.socket) -> None:
    try:
        while chunk := source.recv(65_536):
            sink.sendall(chunk)
    except OSError:
        pass
    finally:
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_WR)
