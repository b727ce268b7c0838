"""The built application on the local AWS's server, with time sixty times as fast, and the AWS CLI beside it."""

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from local_aws import server
from local_aws.__main__ import build
from local_aws.environment import client_variables

ROOT = Path(__file__).parents[2]
LIMIT_SECONDS = 240.0
"""Far beyond what a busy machine needs."""


@dataclass
class Operator:
    """Somebody with the AWS CLI and the local AWS's addresses."""

    aws: server.LocalAws

    def cli(self, *arguments: str) -> Any:
        """An ``aws`` command; its JSON output."""
        environment = {**os.environ, **client_variables(self.aws.endpoint_url)}
        command = [str(Path(sys.executable).parent / "aws"), *arguments, "--output", "json"]
        finished = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=240)
        assert finished.returncode == 0, finished.stderr
        return json.loads(finished.stdout) if finished.stdout.strip() else None

    def paste(self, lines: str) -> str:
        """What a shell writes that is given these lines as they are, with the AWS CLI on its path."""
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
        environment = {**os.environ, **client_variables(self.aws.endpoint_url), "PATH": path}
        finished = subprocess.run(
            ["bash", "-euc", lines], env=environment, capture_output=True, text=True, check=False, timeout=240
        )
        assert finished.returncode == 0, f"{lines}\n{finished.stderr}"
        return finished.stdout

    def inspect(self, page: str) -> list[dict[str, Any]]:
        """A page of what happened, such as ``messages``, over HTTP."""
        with urllib.request.urlopen(f"{self.aws.endpoint_url}/_local_aws/{page}", timeout=60) as answer:
            found: list[dict[str, Any]] = json.load(answer)[page]
        return found

    def until(self, condition: Callable[[], Any], what: str, seconds: float = LIMIT_SECONDS) -> Any:
        """The first true value of ``condition``."""
        ends_at = time.monotonic() + seconds
        while not (value := condition()):
            assert time.monotonic() < ends_at, f"waited {seconds:.0f} s for: {what}"
            self.aws.client("ecs").list_clusters()  # a little time passes; nothing sleeps
        return value

    def function(self, name: str) -> str:
        """The full name of one of the application's functions."""
        listed = self.aws.client("lambda").list_functions()["Functions"]
        return next(f["FunctionName"] for f in listed if name in f["FunctionName"])

    def invoke(self, name: str, payload: dict[str, Any]) -> dict[str, Any]:
        """A direct invocation; its answer with ``FunctionError`` if there was one."""
        answer = self.aws.client("lambda").invoke(FunctionName=self.function(name), Payload=json.dumps(payload))
        body = json.loads(answer["Payload"].read())
        return {"FunctionError": answer["FunctionError"], **body} if "FunctionError" in answer else body

    def writes(self) -> list[str]:
        """The application's writes to ECS and Lattice so far."""
        return [
            call.operation
            for call in self.aws.journal.calls
            if call.write
            and call.caller != "client"
            and call.service in {"ecs", "vpc-lattice", "vpclattice"}
            and not call.error
        ]


@pytest.fixture(scope="module")
def operator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    if not (ROOT / ".aws-sam" / "build" / "template.yaml").exists():
        build(ROOT)
    with server.running(speed=60, state_dir=tmp_path_factory.mktemp("local-aws")) as aws:
        aws.load_application(ROOT)
        yield Operator(aws)
        denied = {(one.role, one.action, one.resource) for one in aws.authorizations if not one.allowed}
    assert denied == set(), "the functions' roles do not allow what the functions did"
