"""The network between tasks, Lattice and clients: addresses of the simulated VPCs, carried over memory or loopback.

A task listens on its private address (10.0.x.y, from its subnet). The in-memory network answers by calling the
responder; the loopback network opens a real server on 127.0.0.1 and keeps the map from the VPC's address to it.
"""

import http.client
import selectors
import socket
import ssl
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any, Protocol

from local_aws import certificates, websocket


@dataclass(frozen=True, slots=True)
class Request:
    method: str = "GET"
    path: str = "/"
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Response:
    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


Responder = Callable[[Request], Response]


class Network(Protocol):
    """Who listens where, and a request to them."""

    def listen(self, ip: str, port: int, responder: Responder, *, tls: bool = False) -> None:
        """Start answering on ``ip:port``."""

    def close(self, ip: str, port: int) -> None:
        """Stop answering on ``ip:port``; nothing happens if nobody does."""

    def send(self, ip: str, port: int, request: Request, *, timeout: float = 5.0, tls: bool = False) -> Response:
        """The answer of ``ip:port``; ConnectionRefusedError if nobody listens, TimeoutError if it takes too long.

        ssl.SSLError, or another OSError, if one side speaks TLS and the other does not.
        """


class InMemoryNetwork:
    """Requests are function calls: deterministic, for tests."""

    def __init__(self) -> None:
        self._listeners: dict[tuple[str, int], tuple[Responder, bool]] = {}

    def listen(self, ip: str, port: int, responder: Responder, *, tls: bool = False) -> None:
        self._listeners[ip, port] = responder, tls

    def close(self, ip: str, port: int) -> None:
        self._listeners.pop((ip, port), None)

    def send(self, ip: str, port: int, request: Request, *, timeout: float = 5.0, tls: bool = False) -> Response:
        responder, speaks_tls = self._listeners.get((ip, port), (None, False))
        if responder is None:
            raise ConnectionRefusedError(f"nobody listens on {ip}:{port}")
        if tls and not speaks_tls:
            raise ssl.SSLError(f"{ip}:{port} speaks no TLS")
        if speaks_tls and not tls:
            raise ConnectionResetError(f"{ip}:{port} speaks nothing but TLS")
        return responder(request)


@dataclass(frozen=True, slots=True)
class _Listener:
    server: socket.socket
    responder: Responder
    tls: bool


class LoopbackNetwork:
    """Requests go over real sockets: each ``(ip, port)`` of a VPC is an own port of 127.0.0.1.

    One thread accepts for all listeners and a short-lived one serves each connection, so a task costs a socket and no
    thread. TLS listeners have a self-signed certificate and echo WebSocket frames after an upgrade.
    """

    idle_seconds = 30.0
    """How long a connection may say nothing, in real seconds."""

    def __init__(self) -> None:
        self._listeners: dict[tuple[str, int], _Listener] = {}
        self._lock = threading.Lock()
        self._selector = selectors.DefaultSelector()
        self._woken, self._wake = socket.socketpair()
        self._selector.register(self._woken, selectors.EVENT_READ, None)
        self._open: set[socket.socket] = set()
        self._acceptor: threading.Thread | None = None
        self._stopped = False

    def listen(self, ip: str, port: int, responder: Responder, *, tls: bool = False) -> None:
        self.close(ip, port)
        server = socket.create_server(("127.0.0.1", 0), backlog=64)
        server.setblocking(False)
        listener = _Listener(server, responder, tls)
        with self._lock:
            if self._stopped:
                server.close()
                raise RuntimeError("this network has been closed; make a new LoopbackNetwork")
            self._listeners[ip, port] = listener
            self._selector.register(server, selectors.EVENT_READ, listener)
            if self._acceptor is None:
                self._acceptor = threading.Thread(target=self._accept, name="local-aws-network", daemon=True)
                self._acceptor.start()
        self._wake.send(b"+")

    def close(self, ip: str, port: int) -> None:
        with self._lock:
            listener = self._listeners.pop((ip, port), None)
            if listener is not None:
                self._selector.unregister(listener.server)
                listener.server.close()

    def address_of(self, ip: str, port: int) -> tuple[str, int] | None:
        """Where ``ip:port`` of the VPC really listens; None if nobody does."""
        with self._lock:
            listener = self._listeners.get((ip, port))
            return None if listener is None else listener.server.getsockname()

    def send(self, ip: str, port: int, request: Request, *, timeout: float = 5.0, tls: bool = False) -> Response:
        address = self.address_of(ip, port)
        if address is None:
            raise ConnectionRefusedError(f"nobody listens on {ip}:{port}")
        connection: http.client.HTTPConnection
        if tls:
            connection = http.client.HTTPSConnection(*address, timeout=timeout, context=certificates.client_context())
        else:
            connection = http.client.HTTPConnection(*address, timeout=timeout)
        try:
            connection.request(request.method, request.path, request.body or None, dict(request.headers))
            answer = connection.getresponse()
            return Response(answer.status, dict(answer.getheaders()), answer.read())
        except http.client.HTTPException as error:
            raise ConnectionResetError(f"{ip}:{port} did not answer with HTTP: {error!r}") from error
        finally:
            connection.close()

    def close_all(self) -> None:
        """Close every listener and every connection, and end the accepting thread."""
        for ip, port in tuple(self._listeners):
            self.close(ip, port)
        with self._lock:
            self._stopped = True
            connections = tuple(self._open)
        for connection in connections:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue  # it ended by itself
        self._wake.send(b"-")
        if self._acceptor is not None:
            self._acceptor.join(timeout=5)
        self._selector.close()
        self._woken.close()
        self._wake.close()

    def _accept(self) -> None:
        while not self._stopped:
            for key, _ in self._selector.select():
                if key.data is None:
                    self._woken.recv(64)
                    continue
                try:
                    connection, _ = key.data.server.accept()
                except OSError:
                    continue  # the listener closed, or the client went, in between
                threading.Thread(target=self._serve, args=(connection, key.data), daemon=True).start()

    def _serve(self, connection: socket.socket, listener: _Listener) -> None:
        connection.settimeout(self.idle_seconds)
        try:
            if listener.tls:
                connection = certificates.server_context().wrap_socket(connection, server_side=True)
            with self._lock:
                self._open.add(connection)
            _Conversation(connection, listener)
        except (OSError, ssl.SSLError, ValueError):
            pass  # a client that hangs up or speaks no TLS is the client's matter
        finally:
            with self._lock:
                self._open.discard(connection)
            connection.close()


class _Conversation(BaseHTTPRequestHandler):
    """One connection: HTTP/1.1 requests until it ends, or WebSocket after an upgrade of a TLS connection."""

    protocol_version = "HTTP/1.1"
    server_version = "local-aws-task"
    sys_version = ""

    def __init__(self, connection: socket.socket, listener: _Listener) -> None:
        self._listener = listener
        super().__init__(connection, connection.getpeername(), listener)  # type: ignore[arg-type]

    def __getattr__(self, name: str) -> Any:
        if name.startswith("do_"):  # every method is the responder's business
            return self._answer
        raise AttributeError(name)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the name that the base class gives it
        """Say nothing: a task's requests are nobody's log."""

    def _answer(self) -> None:
        headers = dict(self.headers.items())
        if self._listener.tls and websocket.is_upgrade(headers):
            self._echo()
            return
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        response = self._listener.responder(Request(self.command, self.path, headers, body))
        self.send_response(response.status)
        for name, value in response.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(response.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(response.body)

    def _echo(self) -> None:
        self.close_connection = True
        self.send_response(101)
        self.send_header("Upgrade", "websocket")
        self.send_header("Connection", "Upgrade")
        self.send_header("Sec-WebSocket-Accept", websocket.accept(self.headers["Sec-WebSocket-Key"]))
        self.end_headers()
        while (received := websocket.read_frame(self.rfile)) is not None:
            opcode, payload = received
            answer = websocket.PONG if opcode == websocket.PING else opcode
            self.wfile.write(websocket.frame(answer, payload))
            if opcode == websocket.CLOSE:
                return
