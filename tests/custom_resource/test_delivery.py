"""The PUT to CloudFormation's URL, over a real socket."""

import socket
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest

from ecs_lattice.aws.cfn_response import HttpDelivery
from ecs_lattice.errors import InvalidError, UnavailableError
from local_aws.clock import ManualClock
from tests.custom_resource.conftest import SIGNED

SECRET = "a%2Bb%2fc%3D"


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def delivery(clock) -> HttpDelivery:
    return HttpDelivery(sleep=clock.advance, monotonic=clock.time)


def test_the_body_arrives_whole_without_a_content_type_at_the_very_url(delivery, receiver):
    delivery.put(receiver.url, '{"a": "ä"}'.encode(), 8)
    (put,) = receiver.puts
    assert put.body == '{"a": "ä"}'.encode()
    assert put.headers["Content-Type"] == ""
    assert put.headers["Content-Length"] == "11"
    assert "Transfer-Encoding" not in put.headers
    assert put.target == SIGNED


@pytest.mark.parametrize("failure", [500, 503, 0], ids=["500", "503", "lost connection"])
def test_what_may_pass_is_tried_again_with_longer_and_longer_waits(delivery, receiver, clock, failure):
    receiver.script = [failure] * 3
    begun = clock.time()
    delivery.put(receiver.url, b"{}", 8)
    assert [put.body for put in receiver.puts] == [b"{}"] * 4
    assert clock.time() - begun == pytest.approx(0.25 + 0.5 + 1)


def test_it_gives_up_when_its_time_is_over(delivery, receiver, clock):
    receiver.script = [503] * 100
    begun = clock.time()
    with pytest.raises(UnavailableError, match="HTTP 503") as raised:
        delivery.put(receiver.url, b"{}", 8)
    assert clock.time() - begun < 8
    assert len(receiver.puts) == 6
    assert SECRET not in repr(raised.getrepr(chain=True))


def test_a_server_that_is_not_there_is_tried_again_and_named_without_the_signature(delivery):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}{SIGNED}"
        with pytest.raises(UnavailableError, match="ConnectionRefusedError") as raised:
            delivery.put(url, b"{}", 2)
    assert SECRET not in repr(raised.getrepr(chain=True))


@pytest.mark.parametrize("status", [301, 307, 403, 404])
def test_a_refusal_and_a_redirect_are_final(delivery, receiver, status):
    receiver.script = [status]
    with pytest.raises(InvalidError, match=str(status)):
        delivery.put(receiver.url, b"{}", 8)
    assert [put.target.startswith("/arn") for put in receiver.puts] == [True]


@pytest.mark.parametrize("url", ["nonsense", "http://", "http://[::1", "http://a b/"])
def test_what_is_no_url_is_said(delivery, url):
    with pytest.raises((InvalidError, UnavailableError)):
        delivery.put(url, b"{}", 1)


def test_a_server_that_does_not_answer_is_not_waited_for_for_ever():
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        with pytest.raises(UnavailableError, match="Timeout"):
            HttpDelivery(sleep=lambda _: None).put(f"http://127.0.0.1:{silent.getsockname()[1]}/", b"{}", 0.2)


def served(answer: Callable[[socket.socket], None]) -> Iterator[str]:
    """A server of one connection after the other, whose ``answer`` may be anything; its URL."""
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with suppress(OSError):  # the test is over
            while True:
                connection, _ = listening.accept()
                with connection, suppress(OSError):
                    connection.recv(65536)
                    answer(connection)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{listening.getsockname()[1]}{SIGNED}"
    listening.shutdown(socket.SHUT_RDWR)
    listening.close()
    thread.join(10)


def test_an_answer_of_300_megabytes_is_not_read(delivery):
    sent = []

    def answer(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 314572800\r\n\r\n")
        for _ in range(300):
            connection.sendall(b"x" * 1048576)
            sent.append(1)

    with contextmanager(served)(answer) as url:
        tracemalloc.start()
        try:
            delivery.put(url, b"{}", 8)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert len(sent) < 100
    assert peak < 8 * 1048576


@pytest.mark.parametrize(
    "first", [b"", b"HTTP/1.1 200 OK\r\nX: "], ids=["the status comes drop by drop", "the headers do"]
)
def test_a_drip_ends_with_the_time_of_the_delivery(first):
    """A limit of the socket begins anew with every byte. Each byte here comes well within such a limit."""
    stopped = threading.Event()

    def answer(connection: socket.socket) -> None:
        connection.sendall(first)
        while not stopped.wait(0.02):
            connection.sendall(b"x")

    with contextmanager(served)(answer) as url:
        begun = time.monotonic()
        with pytest.raises(UnavailableError, match="TimeoutError"):
            HttpDelivery(sleep=lambda _: None).put(url, b"{}", 0.4)
        taken = time.monotonic() - begun
        stopped.set()
    assert taken < 30, "it ended; how fast depends on the machine"


def test_a_server_that_only_ever_says_continue_ends_likewise():
    stopped = threading.Event()

    def answer(connection: socket.socket) -> None:
        while not stopped.wait(0.02):
            connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")

    with contextmanager(served)(answer) as url:
        with pytest.raises(UnavailableError, match="TimeoutError"):
            HttpDelivery(sleep=lambda _: None).put(url, b"{}", 0.4)
        stopped.set()
