"""`graph`: the picture of the clients' VPCs, service networks, Lattice services, rules, target groups and ECS services."""

from collections.abc import Callable

import click

from ecs_lattice_cli.app import App
from ecs_lattice_cli.drawing import found, picture
from ecs_lattice_cli.options import verb
from ecs_lattice_cli.pictures import Picture, dot, mermaid
from ecs_lattice_cli.svg import svg

FORMATS: dict[str, Callable[[Picture], list[str]]] = {"mermaid": mermaid, "svg": svg, "dot": dot}


@verb("graph")
@click.argument("lattice_services", nargs=-1, metavar="[LATTICE]...")
@click.option("--format", "form", type=click.Choice(list(FORMATS)), default="mermaid", show_default=True)
def command(app: App, lattice_services: tuple[str, ...], form: str) -> None:
    """Draw what leads from clients to tasks.

    From left to right: the clients' VPCs, service networks, listeners with their rules in order, target groups with the health of
    their targets, and ECS services. LATTICE is the name, id or ARN of a Lattice service; without one, those of the stack.
    """
    status = app.stack.invoke("QueryFunctionName", {"mode": "status"})
    app.emit("graph", found(app.stack, status, lattice_services), lambda result, _: FORMATS[form](picture(result)))
