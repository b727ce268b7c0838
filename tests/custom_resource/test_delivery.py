"""The PUT to CloudFormation's URL, over a real socket."""

import socket

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
    assert put.target.replace("%2f", "%2F") == SIGNED.replace("%2f", "%2F")


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
        with pytest.raises(UnavailableError, match="NewConnectionError") as raised:
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
