"""The loopback network: real sockets behind the addresses of simulated VPCs, TLS, WebSocket."""

import http.client
import io
import socket
import ssl
import threading
from collections.abc import Iterator

import pytest

from local_aws import certificates, websocket
from local_aws.network import InMemoryNetwork, LoopbackNetwork, Request, Response
from local_aws.services import Services, network, register


def hello(request: Request) -> Response:
    return Response(203, {"x-said": request.headers.get("x-say", "")}, request.method.encode() + request.body)


@pytest.fixture
def loopback() -> Iterator[LoopbackNetwork]:
    made = LoopbackNetwork()
    yield made
    made.close_all()


@pytest.mark.parametrize("tls", [False, True])
def test_a_request_reaches_the_responder_and_its_answer_comes_back(loopback: LoopbackNetwork, tls: bool) -> None:
    loopback.listen("10.0.1.4", 8080, hello, tls=tls)
    answer = loopback.send("10.0.1.4", 8080, Request("POST", "/x", {"x-say": "yes"}, b" body"), tls=tls)
    assert (answer.status, answer.headers["x-said"], answer.body) == (203, "yes", b"POST body")


def test_nobody_listens_where_nobody_does(loopback: LoopbackNetwork) -> None:
    assert loopback.address_of("10.0.1.4", 8080) is None
    with pytest.raises(ConnectionRefusedError, match=r"10\.0\.1\.4:8080"):
        loopback.send("10.0.1.4", 8080, Request())
    loopback.listen("10.0.1.4", 8080, hello)
    loopback.close("10.0.1.4", 8080)
    loopback.close("10.0.1.4", 8080)
    with pytest.raises(ConnectionRefusedError):
        loopback.send("10.0.1.4", 8080, Request())


def test_the_same_port_of_two_addresses_are_two_servers(loopback: LoopbackNetwork) -> None:
    loopback.listen("10.0.1.4", 8080, lambda _: Response(200, body=b"four"))
    loopback.listen("10.0.1.5", 8080, lambda _: Response(200, body=b"five"))
    assert loopback.send("10.0.1.4", 8080, Request()).body == b"four"
    assert loopback.send("10.0.1.5", 8080, Request()).body == b"five"


def test_listening_again_replaces_who_answers(loopback: LoopbackNetwork) -> None:
    loopback.listen("10.0.1.4", 8080, lambda _: Response(200, body=b"first"))
    loopback.listen("10.0.1.4", 8080, lambda _: Response(200, body=b"second"))
    assert loopback.send("10.0.1.4", 8080, Request()).body == b"second"


def test_one_connection_carries_several_requests(loopback: LoopbackNetwork) -> None:
    loopback.listen("10.0.1.4", 8080, hello)
    address = loopback.address_of("10.0.1.4", 8080)
    assert address is not None
    connection = http.client.HTTPConnection(*address, timeout=60)
    for _ in range(3):
        connection.request("GET", "/")
        answer = connection.getresponse()
        assert (answer.version, answer.read()) == (11, b"GET")
    connection.close()


def test_a_head_request_gets_no_body(loopback: LoopbackNetwork) -> None:
    loopback.listen("10.0.1.4", 8080, hello)
    assert loopback.send("10.0.1.4", 8080, Request("HEAD")).body == b""


def test_plain_http_to_a_tls_port_gets_no_answer_and_the_port_lives_on(loopback: LoopbackNetwork) -> None:
    loopback.listen("10.0.1.4", 8443, hello, tls=True)
    with pytest.raises(OSError):  # noqa: PT011  reset or closed, as the system has it
        loopback.send("10.0.1.4", 8443, Request())
    assert loopback.send("10.0.1.4", 8443, Request(), tls=True).status == 203


def test_two_hundred_listeners_cost_no_threads_of_their_own(loopback: LoopbackNetwork) -> None:
    before = threading.active_count()
    for host in range(200):
        loopback.listen(f"10.0.2.{host}", 8080, hello)
    assert threading.active_count() <= before + 1
    assert loopback.send("10.0.2.199", 8080, Request()).status == 203


def test_a_websocket_over_tls_echoes(loopback: LoopbackNetwork) -> None:
    loopback.listen("10.0.1.4", 8443, hello, tls=True)
    address = loopback.address_of("10.0.1.4", 8443)
    assert address is not None
    key = websocket.new_key()
    with (
        socket.create_connection(address, timeout=60) as plain,
        certificates.client_context().wrap_socket(plain, server_hostname="files.example.com") as client,
        client.makefile("rb") as stream,
    ):
        client.sendall(
            b"GET /transfer HTTP/1.1\r\nHost: files.example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + key.encode() + b"\r\n\r\n"
        )
        assert stream.readline().startswith(b"HTTP/1.1 101")
        headers = http.client.parse_headers(stream)
        assert headers["Sec-WebSocket-Accept"] == websocket.accept(key)
        for payload in (b"hello", b"x" * 200, b"y" * 70_000):
            client.sendall(websocket.frame(websocket.BINARY, payload, mask=True))
            assert websocket.read_frame(stream) == (websocket.BINARY, payload)
        client.sendall(websocket.frame(websocket.PING, b"?", mask=True))
        assert websocket.read_frame(stream) == (websocket.PONG, b"?")
        client.sendall(websocket.frame(websocket.CLOSE, b"", mask=True))
        assert websocket.read_frame(stream) == (websocket.CLOSE, b"")
        assert websocket.read_frame(stream) is None


def test_the_accept_key_is_that_of_the_rfc() -> None:
    assert websocket.accept("dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


def test_a_frame_that_breaks_off_is_the_end() -> None:
    whole = websocket.frame(websocket.TEXT, b"hello", mask=True)
    for length in range(len(whole)):
        assert websocket.read_frame(io.BytesIO(whole[:length])) is None


def test_closing_all_ends_open_connections_and_takes_no_new_listeners() -> None:
    loopback = LoopbackNetwork()
    loopback.listen("10.0.1.4", 8080, hello)
    address = loopback.address_of("10.0.1.4", 8080)
    assert address is not None
    with socket.create_connection(address, timeout=60) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert client.recv(12) == b"HTTP/1.1 203"
        loopback.close_all()
        with pytest.raises(RuntimeError, match="has been closed"):
            loopback.listen("10.0.1.5", 8080, hello)
        while client.recv(1024):
            pass
    with pytest.raises(ConnectionRefusedError):
        loopback.send("10.0.1.4", 8080, Request())


def test_the_network_in_use_can_be_replaced() -> None:
    other = InMemoryNetwork()
    before = register(Services(network=other))
    try:
        assert network() is other
    finally:
        register(before)


def test_in_memory_too_who_speaks_tls_and_who_does_not_do_not_understand_each_other() -> None:
    memory = InMemoryNetwork()
    memory.listen("10.0.1.4", 8080, hello)
    memory.listen("10.0.1.4", 8443, hello, tls=True)
    with pytest.raises(ssl.SSLError):
        memory.send("10.0.1.4", 8080, Request(), tls=True)
    with pytest.raises(ConnectionResetError):
        memory.send("10.0.1.4", 8443, Request())
    assert memory.send("10.0.1.4", 8443, Request(), tls=True).status == 203
