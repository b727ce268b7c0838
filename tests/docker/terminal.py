"""A terminal in a copy of the repository's root, beside a local AWS of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local_aws import server
from local_aws.environment import client_variables
from local_aws.sam_local import invoke

ROOT = Path(__file__).parents[2]
TOOLS = Path(sys.executable).parent
LINKED = ("samconfig.toml", "events", ".aws-sam", "template.yaml")
"""What the copy of the root has of the real one."""


def events() -> Mapping[str, list[Path]]:
    """The recorded events by function, relative to the root."""
    return {name: [path.relative_to(ROOT) for path in paths] for name, paths in invoke.events_of(ROOT).items()}


@dataclass(frozen=True)
class Terminal:
    """Runs commands with what ``make local`` says to export."""

    root: Path
    home: Path
    aws: server.LocalAws

    @property
    def variables(self) -> dict[str, str]:
        """HOME is another one, because SAM keeps layers there; the registry is not asked for the image that is here."""
        path = f"{TOOLS}{os.pathsep}{os.environ.get('PATH', '')}"
        mine = {"HOME": str(self.home), "PATH": path, "SAM_CLI_TELEMETRY": "0", "SAM_SKIP_PULL_IMAGE": "1"}
        return {**os.environ, **client_variables(self.aws.endpoint_url), **mine}

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command, cwd=self.root, env=self.variables, capture_output=True, text=True, check=False, timeout=240
        )

    def sam_local_invoke(self, function: str, event: Path) -> Any:
        """The plain command of the documentation; the function's answer."""
        done = self.run("sam", "local", "invoke", function, "-e", str(event))
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def make_invoke(self, function: str, event: str | Path) -> subprocess.CompletedProcess[str]:
        """What ``make invoke`` runs."""
        return self.run("python", "-m", "local_aws.sam_local.invoke", function, str(event))

    def function(self, logical_id: str) -> str:
        """The full name."""
        listed = self.aws.client("lambda").list_functions()["Functions"]
        return next(one["FunctionName"] for one in listed if f"-{logical_id}-" in one["FunctionName"])

    def calls_of(self, logical_id: str) -> list[str]:
        """The operations that the function has called so far, reads as well."""
        name = self.function(logical_id)
        return [call.operation for call in self.aws.journal.calls if call.caller == name]


@contextmanager
def opened(root: Path, home: Path) -> Iterator[Terminal]:
    """A terminal beside a local AWS that was started as ``make local`` does it."""
    for name in LINKED:
        (root / name).symlink_to(ROOT / name)
    aws = server.start(state_dir=root / ".local_aws")
    try:
        aws.load_application(root)
        aws.serve_sam_local(root).prepare()
        yield Terminal(root, home, aws)
    finally:
        aws.stop()
