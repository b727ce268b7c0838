"""`resume SERVICE`: the end of a `pause`."""

from typing import Any

import click

from ecs_lattice_cli import pausing, services
from ecs_lattice_cli.app import App
from ecs_lattice_cli.options import verb


@verb("resume")
@click.argument("service")
def command(app: App, service: str) -> None:
    """End the pause of an ECS service.

    It removes the tag that pause has set. A label lattice.pause in the task definition stays; that takes a deployment.
    """
    arn, tag = pausing.service_and_tag(app, service)
    pausing.remove_tag(app, arn, tag)
    app.emit("resume", {**pausing.enqueue(app, arn), "tag": tag}, render)


def render(result: dict[str, Any], _: int) -> list[str]:
    """What was done."""
    name = services.short_name(result["ecsService"])
    return [
        f"The tag {result['tag']} of {name} is removed, and a reconcile is enqueued. Next: ecs-lattice status {name}"
    ]
