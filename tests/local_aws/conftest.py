"""The fixture application, built once, and a server that runs it. A server is never older than its test module."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from local_aws import server

APPLICATION = Path(__file__).with_name("fixture_app")
SPEED = 200.0


@pytest.fixture(scope="session")
def state(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("state")


@pytest.fixture(scope="session")
def built(tmp_path_factory) -> Path:
    """The directory of ``sam build`` for the fixture application."""
    tools = Path(sys.executable).parent
    build = tmp_path_factory.mktemp("build")
    environment = {**os.environ, "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}", "SAM_CLI_TELEMETRY": "0"}
    command = [tools / "sam", "build", "-t", APPLICATION / "template.yaml", "--build-dir", build]
    done = subprocess.run(command, env=environment, cwd=build.parent, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return build


@pytest.fixture(scope="module")
def aws(built, state) -> Iterator[server.LocalAws]:
    """The fixture application in a local AWS whose time runs 200 times as fast."""
    with server.running(speed=SPEED, build_dir=built, state_dir=state, stack_name="fixture") as running:
        yield running


@pytest.fixture(scope="module")
def table(aws):
    return aws.resource("dynamodb").Table(aws.outputs["Table"])


@pytest.fixture
def invoke(aws) -> Callable[..., Any]:
    """Invoke the function with an order; the payload and the function error."""

    def invoked(**order: Any) -> tuple[Any, str | None]:
        answer = aws.client("lambda").invoke(FunctionName=aws.outputs["Worker"], Payload=json.dumps(order))
        return json.loads(answer["Payload"].read()), answer.get("FunctionError")

    return invoked


@pytest.fixture(scope="module")
def send(aws) -> Callable[..., str]:
    """Send an order to a queue by the name of its output; the message's id."""

    def sent(queue: str, order: dict[str, Any], **more: Any) -> str:
        answer = aws.client("sqs").send_message(QueueUrl=aws.outputs[queue], MessageBody=json.dumps(order), **more)
        return answer["MessageId"]

    return sent


def wait_until(condition: Callable[[], Any], seconds: float = 120.0) -> Any:
    """Wait until a condition holds and return its value. The limit is far beyond what a busy machine needs."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, f"not true within {seconds} s"
        time.sleep(0.02)
    return found


@pytest.fixture(scope="session")
def eventually() -> Callable[..., Any]:
    """:func:`wait_until`."""
    return wait_until
