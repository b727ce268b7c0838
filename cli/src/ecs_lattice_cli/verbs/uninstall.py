"""`uninstall`: release every ECS service and delete every route, in order."""

from typing import Any

import click

from ecs_lattice_cli.app import App
from ecs_lattice_cli.errors import GOOD, NOT_YET
from ecs_lattice_cli.options import verb
from ecs_lattice_cli.output import safe, wrapped

_WORDS = {
    "ecsServices": "ECS services",
    "latticeServices": "Lattice services",
    "targetGroups": "target groups",
    "securityGroupRules": "security group rules",
    "alarms": "alarms",
}
_AGAIN_SECONDS = 30


@verb("uninstall")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--wait", is_flag=True, help="Repeat it until nothing is left.")
@click.option("--timeout", type=click.IntRange(min=1), default=3600, show_default=True, help="Seconds for --wait.")
def command(app: App, yes: bool, wait: bool, timeout: int) -> int:
    """Release every ECS service and delete every route.

    Then the stack can be deleted. From then on labels are ignored. Each attached ECS service is released by one deployment. Ends with 75 while something is left;
    then run it again, or with --wait.
    """
    if not yes:
        click.confirm(
            f"Delete every route of stack {app.stack.name}? Requests to all of them will fail", abort=True, err=True
        )
    ends_at = app.now() + timeout
    while True:
        left = app.stack.invoke("ResyncFunctionName", {"mode": "uninstall"})["left"]
        is_over = not any(left.values())
        if is_over or not wait or app.now() >= ends_at:
            app.emit("uninstall", {"left": left}, render)
            return GOOD if is_over else NOT_YET
        app.say(f"Left: {_counted(left)}. Asking again in {_AGAIN_SECONDS} s ...")
        app.wait(_AGAIN_SECONDS)


def _counted(left: dict[str, list[str]]) -> str:
    return ", ".join(f"{len(names)} {_WORDS.get(kind, kind)}" for kind, names in left.items() if names)


def render(result: dict[str, Any], columns: int) -> list[str]:
    """What is left, by kind."""
    left = {kind: names for kind, names in result["left"].items() if names}
    if not left:
        return ["Nothing is left. Next: sam delete"]
    lines = [
        line for kind, names in left.items() for line in (f"Left, {_WORDS.get(kind, kind)}:", *_names(names, columns))
    ]
    return [*lines, "", "Tasks have to be detached and drained first. Next: ecs-lattice uninstall --wait"]


def _names(names: list[str], columns: int) -> list[str]:
    return [line for name in names for line in wrapped(safe(name), columns, "  ")]
