"""The network between tasks, Lattice and clients: addresses of the simulated VPCs, carried over memory or loopback.

A task listens on its private address (10.0.x.y, from its subnet). The in-memory network answers by calling the
responder; the loopback network opens a real server on 127.0.0.1 and keeps the map from the VPC's address to it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol


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
        """The answer of ``ip:port``; ConnectionRefusedError if nobody listens, TimeoutError if it takes too long."""


class InMemoryNetwork:
    """Requests are function calls: deterministic, for tests."""

    def __init__(self) -> None:
        self._listeners: dict[tuple[str, int], Responder] = {}

    def listen(self, ip: str, port: int, responder: Responder, *, tls: bool = False) -> None:
        self._listeners[ip, port] = responder

    def close(self, ip: str, port: int) -> None:
        self._listeners.pop((ip, port), None)

    def send(self, ip: str, port: int, request: Request, *, timeout: float = 5.0, tls: bool = False) -> Response:
        responder = self._listeners.get((ip, port))
        if responder is None:
            raise ConnectionRefusedError(f"nobody listens on {ip}:{port}")
        return responder(request)


_current: Network = InMemoryNetwork()


def use(network: Network) -> None:
    """Make ``network`` the one that tasks listen on."""
    global _current  # noqa: PLW0603  one network, as there is one clock
    _current = network


def current() -> Network:
    """The network in use."""
    return _current
