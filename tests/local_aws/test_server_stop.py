"""The server's end, and a start that fails: nothing is left of either."""

import json
import socket
import subprocess
import threading
import time

import pytest

from local_aws import server
from local_aws.services import clock


def test_a_taken_port_is_said_with_the_way_out(state):
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(server.PortTakenError) as refused:
        server.start(port=taken.getsockname()[1], state_dir=state)
    assert "LOCAL_AWS_PORT" in str(refused.value)
    assert "is in use" in str(refused.value)


def test_stopping_leaves_no_thread_no_process_and_the_time_as_it_was(built, state):
    before_threads, before_clock = set(threading.enumerate()), clock()
    with server.running(speed=200, build_dir=built, state_dir=state) as aws:
        answer = aws.client("lambda").invoke(FunctionName=aws.outputs["Worker"], Payload=b'{"do": "tell"}')
        worker = json.loads(answer["Payload"].read())["pid"]
        port = int(aws.endpoint_url.rpartition(":")[2])
    listed = subprocess.run(["ps", "-o", "stat=", "-p", str(worker)], capture_output=True, text=True, check=False)
    assert listed.stdout.strip() == ""
    assert clock() is before_clock
    with pytest.raises(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port), timeout=5):
        pass
    deadline = time.monotonic() + 60
    while left := [t for t in set(threading.enumerate()) - before_threads if t.is_alive() and _is_ours(t)]:
        assert time.monotonic() < deadline, left
        left[0].join(0.1)


def _is_ours(thread):
    return thread.name.startswith(("local-aws", "lattice-"))
