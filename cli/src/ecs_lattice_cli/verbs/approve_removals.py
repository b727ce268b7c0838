"""`approve-removals`: lift the limit of removals for an hour."""

from typing import Any

import click

from ecs_lattice_cli.app import App
from ecs_lattice_cli.options import verb
from ecs_lattice_cli.output import moment


@verb("approve-removals")
@click.option("--yes", is_flag=True, help="Do not ask.")
def command(app: App, yes: bool) -> None:
    """Lift the limit of removals for an hour.

    Routes whose labels vanished are removed then, however many. It is for REMOVALS_HELD: more labels vanished than the stack removes in an hour by itself. Put the labels back instead if they
    vanished by mistake.
    """
    if not yes:
        click.confirm("Remove all routes whose labels have vanished, however many?", abort=True, err=True)
    answer = app.stack.invoke("ResyncFunctionName", {"mode": "approve-removals"})
    app.emit("approve-removals", {"approvedUntil": moment(answer["approvedUntil"])}, render)


def render(result: dict[str, Any], _: int) -> list[str]:
    """Until when."""
    return [f"Removals are not limited until {result['approvedUntil']}. Next: ecs-lattice status"]
