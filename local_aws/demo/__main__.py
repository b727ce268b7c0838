"""``make demo``: build, start the local AWS, play the story. The exit code is 0 only if all steps succeeded."""

import sys
import time
from pathlib import Path

from rich.markup import escape

from local_aws import server
from local_aws.__main__ import BuildError, build
from local_aws.demo.machine import Machine
from local_aws.demo.story import Story
from local_aws.demo.view import View
from local_aws.stack import StackError

_SPEED = 60.0
_ROOT = Path(__file__).parents[2]
_LOGS = server.DEFAULT_STATE / "logs"


def main() -> int:
    """Play the story; 0 if all steps succeeded."""
    began, view = time.monotonic(), View()
    print_ = view.console.print
    print_("[bold]ecs-lattice[/]: an ECS service becomes reachable through VPC Lattice as soon as it is deployed.\n")
    try:
        failed = _play(view)
    except (BuildError, StackError) as error:
        failed = [str(error)]
    except KeyboardInterrupt:
        print_("\nStopped.")
        return 130
    seconds = time.monotonic() - began
    if failed:
        lines = "\n".join(f"  - {escape(what)}" for what in failed)
        print_(f"\n[bold red]Failed after {seconds:.0f} s:[/]\n{lines}\nThe functions' logs are in {_LOGS}/.")
        return 1
    print_(
        f"\n[bold green]All steps succeeded[/] ({seconds:.0f} s). `make local` starts this local AWS for you to try."
    )
    return 0


def _play(view: View) -> list[str]:
    view.waiting("sam build", lambda: build(_ROOT))
    view.step(True, "sam build")
    with server.running(speed=_SPEED, state_dir=_ROOT / server.DEFAULT_STATE) as aws:
        view.waiting("start the local AWS and load the stack", lambda: aws.load_application(_ROOT))
        view.step(True, f"the local AWS runs at {aws.endpoint_url} with the stack loaded; a minute passes in a second")
        return Story(Machine(aws), view).play()


if __name__ == "__main__":
    sys.exit(main())
