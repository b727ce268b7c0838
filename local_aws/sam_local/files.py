"""Writes the files for `sam local` while a local AWS runs, and makes it reachable for containers."""

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local_aws.runtime import start_lambda
from local_aws.sam_local import contents, engine
from local_aws.sam_local.engine import Bridge
from local_aws.stack.custom_responses import PendingResponses

DIRECTORY = "sam-local"
"""Below the state directory of the local AWS; samconfig.toml names the files in it."""

Client = Callable[[str], Any]
Open = Callable[[Bridge], str]
"""Accept connections from the containers of a bridge; the URL for them. OSError if this machine has no such address."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """What `sam local` needs: the paths of the two files, and the engine that they were written for."""

    template: Path
    environment: Path
    functions: tuple[str, ...]
    """Logical ids."""
    endpoint_url: str
    """Where containers reach the local AWS."""
    has_base_image: bool
    base_image: str


@dataclass
class SamLocalFiles:
    """The files for the application in ``root``, deployed as the stack ``stack_name``."""

    root: Path
    stack_name: str
    directory: Path
    client: Client
    credentials: Callable[[str], Mapping[str, str]]
    """From a function's name to the credentials for its calls to the local AWS."""
    port: int
    open: Open
    responses: PendingResponses

    def prepare(self) -> Prepared:
        """Write the files. NotReadyError says in a sentence why that is impossible; old files are then removed."""
        try:
            return self._prepare()
        except engine.NotReadyError:
            self.close()
            raise

    def page(self) -> dict[str, Any]:
        """For the page ``/_local_aws/sam-local``: the result of ``prepare``, or ``{"error": <sentence>}``."""
        try:
            prepared = self.prepare()
        except engine.NotReadyError as error:
            return {"error": str(error)}
        return {
            "template": str(prepared.template),
            "environment": str(prepared.environment),
            "functions": list(prepared.functions),
            "responseUrl": self.responses.manual_url(prepared.endpoint_url),
            "hasBaseImage": prepared.has_base_image,
            "baseImage": prepared.base_image,
        }

    def _prepare(self) -> Prepared:
        found = engine.find()
        endpoint_url = self._address(found)
        running = contents.deployed(self.client("cloudformation"), self.client("lambda"), self.stack_name)
        template = contents.template(running, contents.built(self.root / ".aws-sam" / "build"), found.architecture)
        self.responses.container_url = endpoint_url if start_lambda.url() else None
        environment = contents.environment(running, endpoint_url, lambda function: self.credentials(function.name))
        return Prepared(
            self._write("template.json", template),
            self._write("env.json", environment),
            tuple(sorted(function.logical_id for function in running)),
            endpoint_url,
            found.has_base_image,
            found.base_image,
        )

    def close(self) -> None:
        """Remove the files: without a local AWS they would send `sam local` to a port without a listener."""
        self.responses.container_url = None
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
