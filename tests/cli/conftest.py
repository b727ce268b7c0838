"""The command in this process, without AWS and with the whole application."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner

from ecs_lattice_cli.app import App
from ecs_lattice_cli.main import main
from tests.cli.application import Application, deployed
from tests.world import ROOT

SCHEMAS = ROOT / "cli/src/ecs_lattice_cli/schemas"


@dataclass(frozen=True)
class Result:
    """What a run of the command left."""

    exit_code: int
    stdout: str
    stderr: str


def invoked(app: App, *arguments: str, stdin: str | bytes | None = None, **environment: str) -> Result:
    """One run of the command line ``ecs-lattice *arguments``. With ``--json`` the document must be valid."""
    done = _runner().invoke(main, list(arguments), obj=app, input=stdin, env=environment)
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    if done.stdout.startswith("{") and app.as_json:
        validate(json.loads(done.stdout))
    return Result(done.exit_code, done.stdout, done.stderr)


def validate(document: dict[str, Any]) -> None:
    """Fail unless a JSON document is what the published schema of its command says."""
    schema = json.loads((SCHEMAS / f"{document['command']}.json").read_text())
    jsonschema.validate(document, schema, jsonschema.Draft202012Validator)


def _runner() -> CliRunner:
    try:
        return CliRunner(mix_stderr=False)  # click 8.1
    except TypeError:
        return CliRunner()


@pytest.fixture
def run() -> Callable[..., Result]:
    """The command where there is no AWS: what asks it for a client fails."""

    def no_aws(service: str) -> Any:
        raise AssertionError(f"a client of {service} was asked for")

    return lambda *arguments, **more: invoked(App(connect=no_aws), *arguments, **more)


@pytest.fixture
def stack(world) -> Iterator[Application]:
    """The deployed application (tests/cli/application.py)."""
    with deployed(world) as application:
        yield application


@pytest.fixture
def ask(stack) -> Callable[..., Result]:
    """The command against ``stack``."""
    return lambda *arguments, **more: invoked(stack.app(), *arguments, **more)
