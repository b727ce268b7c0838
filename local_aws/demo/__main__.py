"""``make demo``: build, start the local AWS, play the story. The exit code is 0 only if every step became as it should."""

import sys
import time
from pathlib import Path

from local_aws import server
from local_aws.__main__ import BuildError, build
from local_aws.demo.machine import Machine
from local_aws.demo.story import Story
from local_aws.demo.view import View

_SPEED = 60.0
_ROOT = Path(__file__).parents[2]


def main() -> int:
    """Play the story; 0 if all of it went well."""
    began, view = time.monotonic(), View()
    view.console.print(
        "[bold]ecs-lattice[/]: an ECS service becomes reachable through VPC Lattice because it was deployed."
    )
    try:
        view.waiting("building (sam build)", lambda: build(_ROOT))
    except BuildError as error:
        view.console.print(str(error))
        return 1
    with server.running(speed=_SPEED) as aws:
        view.waiting("starting the local AWS, loading the stack", lambda: bool(aws.load_application(_ROOT)))
        view.console.print(
            f"The local AWS runs at {aws.endpoint_url}; a minute takes a second. Logs: {aws.log_directory}"
        )
        failed = Story(Machine(aws), view).play()
    seconds = time.monotonic() - began
    if failed:
        view.console.print(f"\n[bold red]Failed after {seconds:.0f} s:[/]", *(f"\n  {what}" for what in failed))
        return 1
    view.console.print(f"\n[bold green]Every step became as it should[/] ({seconds:.0f} s).")
    return 0


if __name__ == "__main__":
    sys.exit(main())
