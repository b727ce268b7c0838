"""Keeps the files for `sam local` beside a running local AWS, and opens it to containers."""

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local_aws.runtime import start_lambda
from local_aws.sam_local import engine, files
from local_aws.sam_local.engine import Bridge
from local_aws.stack import exchange

DIRECTORY = "sam-local"
"""Below the local AWS's own directory; samconfig.toml names what is in it."""

Client = Callable[[str], Any]
Open = Callable[[Bridge], str]
"""Let the containers of a bridge in; the URL by which they come. OSError if this machine has no such address."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """What `sam local` needs: paths of the two files, and the engine that they were written for."""

    template: Path
    environment: Path
    functions: tuple[str, ...]
    """Logical ids."""
    endpoint_url: str
    """By which containers reach the local AWS."""
    has_base_image: bool
    base_image: str


@dataclass
class Desk:
    """Answers who wants to use `sam local`, for the application in ``root`` as the stack ``stack_name``."""

    root: Path
    stack_name: str
    directory: Path
    client: Client
    credentials: Callable[[str], Mapping[str, str]]
    """By the function's name: what its calls to the local AWS are signed with."""
    port: int
    open: Open

    def prepare(self) -> Prepared:
        """Write the files anew. NotReadyError says in a sentence why that cannot be; then there are none, not old ones."""
        try:
            return self._prepare()
        except engine.NotReadyError:
            self.close()
            raise

    def _prepare(self) -> Prepared:
        found = engine.find()
        endpoint_url = self._address(found)
        running = files.deployed(self.client("cloudformation"), self.client("lambda"), self.stack_name)
        template = files.template(running, files.built(self.root / ".aws-sam" / "build"), found.architecture)
        exchange.answer_at(endpoint_url if start_lambda.url() else None)
        environment = files.environment(running, endpoint_url, lambda function: self.credentials(function.name))
        return Prepared(
            self._write("template.json", template),
            self._write("env.json", environment),
            tuple(sorted(function.logical_id for function in running)),
            endpoint_url,
            found.has_base_image,
            found.base_image,
        )

    def close(self) -> None:
        """Take the files away: without a local AWS they would send `sam local` to a port where nobody listens."""
        exchange.answer_at(None)
        shutil.rmtree(self.directory, ignore_errors=True)

    def _address(self, found: engine.Engine) -> str:
        if found.bridge is None:
            return f"http://host.docker.internal:{self.port}"
        try:
            return self.open(found.bridge)
        except OSError as error:
            raise engine.EngineError(
                f"The Docker engine's containers call this machine {found.bridge.gateway}, and the local AWS cannot "
                f"listen there ({error.strerror}): an engine on another machine, or a rootless one, cannot reach it."
            ) from error

    def _write(self, name: str, content: Mapping[str, Any]) -> Path:
        self.directory.mkdir(parents=True, exist_ok=True)
        path = self.directory / name
        unfinished = path.with_suffix(".new")
        unfinished.write_text(json.dumps(content, indent=2), encoding="utf-8")
        unfinished.replace(path)
        return path


_desk: Desk | None = None


def use(desk: Desk | None) -> None:
    """Make ``desk`` answer for the local AWS of this process; None when it has stopped."""
    global _desk  # noqa: PLW0603  there is one local AWS in a process
    _desk = desk


def prepare() -> dict[str, Any]:
    """For the page ``/_local_aws/sam-local``: what was prepared, or ``{"error": <sentence>}``."""
    if _desk is None:
        return {"error": "This local AWS runs no application of a folder: start it with make local."}
    try:
        prepared = _desk.prepare()
    except engine.NotReadyError as error:
        return {"error": str(error)}
    return {
        "template": str(prepared.template),
        "environment": str(prepared.environment),
        "functions": list(prepared.functions),
        "responseUrl": exchange.by_hand(prepared.endpoint_url),
        "hasBaseImage": prepared.has_base_image,
        "baseImage": prepared.base_image,
    }
