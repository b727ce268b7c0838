"""The stack's console, in a process of its own beside the local AWS: ``ecs-lattice console``."""

import os
import subprocess
import sys

from local_aws.environment import client_variables

_NOT_OURS = ("AWS_PROFILE", "AWS_SESSION_TOKEN")


class Console:
    """A running console of ``stack``, which :meth:`stop` ends. ``said`` is the address of its page, or why there is none."""

    def __init__(self, endpoint_url: str, stack: str) -> None:
        inherited = {
            name: value
            for name, value in os.environ.items()
            if name not in _NOT_OURS and not name.startswith("ECS_LATTICE_")
        }
        self._process = subprocess.Popen(
            [sys.executable, "-m", "ecs_lattice_cli", "--stack", stack, "--quiet", "console"],
            env={**inherited, **client_variables(endpoint_url)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout
        assert self._process.stderr
        self.said = self._process.stdout.readline().strip() or f"not available. {self._process.stderr.read().strip()}"

    def stop(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.communicate()
