"""The part of WebSocket (RFC 6455) that an echo server and its client need: opening handshake and single frames."""

import base64
import hashlib
import os
from collections.abc import Mapping
from typing import Protocol

TEXT, BINARY, CLOSE, PING, PONG = 0x1, 0x2, 0x8, 0x9, 0xA
_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_MASKED = 0x80


class Stream(Protocol):
    """A file made from a socket, to read frames from."""

    def read(self, size: int, /) -> bytes | None:
        """Up to ``size`` bytes; empty at the end."""


def is_upgrade(headers: Mapping[str, str]) -> bool:
    """Whether a request asks for WebSocket (RFC 6455, section 4.2.1)."""
    values = {name.lower(): value for name, value in headers.items()}
    return (
        values.get("upgrade", "").lower() == "websocket"
        and "upgrade" in values.get("connection", "").lower()
        and "sec-websocket-key" in values
    )


def accept(key: str) -> str:
    """``Sec-WebSocket-Accept`` for a request's ``Sec-WebSocket-Key`` (RFC 6455, section 4.2.2)."""
    return base64.b64encode(hashlib.sha1((key + _GUID).encode()).digest()).decode()  # noqa: S324  the RFC's own choice


def new_key() -> str:
    """A ``Sec-WebSocket-Key``: sixteen random bytes in base64 (RFC 6455, section 4.1)."""
    return base64.b64encode(os.urandom(16)).decode()


def frame(opcode: int, payload: bytes, *, mask: bool = False) -> bytes:
    """One final frame. A client masks its frames, a server never does (RFC 6455, section 5.1)."""
    length = len(payload)
    flag = _MASKED if mask else 0
    if length < 126:
        head = bytes([0x80 | opcode, flag | length])
    elif length < 1 << 16:
        head = bytes([0x80 | opcode, flag | 126]) + length.to_bytes(2)
    else:
        head = bytes([0x80 | opcode, flag | 127]) + length.to_bytes(8)
    if not mask:
        return head + payload
    key = os.urandom(4)
    return head + key + _mask(payload, key)


def read_frame(stream: Stream) -> tuple[int, bytes] | None:
    """Opcode and payload of the next frame; None at the end of the stream."""
    head = _exactly(stream, 2)
    if head is None:
        return None
    length = head[1] & 0x7F
    if length >= 126:
        longer = _exactly(stream, 2 if length == 126 else 8)
        if longer is None:
            return None
        length = int.from_bytes(longer)
    key = _exactly(stream, 4) if head[1] & _MASKED else b""
    payload = _exactly(stream, length)
    if key is None or payload is None:
        return None
    return head[0] & 0x0F, _mask(payload, key) if key else payload


def _exactly(stream: Stream, size: int) -> bytes | None:
    data = b""
    while len(data) < size:
        more = stream.read(size - len(data))
        if not more:
            return None
        data += more
    return data


def _mask(payload: bytes, key: bytes) -> bytes:
    return bytes(byte ^ key[position % 4] for position, byte in enumerate(payload))


__all__ = ["BINARY", "CLOSE", "PING", "PONG", "TEXT", "accept", "frame", "is_upgrade", "new_key", "read_frame"]
