"""Clients of the demo: requests over Lattice's fronts all the time, and one WebSocket message over TLS passthrough."""

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
    """Asks for each (host, path) again and again from ``start`` to ``stop``; counts answers and keeps the wrong ones."""

    front: str
    asked: dict[tuple[str, str], int] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    _pages: dict[tuple[str, str], None] = field(default_factory=dict)
    _stopped: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def watch(self, host: str, path: str) -> None:
        """Ask for this page, too, from now on; it must be answered 200."""
        self._pages[host, path] = None

    def unwatch(self, host: str, path: str) -> None:
        """Ask for this page no longer."""
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
                status = get(self.front, host, path)[0]
                if (host, path) in self._pages:
                    self.asked[host, path] = self.asked.get((host, path), 0) + 1
                    if status != http.client.OK:
                        self.wrong.append(f"{path} on {host} was answered {status}")


def get(front: str, host: str, path: str) -> tuple[int, str]:
    """(status, body) of one GET for ``host`` through Lattice's HTTP front; (0, why) when nothing answered."""
    address = urlsplit(front)
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
    """What comes back for ``text`` on a WebSocket over TLS to ``domain``, through Lattice's passthrough front; else why not.

    The certificate is the container's own: Lattice does not end TLS here, and a local one proves no name.
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
            pass  # the status line and headers of the answer end with an empty line
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
