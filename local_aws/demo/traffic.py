"""Clients of the demo: continuous requests over VPC Lattice's HTTP endpoint, one WebSocket message over TLS passthrough."""

import http.client
import socket
import ssl
import threading
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from local_aws import websocket

_PAUSE_SECONDS = 0.1


@dataclass
class Caller:
    """Requests each (host, path) repeatedly from ``start`` to ``stop``; counts requests and keeps the failures."""

    lattice_url: str
    requests: dict[tuple[str, str], int] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)
    _pages: dict[tuple[str, str], None] = field(default_factory=dict)
    _stopped: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def watch(self, host: str, path: str) -> None:
        """Request this page from now on; it must return 200."""
        self._pages[host, path] = None

    def unwatch(self, host: str, path: str) -> None:
        """Stop requesting this page."""
        self._pages.pop((host, path), None)

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="demo-traffic", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        if self._thread:
            self._thread.join(timeout=5)

    def _run(self) -> None:
        while not self._stopped.wait(_PAUSE_SECONDS):
            for host, path in tuple(self._pages):
                status = get(self.lattice_url, host, path)[0]
                if (host, path) in self._pages:
                    self.requests[host, path] = self.requests.get((host, path), 0) + 1
                    if status != http.client.OK:
                        self.failures.append(f"{path} on {host} returned {status}")


def get(lattice_url: str, host: str, path: str) -> tuple[int, str]:
    """(status, body) of one GET for ``host`` through VPC Lattice's HTTP endpoint; (0, reason) without a response."""
    address = urlsplit(lattice_url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=5)
    try:
        connection.request("GET", path, headers={"Host": host})
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    except OSError as error:
        return 0, str(error)
    finally:
        connection.close()


def echo(port: int, domain: str, text: str) -> str:
    """The echo of ``text`` on a WebSocket over TLS to ``domain``, through the passthrough endpoint; else the reason.

    The certificate is the container's own, because VPC Lattice does not terminate TLS here. It is self-signed.
    """
    try:
        return _echo(port, domain, text)
    except OSError as error:
        return f"nothing: {error}"


def _echo(port: int, domain: str, text: str) -> str:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with (
        socket.create_connection(("127.0.0.1", port), timeout=5) as plain,
        context.wrap_socket(plain, server_hostname=domain) as stream,
    ):
        stream.sendall(_handshake(domain))
        answers = stream.makefile("rb")
        while answers.readline().strip():
            pass  # an empty line ends the status line and headers of the response
        stream.sendall(websocket.frame(websocket.TEXT, text.encode(), mask=True))
        answer = websocket.read_frame(answers)
    return answer[1].decode() if answer else ""


def _handshake(domain: str) -> bytes:
    lines = [
        "GET /transfer HTTP/1.1",
        f"Host: {domain}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {websocket.new_key()}",
        "Sec-WebSocket-Version: 13",
    ]
    return "\r\n".join([*lines, "", ""]).encode()
