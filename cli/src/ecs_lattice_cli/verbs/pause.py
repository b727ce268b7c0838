"""`pause SERVICE`: observe and report only, until `resume`."""

from typing import Any

import click

from ecs_lattice_cli import pausing, services
from ecs_lattice_cli.app import App
from ecs_lattice_cli.options import verb


@verb("pause")
@click.argument("service")
def command(app: App, service: str) -> None:
    """Change nothing for an ECS service until it is resumed.

    It sets the tag lattice.pause = true (with the stack's LabelPrefix) on the ECS service. Routes go on to receive requests; nothing of
    them is changed or removed. The stack must allow tags (AllowTags).
    """
    arn, tag = pausing.service_and_tag(app, service)
    pausing.set_tag(app, arn, tag)
    app.emit("pause", {**pausing.enqueue(app, arn), "tag": tag}, render)


def render(result: dict[str, Any], _: int) -> list[str]:
    """What was done, and how it ends."""
    name = services.short_name(result["ecsService"])
    return [f"{name} has the tag {result['tag']} = true. Next: ecs-lattice resume {name}"]
